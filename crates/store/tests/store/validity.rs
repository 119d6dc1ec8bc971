//! The validity of roots and of their tiles.

use bauta_primitives::Root;
use bauta_store::testing::TestDatabase;
use bauta_store::{Event, ScopeMode, Store, StoreError};
use sqlx::Row;

use crate::support::{KEEP, START, TTL, address, leaf, registry, registry_with_a_leaf};

/// Reads a path at a root.
async fn path(store: &Store, root: Root, now: i64) -> Result<(), StoreError> {
    let registry = store.registry(registry()).await.unwrap();
    store.path(&registry, root, 0, now).await.map(drop)
}

async fn tiles(database: &TestDatabase) -> i64 {
    sqlx::query("SELECT count(*) FROM tiles")
        .fetch_one(database.pool())
        .await
        .unwrap()
        .get(0)
}

#[tokio::test]
async fn a_kept_root_is_valid_for_its_whole_time_to_live_after_its_replacement() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    let old = chain.root(registry());
    // The registry does not change for longer than the time-to-live.
    chain.wait(10 * TTL);
    path(store, old, chain.now).await.unwrap();
    chain.append(registry(), vec![leaf(1)]);
    store.apply(&chain.batch()).await.unwrap();
    let replaced = chain.now;
    for now in [replaced, replaced + 1, replaced + TTL - 1] {
        path(store, old, now).await.unwrap();
    }
    for now in [replaced + TTL, replaced + 2 * TTL] {
        let error = path(store, old, now).await.unwrap_err();
        assert!(
            matches!(error, StoreError::RootNotValid { root, .. } if root == old),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_root_that_was_replaced_too_soon_is_not_valid() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    // The long ring kept a root at START, and the short ring keeps one now.
    chain.wait(KEEP - 2);
    chain.append(registry(), vec![leaf(1)]);
    let old = chain.root(registry());
    chain.wait(1);
    chain.append(registry(), vec![leaf(2)]);
    store.apply(&chain.batch()).await.unwrap();
    let error = path(store, old, chain.now).await.unwrap_err();
    assert!(matches!(error, StoreError::RootNotValid { .. }), "{error}");
    path(store, chain.root(registry()), chain.now).await.unwrap();
}

#[tokio::test]
async fn a_root_of_the_short_ring_is_valid_until_it_expires() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    chain.wait(10);
    let recent = chain.root(registry());
    chain.append(registry(), vec![leaf(1)]);
    store.apply(&chain.batch()).await.unwrap();
    path(store, recent, chain.now).await.unwrap();
    path(store, recent, chain.now + 63).await.unwrap();
    let error = path(store, recent, chain.now + 64).await.unwrap_err();
    assert!(matches!(error, StoreError::RootNotValid { .. }), "{error}");
}

#[tokio::test]
async fn many_cheap_changes_push_no_kept_root_out() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    chain.wait(KEEP);
    let honest = chain.root(registry());
    for i in 0..200 {
        chain.append(registry(), vec![leaf(1_000 + i)]);
        chain.wait(1);
    }
    store.apply(&chain.batch()).await.unwrap();
    store.prune(chain.now).await.unwrap();
    path(store, honest, chain.now).await.unwrap();
    path(store, honest, START + KEEP + TTL - 1).await.unwrap();
}

#[tokio::test]
async fn a_root_that_never_existed_is_an_unknown_root() {
    let (database, chain) = registry_with_a_leaf().await;
    let never = Root::new(leaf(9).element());
    let error = path(&database.store, never, chain.now).await.unwrap_err();
    assert!(
        matches!(error, StoreError::UnknownRoot { root, .. } if root == never),
        "{error}"
    );
}

#[tokio::test]
async fn an_open_snapshot_pins_its_root_until_it_closes() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    // Within one batch. The root of the snapshot is neither kept nor the last one. The short ring
    // keeps the first root.
    chain.append(registry(), vec![leaf(1)]);
    chain.append(registry(), vec![leaf(2)]);
    let pinned = chain.root(registry());
    chain.scope(
        address("scope"),
        registry(),
        address("circuit"),
        ScopeMode::Snapshot,
    );
    chain.append(registry(), vec![leaf(3)]);
    let batch = chain.batch();
    let Event::MerkleRootUpdated(update) = &batch.records[6].event else {
        panic!()
    };
    assert_eq!(update.replaced_root_expires_at, None);
    store.apply(&batch).await.unwrap();
    for _ in 0..20 {
        chain.wait(TTL);
        chain.append(registry(), vec![leaf(chain.appended(registry()) + 100)]);
    }
    store.apply(&chain.batch()).await.unwrap();
    store.finalize(chain.slot()).await.unwrap();
    store.prune(chain.now).await.unwrap();
    path(store, pinned, chain.now).await.unwrap();

    chain.emit(Event::ScopeClosed {
        scope: address("scope"),
    });
    store.apply(&chain.batch()).await.unwrap();
    let error = path(store, pinned, chain.now).await.unwrap_err();
    assert!(matches!(error, StoreError::RootNotValid { .. }), "{error}");
}

