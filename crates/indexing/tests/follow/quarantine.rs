//! Tests of the quarantine: a listed transaction that no node returns stops nothing else, and is
//! not forgotten.

use std::sync::Arc;
use std::time::Duration;

use bauta_indexing::chain::ListedTransaction;
use bauta_indexing::testing::{TestChain, named};
use bauta_indexing::{Follower, Indexer, IndexerError, RunSettings, Settings, SourceError};
use bauta_store::Slot;
use solana_signature::Signature;
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, count, settings, small_chain};

/// A chain whose last but one verification no node returns, and a follower.
async fn fixture(quarantine_after: Duration) -> (TestChain, Signature, Fixture) {
    let mut chain = small_chain();
    let (registry, scope) = (named("registry"), named("scope"));
    let unreturned = chain.verify(scope, registry, 7);
    chain.wait(1);
    chain.verify(scope, registry, 8);
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().unreturned.insert(unreturned);
    restart(&mut fixture, quarantine_after);
    (chain, unreturned, fixture)
}

fn restart(fixture: &mut Fixture, quarantine_after: Duration) {
    let settings = Settings {
        quarantine_after,
        ..settings()
    };
    fixture.follower = Follower::new(
        Arc::clone(&fixture.source),
        fixture.database.store.clone(),
        settings,
    );
}

/// Makes every quarantined transaction due.
async fn make_due(fixture: &Fixture) {
    sqlx::query("UPDATE quarantine SET next_attempt_at = now()")
        .execute(fixture.database.pool())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_transaction_that_no_node_returns_stops_the_checkpoint_only_for_the_time_of_the_settings() {
    let (chain, unreturned, mut fixture) = fixture(Duration::from_hours(1)).await;
    let error = fixture.first_error().await;
    assert!(
        matches!(error, IndexerError::Source(SourceError::NotReturned { signature, .. }) if signature == unreturned),
        "{error}"
    );
    assert_eq!(count(&fixture.database, "quarantine").await, 0);
    restart(&mut fixture, Duration::ZERO);
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint.map(|at| at.slot), Some(chain.slot));
    assert_eq!(fixture.follower.quarantined(), 1);
    let quarantined = fixture.database.store.quarantined().await.unwrap();
    assert_eq!(quarantined[0].signature, unreturned);
    assert!(quarantined[0].reason.contains("injected failure"));
}

#[tokio::test]
async fn what_a_doubted_node_lists_is_quarantined_at_once_and_other_transactions_are_not() {
    let (_, unreturned, mut fixture) = fixture(Duration::from_hours(1)).await;
    let other = fixture.source.state().transactions.last().unwrap().signature;
    {
        let mut state = fixture.source.state();
        state.doubted.insert(unreturned);
        state.unreturned.insert(other);
    }
    let error = fixture.first_error().await;
    assert!(
        matches!(error, IndexerError::Source(SourceError::NotReturned { signature, .. }) if signature == other),
        "{error}"
    );
    let quarantined = fixture.database.store.quarantined().await.unwrap();
    let quarantined: Vec<_> = quarantined.iter().map(|entry| entry.signature).collect();
    assert_eq!(quarantined, [unreturned]);
}

#[tokio::test]
async fn a_quarantined_transaction_is_applied_in_its_slot_when_a_node_returns_it() {
    let (chain, _, mut fixture) = fixture(Duration::ZERO).await;
    fixture.settle().await;
    // A restart does not forget it, and does not request it before it is due.
    restart(&mut fixture, Duration::ZERO);
    fixture.settle().await;
    assert!(!fixture.retry_quarantined().await.unwrap());
    make_due(&fixture).await;
    assert!(!fixture.retry_quarantined().await.unwrap());
    let quarantined = fixture.database.store.quarantined().await.unwrap();
    assert_eq!((quarantined[0].attempts, quarantined[0].is_due), (1, false));

    fixture.source.state().unreturned.clear();
    make_due(&fixture).await;
    assert!(fixture.retry_quarantined().await.unwrap());
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "quarantine").await, 0);
    fixture.assert_equals_new_database(&chain).await;
}

