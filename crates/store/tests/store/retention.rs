//! History that nothing needs any more is deleted.

use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{HistoryCursor, RegistryKind, ScopeMode, Store, StoreError};

use crate::support::{Chain, KEEP, TTL, address, leaf, rows};

async fn count(database: &TestDatabase, table: &str) -> i64 {
    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")))
        .fetch_one(database.pool())
        .await
        .unwrap()
}

/// Deletes history and asserts that nothing is left to delete.
async fn prune(store: &Store, before: i64) -> u64 {
    let pruned = store
        .prune_history(before, &mut HistoryCursor::default())
        .await
        .unwrap();
    assert!(pruned.is_complete);
    pruned.rows
}

/// A chain with a registry of holders and a live scope.
fn chain() -> Chain {
    let mut chain = Chain::new();
    chain.create(address("holders"), RegistryKind::Holders, Depth::Ten);
    chain.circuit(address("circuit"));
    chain.scope(
        address("scope"),
        address("holders"),
        address("circuit"),
        ScopeMode::Live,
    );
    chain
}

/// Registers tokens of new owners, with the time between two of them.
fn register(chain: &mut Chain, names: std::ops::Range<u32>, seconds: i64) {
    for number in names {
        let mint = address(&format!("mint {number}"));
        let owner = address(&format!("owner {number}"));
        chain.register(address("holders"), mint, owner, number.into(), 7);
        chain.wait(seconds);
    }
}

#[tokio::test]
async fn roots_and_sizes_that_no_valid_root_needs_are_deleted() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = chain();
    register(&mut chain, 0..40, 1);
    let used = chain.root(address("holders"));
    chain.verify(address("scope"), used, 7);
    register(&mut chain, 40..60, 1);
    store.apply(&chain.batch()).await.unwrap();
    let quiet = chain.now;
    chain.wait(2 * TTL);
    register(&mut chain, 60..62, 1);
    let batch = chain.batch();
    store.apply(&batch).await.unwrap();
    store.finalize(batch.checkpoint.slot).await.unwrap();
    let (roots, sizes) = (
        count(&database, "roots").await,
        count(&database, "anonymity_sets").await,
    );
    assert_eq!((roots, sizes), (63, 62));

    // Nothing is old enough.
    assert_eq!(prune(store, chain.now - 10 * TTL).await, 0);
    assert!(prune(store, quiet + TTL + 65).await > 0);
    // The root that was used, the one that was current in the quiet time, and the later ones.
    assert_eq!(count(&database, "roots").await, 4);
    assert_eq!(count(&database, "anonymity_sets").await, 3);
    assert_eq!(prune(store, quiet + TTL + 65).await, 0);

    // What follows is as in a database that has kept everything.
    let registry = store.registry(address("holders")).await.unwrap();
    assert_eq!(store.anonymity_set(&registry, 7).await.unwrap(), 62);
    let expired = store.path(&registry, used, 0, chain.now).await.unwrap_err();
    assert!(matches!(expired, StoreError::RootNotValid { .. }), "{expired}");
    register(&mut chain, 62..63, 0);
    let root = chain.root(address("holders"));
    chain.verify(address("scope"), root, 7);
    store.apply(&chain.batch()).await.unwrap();
    let scope = store.scope(address("scope")).await.unwrap();
    let newest = store.verifications(&scope, None, 1).await.unwrap()[0];
    assert_eq!(newest.anonymity_set, Some(63));
}

