//! Events that contradict what is stored, or that nothing can hold.

use crate::apply::{begun, refused, registry};
use crate::support::{address, leaf, nullifier};
use bauta_primitives::Leaf;
use bauta_primitives::tree::Depth;
use bauta_store::{Event, RegistryKind, ScopeMode, StoreError};

#[tokio::test]
async fn events_about_something_unknown_are_refused() {
    let (database, chain) = begun(RegistryKind::Managed).await;
    let nobody = address("nobody");
    let events = [
        Event::RegistrySealed { registry: nobody },
        Event::CircuitRetired { circuit: nobody },
        Event::ScopeClosed { scope: nobody },
        Event::RootPublished {
            registry: nobody,
            sequence: 1,
            root: Depth::Ten.empty_root(),
        },
        Event::NullifierReclaimed {
            scope: nobody,
            nullifier: nullifier(1),
        },
    ];
    for event in events {
        let mut chain = chain.clone();
        chain.emit(event);
        let error = refused(&database, &chain.batch()).await;
        assert!(
            matches!(error, StoreError::Unknown { address, .. } if address == nobody),
            "{error}"
        );
    }
}

#[tokio::test]
async fn nothing_is_created_twice() {
    let (database, chain) = begun(RegistryKind::Holders).await;
    let mut again = chain.clone();
    again.create(registry(), RegistryKind::Managed, Depth::Ten);
    let error = refused(&database, &again.batch()).await;
    assert!(
        matches!(error, StoreError::CreatedTwice { what: "registry", .. }),
        "{error}"
    );
    let mut again = chain.clone();
    again.circuit(address("circuit"));
    let error = refused(&database, &again.batch()).await;
    assert!(
        matches!(error, StoreError::CreatedTwice { what: "circuit", .. }),
        "{error}"
    );
    let mut again = chain.clone();
    for _ in 0..2 {
        again.emit(Event::CollectionAdded {
            registry: registry(),
            key: address("key"),
            is_group: false,
            track: 1,
        });
    }
    let error = refused(&database, &again.batch()).await;
    assert!(
        matches!(
            error,
            StoreError::CreatedTwice {
                what: "collection",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn leaves_out_of_range_are_refused() {
    let (database, chain) = begun(RegistryKind::Managed).await;
    let with = |event| {
        let mut chain = chain.clone();
        chain.emit(event);
        chain.emit(Event::MerkleRootUpdated {
            registry: registry(),
            sequence: 1,
            root: Depth::Ten.empty_root(),
            replaced_root_kept: true,
        });
        chain.batch()
    };
    let append = |first_index, leaves| {
        with(Event::LeavesAppended {
            registry: registry(),
            sequence: 1,
            first_index,
            leaves,
        })
    };
    let replace = |index| {
        let (old_leaf, new_leaf) = (Leaf::EMPTY, leaf(1));
        with(Event::LeafReplaced {
            registry: registry(),
            sequence: 1,
            index,
            old_leaf,
            new_leaf,
        })
    };
    let capacity = Depth::Ten.capacity();

    let error = refused(&database, &append(1, vec![leaf(1)])).await;
    assert!(
        matches!(
            error,
            StoreError::NotNextIndex {
                next_index: 0,
                index: 1,
                ..
            }
        ),
        "{error}"
    );
    let error = refused(&database, &append(0, vec![])).await;
    assert!(matches!(error, StoreError::EmptyAppend { .. }), "{error}");
    let error = refused(&database, &append(0, vec![Leaf::EMPTY])).await;
    assert!(matches!(error, StoreError::EmptyAppend { .. }), "{error}");
    let error = refused(&database, &append(capacity, vec![leaf(1)])).await;
    assert!(error.to_string().contains("out of range"), "{error}");
    let error = refused(&database, &append(u64::MAX, vec![leaf(1), leaf(2)])).await;
    assert!(
        matches!(error, StoreError::NotNextIndex { index: u64::MAX, .. }),
        "{error}"
    );
    let error = refused(&database, &replace(0)).await;
    assert!(
        matches!(
            error,
            StoreError::NotAppended {
                next_index: 0,
                index: 0,
                ..
            }
        ),
        "{error}"
    );
    let error = refused(&database, &replace(capacity)).await;
    assert!(error.to_string().contains("out of range"), "{error}");
}

#[tokio::test]
async fn a_replaced_leaf_that_is_another_one_is_refused() {
    let (database, mut chain) = begun(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    chain.replace(registry(), 0, leaf(2));
    let mut batch = chain.batch();
    let Event::LeafReplaced { old_leaf, .. } = &mut batch.records[2].event else {
        panic!()
    };
    *old_leaf = leaf(3);
    let error = refused(&database, &batch).await;
    assert!(
        matches!(
            error,
            StoreError::Contradiction {
                event: "LeafReplaced",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn events_of_another_kind_of_registry_are_refused() {
    let (database, mut chain) = begun(RegistryKind::Holders).await;
    chain.append(registry(), vec![leaf(1)]);
    let error = refused(&database, &chain.batch()).await;
    assert!(
        matches!(
            error,
            StoreError::Contradiction {
                event: "LeavesAppended",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn registrations_that_contradict_the_holdings_are_refused() {
    let (database, mut chain) = begun(RegistryKind::Holders).await;
    let (registry, mint, owner) = (registry(), address("mint"), address("owner"));
    chain.register(registry, mint, owner, 1, 1);
    database.store.apply(&chain.batch()).await.unwrap();
    let refused_with = |change: fn(&mut Event)| {
        let mut chain = chain.clone();
        chain.register(registry, mint, owner, 2, 1);
        let mut batch = chain.batch();
        change(&mut batch.records[0].event);
        batch
    };
    let wrong_index = refused_with(|event| {
        let Event::HolderRegistered { index, .. } = event else {
            panic!()
        };
        *index = 1;
    });
    let not_replaced = refused_with(|event| {
        let Event::HolderRegistered { replaced, .. } = event else {
            panic!()
        };
        *replaced = false;
    });
    let other_mint = refused_with(|event| {
        let Event::HolderRegistered { mint, .. } = event else {
            panic!()
        };
        *mint = address("other");
    });
    for batch in [wrong_index, not_replaced, other_mint] {
        let error = refused(&database, &batch).await;
        assert!(matches!(error, StoreError::Contradiction { .. }), "{error}");
    }
    chain.evict(registry, mint);
    chain.evict(registry, mint);
    let error = refused(&database, &chain.batch()).await;
    assert!(
        matches!(
            error,
            StoreError::Contradiction {
                event: "HolderEvicted",
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_nullifier_used_twice_in_a_scope_is_refused() {
    let (database, mut chain) = begun(RegistryKind::Holders).await;
    chain.register(registry(), address("mint"), address("owner"), 1, 1);
    chain.scope(address("scope"), registry(), address("circuit"), ScopeMode::Live);
    let root = chain.root(registry());
    chain.verify(address("scope"), root, 1);
    database.store.apply(&chain.batch()).await.unwrap();
    let used = Event::OwnershipVerified {
        scope: address("scope"),
        root,
        claim: bauta_primitives::Claim::of_track(1),
        nullifier: nullifier(1),
    };
    chain.emit(used);
    let error = refused(&database, &chain.batch()).await;
    assert!(matches!(error, StoreError::NullifierUsedTwice), "{error}");
}

#[tokio::test]
async fn a_snapshot_of_another_root_is_refused() {
    let (database, mut chain) = begun(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    chain.scope(
        address("scope"),
        registry(),
        address("circuit"),
        ScopeMode::Snapshot,
    );
    let mut batch = chain.batch();
    let Event::ScopeCreated { root, .. } = &mut batch.records[2].event else {
        panic!()
    };
    *root = Some(Depth::Ten.empty_root());
    let error = refused(&database, &batch).await;
    assert!(matches!(error, StoreError::RootMismatch { .. }), "{error}");
}