#[tokio::test]
async fn a_snapshot_after_its_closing_time_pins_no_root() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    chain.scope(
        address("scope"),
        registry(),
        address("circuit"),
        ScopeMode::Snapshot,
    );
    let mut batch = chain.batch();
    let Event::ScopeCreated(created) = &mut batch.records[0].event else {
        panic!()
    };
    created.closes_at = START + 10 * TTL;
    store.apply(&batch).await.unwrap();
    let pinned = chain.root(registry());
    chain.append(registry(), vec![leaf(1)]);
    store.apply(&chain.batch()).await.unwrap();
    path(store, pinned, START + 10 * TTL - 1).await.unwrap();
    let error = path(store, pinned, START + 10 * TTL).await.unwrap_err();
    assert!(matches!(error, StoreError::RootNotValid { .. }), "{error}");
}

/// A scope may copy a root that the registry has kept, in the batch of the replacement or later.
#[tokio::test]
async fn a_snapshot_of_a_kept_root_pins_that_root() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    chain.wait(KEEP);
    let first = chain.root(registry());
    chain.append(registry(), vec![leaf(1)]);
    let second = chain.root(registry());
    chain.append(registry(), vec![leaf(2)]);
    let snapshots = [("same batch", first), ("later batch", second)];
    for (name, root) in snapshots {
        let scope = address(name);
        chain.scope(scope, registry(), address("circuit"), ScopeMode::Snapshot);
        let mut batch = chain.batch();
        let Some(Event::ScopeCreated(created)) = batch.records.last_mut().map(|record| &mut record.event)
        else {
            panic!()
        };
        created.root = Some(root);
        store.apply(&batch).await.unwrap();
        assert_eq!(store.scope(scope).await.unwrap().root, Some(root));
    }
    for i in 0..20 {
        chain.wait(TTL);
        chain.append(registry(), vec![leaf(100 + i)]);
    }
    store.apply(&chain.batch()).await.unwrap();
    store.finalize(chain.slot()).await.unwrap();
    store.prune(chain.now).await.unwrap();
    for (_, root) in snapshots {
        path(store, root, chain.now).await.unwrap();
    }
}

#[tokio::test]
async fn a_snapshot_of_a_root_that_was_not_kept_is_refused() {
    let (database, mut chain) = registry_with_a_leaf().await;
    chain.append(registry(), vec![leaf(1)]);
    let dropped = chain.root(registry());
    chain.append(registry(), vec![leaf(2)]);
    chain.scope(
        address("scope"),
        registry(),
        address("circuit"),
        ScopeMode::Snapshot,
    );
    let mut batch = chain.batch();
    let Some(Event::ScopeCreated(created)) = batch.records.last_mut().map(|record| &mut record.event) else {
        panic!()
    };
    created.root = Some(dropped);
    let error = database.store.apply(&batch).await.unwrap_err();
    assert!(
        matches!(error, StoreError::RootMismatch { announced, .. } if announced == dropped),
        "{error}"
    );
}

#[tokio::test]
async fn pruning_deletes_exactly_the_tiles_that_no_valid_root_reaches() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    for i in 1..10 {
        chain.wait(KEEP);
        chain.append(registry(), vec![leaf(i)]);
        store.apply(&chain.batch()).await.unwrap();
    }
    // Each change made a version of each of three tiles.
    assert_eq!(tiles(&database).await, 30);
    assert_eq!(store.prune(chain.now).await.unwrap(), 0);
    // All roots but the current one have expired, but a rollback could still need them.
    let later = chain.now + TTL;
    assert_eq!(store.prune(later).await.unwrap(), 0);
    store.finalize(chain.slot()).await.unwrap();
    assert_eq!(store.prune(later).await.unwrap(), 27);
    path(store, chain.root(registry()), later).await.unwrap();
}
