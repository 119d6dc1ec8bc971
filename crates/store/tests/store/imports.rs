//! Imports of trees while the indexer writes.

use std::time::Duration;

use bauta_primitives::{Leaf, tree::Depth};
use bauta_store::testing::TestDatabase;
use bauta_store::{Registry, RegistryKind, Slot, Store, StoreError};
use sqlx::{AssertSqlSafe, PgPool, Postgres, Transaction};
use tokio::task::JoinHandle;

use crate::support::{Chain, ReferenceTree, address, leaf};

const LEAVES: u64 = 5;

/// A chain with an attested registry, whose root is published, and a managed one.
async fn chain() -> (TestDatabase, Chain, Registry) {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    chain.create(address("attested"), RegistryKind::Attested, Depth::Ten);
    chain.create(address("managed"), RegistryKind::Managed, Depth::Ten);
    publish(&mut chain, 0);
    database.store.apply(&chain.batch()).await.unwrap();
    let attested = database.store.registry(address("attested")).await.unwrap();
    (database, chain, attested)
}

/// Publishes the root of the leaves from `first` on.
fn publish(chain: &mut Chain, first: u64) {
    let leaves = (0..LEAVES).map(|index| (index, leaf(first + index)));
    let tree = ReferenceTree {
        leaves: leaves.collect(),
    };
    chain.publish(address("attested"), tree);
}

fn leaves(first: u64) -> Vec<Leaf> {
    (first..first + LEAVES).map(leaf).collect()
}

/// Starts an import that waits when it writes its first leaf, until the transaction ends.
async fn start_import(
    database: &TestDatabase,
    registry: &Registry,
) -> (
    Transaction<'static, Postgres>,
    JoinHandle<Result<bauta_primitives::Root, StoreError>>,
) {
    let pool = database.pool();
    let mut blocking = pool.begin().await.unwrap();
    sqlx::query(
        "INSERT INTO merkle_leaves (registry_id, index, leaf_hash, created_at)
         SELECT id, 0, decode(repeat('00', 32), 'hex'), now() FROM registries WHERE address = $1",
    )
    .bind(registry.address.to_bytes())
    .execute(&mut *blocking)
    .await
    .unwrap();
    let (store, registry) = (database.store.clone(), registry.clone());
    let import = tokio::spawn(async move { store.import_tree(&registry, leaves(0)).await });
    await_waiting(pool, 1, &import).await;
    (blocking, import)
}

/// Waits until this number of sessions of the database wait for locks. One of them is the task's.
async fn await_waiting<T>(pool: &PgPool, sessions: i64, task: &JoinHandle<T>) {
    let waits = async {
        loop {
            let waiting: i64 = sqlx::query_scalar(
                "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'advisory')
                 AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())",
            )
            .fetch_one(pool)
            .await
            .unwrap();
            if waiting >= sessions {
                return;
            }
            assert!(!task.is_finished(), "the task doesn't wait");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waits).await.unwrap();
}

#[tokio::test]
async fn the_indexer_applies_events_of_other_registries_during_an_import() {
    let (database, mut chain, attested) = chain().await;
    let (blocking, import) = start_import(&database, &attested).await;
    chain.append(address("managed"), vec![leaf(1)]);
    database.store.apply(&chain.batch()).await.unwrap();
    blocking.rollback().await.unwrap();
    let root = import.await.unwrap().unwrap();
    assert_eq!(root, chain.root(attested.address));
    database.store.path(&attested, root, 4, chain.now).await.unwrap();
}

#[tokio::test]
async fn an_import_whose_root_is_replaced_meanwhile_stores_nothing() {
    let (database, mut chain, attested) = chain().await;
    let old = chain.root(attested.address);
    let (blocking, import) = start_import(&database, &attested).await;
    publish(&mut chain, 100);
    database.store.apply(&chain.batch()).await.unwrap();
    blocking.rollback().await.unwrap();
    let error = import.await.unwrap().unwrap_err();
    let new = chain.root(attested.address);
    assert!(
        matches!(&error, StoreError::RootMismatch { computed, announced, .. } if (*computed, *announced) == (old, new)),
        "{error}"
    );
    for root in [old, new] {
        let error = database
            .store
            .path(&attested, root, 0, chain.now)
            .await
            .unwrap_err();
        assert!(matches!(error, StoreError::TreeNotStored { .. }), "{error}");
    }
    let tiles: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM tiles t JOIN registries r ON r.id = t.registry_id WHERE r.address = $1",
    )
    .bind(attested.address.to_bytes())
    .fetch_one(database.pool())
    .await
    .unwrap();
    assert_eq!(tiles, 0);
    let stored = database.store.import_tree(&attested, leaves(100)).await.unwrap();
    assert_eq!(stored, new);
}

#[tokio::test]
async fn two_imports_of_a_tree_at_a_time_both_succeed() {
    let (database, chain, attested) = chain().await;
    let import = || {
        let (store, registry): (Store, Registry) = (database.store.clone(), attested.clone());
        tokio::spawn(async move { store.import_tree(&registry, leaves(0)).await })
    };
    let (first, second) = (import(), import());
    let root = chain.root(attested.address);
    assert_eq!(first.await.unwrap().unwrap(), root);
    assert_eq!(second.await.unwrap().unwrap(), root);
}

