//! What histories hide and accounts show.

use std::sync::Arc;

use bauta_indexer::chain::{Account, Head, Transaction};
use bauta_indexer::testing::{Chain, named};
use bauta_indexer::{Follower, IndexerError, Outcome, Reconciler, Settings};
use bauta_store::{Event, Slot};
use solana_signature::Signature;

use crate::support::{Scene, count, settings, small_chain};

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
async fn an_account_newer_than_the_slot_named_with_it_is_no_difference() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    for mint in 0..5 {
        chain.wait(1);
        chain.register(registry, 900 + mint, 3, 8).unwrap();
    }
    let head = Head {
        confirmed: chain.slot,
        finalized: Slot::ZERO,
    };
    scene.source.state().newer = Some((chain.transactions.clone(), head));
    let outcome = Reconciler::default().round(&mut scene.follower).await.unwrap();
    assert!(matches!(outcome, Outcome::Agrees { .. }), "{outcome:?}");
    scene.assert_like_fresh(&chain).await;
}

/// A scope with more nullifiers than are looked at in one round, and a follower that has read them.
async fn large_scene(hide: impl FnOnce(&Chain) -> Option<Signature>) -> (Chain, Scene) {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    for _ in 0..10_020 {
        chain.verify(scope, registry, 7);
    }
    chain.wait(1);
    let mut scene = Scene::of(&chain).await;
    let large = Settings {
        batch_transactions: 20_000,
        ..settings()
    };
    scene.follower = Follower::new(Arc::clone(&scene.source), scene.database.store.clone(), large);
    scene.source.state().hidden.extend(hide(&chain));
    scene.settle().await;
    // made once, not anew for every part
    let accounts = scene.source.accounts_now();
    scene.source.state().old_accounts = Some(accounts);
    (chain, scene)
}

#[tokio::test]
async fn of_many_accounts_all_are_looked_at_before_they_agree() {
    let (_, mut scene) = large_scene(|_| None).await;
    let mut reconciler = Reconciler::default();
    let mut agreed = Vec::new();
    for _ in 0..3 {
        let Outcome::Agrees { up_to } = reconciler.round(&mut scene.follower).await.unwrap() else {
            panic!("they differ");
        };
        agreed.push(up_to.is_some());
    }
    // half of them in each round
    assert_eq!(agreed, [false, true, true]);
}

#[tokio::test]
async fn of_many_accounts_a_hidden_one_is_found_whatever_its_part() {
    let (chain, mut scene) = large_scene(|chain| {
        let mut uses = chain.transactions.iter().rev();
        // in the last part: what begins with one of the highest bytes
        let is_last = |one: &&Transaction| nullifier_of(one).is_some_and(|nullifier| nullifier[0] >= 0x20);
        uses.find(is_last).map(|one| one.signature)
    })
    .await;
    let mut reconciler = Reconciler::default();
    let first = reconciler.round(&mut scene.follower).await.unwrap();
    assert_eq!(first, Outcome::Agrees { up_to: None });
    assert_eq!(
        reconciler.round(&mut scene.follower).await.unwrap(),
        Outcome::Mended
    );
    scene.settle().await;
    assert_eq!(
        count(&scene.database, "nullifiers").await,
        i64::try_from(chain.transactions.iter().filter_map(nullifier_of).count()).unwrap()
    );
}

#[tokio::test]
async fn of_many_accounts_one_that_nothing_explains_stops_the_indexer_too() {
    let (_, mut scene) = large_scene(|_| None).await;
    let accounts = scene.source.accounts_now();
    let scope = named("scope").to_bytes();
    // of the last part: after discriminator and scope comes the nullifier
    let is_gone = |account: &Account| account.data[8..40] == scope && account.data[40] >= 0x20;
    let gone = accounts.iter().position(is_gone).unwrap();
    let mut accounts = accounts;
    accounts.remove(gone);
    scene.source.state().old_accounts = Some(accounts);
    let mut reconciler = Reconciler::default();
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(
            reconciler
                .round(&mut scene.follower)
                .await
                .map_err(|error| error.to_string()),
        );
    }
    assert!(
        matches!(outcomes[0], Ok(Outcome::Agrees { up_to: None })),
        "{outcomes:?}"
    );
    assert_eq!(outcomes[1..3], [Ok(Outcome::Later), Ok(Outcome::Later)]);
    assert!(
        outcomes[3]
            .as_ref()
            .is_err_and(|error| error.contains("nullifier")),
        "{outcomes:?}"
    );
}

/// The nullifier of a verification.
fn nullifier_of(transaction: &Transaction) -> Option<[u8; 32]> {
    let records = bauta_indexer::decode::records(transaction).unwrap();
    records.iter().find_map(|record| match &record.event {
        Event::OwnershipVerified(verified) => Some(verified.nullifier.to_bytes()),
        _ => None,
    })
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
