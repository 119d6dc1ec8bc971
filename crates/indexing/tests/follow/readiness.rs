//! Tests of the readiness that `/ready` reports.

use std::sync::Arc;
use std::time::Duration;

use bauta_indexing::testing::named;
use bauta_indexing::{Indexer, IndexerStatus, Role, RunSettings, StopReason};
use tokio_util::sync::CancellationToken;

use crate::support::{Fixture, settings, small_chain};

const MAX_LAG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_gap_makes_ready_fail_until_the_missing_transaction_is_listed() {
    let registry = named("registry");
    let mut chain = small_chain();
    chain.wait(1);
    let missing = chain.register(registry, 500, 1, 7).unwrap();
    chain.wait(1);
    chain.register(registry, 501, 1, 7).unwrap();
    chain.wait(1);
    let fixture = Fixture::new(&chain).await;
    fixture.source.state().omitted_everywhere.insert(missing);
    let run = RunSettings {
        follow: settings(),
        poll_interval: Duration::from_millis(20),
        finality_interval: Duration::from_millis(20),
        reconcile_interval: None,
    };
    let (indexer, mut status) =
        Indexer::new(Arc::clone(&fixture.source), fixture.database.store.clone(), run);
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(indexer.run(shutdown.clone()));
    let is_stopped = |status: &IndexerStatus| {
        status
            .stop_reason
            .as_ref()
            .is_some_and(|reason| !reason.is_retryable)
    };
    let stopped = status.wait_for(is_stopped).await.unwrap().clone();
    let reason = stopped.ready(MAX_LAG).unwrap_err();
    assert!(
        reason.contains("stopped at slot") && reason.contains("the next event is change 14"),
        "{reason}"
    );
    assert!(reason.contains("remains available"), "{reason}");
    fixture.source.state().omitted_everywhere.clear();
    let resumed = status.wait_for(|status| status.caught_up_at.is_some() && status.stop_reason.is_none());
    let resumed = resumed.await.unwrap().clone();
    assert_eq!(resumed.ready(MAX_LAG), Ok(()));
    shutdown.cancel();
    running.await.unwrap();
    fixture.assert_equals_new_database(&chain).await;
}

#[test]
fn a_standby_replica_is_ready_and_a_starting_one_is_not() {
    let mut status = IndexerStatus::default();
    assert!(status.ready(MAX_LAG).unwrap_err().contains("not been reached"));
    status.role = Role::Standby;
    assert_eq!(status.ready(MAX_LAG), Ok(()));
    status.role = Role::Leader;
    assert!(status.ready(MAX_LAG).unwrap_err().contains("reading the history"));
    status.caught_up_at = Some(std::time::Instant::now());
    assert_eq!(status.ready(MAX_LAG), Ok(()));
}

#[test]
fn an_unavailable_node_makes_ready_fail_only_after_the_maximum_lag() {
    let status = IndexerStatus {
        role: Role::Leader,
        caught_up_at: Some(std::time::Instant::now()),
        stop_reason: Some(StopReason {
            message: "no node returned the newest slot".into(),
            is_retryable: true,
        }),
        ..IndexerStatus::default()
    };
    assert_eq!(status.ready(MAX_LAG), Ok(()));
    let late = status.ready(Duration::ZERO).unwrap_err();
    assert!(
        late.contains("behind the chain") && late.contains("no node returned"),
        "{late}"
    );
}

#[test]
fn one_of_several_nodes_that_decides_alone_and_a_disputed_slot_are_reported() {
    let status = IndexerStatus::default();
    assert_eq!(status.listed_by_two(Duration::ZERO), Ok(()));
    assert_eq!(status.undisputed(), Ok(()));
    let status = IndexerStatus {
        single_node_since: Some(std::time::Instant::now()),
        disputed_slot: Some(bauta_store::Slot::new(7)),
        ..status
    };
    assert_eq!(status.listed_by_two(Duration::from_hours(1)), Ok(()));
    let alone = status.listed_by_two(Duration::ZERO).unwrap_err();
    assert!(alone.contains("only one node has listed"), "{alone}");
    let disputed = status.undisputed().unwrap_err();
    assert!(disputed.contains("no slot from 7 on becomes final"), "{disputed}");
}

#[test]
fn contested_transactions_that_are_set_aside_make_the_status_not_ready() {
    let status = IndexerStatus {
        role: Role::Leader,
        caught_up_at: Some(std::time::Instant::now()),
        contested_kept: 1,
        ..IndexerStatus::default()
    };
    assert_eq!(status.ready(MAX_LAG), Ok(()));
    let reason = status.uncontested().unwrap_err();
    assert!(reason.contains("1 applied transactions"), "{reason}");
    let aside = IndexerStatus {
        contested_aside: 2,
        contested_kept: 0,
        ..status
    };
    let reason = aside.ready(MAX_LAG).unwrap_err();
    assert!(reason.contains("rows may be missing"), "{reason}");
    assert_eq!(aside.uncontested(), Ok(()));
}
