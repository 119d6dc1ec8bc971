//! Tests of the backfill, which reads a long history in pieces of bounded size.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bauta_indexing::chain::ListedTransaction;
use bauta_indexing::testing::{TestChain, named};
use bauta_indexing::{Follower, Indexer, RunSettings, Settings};
use bauta_store::{BackfillRange, Slot};
use solana_signature::Signature;
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, count, settings, small_chain};

/// Settings with which every history that is final is read by a backfill.
fn backfill_settings() -> Settings {
    Settings {
        backfill_slots: 0,
        ..settings()
    }
}

/// A chain that is final, and a follower that has to backfill all of it in pages of three entries.
async fn fixture() -> (TestChain, Fixture) {
    let mut chain = small_chain();
    let (registry, scope) = (named("registry"), named("scope"));
    for _ in 0..60 {
        chain.verify(scope, registry, 7);
        chain.wait(1);
    }
    let mut fixture = Fixture::new(&chain).await;
    fixture.finalize(&chain);
    fixture.source.state().page_size = 3;
    restart(&mut fixture, backfill_settings());
    (chain, fixture)
}

fn restart(fixture: &mut Fixture, settings: Settings) {
    fixture.follower = Follower::new(
        Arc::clone(&fixture.source),
        fixture.database.store.clone(),
        settings,
    );
}

