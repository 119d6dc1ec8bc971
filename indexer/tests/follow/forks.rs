//! Forks, undone without a restart.

use bauta_indexer::testing::named;
use bauta_indexer::{IndexerError, chain::Head};
use bauta_store::Slot;

use crate::support::{Scene, small_chain};

/// Something other than what happened on the other fork.
fn go_on(chain: &mut bauta_indexer::testing::Chain, slots: u64, first_mint: u64) {
    let (registry, scope) = (named("registry"), named("scope"));
    for number in 0..slots {
        chain.wait(1);
        chain.register(registry, first_mint + number, number, 7).unwrap();
        chain.verify(scope, registry, 7);
    }
    chain.wait(1);
}

#[tokio::test]
async fn a_fork_is_undone_without_a_restart() {
    let common = small_chain();
    let mut abandoned = common.clone();
    go_on(&mut abandoned, 3, 500);
    let mut scene = Scene::of(&abandoned).await;
    scene.settle().await;
    let mut chain = common.forked();
    go_on(&mut chain, 4, 700);
    scene.source.follow(&chain);
    scene.settle().await;
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_fork_deeper_than_a_batch_is_undone() {
    let common = small_chain();
    let mut abandoned = common.clone();
    let mut scene = Scene::of(&abandoned).await;
    scene.settle().await;
    for round in 0..6 {
        go_on(&mut abandoned, 5, 500 + 10 * round);
        scene.source.follow(&abandoned);
        scene.settle().await;
    }
    let mut chain = common.forked();
    go_on(&mut chain, 50, 2_000);
    scene.source.follow(&chain);
    scene.settle().await;
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_fork_that_only_drops_transactions_is_undone() {
    let common = small_chain();
    let mut abandoned = common.clone();
    go_on(&mut abandoned, 3, 500);
    let mut scene = Scene::of(&abandoned).await;
    scene.settle().await;
    let mut chain = common.forked();
    while chain.slot < abandoned.slot {
        chain.wait(1);
    }
    scene.source.follow(&chain);
    scene.settle().await;
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_transaction_that_a_fork_puts_into_another_slot_is_moved() {
    let common = small_chain();
    let mut abandoned = common.clone();
    abandoned.wait(1);
    abandoned.verify(named("scope"), named("registry"), 8);
    let moved = abandoned.transactions.last().cloned().unwrap();
    abandoned.wait(3);
    let mut scene = Scene::of(&abandoned).await;
    scene.settle().await;
    let mut chain = common;
    chain.wait(1);
    chain.wait(1);
    let mut again = moved;
    again.slot = chain.slot;
    chain.transactions.push(again);
    chain.wait(1);
    scene.source.follow(&chain);
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_fork_that_a_restarted_follower_finds_is_undone() {
    let common = small_chain();
    let mut abandoned = common.clone();
    go_on(&mut abandoned, 3, 500);
    let mut scene = Scene::of(&abandoned).await;
    scene.settle().await;
    scene.restart();
    let mut chain = common.forked();
    go_on(&mut chain, 4, 700);
    scene.source.follow(&chain);
    scene.settle().await;
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn one_answer_of_not_known_undoes_nothing() {
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    let at = scene.database.store.checkpoint().await.unwrap();
    let transactions = std::mem::take(&mut scene.source.state().transactions);
    scene.source.state().head = Some(Head {
        confirmed: chain.slot,
        finalized: Slot::ZERO,
    });
    scene.follower.step().await.unwrap();
    assert_eq!(scene.database.store.checkpoint().await.unwrap(), at);
    scene.source.state().transactions = transactions;
    chain.wait(1);
    scene.source.follow(&chain);
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_fork_below_finality_stops_the_checkpoint() {
    let common = small_chain();
    let mut abandoned = common.clone();
    go_on(&mut abandoned, 3, 500);
    let mut scene = Scene::of(&abandoned).await;
    let step = scene.settle().await;
    let head = Head {
        finalized: abandoned.slot,
        ..step.head
    };
    scene.source.state().head = Some(head);
    scene.follower.finalize(head, Slot::MAX).await.unwrap().unwrap();
    let mut chain = common.forked();
    go_on(&mut chain, 8, 700);
    scene.source.follow(&chain);
    let mut stopped = None;
    for _ in 0..4 {
        stopped = stopped.or(scene.follower.step().await.err());
    }
    let stopped = stopped.unwrap();
    assert!(!stopped.is_transient(), "{stopped}");
    assert!(
        matches!(stopped, IndexerError::MissingBelowFinality { missing: 8, .. }),
        "{stopped}"
    );
}
