//! Events that contradict the stored data or that are out of range.

use crate::apply::{empty_registry, refused, registry};
use crate::support::{address, leaf, nullifier};
use bauta_primitives::tree::Depth;
use bauta_primitives::{Claim, Leaf};
use bauta_store::event::{
    CircuitStatusChanged, CollectionAdded, HolderRegistered, LeafReplaced, LeavesAppended, MerkleRootUpdated,
    OwnershipVerified, TreeChange, TreeChangeKind,
};
use bauta_store::{Event, RegistryKind, ScopeMode, Sequence, StoreError};

#[tokio::test]
async fn events_about_something_unknown_are_refused() {
    let (database, chain) = empty_registry(RegistryKind::Managed).await;
    let unknown = address("unknown");
    let events = [
        Event::RegistrySealed { registry: unknown },
        Event::CircuitStatusChanged(CircuitStatusChanged {
            circuit: unknown,
            suspended: true,
            retires_at: None,
        }),
        Event::ScopeClosed { scope: unknown },
        Event::TreeChanged(TreeChange {
            registry: unknown,
            sequence: Sequence::new(1),
            kind: TreeChangeKind::RootPublished {
                root: Depth::Ten.empty_root(),
            },
        }),
        Event::NullifierReclaimed {
            scope: unknown,
            nullifier: nullifier(1),
        },
    ];
    for event in events {
        let mut chain = chain.clone();
        chain.emit(event);
        let error = refused(&database, &chain.batch()).await;
        assert!(
            matches!(error, StoreError::Unknown { address, .. } if address == unknown),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_reclaimed_nullifier_that_was_never_used_is_refused() {
    let (database, mut chain) = empty_registry(RegistryKind::Holders).await;
    let scope = address("scope");
    chain.scope(scope, registry(), address("circuit"), ScopeMode::Live);
    database.store.apply(&chain.batch()).await.unwrap();
    chain.emit(Event::NullifierReclaimed {
        scope,
        nullifier: nullifier(1),
    });
    let error = refused(&database, &chain.batch()).await;
    assert!(
        matches!(error, StoreError::UnknownNullifier { scope: of, nullifier: found }
            if of == scope && found == nullifier(1)),
        "{error}"
    );
}

#[tokio::test]
async fn nothing_is_created_twice() {
    let (database, chain) = empty_registry(RegistryKind::Holders).await;
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
        again.emit(Event::CollectionAdded(CollectionAdded {
            registry: registry(),
            key: address("key"),
            kind: 0,
            rules: 0,
            number: 1,
            track: 1,
        }));
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
    let (database, chain) = empty_registry(RegistryKind::Managed).await;
    let with = |kind| {
        let mut chain = chain.clone();
        chain.emit(Event::TreeChanged(TreeChange {
            registry: registry(),
            sequence: Sequence::new(1),
            kind,
        }));
        chain.emit(Event::MerkleRootUpdated(MerkleRootUpdated {
            registry: registry(),
            sequence: Sequence::new(1),
            root: Depth::Ten.empty_root(),
            replaced_root_expires_at: Some(chain.now + 60),
        }));
        chain.batch()
    };
    // An index of the deepest tree, which the registry does not have.
    let index = |index| Depth::Sixteen.check_index(index).unwrap();
    let append = |first_index, leaves| {
        with(TreeChangeKind::LeavesAppended(LeavesAppended {
            first_index: index(first_index),
            leaves,
        }))
    };
    let replace = |replaced| {
        with(TreeChangeKind::LeafReplaced(LeafReplaced {
            index: index(replaced),
            old_leaf: Leaf::EMPTY,
            new_leaf: leaf(1),
        }))
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
    let last = Depth::Sixteen.capacity() - 1;
    let error = refused(&database, &append(last, vec![leaf(1), leaf(2)])).await;
    assert!(error.to_string().contains("out of range"), "{error}");
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
async fn a_replacement_of_a_leaf_other_than_the_stored_one_is_refused() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    chain.replace(registry(), 0, leaf(2));
    let mut batch = chain.batch();
    let Event::TreeChanged(change) = &mut batch.records[2].event else {
        panic!()
    };
    let TreeChangeKind::LeafReplaced(replaced) = &mut change.kind else {
        panic!()
    };
    replaced.old_leaf = leaf(3);
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
    let (database, mut chain) = empty_registry(RegistryKind::Holders).await;
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
    let (database, mut chain) = empty_registry(RegistryKind::Holders).await;
    let (registry, mint, owner) = (registry(), address("mint"), address("owner"));
    chain.register(registry, mint, owner, 1, 1);
    database.store.apply(&chain.batch()).await.unwrap();
    let refused_with = |edit: fn(&mut HolderRegistered)| {
        let mut chain = chain.clone();
        chain.register(registry, mint, owner, 2, 1);
        let mut batch = chain.batch();
        let Event::TreeChanged(change) = &mut batch.records[0].event else {
            panic!()
        };
        let TreeChangeKind::HolderRegistered(registered) = &mut change.kind else {
            panic!()
        };
        edit(registered);
        batch
    };
    let wrong_index = refused_with(|event| event.index = Depth::Ten.check_index(1).unwrap());
    let not_replaced = refused_with(|event| event.replaced = false);
    let other_mint = refused_with(|event| event.mint = address("other"));
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
    let (database, mut chain) = empty_registry(RegistryKind::Holders).await;
    chain.register(registry(), address("mint"), address("owner"), 1, 1);
    chain.scope(address("scope"), registry(), address("circuit"), ScopeMode::Live);
    let root = chain.root(registry());
    chain.verify(address("scope"), root, 1);
    database.store.apply(&chain.batch()).await.unwrap();
    chain.emit(Event::OwnershipVerified(OwnershipVerified {
        scope: address("scope"),
        root,
        claim: Claim::of_track(1),
        nullifier: nullifier(1),
    }));
    let error = refused(&database, &chain.batch()).await;
    assert!(matches!(error, StoreError::NullifierUsedTwice), "{error}");
}

#[tokio::test]
async fn a_snapshot_of_another_root_is_refused() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    chain.scope(
        address("scope"),
        registry(),
        address("circuit"),
        ScopeMode::Snapshot,
    );
    let mut batch = chain.batch();
    let Event::ScopeCreated(created) = &mut batch.records[2].event else {
        panic!()
    };
    // The registry keeps its first root, but no tree of this registry has this root.
    created.root = Some(Depth::Sixteen.empty_root());
    let error = refused(&database, &batch).await;
    assert!(matches!(error, StoreError::RootMismatch { .. }), "{error}");
}
