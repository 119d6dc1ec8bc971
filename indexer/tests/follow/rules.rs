//! What counts as an event, and in which order.

use bauta_indexer::chain::Head;
use bauta_indexer::testing::{Chain, emitted, named};
use bauta_indexer::{Follower, IndexerError};
use bauta_store::testing::TestDatabase;
use bauta_store::{Position, Sequence, Slot};
use solana_address::Address;
use std::sync::Arc;

use crate::support::{Scene, count, settings, small_chain};

#[tokio::test]
async fn a_missing_checkpoint_is_not_slot_0() {
    let chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    assert_eq!(scene.database.store.checkpoint().await.unwrap(), None);
    let step = scene.settle().await;
    assert_eq!(step.checkpoint, Some(Position::end_of_slot(chain.slot)));
    let sent: usize = chain.transactions.iter().map(|one| one.inner.len()).sum();
    assert_eq!(step.events, sent);
    assert_eq!(
        count(&scene.database, "events").await,
        i64::try_from(sent).unwrap()
    );
}

#[tokio::test]
async fn a_failed_transaction_is_not_counted() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    let verified = chain.verified(scope, registry, 7);
    chain.send_failing(vec![verified]);
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    assert_eq!(count(&scene.database, "nullifiers").await, 3);
}

#[tokio::test]
async fn another_program_s_copy_of_an_event_is_not_taken() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    // the same bytes from a program of an attacker's, with our event authority and with its own
    let mut spoofed = chain.verified(scope, registry, 7);
    spoofed.program = Address::from([9; 32]);
    let mut without_authority = chain.verified(scope, registry, 7);
    without_authority.accounts = vec![Address::from([9; 32])];
    let mut with_more = chain.verified(scope, registry, 7);
    with_more.accounts.push(Address::from([9; 32]));
    chain.send(vec![spoofed, without_authority, with_more]);
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    assert_eq!(count(&scene.database, "nullifiers").await, 3);
    assert_eq!(count(&scene.database, "verifications").await, 3);
}

#[tokio::test]
async fn a_call_of_the_program_is_not_an_event() {
    let mut chain = small_chain();
    let mut call = chain.verified(named("scope"), named("registry"), 7);
    // an instruction's discriminator where an event's tag would be
    call.data[..8].copy_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
    chain.send(vec![call]);
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    assert_eq!(count(&scene.database, "nullifiers").await, 3);
}

#[tokio::test]
async fn an_event_of_a_newer_program_stops_the_checkpoint_before_it() {
    let mut chain = small_chain();
    let before = chain.slot;
    chain.wait(1);
    let mut unknown = chain.verified(named("scope"), named("registry"), 7);
    unknown.data[8..16].copy_from_slice(&[0xff; 8]);
    chain.send(vec![unknown]);
    let mut scene = Scene::of(&chain).await;
    let mut stopped = None;
    for _ in 0..3 {
        stopped = scene.follower.step().await.err();
    }
    let stopped = stopped.unwrap();
    assert!(matches!(stopped, IndexerError::Event { .. }), "{stopped}");
    assert!(
        !stopped.is_transient() && stopped.to_string().contains("newer client"),
        "{stopped}"
    );
    let at = scene.database.store.checkpoint().await.unwrap().unwrap();
    assert!(at.slot <= before, "{at}");
}

#[tokio::test]
async fn events_of_a_slot_come_in_its_order() {
    let registry = named("registry");
    let mut chain = Chain::default();
    chain.create(registry, bauta::state::RegistryKind::Managed);
    // one slot, many changes: any other order would be a gap, and the source gives them backwards
    for leaf in 0..40 {
        chain.append(registry, &[leaf]).unwrap();
    }
    let mut scene = Scene::of(&chain).await;
    let step = scene.settle().await;
    assert_eq!(step.events, 81);
    let stored = scene.database.store.registry(registry).await.unwrap();
    assert_eq!((stored.sequence, stored.next_index), (Sequence::new(40), 40));
}

#[tokio::test]
async fn two_changes_in_one_transaction_are_both_applied() {
    let registry = named("registry");
    let mut chain = Chain::default();
    chain.create(registry, bauta::state::RegistryKind::Managed);
    chain.append(registry, &[1]).unwrap();
    let mut second = chain.clone();
    second.append(registry, &[2]).unwrap();
    // the second change's calls go into the first one's transaction, as instruction 1
    let calls = second.transactions.pop().unwrap().inner;
    let last = chain.transactions.last_mut().unwrap();
    last.inner.extend(calls.into_iter().map(|mut call| {
        call.instruction = 1;
        call
    }));
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    let stored = scene.database.store.registry(registry).await.unwrap();
    assert_eq!(stored.sequence, Sequence::new(2));
}

