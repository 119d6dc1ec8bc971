//! Applying batches.

mod contradictions;

use crate::support::{Chain, address, leaf, nullifier, registry, rows};
use bauta_primitives::tree::Depth;
use bauta_primitives::{FieldElement, Root};
use bauta_store::event::{CircuitStatusChanged, TreeChangeKind};
use bauta_store::testing::TestDatabase;
use bauta_store::{
    Applied, Batch, CircuitStatus, Event, RegistryKind, ScopeMode, Sequence, Slot, StoreError,
};

/// Returns a chain with an empty registry, and a database that has applied it.
async fn empty_registry(kind: RegistryKind) -> (TestDatabase, Chain) {
    let database = TestDatabase::create().await.unwrap();
    let mut chain = Chain::new();
    chain.create(registry(), kind, Depth::Ten);
    chain.circuit(address("circuit"));
    database.store.apply(&chain.batch()).await.unwrap();
    (database, chain)
}

/// Applies a batch that must be refused, and checks that it changed nothing.
async fn refused(database: &TestDatabase, batch: &Batch) -> StoreError {
    let before = rows(database).await;
    let error = database.store.apply(batch).await.unwrap_err();
    assert_eq!(rows(database).await, before);
    error
}

#[tokio::test]
async fn a_missing_checkpoint_is_not_slot_0() {
    let database = TestDatabase::create().await.unwrap();
    assert_eq!(database.store.checkpoint().await.unwrap(), None);
    let batch = Chain::new().batch();
    database.store.apply(&batch).await.unwrap();
    assert_eq!(database.store.checkpoint().await.unwrap(), Some(batch.checkpoint));
}

#[tokio::test]
async fn the_same_batch_twice_changes_nothing() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1), leaf(2)]);
    let batch = chain.batch();
    let applied = database.store.apply(&batch).await.unwrap();
    assert_eq!(
        applied,
        Applied {
            applied: 2,
            already_applied: 0
        }
    );
    let before = rows(&database).await;
    let again = database.store.apply(&batch).await.unwrap();
    assert_eq!(
        again,
        Applied {
            applied: 0,
            already_applied: 2
        }
    );
    assert_eq!(rows(&database).await, before);
}

/// Changes of the same circuit are applied in their order, also within a batch.
#[tokio::test]
async fn a_circuit_has_the_status_of_its_last_change() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    let changes = [
        (true, None, CircuitStatus::Suspended),
        (true, Some(1_900_000_000), CircuitStatus::Suspended),
        (false, Some(i64::MAX), CircuitStatus::Active),
        (false, None, CircuitStatus::Active),
    ];
    let event = |suspended, retires_at| {
        Event::CircuitStatusChanged(CircuitStatusChanged {
            circuit: address("circuit"),
            suspended,
            retires_at,
        })
    };
    let state = async |database: &TestDatabase| {
        let circuits = database.store.circuits().await.unwrap();
        (circuits[0].status, circuits[0].retires_at)
    };
    assert_eq!(state(&database).await, (CircuitStatus::Active, None));
    for (suspended, retires_at, status) in changes {
        chain.emit(event(suspended, retires_at));
        database.store.apply(&chain.batch()).await.unwrap();
        assert_eq!(state(&database).await, (status, retires_at));
    }
    chain.emit(event(false, None));
    chain.emit(event(true, Some(7)));
    database.store.apply(&chain.batch()).await.unwrap();
    assert_eq!(state(&database).await, (CircuitStatus::Suspended, Some(7)));
}

#[tokio::test]
async fn an_overlapping_batch_applies_only_what_is_new() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    let first = chain.batch();
    database.store.apply(&first).await.unwrap();
    chain.append(registry(), vec![leaf(2)]);
    let mut second = chain.batch();
    second.records.splice(0..0, first.records);
    let applied = database.store.apply(&second).await.unwrap();
    assert_eq!(
        applied,
        Applied {
            applied: 2,
            already_applied: 2
        }
    );
}

#[tokio::test]
async fn two_writers_at_once_apply_each_event_once() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    let batch = chain.batch();
    let (one, two) = tokio::join!(database.store.apply(&batch), database.store.apply(&batch));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one.applied + two.applied, 2);
    assert_eq!(one.already_applied + two.already_applied, 2);
}

#[tokio::test]
async fn a_sequence_gap_is_refused() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    chain.append(registry(), vec![leaf(2)]);
    let mut batch = chain.batch();
    batch.records.drain(..2);
    let error = refused(&database, &batch).await;
    assert!(
        matches!(error, StoreError::SequenceGap { at, found, .. }
            if at == Sequence::ZERO && found == Sequence::new(2)),
        "{error}"
    );
}

#[tokio::test]
async fn an_incomplete_tree_change_is_refused() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    chain.append(registry(), vec![leaf(2)]);
    let whole = chain.batch();
    for missing in 0..4 {
        let mut batch = whole.clone();
        batch.records.remove(missing);
        let error = refused(&database, &batch).await;
        assert!(
            matches!(
                error,
                StoreError::IncompleteChange { .. } | StoreError::SequenceGap { .. }
            ),
            "without event {missing}: {error}"
        );
    }
    database.store.apply(&whole).await.unwrap();
}

