//! The queries of the API service.

use bauta_primitives::FieldElement;
use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{Batch, Freshness, Position, RegistryKind, ScopeMode, Slot, StoreError};

use crate::support::{Chain, KEEP, ReferenceTree, TTL, address, leaf, nullifier};

/// Every key.
const ALL: std::ops::RangeInclusive<[u8; 32]> = [0; 32]..=[0xff; 32];

#[tokio::test]
async fn freshness_is_the_checkpoint_and_the_newest_final_slot() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let unknown = Freshness {
        slot: None,
        finalized_slot: None,
    };
    assert_eq!(store.freshness().await.unwrap(), unknown);
    let mut chain = Chain::new();
    let slot = chain.slot();
    store.apply(&chain.batch()).await.unwrap();
    store.mark_final(slot.previous()).await.unwrap();
    let known = Freshness {
        slot: Some(slot),
        finalized_slot: Some(Slot::new(slot.get() - 1)),
    };
    assert_eq!(store.freshness().await.unwrap(), known);
    assert_eq!(store.anonymity_threshold().await.unwrap(), 10);
}

#[tokio::test]
async fn pages_begin_after_a_key_and_have_at_most_their_limit() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    let (first, second) = (address("a registry"), address("b registry"));
    for registry in [second, first] {
        chain.create(registry, RegistryKind::Holders, Depth::Ten);
    }
    chain.circuit(address("circuit"));
    for (scope, registry) in [("scope 1", first), ("scope 2", second), ("scope 3", first)] {
        chain.scope(address(scope), registry, address("circuit"), ScopeMode::Live);
    }
    for mint in ["mint 1", "mint 2", "mint 3"] {
        chain.wait(KEEP);
        chain.register(first, address(mint), address("owner"), 1, 1);
    }
    let root = chain.root(first);
    for _ in 0..3 {
        chain.verify(address("scope 1"), root, 1);
    }
    store.apply(&chain.batch()).await.unwrap();
    let registries = store.registries_after(None, 10).await.unwrap();
    let addresses: Vec<_> = registries.iter().map(|registry| registry.address).collect();
    assert_eq!(addresses, [first, second]);
    let rest = store.registries_after(Some(first), 10).await.unwrap();
    assert_eq!(rest, registries[1..]);
    assert_eq!(store.registries_after(None, 1).await.unwrap(), registries[..1]);

    let known = store.registry(first).await.unwrap();
    let scopes = store.scopes_after(None, None, 10).await.unwrap();
    assert_eq!(scopes.len(), 3);
    let own = store.scopes_after(Some(&known), None, 10).await.unwrap();
    assert_eq!(own, [scopes[0].clone(), scopes[2].clone()]);
    let after = store.scopes_after(Some(&known), Some(address("scope 1")), 10);
    assert_eq!(after.await.unwrap(), own[1..]);

    let roots = store
        .valid_roots_before(&known, chain.now, None, 10)
        .await
        .unwrap();
    assert_eq!(roots, store.valid_roots(&known, chain.now).await.unwrap());
    assert_eq!(roots.len(), 4);
    let before = Some(roots[1].sequence);
    let older = store
        .valid_roots_before(&known, chain.now, before, 1)
        .await
        .unwrap();
    assert_eq!(older, roots[2..3]);

    let holdings = store.holdings_within(&known, &ALL, None, 10).await.unwrap();
    let mints: Vec<_> = holdings.iter().map(|(mint, _)| *mint).collect();
    assert_eq!(mints, ["mint 1", "mint 2", "mint 3"].map(address));
    let one = store
        .holdings_within(&known, &ALL, Some(mints[0]), 1)
        .await
        .unwrap();
    assert_eq!(one, holdings[1..2]);
    let range = mints[1].to_bytes()..=mints[1].to_bytes();
    assert_eq!(
        store.holdings_within(&known, &range, None, 10).await.unwrap(),
        holdings[1..2]
    );

    let scope = store.scope(address("scope 1")).await.unwrap();
    assert_eq!(store.nullifier_count(&scope).await.unwrap(), 3);
    let mut expected = [1, 2, 3].map(nullifier);
    expected.sort_unstable();
    let nullifiers = store.nullifiers_within(&scope, &ALL, None, 10).await.unwrap();
    assert_eq!(nullifiers, expected);
    let last = store
        .nullifiers_within(&scope, &ALL, Some(expected[1]), 10)
        .await
        .unwrap();
    assert_eq!(last, expected[2..]);
}

