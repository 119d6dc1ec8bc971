//! Tests of forks, which are rolled back without a restart.

use bauta_indexing::IndexerError;
use bauta_indexing::chain::{Head, Transaction};
use bauta_indexing::testing::{TestChain, named};
use bauta_store::Slot;

use crate::support::{Fixture, small_chain};

/// Adds slots with a registration and a verification each. `first_mint` makes forks different.
fn extend(chain: &mut TestChain, slots: u64, first_mint: u64) {
    let (registry, scope) = (named("registry"), named("scope"));
    for number in 0..slots {
        chain.wait(1);
        chain.register(registry, first_mint + number, number, 7).unwrap();
        chain.verify(scope, registry, 7);
    }
    chain.wait(1);
}

#[tokio::test]
async fn a_fork_is_rolled_back_without_a_restart() {
    let common = small_chain();
    let mut abandoned = common.clone();
    extend(&mut abandoned, 3, 500);
    let mut fixture = Fixture::new(&abandoned).await;
    fixture.settle().await;
    let mut chain = common.forked();
    extend(&mut chain, 4, 700);
    fixture.source.set_chain(&chain);
    fixture.settle().await;
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_fork_deeper_than_a_batch_is_rolled_back() {
    let common = small_chain();
    let mut abandoned = common.clone();
    let mut fixture = Fixture::new(&abandoned).await;
    fixture.settle().await;
    for round in 0..6 {
        extend(&mut abandoned, 5, 500 + 10 * round);
        fixture.source.set_chain(&abandoned);
        fixture.settle().await;
    }
    let mut chain = common.forked();
    extend(&mut chain, 50, 2_000);
    fixture.source.set_chain(&chain);
    fixture.settle().await;
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_fork_that_only_removes_transactions_is_rolled_back() {
    let common = small_chain();
    let mut abandoned = common.clone();
    extend(&mut abandoned, 3, 500);
    let mut fixture = Fixture::new(&abandoned).await;
    fixture.settle().await;
    let mut chain = common.forked();
    while chain.slot < abandoned.slot {
        chain.wait(1);
    }
    fixture.source.set_chain(&chain);
    fixture.settle().await;
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_transaction_that_a_fork_moves_to_another_slot_is_moved_in_the_database() {
    let common = small_chain();
    let mut abandoned = common.clone();
    abandoned.wait(1);
    abandoned.verify(named("scope"), named("registry"), 8);
    let mut moved = abandoned.transactions.last().cloned().unwrap();
    abandoned.wait(3);
    let mut fixture = Fixture::new(&abandoned).await;
    fixture.settle().await;
    let mut chain = common;
    chain.wait(1);
    chain.wait(1);
    moved.slot = chain.slot;
    chain.transactions.push(moved);
    chain.wait(1);
    fixture.source.set_chain(&chain);
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_fork_during_a_restart_is_rolled_back() {
    let common = small_chain();
    let mut abandoned = common.clone();
    extend(&mut abandoned, 3, 500);
    let mut fixture = Fixture::new(&abandoned).await;
    fixture.settle().await;
    fixture.restart();
    let mut chain = common.forked();
    extend(&mut chain, 4, 700);
    fixture.source.set_chain(&chain);
    fixture.settle().await;
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_single_unknown_status_causes_no_rollback() {
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let checkpoint = fixture.database.store.checkpoint().await.unwrap();
    let transactions = std::mem::take(&mut fixture.source.state().transactions);
    fixture.source.state().head = Some(Head {
        confirmed: chain.slot,
        finalized: Slot::ZERO,
    });
    fixture.follower.step().await.unwrap();
    assert_eq!(fixture.database.store.checkpoint().await.unwrap(), checkpoint);
    fixture.source.state().transactions = transactions;
    chain.wait(1);
    fixture.source.set_chain(&chain);
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_fork_below_finality_stops_the_checkpoint() {
    let common = small_chain();
    let mut abandoned = common.clone();
    extend(&mut abandoned, 3, 500);
    let mut fixture = Fixture::new(&abandoned).await;
    let step = fixture.settle().await;
    let head = Head {
        finalized: abandoned.slot,
        ..step.head
    };
    fixture.source.state().head = Some(head);
    fixture.follower.finalize(head, None).await.unwrap().unwrap();
    let mut chain = common.forked();
    extend(&mut chain, 8, 700);
    fixture.source.set_chain(&chain);
    let mut stopped = None;
    for _ in 0..4 {
        stopped = stopped.or(fixture.follower.step().await.err());
    }
    let stopped = stopped.unwrap();
    assert!(!stopped.is_retryable(), "{stopped}");
    assert!(
        matches!(stopped, IndexerError::MissingBelowFinality { missing: 8, .. }),
        "{stopped}"
    );
}

#[tokio::test]
async fn a_status_in_another_slot_removes_a_transaction_only_if_no_node_reports_it_unchanged() {
    let chain = small_chain();
    let last = chain.transactions.last().unwrap();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    {
        let mut state = fixture.source.state();
        state.omitted.insert(last.signature);
        let moved_to = last.slot.saturating_add(1);
        state.moved_statuses.insert(last.signature, moved_to);
    }
    for _ in 0..4 {
        assert!(!fixture.follower.step().await.unwrap().again);
    }
    fixture.assert_equals_new_database(&chain).await;
    // No node has it in its slot any more.
    let is_other = |transaction: &Transaction| transaction.signature != last.signature;
    fixture.source.state().transactions.retain(is_other);
    assert!(fixture.follower.step().await.unwrap().again);
    let checkpoint = fixture.database.store.checkpoint().await.unwrap();
    assert!(checkpoint.is_some_and(|at| at.slot < last.slot), "{checkpoint:?}");
}