async fn assert_nothing_is_stored(fixture: &Fixture) {
    for table in ["backfill", "backfill_lists", "backfill_transactions"] {
        assert_eq!(count(&fixture.database, table).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_backfill_in_small_pages_gives_the_rows_of_a_new_database() {
    let (chain, mut fixture) = fixture().await;
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint.map(|at| at.slot), Some(chain.slot));
    assert!(fixture.source.state().pages.len() > 20);
    assert_nothing_is_stored(&fixture).await;
    assert_eq!(count(&fixture.database, "journal").await, 0);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_restarted_backfill_reads_no_page_again() {
    let (chain, mut fixture) = fixture().await;
    fixture.source.state().max_pages = Some(10);
    while count(&fixture.database, "backfill_transactions").await < 30 {
        fixture.follower.step().await.unwrap();
    }
    restart(&mut fixture, backfill_settings());
    fixture.source.state().max_pages = None;
    fixture.settle().await;
    let pages = fixture.source.state().pages.len();
    // The last page is empty.
    assert_eq!(pages, chain.transactions.len().div_ceil(3) + 1);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_backfill_that_stops_while_it_applies_continues_at_its_checkpoint() {
    let (chain, mut fixture) = fixture().await;
    fixture.source.state().failing_fetches = 5..6;
    fixture.first_error().await;
    let reached = fixture.database.store.checkpoint().await.unwrap().unwrap();
    assert!(reached.slot < chain.slot);
    let (pages, fetched) = {
        let state = fixture.source.state();
        (state.pages.len(), state.fetched)
    };
    restart(&mut fixture, backfill_settings());
    fixture.settle().await;
    {
        let state = fixture.source.state();
        assert_eq!(state.pages.len(), pages, "the history was read again");
        // At most the two batches in flight are fetched again.
        let limit = chain.transactions.len() + 2 * backfill_settings().batch_transactions;
        assert!(state.fetched <= limit, "{} after {fetched}", state.fetched);
    }
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn the_union_of_all_histories_is_applied() {
    let (chain, mut fixture) = fixture().await;
    let signatures: Vec<Signature> = chain.transactions.iter().map(|t| t.signature).collect();
    // No node has the whole history.
    fixture.source.state().omitted.insert(signatures[20]);
    let other: HashSet<_> = signatures
        .iter()
        .copied()
        .filter(|s| *s != signatures[20])
        .collect();
    fixture.source.state().other_histories = vec![Some(other)];
    fixture.settle().await;
    assert_nothing_is_stored(&fixture).await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_node_that_delivers_nothing_delays_the_others_only_for_the_time_of_the_settings() {
    let (chain, mut fixture) = fixture().await;
    fixture.source.state().other_histories = vec![None];
    for _ in 0..3 {
        assert!(fixture.follower.step().await.unwrap().again);
    }
    assert_eq!(fixture.database.store.checkpoint().await.unwrap(), None);
    let patience = Settings {
        history_patience: Duration::ZERO,
        ..backfill_settings()
    };
    restart(&mut fixture, patience);
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_backfill_without_any_answering_node_fails_with_the_reason() {
    let (_, mut fixture) = fixture().await;
    fixture.source.state().max_pages = Some(0);
    let error = fixture.first_error().await.to_string();
    assert!(error.contains("injected failure"), "{error}");
}

#[tokio::test]
async fn a_stored_backfill_that_does_not_fit_the_checkpoint_is_replaced() {
    let (chain, mut fixture) = fixture().await;
    // It begins after the checkpoint of the empty database.
    let range = BackfillRange {
        after: Some(Slot::new(5)),
        until: chain.slot,
    };
    fixture.database.store.begin_backfill(range).await.unwrap();
    fixture.settle().await;
    assert_nothing_is_stored(&fixture).await;
    fixture.assert_equals_new_database(&chain).await;
}

/// A node lists transactions as failed that succeeded. The fetched transactions decide.
#[tokio::test]
async fn a_wrong_outcome_in_a_history_is_reported_and_corrected() {
    let (chain, mut fixture) = fixture().await;
    {
        let mut state = fixture.source.state();
        state.other_histories = vec![Some(HashSet::new())];
        state.failing_fetches = 0..usize::MAX;
    }
    fixture.first_error().await;
    let changed = sqlx::query(
        "UPDATE backfill_transactions SET succeeded = NOT succeeded WHERE slot BETWEEN 103 AND 104",
    )
    .execute(fixture.database.pool())
    .await
    .unwrap();
    assert!(changed.rows_affected() > 0);
    fixture.source.state().failing_fetches = 0..0;
    for _ in 0..changed.rows_affected() {
        let error = fixture.first_error().await;
        assert!(error.is_contradiction(), "{error}");
    }
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_transaction_that_a_history_invents_stops_nothing() {
    let (chain, mut fixture) = fixture().await;
    let invented = ListedTransaction {
        slot: chain.slot.previous(),
        signature: Signature::from([9; 64]),
        succeeded: true,
        is_refused_reuse: false,
    };
    fixture.source.state().invented.push(invented);
    fixture.settle().await;
    assert_nothing_is_stored(&fixture).await;
    fixture.source.state().invented.clear();
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_history_without_an_end_delays_the_others_only_for_the_time_of_the_settings() {
    let (chain, mut fixture) = fixture().await;
    {
        let mut state = fixture.source.state();
        state.other_histories = vec![Some(HashSet::new())];
        state.repeats = true;
    }
    let patience = Settings {
        history_patience: Duration::ZERO,
        ..backfill_settings()
    };
    restart(&mut fixture, patience);
    fixture.settle().await;
    fixture.source.state().repeats = false;
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn a_position_that_a_node_no_longer_has_is_not_the_end_of_its_history() {
    let (chain, mut fixture) = fixture().await;
    fixture.source.state().max_pages = Some(10);
    while count(&fixture.database, "backfill_transactions").await < 30 {
        fixture.follower.step().await.unwrap();
    }
    sqlx::query("UPDATE backfill_lists SET before = $1")
        .bind([7_u8; 64].as_slice())
        .execute(fixture.database.pool())
        .await
        .unwrap();
    restart(&mut fixture, backfill_settings());
    fixture.source.state().max_pages = None;
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
}

/// A long history is newer than the gap.
#[tokio::test]
async fn a_search_during_a_backfill_begins_near_the_gap() {
    let mut chain = small_chain();
    let registry = named("registry");
    let mut registered = Vec::new();
    for mint in 200..280 {
        registered.push(chain.register(registry, mint, 1, 7).unwrap());
        chain.wait(1);
    }
    let mut fixture = Fixture::new(&chain).await;
    let settings = Settings {
        batch_transactions: 1,
        ..backfill_settings()
    };
    fixture.finalize(&chain);
    fixture.source.state().omitted.insert(registered[10]);
    restart(&mut fixture, settings);
    fixture.settle().await;
    let began_before = fixture.source.state().began_before.clone();
    assert!(!began_before.is_empty());
    let newest = registered.last().unwrap();
    assert!(
        !began_before.contains(newest),
        "the search began with the newest entry"
    );
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn maintenance_continues_during_a_backfill() {
    let (chain, fixture) = fixture().await;
    // The second node delivers nothing, and is awaited for a minute.
    fixture.source.state().other_histories = vec![None];
    let invented = ListedTransaction {
        slot: chain.slot,
        signature: Signature::from([9; 64]),
        succeeded: true,
        is_refused_reuse: false,
    };
    fixture.source.state().invented.push(invented);
    let store = fixture.database.store.clone();
    let entry = [((invented.slot, invented.signature), true)];
    store.quarantine(&entry, "added by a test", true).await.unwrap();
    let run_settings = RunSettings {
        follow: backfill_settings(),
        poll_interval: Duration::from_millis(50),
        finality_interval: Duration::from_millis(50),
        reconcile_interval: None,
    };
    let (indexer, _status) = Indexer::new(Arc::clone(&fixture.source), store.clone(), run_settings);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(indexer.run(shutdown.clone()));
    while !store.quarantined().await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(store.backfill().await.unwrap().is_some());
    assert_eq!(store.checkpoint().await.unwrap(), None);
    shutdown.cancel();
    running.await.unwrap();
}

/// The history is older than the time-to-live of its roots, and a scope in the part that was not
/// read yet can have copied one of them.
#[tokio::test]
async fn pruning_during_a_backfill_keeps_the_roots_that_were_valid_at_its_position() {
    let registry = named("registry");
    let mut chain = TestChain::default();
    chain.initialize();
    chain.create(registry, bauta::state::RegistryKind::Managed);
    for leaf in 0..40 {
        chain.wait(20);
        chain.append(registry, &[leaf]).unwrap();
    }
    let mut fixture = Fixture::new(&chain).await;
    fixture.finalize(&chain);
    fixture.source.state().failing_fetches = 6..7;
    restart(&mut fixture, backfill_settings());
    fixture.first_error().await;
    let store = fixture.database.store.clone();
    assert!(count(&fixture.database, "roots").await > 10);
    assert!(store.backfill().await.unwrap().is_some());

    let run_settings = RunSettings {
        follow: backfill_settings(),
        poll_interval: Duration::from_millis(50),
        finality_interval: Duration::from_millis(50),
        reconcile_interval: None,
    };
    let (indexer, _status) = Indexer::new(Arc::clone(&fixture.source), store.clone(), run_settings);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(indexer.run(shutdown.clone()));
    while store.checkpoint().await.unwrap().map(|at| at.slot) < Some(chain.slot) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    shutdown.cancel();
    running.await.unwrap();
    let known = store.registry(registry).await.unwrap();
    let time = store.newest_event_time().await.unwrap().unwrap();
    let valid = store.valid_roots(&known, time).await.unwrap();
    assert!(valid.len() > 5, "{}", valid.len());
    for record in valid {
        store.path(&known, record.root, 0, time).await.unwrap();
    }
}

/// A rollback cannot add a transaction that a backfill has left out.
#[tokio::test]
async fn a_backfill_keeps_a_transaction_whose_block_not_every_node_returned() {
    let (chain, mut fixture) = fixture().await;
    let invented = ListedTransaction {
        slot: chain.slot.previous(),
        signature: Signature::from([9; 64]),
        succeeded: true,
        is_refused_reuse: false,
    };
    {
        let mut state = fixture.source.state();
        state.invented.push(invented);
        state.some_blocks_missing = true;
    }
    let at_once = Settings {
        quarantine_after: Duration::ZERO,
        ..backfill_settings()
    };
    restart(&mut fixture, at_once);
    fixture.settle().await;
    let quarantined = fixture.database.store.quarantined().await.unwrap();
    assert_eq!(quarantined.len(), 1);
    assert_eq!(quarantined[0].signature, invented.signature);
    // It stays there until every node returns the block, or for an hour.
    for (since, left) in [("1 minute", 1), ("2 hours", 0)] {
        let query =
            format!("UPDATE quarantine SET next_attempt_at = now(), since = now() - interval '{since}'");
        sqlx::query(sqlx::AssertSqlSafe(query))
            .execute(fixture.database.pool())
            .await
            .unwrap();
        assert!(!fixture.retry_quarantined().await.unwrap());
        assert_eq!(count(&fixture.database, "quarantine").await, left, "{since}");
    }
}

/// The first node has only the newest entries. The second one delivers the others slowly.
#[tokio::test]
async fn a_node_that_lacks_old_blocks_does_not_end_a_backfill_that_another_node_continues() {
    let (chain, mut fixture) = fixture().await;
    let old = chain.transactions.len() - 6;
    {
        let mut state = fixture.source.state();
        state.omitted = chain.transactions[..old].iter().map(|t| t.signature).collect();
        state.first_slots.insert(0, chain.transactions[old].slot);
        state.other_histories = vec![Some(HashSet::new())];
        state.page_delay = Duration::from_millis(80);
    }
    let patience = Settings {
        history_patience: Duration::from_millis(500),
        ..backfill_settings()
    };
    restart(&mut fixture, patience);
    while fixture.follower.step().await.unwrap().again {}
    let pages = fixture.source.state().pages.clone();
    let pages = pages.iter().filter(|node| **node == 1).count();
    assert_eq!(pages, chain.transactions.len().div_ceil(3) + 1);
    fixture.source.state().omitted.clear();
    fixture.source.state().page_delay = Duration::ZERO;
    fixture.assert_equals_new_database(&chain).await;
}

/// The indexer stopped before its newest slots were final, and starts again long afterwards.
#[tokio::test]
async fn after_a_long_outage_the_history_is_read_by_a_backfill() {
    let (mut chain, mut fixture) = fixture().await;
    fixture.settle().await;
    let floor = chain.slot;
    let (registry, scope) = (named("registry"), named("scope"));
    let extend = |chain: &mut TestChain, fixture: &Fixture| {
        for _ in 0..20 {
            chain.wait(1);
            chain.verify(scope, registry, 7);
        }
        fixture.source.set_chain(chain);
    };
    extend(&mut chain, &fixture);
    fixture.settle().await;
    let checkpoint = fixture.database.store.checkpoint().await.unwrap();
    assert_eq!(checkpoint.map(|at| at.slot), Some(chain.slot));
    assert_eq!(
        fixture.database.store.finalized_slot().await.unwrap(),
        Some(floor)
    );
    extend(&mut chain, &fixture);
    fixture.finalize(&chain);
    restart(&mut fixture, backfill_settings());
    let mut is_backfill = false;
    loop {
        let step = fixture.follower.step().await.unwrap();
        is_backfill |= step.is_backfill;
        if !step.again {
            break;
        }
    }
    assert!(is_backfill);
    assert_eq!(count(&fixture.database, "journal").await, 0);
    fixture.assert_equals_new_database(&chain).await;
}