#[tokio::test]
async fn the_same_history_twice_changes_nothing() {
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    scene.restart();
    chain.wait(1);
    scene.source.follow(&chain);
    let step = scene.settle().await;
    assert_eq!(step.events, 0);
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn two_followers_at_once_write_each_event_once() {
    let mut chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    let mut other = Follower::new(
        Arc::clone(&scene.source),
        scene.database.store.clone(),
        settings(),
    );
    for round in 0..10 {
        chain.wait(1);
        chain
            .register(named("registry"), 1_000 + round, round, 7)
            .unwrap();
        scene.source.follow(&chain);
        let (one, two) = tokio::join!(scene.follower.step(), other.step());
        for outcome in [one, two] {
            if let Err(error) = outcome {
                assert!(error.is_transient(), "{error}");
            }
        }
    }
    scene.settle().await;
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn a_source_that_is_behind_changes_nothing_and_in_the_end_stops() {
    let chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    let at = scene.database.store.checkpoint().await.unwrap();
    scene.source.state().transactions.clear();
    scene.source.state().head = Some(Head {
        confirmed: Slot::new(5),
        finalized: Slot::ZERO,
    });
    let step = scene.follower.step().await.unwrap();
    assert_eq!((step.checkpoint, step.events), (at, 0));
    let impatient = bauta_indexer::Settings {
        behind_patience: std::time::Duration::ZERO,
        ..settings()
    };
    let mut follower = Follower::new(Arc::clone(&scene.source), scene.database.store.clone(), impatient);
    let _ = follower.step().await;
    let stopped = follower.step().await.unwrap_err();
    assert!(
        matches!(stopped, IndexerError::BehindDatabase { head, .. } if head == Slot::new(5)),
        "{stopped}"
    );
    assert_eq!(scene.database.store.checkpoint().await.unwrap(), at);
}

#[tokio::test]
async fn an_answer_that_fails_leaves_nothing_half_done() {
    let chain = small_chain();
    let mut scene = Scene::of(&chain).await;
    for failures in 1..6 {
        scene.source.state().failures = failures;
        while let Err(error) = scene.follower.step().await {
            assert!(error.is_transient(), "{error}");
        }
    }
    scene.assert_like_fresh(&chain).await;
}

#[tokio::test]
async fn only_what_every_transaction_calls_final_is_marked() {
    let mut chain = small_chain();
    chain.wait(1);
    let mut scene = Scene::of(&chain).await;
    let step = scene.settle().await;
    // the node calls a late slot final, but one transaction's own status doesn't
    scene.source.state().head = Some(Head {
        confirmed: chain.slot,
        finalized: Slot::new(104),
    });
    let head = Head {
        confirmed: chain.slot,
        finalized: chain.slot,
    };
    let finality = scene.follower.finalize(head, Slot::MAX).await.unwrap().unwrap();
    assert_eq!(finality, Slot::new(104));
    assert_eq!(
        scene.database.store.finalized_slot().await.unwrap(),
        Some(Slot::new(104))
    );
    assert!(step.checkpoint.unwrap().slot > Slot::new(104));
    // and nothing above the limit
    scene.source.state().head = Some(head);
    let finality = scene
        .follower
        .finalize(head, Slot::new(106))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(finality, Slot::new(106));
}

#[tokio::test]
async fn what_is_not_final_is_shown_as_confirmed() {
    let mut chain = small_chain();
    chain.wait(1);
    let mut scene = Scene::of(&chain).await;
    scene.settle().await;
    let shown = async |database: &TestDatabase| -> Vec<(i64, String)> {
        let query = "SELECT DISTINCT slot, commitment FROM events_with_commitment ORDER BY slot";
        sqlx::query_as(query).fetch_all(database.pool()).await.unwrap()
    };
    let before = shown(&scene.database).await;
    assert!(before.len() > 6 && before.iter().all(|(_, commitment)| commitment == "confirmed"));
    let head = Head {
        confirmed: chain.slot,
        finalized: Slot::new(104),
    };
    scene.source.state().head = Some(head);
    scene.follower.finalize(head, Slot::MAX).await.unwrap().unwrap();
    for (slot, commitment) in shown(&scene.database).await {
        let expected = if slot <= 104 { "finalized" } else { "confirmed" };
        assert_eq!(commitment, expected, "slot {slot}");
    }
}

#[test]
fn an_emitted_event_is_what_the_client_decodes() {
    let mut chain = small_chain();
    let call = chain.verified(named("scope"), named("registry"), 7);
    let event = bauta_client::decode_event(&bauta::ID, &call.accounts, &call.data)
        .unwrap()
        .unwrap();
    assert_eq!(event.name(), "OwnershipVerified");
    let closed = emitted(&bauta::events::RegistrySealed {
        registry: named("registry"),
        timestamp: 1,
    });
    assert_ne!(closed.data, call.data);
}
