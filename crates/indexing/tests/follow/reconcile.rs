//! Tests of the reconciliation, which finds transactions that the histories omit.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bauta::state::Nullifier;
use bauta_indexing::chain::{Account, Head, Transaction};
use bauta_indexing::testing::{TestChain, TestSource, named};
use bauta_indexing::{
    Indexer, IndexerError, IndexerStatus, Outcome, ReconcileLimits, Reconciler, RunSettings,
    UnexplainedDifferences,
};
use bauta_store::{Event, Slot};
use solana_signature::Signature;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, count, settings, small_chain};

/// Reconciles and steps until accounts and database agree. Returns the number of rounds with a
/// difference.
async fn rounds_until_agreement(fixture: &mut Fixture) -> usize {
    let mut reconciler = Reconciler::default();
    for round in 0..5 {
        match reconciler.round(&mut fixture.follower).await.unwrap() {
            Outcome::Agreement { .. } => return round,
            Outcome::Repaired | Outcome::Inconclusive => {}
        }
        fixture.settle().await;
    }
    panic!("accounts and database differ after five rounds");
}

/// Returns an indexer that polls and reconciles every 20 ms, and its status.
fn indexer(fixture: &Fixture) -> (Indexer<TestSource>, watch::Receiver<IndexerStatus>) {
    let interval = Duration::from_millis(20);
    let run = RunSettings {
        follow: settings(),
        poll_interval: interval,
        finality_interval: interval,
        reconcile_interval: Some(interval),
    };
    Indexer::new(Arc::clone(&fixture.source), fixture.database.store.clone(), run)
}

/// Asserts that the first round finds a transaction that every list by the program's address omits.
/// The lists by the addresses of its accounts contain it.
async fn assert_one_round_finds(chain: &TestChain, omitted: Signature) {
    let mut fixture = Fixture::new(chain).await;
    fixture.source.state().omitted.insert(omitted);
    fixture.settle().await;
    assert_eq!(rounds_until_agreement(&mut fixture).await, 1);
    fixture.assert_equals_new_database(chain).await;
}

#[tokio::test]
async fn a_correct_database_agrees_in_the_first_round() {
    let chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    assert_eq!(rounds_until_agreement(&mut fixture).await, 0);
}

#[tokio::test]
async fn a_missing_verification_is_found_by_its_nullifier_account() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    chain.wait(1);
    let missing = chain.verify(scope, registry, 8);
    chain.wait(1);
    chain.verify(scope, registry, 7);
    chain.wait(1);
    assert_one_round_finds(&chain, missing).await;
}

#[tokio::test]
async fn a_missing_last_change_is_found_by_its_registry_account() {
    let registry = named("registry");
    let mut chain = small_chain();
    chain.wait(1);
    let missing = chain.register(registry, 900, 3, 8).unwrap();
    chain.wait(1);
    // There is no later change that reveals the gap.
    assert_one_round_finds(&chain, missing).await;
}

#[tokio::test]
async fn a_missing_sealing_is_found_although_the_tree_is_complete() {
    let registry = named("registry");
    let mut chain = small_chain();
    chain.wait(1);
    let missing = chain.seal(registry);
    chain.wait(1);
    assert_one_round_finds(&chain, missing).await;
}

#[tokio::test]
async fn a_missing_initialisation_is_found_by_the_config_account() {
    let mut chain = TestChain::default();
    let missing = chain.initialize();
    chain.wait(1);
    assert_one_round_finds(&chain, missing).await;
}

#[tokio::test]
async fn stale_accounts_do_not_stop_the_checkpoint() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    // The accounts are read before the changes and compared after them.
    let stale = fixture.source.present_accounts();
    for mint in 0..5 {
        chain.wait(1);
        chain.register(registry, 900 + mint, 3, 8).unwrap();
    }
    fixture.source.set_chain(&chain);
    fixture.source.state().stale_accounts = Some(stale);
    fixture.settle().await;
    let mut reconciler = Reconciler::default();
    let outcome = reconciler.round(&mut fixture.follower).await.unwrap();
    assert_eq!(
        outcome,
        Outcome::Inconclusive,
        "holdings without an account must be compared again"
    );
    fixture.source.state().stale_accounts = None;
    let outcome = reconciler.round(&mut fixture.follower).await.unwrap();
    assert!(matches!(outcome, Outcome::Agreement { .. }), "{outcome:?}");
}