#[tokio::test]
async fn a_root_that_the_tree_does_not_give_is_refused() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    let mut batch = chain.batch();
    let Event::TreeChanged(change) = &mut batch.records[0].event else {
        panic!()
    };
    let TreeChangeKind::LeavesAppended(appended) = &mut change.kind else {
        panic!()
    };
    appended.leaves[0] = leaf(2);
    let error = refused(&database, &batch).await;
    assert!(
        matches!(error, StoreError::RootMismatch { sequence, .. } if sequence == Sequence::new(1)),
        "{error}"
    );
}

#[tokio::test]
async fn an_error_late_in_a_batch_leaves_nothing_of_what_came_before() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    chain.scope(address("scope"), registry(), address("circuit"), ScopeMode::Live);
    chain.verify(address("scope"), Root::new(FieldElement::from_u64(5)), 1);
    // This error is found only when rows are written.
    let error = refused(&database, &chain.batch()).await;
    assert!(matches!(error, StoreError::UnknownRoot { .. }), "{error}");
}

#[tokio::test]
async fn events_out_of_order_are_refused() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    let batch = chain.batch();
    let mut swapped = batch.clone();
    swapped.records.swap(0, 1);
    let mut repeated = batch.clone();
    repeated.records.insert(1, repeated.records[0].clone());
    let mut past = batch.clone();
    past.checkpoint = past.records[0].position;
    for wrong in [swapped, repeated, past] {
        let error = refused(&database, &wrong).await;
        assert!(matches!(error, StoreError::OutOfOrder { .. }), "{error}");
    }
}

#[tokio::test]
async fn times_and_positions_that_cannot_be_stored_are_refused() {
    let (database, mut chain) = empty_registry(RegistryKind::Managed).await;
    chain.append(registry(), vec![leaf(1)]);
    let batch = chain.batch();
    for time in [-1, 253_402_300_800, i64::MAX, i64::MIN] {
        let mut wrong = batch.clone();
        wrong.records[0].time = time;
        let error = refused(&database, &wrong).await;
        assert!(matches!(error, StoreError::TimeOutOfRange { .. }), "{error}");
    }
    let mut wrong = batch;
    wrong.checkpoint.slot = Slot::MAX;
    let error = refused(&database, &wrong).await;
    assert!(
        matches!(error, StoreError::TooLarge { name: "slot", .. }),
        "{error}"
    );
}

#[tokio::test]
async fn the_largest_numbers_are_stored_exactly() {
    let (database, mut chain) = empty_registry(RegistryKind::Holders).await;
    chain.register(registry(), address("mint"), address("owner"), 1, u64::MAX);
    chain.scope(address("scope"), registry(), address("circuit"), ScopeMode::Live);
    let root = chain.root(registry());
    chain.verify(address("scope"), root, u64::MAX);
    database.store.apply(&chain.batch()).await.unwrap();
    let store = &database.store;
    let registry = store.registry(registry()).await.unwrap();
    assert_eq!(registry.nonce, u64::MAX);
    let holding = store.holding(&registry, address("mint")).await.unwrap().unwrap();
    assert_eq!(holding.track, u64::MAX);
    let scope = store.scope(address("scope")).await.unwrap();
    assert_eq!(scope.closes_at, i64::MAX);
    let used = store.nullifier(&scope, nullifier(1)).await.unwrap().unwrap();
    assert_eq!((used.track, used.used_at), (Some(u64::MAX), chain.now));
    assert_eq!(store.nullifier(&scope, nullifier(2)).await.unwrap(), None);
    let verifications = store.verifications(&scope, None, 10).await.unwrap();
    assert_eq!(verifications.len(), 1);
    assert_eq!(
        (verifications[0].track, verifications[0].anonymity_set),
        // A set of 1 is not recorded.
        (Some(u64::MAX), None)
    );
}

#[tokio::test]
async fn a_failed_transaction_is_not_a_verification() {
    let (database, mut chain) = empty_registry(RegistryKind::Holders).await;
    chain.scope(address("scope"), registry(), address("circuit"), ScopeMode::Live);
    database.store.apply(&chain.batch()).await.unwrap();
    let before = rows(&database).await;
    chain.emit(Event::ReuseRefused {
        scope: address("scope"),
        claim: bauta_primitives::Claim::of_track(1),
    });
    database.store.apply(&chain.batch()).await.unwrap();
    let after = rows(&database).await;
    let changed: Vec<&str> = after
        .iter()
        .filter(|(table, rows)| before[*table] != **rows)
        .map(|(table, _)| table.as_str())
        .collect();
    let counted = [
        "checkpoint",
        "events",
        "verifications_by_day",
        "verifications_by_hour",
    ];
    assert_eq!(changed, counted);
}
