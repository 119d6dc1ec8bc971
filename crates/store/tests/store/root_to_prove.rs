//! The root at which a member of a live scope proves.

use bauta_primitives::tree::Depth;
use bauta_primitives::{Leaf, Root};
use bauta_store::testing::TestDatabase;
use bauta_store::{RegistryKind, Store, StoreError, WantedPath};

use crate::support::{Chain, KEEP, ReferenceTree, TTL, address, leaf, registry, registry_with_a_leaf};

async fn root_to_prove(store: &Store, index: u64, now: i64) -> Root {
    let registry = store.registry(registry()).await.unwrap();
    let chosen = store
        .root_to_prove(&registry, Some(index), now)
        .await
        .unwrap()
        .root;
    // The root is valid, and the leaf is there.
    let path = store.path(&registry, chosen, index, now).await.unwrap();
    assert_eq!(path.leaf, leaf(index));
    chosen
}

#[tokio::test]
async fn the_root_outlives_the_proof() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    chain.wait(KEEP);
    // A change would put the current root into the long ring.
    let current = chain.root(registry());
    assert_eq!(root_to_prove(store, 0, chain.now).await, current);
    chain.append(registry(), vec![leaf(1)]);
    store.apply(&chain.batch()).await.unwrap();
    for later in [0, KEEP - 1] {
        assert_eq!(root_to_prove(store, 0, chain.now + later).await, current);
    }
    let newest = chain.root(registry());
    assert_eq!(root_to_prove(store, 0, chain.now + KEEP).await, newest);
}

/// A new member would otherwise wait until the long ring keeps a root with the leaf: for a
/// sixteenth of the time-to-live.
#[tokio::test]
async fn a_member_who_has_just_registered_proves_at_once() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    chain.wait(KEEP);
    chain.append(registry(), vec![leaf(1)]);
    store.apply(&chain.batch()).await.unwrap();
    for later in [0, 1, 2, 60, KEEP - 1] {
        let current = chain.root(registry());
        assert_eq!(root_to_prove(store, 1, chain.now + later).await, current);
    }
}

#[tokio::test]
async fn a_new_member_proves_at_a_root_of_the_short_ring_while_the_root_changes_every_second() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    chain.wait(KEEP);
    let kept = chain.root(registry());
    let mut roots = vec![];
    for index in 1..=6 {
        chain.append(registry(), vec![leaf(index)]);
        roots.push(chain.root(registry()));
        chain.wait(1);
    }
    store.apply(&chain.batch()).await.unwrap();
    let now = chain.now - 1;
    // The changes at KEEP + 1, KEEP + 3 and KEEP + 5 seconds put the replaced root into the short
    // ring.
    assert_eq!(root_to_prove(store, 1, now).await, roots[4]);
    assert_eq!(root_to_prove(store, 5, now).await, roots[4]);
    // Only the current root contains the newest leaf.
    assert_eq!(root_to_prove(store, 6, now).await, roots[5]);
    assert_eq!(root_to_prove(store, 0, now).await, kept);
}

/// The roots before the change contain another leaf at the same index.
#[tokio::test]
async fn a_member_whose_leaf_was_replaced_proves_at_a_root_with_the_new_leaf() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    chain.append(registry(), vec![leaf(7)]);
    chain.wait(KEEP);
    chain.append(registry(), vec![leaf(2)]);
    chain.wait(5);
    chain.replace(registry(), 1, leaf(1));
    store.apply(&chain.batch()).await.unwrap();
    assert_eq!(root_to_prove(store, 1, chain.now).await, chain.root(registry()));
}

#[tokio::test]
async fn a_removed_leaf_is_not_at_the_chosen_root() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    chain.wait(KEEP);
    chain.replace(registry(), 0, Leaf::EMPTY);
    store.apply(&chain.batch()).await.unwrap();
    let known = store.registry(registry()).await.unwrap();
    let chosen = store
        .root_to_prove(&known, Some(0), chain.now)
        .await
        .unwrap()
        .root;
    let path = store.path(&known, chosen, 0, chain.now).await.unwrap();
    assert_eq!(path.leaf, Leaf::EMPTY);
    let error = store
        .root_to_prove(&known, Some(1 << 20), chain.now)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Value(_)), "{error}");
}