#[tokio::test]
async fn an_account_newer_than_its_reported_slot_is_not_a_difference() {
    let registry = named("registry");
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    for mint in 0..5 {
        chain.wait(1);
        chain.register(registry, 900 + mint, 3, 8).unwrap();
    }
    let head = Head {
        confirmed: chain.slot,
        finalized: Slot::ZERO,
    };
    fixture.source.state().newer = Some((chain.transactions.clone(), head));
    let outcome = Reconciler::default().round(&mut fixture.follower).await.unwrap();
    assert!(matches!(outcome, Outcome::Agreement { .. }), "{outcome:?}");
    fixture.assert_equals_new_database(&chain).await;
}

/// Limits with which a request returns few accounts, and two rounds compare all of them.
const SMALL: ReconcileLimits = ReconcileLimits {
    accounts_per_request: 60,
    accounts_per_round: 2_700,
};

/// Creates a scope with more nullifiers than one round compares within the limits [`SMALL`], and a
/// follower that has applied them. `omit` selects a transaction that the source omits.
async fn large_fixture(omit: impl FnOnce(&TestChain) -> Option<Signature>) -> (TestChain, Fixture) {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    for _ in 0..120 {
        chain.verify(scope, registry, 7);
    }
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().omitted.extend(omit(&chain));
    fixture.settle().await;
    // Deriving the accounts once saves deriving them for every part.
    let accounts = fixture.source.present_accounts();
    fixture.source.state().stale_accounts = Some(accounts);
    (chain, fixture)
}

#[tokio::test]
async fn many_accounts_agree_only_after_all_parts_are_compared() {
    let (_, mut fixture) = large_fixture(|_| None).await;
    let mut reconciler = Reconciler::new(SMALL);
    let mut agreed = Vec::new();
    for _ in 0..3 {
        let Outcome::Agreement { up_to } = reconciler.round(&mut fixture.follower).await.unwrap() else {
            panic!("accounts and database differ");
        };
        agreed.push(up_to.is_some());
    }
    // Each round compares half of the nullifiers.
    assert_eq!(agreed, [false, true, true]);
}

#[tokio::test]
async fn among_many_accounts_a_missing_verification_is_found_in_any_part() {
    let (chain, mut fixture) = large_fixture(|chain| {
        let mut transactions = chain.transactions.iter().rev();
        // The nullifiers with the highest first bytes are in the last part.
        let is_in_last_part = |transaction: &&Transaction| {
            nullifier_of(transaction).is_some_and(|nullifier| nullifier[0] >= 0x20)
        };
        transactions
            .find(is_in_last_part)
            .map(|transaction| transaction.signature)
    })
    .await;
    let mut reconciler = Reconciler::new(SMALL);
    let first = reconciler.round(&mut fixture.follower).await.unwrap();
    assert_eq!(first, Outcome::Agreement { up_to: None });
    assert_eq!(
        reconciler.round(&mut fixture.follower).await.unwrap(),
        Outcome::Repaired
    );
    fixture.settle().await;
    assert_eq!(
        count(&fixture.database, "nullifiers").await,
        i64::try_from(chain.transactions.iter().filter_map(nullifier_of).count()).unwrap()
    );
}

#[tokio::test]
async fn among_many_accounts_an_unexplained_difference_stops_the_indexer() {
    let (_, mut fixture) = large_fixture(|_| None).await;
    let mut accounts = fixture.source.present_accounts();
    let scope = named("scope").to_bytes();
    // A nullifier's account of the last part. The first bytes of the scope and of the nullifier
    // follow the discriminator and the rent payer.
    let is_removed = |account: &Account| {
        account.data.len() == Nullifier::SPACE
            && account.data[40..56] == scope[..16]
            && account.data[56] >= 0x20
    };
    let removed = accounts.iter().position(is_removed).unwrap();
    accounts.remove(removed);
    fixture.source.state().stale_accounts = Some(accounts);
    let mut reconciler = Reconciler::new(SMALL);
    let mut outcomes = Vec::new();
    for _ in 0..4 {
        outcomes.push(
            reconciler
                .round(&mut fixture.follower)
                .await
                .map_err(|error| error.to_string()),
        );
    }
    assert!(
        matches!(outcomes[0], Ok(Outcome::Agreement { up_to: None })),
        "{outcomes:?}"
    );
    assert_eq!(
        outcomes[1..3],
        [Ok(Outcome::Inconclusive), Ok(Outcome::Inconclusive)]
    );
    assert!(
        outcomes[3]
            .as_ref()
            .is_err_and(|error| error.contains("nullifier")),
        "{outcomes:?}"
    );
}