#[tokio::test]
async fn a_rollback_of_a_registry_waits_for_the_import_of_its_tree_and_not_the_other_way_round() {
    let (database, chain, attested) = chain().await;
    let root = chain.root(attested.address);
    let (blocking, import) = start_import(&database, &attested).await;
    // The import has rows that the rollback deletes, and needs the checkpoint next.
    let store = database.store.clone();
    let rollback = tokio::spawn(async move { store.roll_back_to(Slot::new(0)).await });
    await_waiting(database.pool(), 2, &rollback).await;
    blocking.rollback().await.unwrap();
    assert_eq!(import.await.unwrap().unwrap(), root);
    assert_eq!(rollback.await.unwrap().unwrap(), None);
    let left: i64 = sqlx::query_scalar(
        "SELECT (SELECT count(*) FROM registries) + (SELECT count(*) FROM tiles) + (SELECT count(*) FROM merkle_leaves)",
    )
    .fetch_one(database.pool())
    .await
    .unwrap();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_rollback_of_another_registry_does_not_wait_for_an_import() {
    let (database, mut chain, attested) = chain().await;
    let before = chain.slot().previous();
    chain.append(address("managed"), vec![leaf(1)]);
    database.store.apply(&chain.batch()).await.unwrap();
    let (blocking, import) = start_import(&database, &attested).await;
    let reached = database.store.roll_back_to(before).await.unwrap();
    assert_eq!(reached.map(|reached| reached.slot), Some(before));
    blocking.rollback().await.unwrap();
    import.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_switchover_waits_for_an_import_and_not_the_other_way_round() {
    let (database, chain, attested) = chain().await;
    let root = chain.root(attested.address);
    let (blocking, import) = start_import(&database, &attested).await;
    let store = database.store.clone();
    let switchover = tokio::spawn(async move { store.begin_switchover().await.map(drop) });
    await_waiting(database.pool(), 2, &switchover).await;
    blocking.rollback().await.unwrap();
    assert_eq!(import.await.unwrap().unwrap(), root);
    switchover.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_import_writes_to_the_registry_with_the_address_whatever_id_was_read() {
    let (database, chain, attested) = chain().await;
    let managed = database.store.registry(address("managed")).await.unwrap();
    let attested = Registry {
        id: managed.id,
        ..attested
    };
    let root = database.store.import_tree(&attested, leaves(0)).await.unwrap();
    assert_eq!(root, chain.root(attested.address));
    let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM tiles WHERE registry_id = $1")
        .bind(managed.id)
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(rows, 0);
}

/// The tree has more leaves than are checked at once.
#[tokio::test]
async fn the_check_of_a_tree_finds_each_kind_of_damage() {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    chain.create(address("attested"), RegistryKind::Attested, Depth::Ten);
    let leaves: Vec<Leaf> = (0..17_000).map(leaf).collect();
    let tree = ReferenceTree {
        leaves: (0..).zip(leaves.iter().copied()).collect(),
    };
    chain.publish(address("attested"), tree);
    let store = &database.store;
    store.apply(&chain.batch()).await.unwrap();
    let attested = store.registry(address("attested")).await.unwrap();
    store.import_tree(&attested, leaves).await.unwrap();
    store.check_trees().await.unwrap();
    let swap = "UPDATE merkle_leaves SET leaf_hash = CASE index
                    WHEN 16500 THEN (SELECT leaf_hash FROM merkle_leaves WHERE index = 3)
                    ELSE (SELECT leaf_hash FROM merkle_leaves WHERE index = 16500) END
                WHERE index IN (3, 16500)";
    let move_tile = |from: u32, to: u32| {
        format!("UPDATE tiles SET position = {to} WHERE level = 0 AND position = {from}")
    };
    for (damage, repair, found) in [
        (
            swap.to_owned(),
            swap.to_owned(),
            "a tile does not belong to its leaves",
        ),
        (move_tile(65, 300), move_tile(300, 65), "a tile is missing"),
        (
            "INSERT INTO tiles SELECT registry_id, level, 300, since_sequence, NULL, hash, nodes
             FROM tiles WHERE level = 0 AND position = 65"
                .into(),
            "DELETE FROM tiles WHERE position = 300".into(),
            "a tile does not belong to its leaves",
        ),
        (
            "UPDATE tiles SET hash = nodes_of.hash FROM tiles nodes_of
             WHERE nodes_of.level = 0 AND nodes_of.position = 0 AND tiles.level = 4 AND tiles.position = 0"
                .into(),
            "SELECT 1".into(),
            "a tile does not belong to its leaves",
        ),
        (
            "DELETE FROM merkle_leaves WHERE index = 16400".into(),
            "SELECT 1".into(),
            "a leaf is missing",
        ),
    ] {
        sqlx::query(AssertSqlSafe(damage))
            .execute(database.pool())
            .await
            .unwrap();
        let error = store.check_trees().await.unwrap_err().to_string();
        assert!(error.contains(found), "{error} instead of {found}");
        sqlx::query(AssertSqlSafe(repair))
            .execute(database.pool())
            .await
            .unwrap();
    }
}