#[tokio::test]
async fn tiles_have_the_entries_that_lead_to_their_hash_and_a_missing_one_is_none() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    let (ten, sixteen) = (address("ten"), address("sixteen"));
    chain.create(ten, RegistryKind::Managed, Depth::Ten);
    chain.create(sixteen, RegistryKind::Attested, Depth::Sixteen);
    chain.append(ten, (0..300).map(leaf).collect());
    let mut tree = ReferenceTree::default();
    tree.leaves.insert(0, leaf(0));
    chain.publish(sixteen, tree);
    store.apply(&chain.batch()).await.unwrap();
    let attested = store.registry(sixteen).await.unwrap();
    store.import_tree(&attested, vec![leaf(0)]).await.unwrap();
    for (registry, depth, levels) in [
        (ten, Depth::Ten, &[10, 8, 4][..]),
        (sixteen, Depth::Sixteen, &[16, 12, 8, 4][..]),
    ] {
        for level in levels {
            let hash = chain.tree(registry).node(usize::from(*level), 0);
            let tiles = store.tiles(&[FieldElement::from_u64(7), hash]).await.unwrap();
            assert_eq!(tiles[0], None);
            let tile = tiles[1].clone().unwrap();
            assert_eq!(tile.root_level, *level);
            let below = if *level == 10 { 8 } else { usize::from(level - 4) };
            let entries = tile.entries.chunks(32).enumerate();
            for (position, entry) in entries {
                assert_eq!(
                    entry,
                    chain.tree(registry).node(below, position as u64).as_bytes()
                );
            }
        }
        let empty = store.tiles(&[depth.empty_root().element()]).await.unwrap();
        let empty = empty[0].clone().unwrap();
        assert_eq!((empty.root_level, empty.entries.len()), (depth as u8, 0));
    }
}

#[tokio::test]
async fn the_lowest_tiles_of_a_valid_root_are_listed_with_the_bytes_of_their_leaves() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut chain = Chain::new();
    let registry = address("registry");
    chain.create(registry, RegistryKind::Managed, Depth::Ten);
    chain.append(registry, (0..256).map(leaf).collect());
    let old = chain.root(registry);
    store.apply(&chain.batch()).await.unwrap();
    chain.wait(KEEP);
    chain.append(registry, (256..300).map(leaf).collect());
    store.apply(&chain.batch()).await.unwrap();
    let known = store.registry(registry).await.unwrap();
    let list = async |root, limit| store.leaf_tiles(&known, root, chain.now, limit).await;
    let tiles = list(chain.root(registry), 10).await.unwrap();
    let places: Vec<_> = tiles.iter().map(|tile| (tile.position, tile.bytes)).collect();
    assert_eq!(places, [(0, 256 * 32), (1, 44 * 32)]);
    assert_eq!(tiles[0].hash, chain.tree(registry).node(4, 0));
    assert_eq!(list(chain.root(registry), 1).await.unwrap(), tiles[..1]);
    assert_eq!(list(old, 10).await.unwrap(), tiles[..1]);
    let empty = Depth::Ten.empty_root();
    assert_eq!(list(empty, 10).await.unwrap(), []);
    let later = store
        .leaf_tiles(&known, old, chain.now + TTL, 10)
        .await
        .unwrap_err();
    assert!(matches!(later, StoreError::RootNotValid { .. }), "{later}");
    let other = bauta_primitives::Root::new(FieldElement::from_u64(7));
    let unknown = list(other, 10).await.unwrap_err();
    assert!(matches!(unknown, StoreError::UnknownRoot { .. }), "{unknown}");
}

#[tokio::test]
async fn a_batch_a_rollback_and_finality_notify_listeners() {
    let database = TestDatabase::create().await.unwrap();
    let store = &database.store;
    let mut listener = store.listen_to_chain().await.unwrap();
    let batch = |slot| Batch {
        records: Vec::new(),
        checkpoint: Position::end_of_slot(Slot::new(slot)),
    };
    let mut notified = async || {
        let next = tokio::time::timeout(std::time::Duration::from_secs(10), listener.next());
        assert!(next.await.unwrap().unwrap());
    };
    store.apply(&batch(1)).await.unwrap();
    notified().await;
    store.apply(&batch(2)).await.unwrap();
    notified().await;
    store.roll_back_to(Slot::new(1)).await.unwrap();
    notified().await;
    store.mark_final(Slot::new(1)).await.unwrap();
    notified().await;
    // The connection ends. The caller opens another one.
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND query LIKE 'LISTEN%'",
    )
    .execute(database.pool())
    .await
    .unwrap();
    let next = tokio::time::timeout(std::time::Duration::from_secs(10), listener.next());
    assert!(!next.await.unwrap().unwrap_or(false));
}