#[tokio::test]
async fn accounts_that_are_too_many_for_one_answer_are_requested_in_smaller_parts() {
    let (_, mut fixture) = large_fixture(|_| None).await;
    // 123 nullifiers, and 13 circuits, registries, scopes and holdings.
    fixture.source.state().max_accounts = Some(20);
    let outcome = Reconciler::default().round(&mut fixture.follower).await.unwrap();
    assert!(matches!(outcome, Outcome::Agreement { .. }), "{outcome:?}");
    let mut accounts = fixture.source.present_accounts();
    accounts.retain(|account| account.data.get(56) != Some(&0x21));
    fixture.source.state().stale_accounts = Some(accounts);
    let mut reconciler = Reconciler::default();
    let mut found = false;
    for _ in 0..4 {
        found |= !matches!(
            reconciler.round(&mut fixture.follower).await,
            Ok(Outcome::Agreement { .. })
        );
    }
    assert!(found, "no part contains the nullifiers that begin with 21");
}

#[tokio::test]
async fn accounts_that_no_node_returns_stop_neither_following_nor_finality_nor_the_other_accounts() {
    let mut chain = small_chain();
    let fixture = Fixture::new(&chain).await;
    fixture.source.state().accounts_fail = true;
    let (indexer, mut status) = indexer(&fixture);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(indexer.run(shutdown.clone()));
    for _ in 0..3 {
        chain.wait(1);
        chain.verify(named("scope"), named("registry"), 7);
        chain.wait(1);
        fixture.source.set_chain(&chain);
        fixture.source.state().head = Some(Head {
            confirmed: chain.slot,
            finalized: chain.slot,
        });
        let is_final =
            |status: &IndexerStatus| status.finalized == Some(chain.slot) && status.caught_up_at.is_some();
        let waited = tokio::time::timeout(Duration::from_secs(30), status.wait_for(is_final));
        let status = waited.await.unwrap().unwrap().clone();
        assert_eq!(status.ready(Duration::from_secs(30)), Ok(()));
        assert_eq!(status.reconciled, None);
    }
    let stopped = status.borrow().reconciling(Duration::ZERO).unwrap_err();
    assert!(stopped.contains("only up to the beginning"), "{stopped}");
    fixture.source.state().accounts_fail = false;
    let is_reconciled = |status: &IndexerStatus| status.reconciled == Some(chain.slot);
    let waited = tokio::time::timeout(Duration::from_secs(30), status.wait_for(is_reconciled));
    drop(waited.await.unwrap().unwrap());
    shutdown.cancel();
    running.await.unwrap();
    fixture.assert_equals_new_database(&chain).await;
}

/// Returns the nullifier of a transaction with a verification.
fn nullifier_of(transaction: &Transaction) -> Option<[u8; 32]> {
    let records = bauta_indexing::decode::records(transaction).unwrap();
    records.iter().find_map(|record| match &record.event {
        Event::OwnershipVerified(verified) => Some(verified.nullifier.to_bytes()),
        _ => None,
    })
}

#[tokio::test]
async fn an_unexplained_difference_stops_the_indexer() {
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let mut accounts = fixture.source.present_accounts();
    accounts.pop();
    fixture.source.state().stale_accounts = Some(accounts);
    let mut reconciler = Reconciler::default();
    let mut stopped = None;
    for _ in 0..3 {
        chain.wait(1);
        fixture.source.set_chain(&chain);
        fixture.settle().await;
        stopped = stopped.or(reconciler.round(&mut fixture.follower).await.err());
    }
    let stopped = stopped.unwrap();
    assert!(
        matches!(
            stopped,
            IndexerError::UnexplainedDifferences(UnexplainedDifferences { differences: 1, .. })
        ),
        "{stopped}"
    );
    assert!(!stopped.is_retryable());
}