#[tokio::test]
async fn only_registries_that_have_changed_are_examined_for_history() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = chain();
    let other = address("other holders");
    chain.create(other, RegistryKind::Holders, Depth::Ten);
    register(&mut chain, 0..20, 1);
    for number in 0..20 {
        let mint = address(&format!("other mint {number}"));
        chain.register(other, mint, address("owner"), number, 8);
        chain.wait(1);
    }
    chain.wait(2 * TTL);
    register(&mut chain, 20..21, 0);
    let batch = chain.batch();
    store.apply(&batch).await.unwrap();
    store.finalize(batch.checkpoint.slot).await.unwrap();
    let mut cursor = HistoryCursor::default();
    let first = store.prune_history(chain.now, &mut cursor).await.unwrap();
    assert_eq!((first.examined, first.is_complete), (2, true));
    assert!(first.rows > 0);
    let second = store.prune_history(chain.now, &mut cursor).await.unwrap();
    assert_eq!((second.examined, second.rows), (0, 0));

    register(&mut chain, 21..23, 2 * TTL);
    let batch = chain.batch();
    store.apply(&batch).await.unwrap();
    store.finalize(batch.checkpoint.slot).await.unwrap();
    let third = store.prune_history(chain.now, &mut cursor).await.unwrap();
    assert_eq!(third.examined, 1);
    // One size of each track is left, as after a call that examines all.
    let left = count(&database, "anonymity_sets").await;
    assert_eq!(prune(store, chain.now).await, 0);
    assert_eq!(count(&database, "anonymity_sets").await, left);
}

#[tokio::test]
async fn what_a_scope_copied_and_what_is_still_valid_is_kept() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = chain();
    register(&mut chain, 0..30, 1);
    chain.scope(
        address("snapshot"),
        address("holders"),
        address("circuit"),
        ScopeMode::Snapshot,
    );
    let copied = chain.root(address("holders"));
    register(&mut chain, 30..31, 1);
    chain.wait(2 * TTL);
    register(&mut chain, 31..33, KEEP);
    let batch = chain.batch();
    store.apply(&batch).await.unwrap();
    store.finalize(batch.checkpoint.slot).await.unwrap();
    assert!(prune(store, chain.now).await > 0);

    let registry = store.registry(address("holders")).await.unwrap();
    store.path(&registry, copied, 3, chain.now).await.unwrap();
    for valid in store.valid_roots(&registry, chain.now).await.unwrap() {
        store.path(&registry, valid.root, 3, chain.now).await.unwrap();
    }
    // A proof at the copied root has the size that the set had then.
    chain.verify(address("snapshot"), copied, 7);
    store.apply(&chain.batch()).await.unwrap();
    let scope = store.scope(address("snapshot")).await.unwrap();
    let newest = store.verifications(&scope, None, 1).await.unwrap()[0];
    assert_eq!(newest.anonymity_set, Some(30));
}

#[tokio::test]
async fn what_a_rollback_can_return_to_is_kept() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = chain();
    register(&mut chain, 0..20, 1);
    let first = chain.batch();
    store.apply(&first).await.unwrap();
    chain.wait(10 * TTL);
    register(&mut chain, 20..25, 10 * TTL);
    let second = chain.batch();
    store.apply(&second).await.unwrap();
    // The journal reaches back to the beginning.
    assert_eq!(prune(store, chain.now).await, 0);
    store.finalize(first.checkpoint.slot).await.unwrap();
    let expected = rows(&database).await;
    prune(store, chain.now).await;
    store.roll_back_to(first.checkpoint.slot).await.unwrap();
    store.apply(&second).await.unwrap();
    let found = rows(&database).await;
    for table in expected
        .keys()
        .filter(|table| *table != "roots" && *table != "anonymity_sets")
    {
        assert_eq!(found[table], expected[table], "{table}");
    }
    // Everything since the end of the first batch is there.
    assert_eq!(count(&database, "roots WHERE sequence >= 20").await, 6);
    assert_eq!(
        count(&database, "anonymity_sets WHERE since_sequence >= 20").await,
        6
    );
}

#[tokio::test]
async fn an_empty_database_has_no_history() {
    let database = TestDatabase::create().await.unwrap();
    assert_eq!(database.store.newest_event_time().await.unwrap(), None);
    assert_eq!(prune(&database.store, 1_000).await, 0);
    let mut chain = Chain::new();
    chain.create(address("managed"), RegistryKind::Managed, Depth::Ten);
    chain.append(address("managed"), vec![leaf(1)]);
    let time = chain.now;
    database.store.apply(&chain.batch()).await.unwrap();
    assert_eq!(database.store.newest_event_time().await.unwrap(), Some(time));
}