/// The list of the program omits it, so that only the quarantine knows it.
#[tokio::test]
async fn a_restart_before_a_returned_transaction_is_applied_does_not_lose_it() {
    let (chain, unreturned, mut fixture) = fixture(Duration::ZERO).await;
    fixture.settle().await;
    {
        let mut state = fixture.source.state();
        state.unreturned.clear();
        state.omitted.insert(unreturned);
    }
    make_due(&fixture).await;
    assert!(fixture.retry_quarantined().await.unwrap());
    restart(&mut fixture, Duration::ZERO);
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "quarantine").await, 1);
    // A failure between the answer and the next step does not lose it either.
    assert!(fixture.retry_quarantined().await.unwrap());
    fixture.source.state().failing_fetches = 0..usize::MAX;
    fixture.first_error().await;
    fixture.source.state().failing_fetches = 0..0;
    fixture.settle().await;
    assert!(fixture.retry_quarantined().await.unwrap());
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "quarantine").await, 0);
    fixture.source.state().omitted.clear();
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn slots_with_a_quarantined_transaction_become_final_and_keep_their_journal() {
    let (chain, _, mut fixture) = fixture(Duration::ZERO).await;
    let step = fixture.settle().await;
    let head = bauta_indexing::chain::Head {
        confirmed: chain.slot,
        finalized: chain.slot,
    };
    fixture.source.state().head = Some(head);
    let step_head = bauta_indexing::chain::Head {
        finalized: chain.slot,
        ..step.head
    };
    fixture
        .follower
        .finalize(step_head, Some(chain.slot))
        .await
        .unwrap();
    let store = &fixture.database.store;
    assert_eq!(store.finalized_slot().await.unwrap(), Some(chain.slot));
    let slot = store.quarantined().await.unwrap()[0].slot;
    assert_eq!(store.reconciled_slot().await.unwrap(), Some(slot.previous()));
    fixture.source.state().unreturned.clear();
    make_due(&fixture).await;
    assert!(fixture.retry_quarantined().await.unwrap());
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_quarantined_transaction_without_a_journal_is_kept_and_reported() {
    let (chain, _, mut fixture) = fixture(Duration::ZERO).await;
    fixture.settle().await;
    fixture.database.store.finalize(chain.slot).await.unwrap();
    fixture.source.state().unreturned.clear();
    make_due(&fixture).await;
    let error = fixture.retry_quarantined().await.unwrap_err();
    assert!(
        matches!(error, IndexerError::MissingBelowFinality { missing: 1, .. }),
        "{error}"
    );
    let quarantined = fixture.database.store.quarantined().await.unwrap();
    assert!(quarantined[0].reason.contains("rebuild"), "{quarantined:?}");
}

#[tokio::test]
async fn a_quarantined_transaction_that_is_not_on_the_chain_or_has_no_event_is_released() {
    let (chain, _, mut fixture) = fixture(Duration::ZERO).await;
    fixture.source.state().unreturned.clear();
    fixture.settle().await;
    let invented = bauta_indexing::chain::ListedTransaction {
        slot: chain.slot,
        signature: Signature::from([9; 64]),
        succeeded: true,
        is_refused_reuse: false,
    };
    fixture.source.state().invented.push(invented);
    let applied = chain.transactions[3].signature;
    let applied_slot = chain.transactions[3].slot;
    let entries = [
        ((invented.slot, invented.signature), true),
        ((applied_slot, applied), true),
    ];
    fixture
        .database
        .store
        .quarantine(&entries, "added by a test", true)
        .await
        .unwrap();
    assert!(!fixture.retry_quarantined().await.unwrap());
    assert_eq!(count(&fixture.database, "quarantine").await, 0);
    assert!(Slot::ZERO < applied_slot);
}

#[tokio::test]
async fn a_quarantined_transaction_that_no_node_answers_for_does_not_delay_the_steps() {
    let (mut chain, unreturned, fixture) = fixture(Duration::ZERO).await;
    let slot = chain
        .transactions
        .iter()
        .find(|transaction| transaction.signature == unreturned)
        .map(|transaction| transaction.slot)
        .unwrap();
    let store = fixture.database.store.clone();
    let entry = [((slot, unreturned), true)];
    store.quarantine(&entry, "added by a test", true).await.unwrap();
    fixture.source.state().unanswered.insert(unreturned);
    let run_settings = RunSettings {
        follow: settings(),
        poll_interval: Duration::from_millis(50),
        finality_interval: Duration::from_millis(50),
        reconcile_interval: None,
    };
    let (indexer, _status) = Indexer::new(Arc::clone(&fixture.source), store.clone(), run_settings);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(indexer.run(shutdown.clone()));
    let reached = async |slot: Slot| {
        let reached = async {
            while store.checkpoint().await.unwrap().is_none_or(|at| at.slot < slot) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), reached)
            .await
            .expect("the checkpoint does not move");
    };
    reached(chain.slot).await;
    let requested = async {
        while fixture.source.state().pending == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), requested)
        .await
        .expect("the quarantined transaction is not requested");
    chain.verify(named("scope"), named("registry"), 8);
    chain.wait(1);
    fixture.source.set_chain(&chain);
    reached(chain.slot).await;
    assert_eq!(store.quarantined().await.unwrap().len(), 1);
    shutdown.cancel();
    running.await.unwrap();
}