/// A long history takes hours to read.
#[tokio::test]
async fn the_search_for_what_explains_a_difference_does_not_delay_the_steps() {
    let mut chain = small_chain();
    let fixture = Fixture::new(&chain).await;
    let mut accounts = fixture.source.present_accounts();
    accounts.pop();
    {
        let mut state = fixture.source.state();
        state.stale_accounts = Some(accounts);
        state.max_account_pages = Some(0);
    }
    let (indexer, mut status) = indexer(&fixture);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(indexer.run(shutdown.clone()));
    let searches = async {
        while fixture.source.state().account_pages == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), searches)
        .await
        .expect("no search begins");
    for _ in 0..3 {
        chain.wait(1);
        chain.verify(named("scope"), named("registry"), 7);
        chain.wait(1);
        fixture.source.set_chain(&chain);
        let is_reached = |status: &IndexerStatus| status.checkpoint.is_some_and(|at| at.slot == chain.slot);
        let waited = tokio::time::timeout(Duration::from_mins(1), status.wait_for(is_reached)).await;
        drop(waited.expect("the checkpoint does not move").unwrap());
    }
    shutdown.cancel();
    running.await.unwrap();
}

/// A chain with a verification that every list by the program's address omits, and two nodes, of
/// which the first one returns the accounts without it.
async fn fixture_with_a_faulty_node() -> (TestChain, Fixture) {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    let accounts = TestSource::new(&chain).present_accounts();
    chain.wait(1);
    let missing = chain.verify(scope, registry, 8);
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    {
        let mut state = fixture.source.state();
        state.omitted.insert(missing);
        state.other_histories = vec![Some(HashSet::from([missing]))];
        (state.stale_accounts, state.stale_node) = (Some(accounts), Some(0));
    }
    fixture.settle().await;
    (chain, fixture)
}

#[tokio::test]
async fn the_accounts_of_one_node_of_several_make_no_slot_reconciled() {
    let (chain, mut fixture) = fixture_with_a_faulty_node().await;
    let mut reconciler = Reconciler::default();
    let outcome = reconciler.round(&mut fixture.follower).await.unwrap();
    assert_eq!(outcome, Outcome::Agreement { up_to: None });
    // The other node shows what is missing.
    let outcome = reconciler.round(&mut fixture.follower).await.unwrap();
    assert_eq!(outcome, Outcome::Repaired);
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn two_nodes_whose_accounts_agree_make_slots_reconciled() {
    let chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().other_histories = vec![Some(HashSet::new())];
    fixture.settle().await;
    let mut reconciler = Reconciler::default();
    for up_to in [None, Some(chain.slot), Some(chain.slot)] {
        let outcome = reconciler.round(&mut fixture.follower).await.unwrap();
        assert_eq!(outcome, Outcome::Agreement { up_to });
    }
}

#[tokio::test]
async fn the_only_node_that_serves_accounts_makes_slots_reconciled() {
    let chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    {
        let mut state = fixture.source.state();
        state.other_histories = vec![Some(HashSet::new())];
        state.nodes_without_accounts = 1;
    }
    fixture.settle().await;
    let outcome = Reconciler::default().round(&mut fixture.follower).await.unwrap();
    let up_to = Some(chain.slot);
    assert_eq!(outcome, Outcome::Agreement { up_to });
}

/// The accounts of the second node lack a verification that the database has.
#[tokio::test]
async fn a_node_whose_accounts_differ_for_no_reason_stops_nothing_beside_two_others() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    let accounts = TestSource::new(&chain).present_accounts();
    chain.verify(scope, registry, 8);
    chain.wait(1);
    let mut fixture = Fixture::new(&chain).await;
    {
        let mut state = fixture.source.state();
        state.other_histories = vec![Some(HashSet::new()), Some(HashSet::new())];
        (state.stale_accounts, state.stale_node) = (Some(accounts), Some(1));
    }
    fixture.settle().await;
    let mut reconciler = Reconciler::default();
    let mut agreed = None;
    for _ in 0..6 {
        match reconciler.round(&mut fixture.follower).await.unwrap() {
            Outcome::Agreement { up_to } => agreed = agreed.max(up_to),
            outcome => assert_eq!(outcome, Outcome::Inconclusive),
        }
    }
    assert_eq!(agreed, Some(chain.slot));
}