#[tokio::test]
async fn without_an_index_the_root_that_is_accepted_longest_is_chosen() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    let known = store.registry(registry()).await.unwrap();
    let chosen = store.root_to_prove(&known, None, chain.now).await.unwrap();
    assert_eq!(chosen.root, Depth::Ten.empty_root());
    chain.wait(KEEP);
    let chosen = store.root_to_prove(&known, None, chain.now).await.unwrap();
    assert_eq!(chosen.root, chain.root(registry()));
}

/// Before the import, the tree at the current root is not known.
#[tokio::test]
async fn a_root_whose_tree_is_not_stored_is_only_chosen_if_there_is_no_other() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    chain.create(registry(), RegistryKind::Attested, Depth::Ten);
    let mut tree = ReferenceTree::default();
    tree.leaves.insert(0, leaf(0));
    chain.publish(registry(), tree.clone());
    store.apply(&chain.batch()).await.unwrap();
    let known = store.registry(registry()).await.unwrap();
    store.import_tree(&known, vec![leaf(0)]).await.unwrap();
    let imported = chain.root(registry());
    chain.wait(KEEP);
    tree.leaves.insert(1, leaf(1));
    chain.publish(registry(), tree);
    store.apply(&chain.batch()).await.unwrap();
    assert_eq!(root_to_prove(store, 0, chain.now).await, imported);
    let chosen = store
        .root_to_prove(&known, Some(0), chain.now + TTL)
        .await
        .unwrap();
    assert_eq!(chosen.root, chain.root(registry()));
}

/// Returns the text of a path or of the error.
fn text(path: Result<bauta_store::Path, StoreError>) -> String {
    match path {
        Ok(path) => format!("{path:?}"),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn paths_that_are_read_together_are_those_that_are_read_one_by_one() {
    let (database, mut chain) = registry_with_a_leaf().await;
    let store = &database.store;
    let first = chain.root(registry());
    chain.wait(KEEP);
    chain.append(registry(), (1..600).map(leaf).collect());
    let kept = chain.root(registry());
    chain.wait(KEEP);
    chain.replace(registry(), 7, Leaf::EMPTY);
    chain.append(registry(), vec![leaf(600)]);
    store.apply(&chain.batch()).await.unwrap();
    let known = store.registry(registry()).await.unwrap();
    let unknown = Root::new(bauta_primitives::FieldElement::from_u64(4711));
    // The first root has expired, the second one has not. Two tiles of leaves, an evicted leaf, no
    // leaf, no index, and a leaf that is wanted twice.
    let now = chain.now - KEEP + TTL + 1;
    let mut wanted = Vec::new();
    for root in [
        None,
        Some(chain.root(registry())),
        Some(kept),
        Some(first),
        Some(unknown),
    ] {
        for index in [600, 0, 7, 0, 299, 800, 1 << 20] {
            wanted.push(WantedPath { index, root });
        }
    }
    let paths = store.paths(&known, &wanted, now).await.unwrap();
    assert_eq!(paths.len(), wanted.len());
    for (WantedPath { index, root }, found) in wanted.into_iter().zip(paths) {
        let alone = async {
            let root = match root {
                Some(root) => root,
                None => store.root_to_prove(&known, Some(index), now).await?.root,
            };
            store.path(&known, root, index, now).await
        };
        assert_eq!(text(found), text(alone.await), "{index} at {root:?}");
    }
    assert!(store.paths(&known, &[], now).await.unwrap().is_empty());
    let addresses = [registry(), address("unknown")];
    assert_eq!(store.registries_at(&addresses).await.unwrap(), [known]);
}
