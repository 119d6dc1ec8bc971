//! Silent loss: lists with holes.

use bauta_indexer::IndexerError;
use bauta_indexer::testing::named;
use bauta_store::{Sequence, Slot, StoreError};

use crate::support::{Scene, small_chain};

#[tokio::test]
async fn a_gap_stops_the_checkpoint_and_says_so() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    chain.wait(1);
    let lost = chain.register(registry, 500, 1, 7).unwrap();
    let slot_of_loss = chain.slot;
    chain.wait(1);
    chain.register(registry, 501, 1, 7).unwrap();
    chain.wait(1);
    scene.source.follow(&chain);
    scene.source.state().lost.insert(lost);

    let mut stopped = None;
    for _ in 0..4 {
        stopped = scene.follower.step().await.err();
    }
    let stopped = stopped.unwrap();
    assert!(
        matches!(
            stopped,
            IndexerError::Store(StoreError::SequenceGap {
                at,
                found,
                ..
            }) if at == Sequence::new(12) && found == Sequence::new(14)
        ),
        "{stopped}"
    );
    assert!(!stopped.is_transient());
    // the hole's own slot has gone by unnoticed; the one that shows it has not
    let at = scene.database.store.checkpoint().await.unwrap().unwrap();
    assert!(at.slot <= slot_of_loss, "{at}");
    let stored = scene.database.store.registry(registry).await.unwrap();
    assert_eq!(stored.sequence, Sequence::new(12));

    // once it is found, it goes on by itself
    scene.source.state().lost.clear();
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_gap_is_told_of_though_the_chain_goes_on() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    chain.wait(1);
    let lost = chain.register(registry, 500, 1, 7).unwrap();
    let mut stopped = Vec::new();
    for mint in 501..506 {
        // what is new each time waits for what is lost: it is no find
        chain.wait(1);
        chain.register(registry, mint, 1, 7).unwrap();
        chain.wait(1);
        scene.source.follow(&chain);
        scene.source.state().lost.insert(lost);
        stopped.push(scene.follower.step().await.is_err());
    }
    assert_eq!(stopped, [true; 5]);
    scene.source.state().lost.clear();
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn what_the_program_s_list_hides_is_found_by_the_registry_s() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    chain.wait(1);
    let hidden = chain.register(registry, 500, 1, 7).unwrap();
    chain.wait(1);
    scene.source.follow(&chain);
    scene.source.state().hidden.insert(hidden);
    // the hole is passed ...
    scene.settle().await;
    chain.wait(1);
    chain.register(registry, 501, 1, 7).unwrap();
    scene.source.follow(&chain);
    // ... and found when the next change shows it
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_transaction_that_a_list_shows_late_is_put_in_its_place() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    chain.wait(1);
    // a verification: no sequence shows its loss
    let late = chain.verify(scope, registry, 8);
    chain.wait(1);
    chain.verify(scope, registry, 7);
    let mut scene = Scene::of(&chain).await;
    scene.source.state().lost.insert(late);
    scene.settle().await;
    chain.wait(1);
    scene.source.follow(&chain);
    scene.settle().await;
    scene.source.state().lost.clear();
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_list_that_hides_applied_transactions_takes_nothing_away() {
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    let signatures: Vec<_> = chain.transactions.iter().map(|one| one.signature).collect();
    scene.source.state().lost.extend(signatures);
    for _ in 0..5 {
        chain.wait(1);
        scene.source.follow(&chain);
        scene.settle().await;
    }
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_hole_below_finality_is_named_and_not_papered_over() {
    let registry = named("registry");
    let mut chain = small_chain();
    chain.wait(1);
    let lost = chain.register(registry, 500, 1, 7).unwrap();
    let hole = chain.slot;
    chain.wait(1);
    let mut scene = Scene::of(&chain).await;
    scene.source.state().lost.insert(lost);
    let step = scene.settle().await;
    let head = bauta_indexer::chain::Head {
        finalized: chain.slot,
        ..step.head
    };
    scene.source.state().head = Some(head);
    scene.follower.finalize(head, Slot::MAX).await.unwrap().unwrap();
    chain.wait(1);
    chain.register(registry, 501, 1, 7).unwrap();
    scene.source.follow(&chain);
    scene.source.state().lost.clear();
    let mut stopped = None;
    for _ in 0..3 {
        stopped = scene.follower.step().await.err();
    }
    let stopped = stopped.unwrap();
    assert!(
        matches!(stopped, IndexerError::MissingBelowFinality { missing: 1, slot } if slot == hole),
        "{stopped}"
    );
    assert!(stopped.to_string().contains("rebuild"), "{stopped}");
}
