//! Tests of lists that omit transactions.

use bauta_indexing::IndexerError;
use bauta_indexing::chain::ListedTransaction;
use bauta_indexing::testing::named;
use bauta_store::{Sequence, Slot, StoreError};

use crate::support::{Fixture, count, small_chain};

#[tokio::test]
async fn a_gap_stops_the_checkpoint_with_a_reason() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    chain.wait(1);
    let missing = chain.register(registry, 500, 1, 7).unwrap();
    let missing_slot = chain.slot;
    chain.wait(1);
    chain.register(registry, 501, 1, 7).unwrap();
    chain.wait(1);
    fixture.source.set_chain(&chain);
    fixture.source.state().omitted_everywhere.insert(missing);

    let mut stopped = None;
    for _ in 0..4 {
        stopped = fixture.follower.step().await.err();
    }
    let stopped = stopped.unwrap();
    let IndexerError::Store(StoreError::SequenceGap { at, found, .. }) = stopped else {
        panic!("{stopped}");
    };
    assert_eq!((at, found), (Sequence::new(12), Sequence::new(14)));
    assert!(!stopped.is_retryable());
    // The follower cannot notice the gap in the slot of the missing transaction. It stops before
    // the slot that reveals it.
    let checkpoint = fixture.database.store.checkpoint().await.unwrap().unwrap();
    assert!(checkpoint.slot <= missing_slot, "{checkpoint}");
    let stored = fixture.database.store.registry(registry).await.unwrap();
    assert_eq!(stored.sequence, Sequence::new(12));

    // When the transaction is listed, the follower continues.
    fixture.source.state().omitted_everywhere.clear();
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_gap_is_reported_although_new_transactions_arrive() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    chain.wait(1);
    let missing = chain.register(registry, 500, 1, 7).unwrap();
    let mut stopped = Vec::new();
    for mint in 501..506 {
        // The new transactions need the missing one. They must not count as found.
        chain.wait(1);
        chain.register(registry, mint, 1, 7).unwrap();
        chain.wait(1);
        fixture.source.set_chain(&chain);
        fixture.source.state().omitted_everywhere.insert(missing);
        stopped.push(fixture.follower.step().await.is_err());
    }
    assert_eq!(stopped, [true; 5]);
    fixture.source.state().omitted_everywhere.clear();
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn an_event_that_another_node_returns_later_is_added_although_the_first_attempt_fails() {
    let mut chain = small_chain();
    let contradicted = chain.verify(named("scope"), named("registry"), 7);
    let slot = chain.slot;
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().omitted_everywhere.insert(contradicted);
    fixture.settle().await;
    {
        let mut state = fixture.source.state();
        state.contradicted.push(ListedTransaction {
            slot,
            signature: contradicted,
            succeeded: true,
            is_refused_reuse: false,
        });
        state.failing_fetches = 0..usize::MAX;
    }
    fixture.first_error().await;
    fixture.source.state().failing_fetches = 0..0;
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_transaction_missing_from_the_programs_list_is_found_in_the_registrys_list() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    chain.wait(1);
    let missing = chain.register(registry, 500, 1, 7).unwrap();
    chain.wait(1);
    fixture.source.set_chain(&chain);
    fixture.source.state().omitted.insert(missing);
    // The checkpoint passes the gap ...
    fixture.settle().await;
    chain.wait(1);
    chain.register(registry, 501, 1, 7).unwrap();
    fixture.source.set_chain(&chain);
    // ... and the next change reveals it.
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_transaction_that_is_listed_late_is_applied_at_its_position() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    chain.wait(1);
    // A verification has no sequence, so nothing reveals that it is missing.
    let late = chain.verify(scope, registry, 8);
    chain.wait(1);
    chain.verify(scope, registry, 7);
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().omitted_everywhere.insert(late);
    fixture.settle().await;
    chain.wait(1);
    fixture.source.set_chain(&chain);
    fixture.settle().await;
    fixture.source.state().omitted_everywhere.clear();
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_list_that_omits_applied_transactions_removes_nothing() {
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let signatures: Vec<_> = chain
        .transactions
        .iter()
        .map(|transaction| transaction.signature)
        .collect();
    fixture.source.state().omitted_everywhere.extend(signatures);
    for _ in 0..5 {
        chain.wait(1);
        fixture.source.set_chain(&chain);
        fixture.settle().await;
    }
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_missing_transaction_in_a_final_slot_stops_the_checkpoint() {
    let registry = named("registry");
    let mut chain = small_chain();
    chain.wait(1);
    let missing = chain.register(registry, 500, 1, 7).unwrap();
    let missing_slot = chain.slot;
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().omitted_everywhere.insert(missing);
    let step = fixture.settle().await;
    let head = bauta_indexing::chain::Head {
        finalized: chain.slot,
        ..step.head
    };
    fixture.source.state().head = Some(head);
    fixture.follower.finalize(head, None).await.unwrap().unwrap();
    chain.wait(1);
    chain.register(registry, 501, 1, 7).unwrap();
    fixture.source.set_chain(&chain);
    fixture.source.state().omitted_everywhere.clear();
    let mut stopped = None;
    for _ in 0..3 {
        stopped = fixture.follower.step().await.err();
    }
    let stopped = stopped.unwrap();
    assert!(
        matches!(stopped, IndexerError::MissingBelowFinality { missing: 1, slot } if slot == missing_slot),
        "{stopped}"
    );
    assert!(stopped.to_string().contains("rebuild"), "{stopped}");
}

#[tokio::test]
async fn a_search_of_a_whole_history_ends_at_the_first_page_with_a_missing_transaction() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut registered = Vec::new();
    for mint in 200..260 {
        chain.wait(1);
        registered.push(chain.register(registry, mint, 1, 7).unwrap());
    }
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    {
        let mut state = fixture.source.state();
        state.page_size = 5;
        // Two pages of the history.
        state.omitted.insert(registered[57]);
        state.omitted.insert(registered[50]);
    }
    fixture.settle().await;
    let pages = fixture.source.state().account_pages;
    assert!((2..=6).contains(&pages), "{pages} pages");
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_missing_verification_is_found_when_its_nullifier_is_reclaimed() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    chain.wait(1);
    let missing = chain.verify(scope, registry, 8);
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().omitted.insert(missing);
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "nullifiers").await, 3);
    // The account is closed, so a reconciliation no longer shows that the verification is missing.
    chain.wait(1);
    chain.reclaim_last(scope);
    chain.wait(1);
    fixture.source.set_chain(&chain);
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "nullifiers").await, 4);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_reclaimed_nullifier_whose_verification_no_list_contains_stops_the_checkpoint() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    chain.wait(1);
    let missing = chain.verify(scope, registry, 8);
    chain.wait(1);
    chain.reclaim_last(scope);
    let reclaimed_slot = chain.slot;
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().omitted_everywhere.insert(missing);
    let stopped = fixture.follower.step().await.unwrap_err();
    assert!(
        matches!(stopped, IndexerError::Store(StoreError::UnknownNullifier { scope: of, .. }) if of == scope),
        "{stopped}"
    );
    assert!(!stopped.is_retryable());
    let checkpoint = fixture.database.store.checkpoint().await.unwrap().unwrap();
    assert!(checkpoint.slot < reclaimed_slot, "{checkpoint}");
    fixture.source.state().omitted_everywhere.clear();
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_transaction_missing_in_a_final_slot_is_added_until_the_slot_is_reconciled() {
    let (registry, scope) = (named("registry"), named("scope"));
    for is_reconciled in [false, true] {
        let mut chain = small_chain();
        chain.wait(1);
        let missing = chain.verify(scope, registry, 8);
        chain.wait(1);
        let mut fixture = Fixture::new(&chain).await;
        fixture.source.state().omitted_everywhere.insert(missing);
        fixture.settle().await;
        let head = bauta_indexing::chain::Head {
            confirmed: chain.slot,
            finalized: chain.slot,
        };
        fixture.source.state().head = Some(head);
        let reconciled = if is_reconciled { chain.slot } else { Slot::ZERO };
        fixture
            .follower
            .finalize(head, Some(reconciled))
            .await
            .unwrap()
            .unwrap();
        chain.wait(1);
        chain.reclaim_last(scope);
        chain.wait(1);
        fixture.source.set_chain(&chain);
        fixture.source.state().omitted_everywhere.clear();
        if is_reconciled {
            let stopped = fixture.follower.step().await.unwrap_err();
            assert!(
                matches!(stopped, IndexerError::MissingBelowFinality { missing: 1, .. }),
                "{stopped}"
            );
        } else {
            fixture.settle().await;
            let store = &fixture.database.store;
            assert_eq!(store.finalized_slot().await.unwrap(), Some(head.finalized));
            fixture.assert_equals_new_database(&chain).await;
        }
    }
}