/// The other nodes may have it.
#[tokio::test]
async fn a_transaction_that_only_some_nodes_show_to_be_absent_is_not_dismissed() {
    let mut chain = small_chain();
    chain.wait(1);
    let hidden = chain.verify(named("scope"), named("registry"), 8);
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    let entry = ListedTransaction {
        slot: chain.slot.previous(),
        signature: hidden,
        succeeded: true,
        is_refused_reuse: false,
    };
    {
        let mut state = fixture.source.state();
        state.invented.push(entry);
        state.some_blocks_missing = true;
    }
    let error = fixture.first_error().await;
    assert!(
        matches!(
            error,
            IndexerError::Source(SourceError::NotOnChain {
                on_all_nodes: false,
                ..
            })
        ),
        "{error}"
    );
    // The honest node answers again.
    fixture.source.state().invented.clear();
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

/// A pair of nodes that lost some of the history must not stop what they still have.
#[tokio::test]
async fn transactions_that_no_node_returns_stop_nothing_while_nodes_return_as_many_others() {
    let mut chain = small_chain();
    let (registry, scope) = (named("registry"), named("scope"));
    let mut unreturned = Vec::new();
    for _ in 0..130 {
        unreturned.push(chain.verify(scope, registry, 7));
        chain.wait(1);
        chain.verify(scope, registry, 8);
        chain.wait(1);
    }
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().unreturned.extend(unreturned);
    restart(&mut fixture, Duration::ZERO);
    // A step sets aside a limited number of them, and fails with the next one.
    for _ in 0..20 {
        let _ = fixture.follower.step().await;
    }
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint.unwrap().slot, chain.slot);
    assert_eq!(count(&fixture.database, "quarantine").await, 130);
    assert_eq!(count(&fixture.database, "nullifiers").await, 133);
}

/// More of them show a node that returns nothing, with which the checkpoint must not move.
#[tokio::test]
async fn the_follower_does_not_set_a_whole_history_aside() {
    let mut chain = small_chain();
    let (registry, scope) = (named("registry"), named("scope"));
    let mut unreturned = Vec::new();
    for _ in 0..120 {
        unreturned.push(chain.verify(scope, registry, 7));
        chain.wait(1);
    }
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().unreturned.extend(unreturned);
    restart(&mut fixture, Duration::ZERO);
    let mut last = None;
    for _ in 0..20 {
        last = fixture.follower.step().await.err();
    }
    assert!(matches!(
        last,
        Some(IndexerError::Source(SourceError::NotReturned { .. }))
    ));
    // The nodes returned the other transactions of the first batch.
    assert_eq!(count(&fixture.database, "quarantine").await, 103);
}
