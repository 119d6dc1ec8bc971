//! What histories hide and accounts show.

use bauta_indexer::testing::{Chain, named};
use bauta_indexer::{IndexerError, Outcome, Reconciler};

use crate::support::{Scene, small_chain};

/// Reconciles and settles until accounts and database agree.
async fn agree(scene: &mut Scene) -> usize {
    let mut reconciler = Reconciler::default();
    for round in 0..5 {
        match reconciler.round(&mut scene.follower).await.unwrap() {
            Outcome::Agrees { .. } => return round,
            Outcome::Mended | Outcome::Later => {}
        }
        scene.settle().await;
    }
    panic!("accounts and database never agree");
}

#[tokio::test]
async fn a_database_that_is_right_agrees_at_once() {
    let chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    assert_eq!(agree(&mut scene).await, 0);
}

#[tokio::test]
async fn a_hidden_verification_is_found_by_its_nullifier_account() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    chain.wait(1);
    let hidden = chain.verify(scope, registry, 8);
    chain.wait(1);
    chain.verify(scope, registry, 7);
    chain.wait(1);
    let mut scene = Scene::of(&chain).await;
    scene.source.state().hidden.insert(hidden);
    scene.settle().await;
    // every list by the program's address goes on hiding it; the account's own address has it
    assert_eq!(agree(&mut scene).await, 1);
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_hidden_last_change_is_found_by_its_registry_account() {
    let registry = named("registry");
    let mut chain = small_chain();
    chain.wait(1);
    let hidden = chain.register(registry, 900, 3, 8).unwrap();
    chain.wait(1);
    let mut scene = Scene::of(&chain).await;
    scene.source.state().hidden.insert(hidden);
    // nothing after it shows the gap
    scene.settle().await;
    assert_eq!(agree(&mut scene).await, 1);
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_hidden_beginning_is_found_by_the_config_account() {
    let mut chain = Chain::default();
    let hidden = chain.initialize();
    chain.wait(1);
    let mut scene = Scene::of(&chain).await;
    scene.source.state().hidden.insert(hidden);
    scene.settle().await;
    assert_eq!(agree(&mut scene).await, 1);
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn accounts_of_a_while_ago_raise_no_alarm() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    // read before these changes, compared after them
    let before = scene.source.accounts_now();
    for mint in 0..5 {
        chain.wait(1);
        chain.register(registry, 900 + mint, 3, 8).unwrap();
    }
    scene.source.follow(&chain);
    scene.source.state().old_accounts = Some(before);
    scene.settle().await;
    let mut reconciler = Reconciler::default();
    let outcome = reconciler.round(&mut scene.follower).await.unwrap();
    assert_eq!(
        outcome,
        Outcome::Later,
        "holdings that the chain lacks have to be looked at again"
    );
    scene.source.state().old_accounts = None;
    let outcome = reconciler.round(&mut scene.follower).await.unwrap();
    assert!(matches!(outcome, Outcome::Agrees { .. }), "{outcome:?}");
}

#[tokio::test]
async fn a_difference_that_nothing_explains_stops_the_indexer() {
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    let mut accounts = scene.source.accounts_now();
    accounts.pop();
    scene.source.state().old_accounts = Some(accounts);
    let mut reconciler = Reconciler::default();
    let mut stopped = None;
    for _ in 0..3 {
        chain.wait(1);
        scene.source.follow(&chain);
        scene.settle().await;
        stopped = stopped.or(reconciler.round(&mut scene.follower).await.err());
    }
    let stopped = stopped.unwrap();
    assert!(
        matches!(stopped, IndexerError::Unexplained { differences: 1, .. }),
        "{stopped}"
    );
    assert!(!stopped.is_transient());
}
