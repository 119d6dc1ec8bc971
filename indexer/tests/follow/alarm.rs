//! What /ready says, and when.

use std::sync::Arc;
use std::time::Duration;

use bauta_indexer::testing::named;
use bauta_indexer::{Indexer, Role, RunSettings, Status, Trouble};
use tokio_util::sync::CancellationToken;

use crate::support::{Scene, settings, small_chain};

const LAG: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_bad_batch_is_not_tried_again_without_an_alarm_and_goes_on_when_it_is_whole() {
    let registry = named("registry");
    let mut chain = small_chain();
    chain.wait(1);
    let lost = chain.register(registry, 500, 1, 7).unwrap();
    chain.wait(1);
    chain.register(registry, 501, 1, 7).unwrap();
    chain.wait(1);
    let scene = Scene::of(&chain).await;
    scene.source.state().lost.insert(lost);
    let run = RunSettings {
        follow: settings(),
        poll_interval: Duration::from_millis(20),
        finality_interval: Duration::from_millis(20),
        reconcile_interval: None,
    };
    let (indexer, mut status) = Indexer::new(Arc::clone(&scene.source), scene.database.store.clone(), run);
    let end = CancellationToken::new();
    let running = tokio::spawn(indexer.run(end.clone()));
    let is_stopped = |status: &Status| {
        status
            .trouble
            .as_ref()
            .is_some_and(|trouble| !trouble.is_transient)
    };
    let stopped = status.wait_for(is_stopped).await.unwrap().clone();
    let reason = stopped.ready(LAG).unwrap_err();
    assert!(
        reason.contains("stopped at slot") && reason.contains("the next event is change 14"),
        "{reason}"
    );
    assert!(reason.contains("known good"), "{reason}");
    scene.source.state().lost.clear();
    let went_on = status.wait_for(|status| status.level_at.is_some() && status.trouble.is_none());
    let went_on = went_on.await.unwrap().clone();
    assert_eq!(went_on.ready(LAG), Ok(()));
    end.cancel();
    running.await.unwrap();
    scene.assert_like_fresh(&chain).await;
}

#[test]
fn one_that_waits_for_the_lead_is_ready_and_one_that_has_seen_nothing_is_not() {
    let mut status = Status::default();
    assert!(status.ready(LAG).unwrap_err().contains("not been reached"));
    status.role = Role::Standby;
    assert_eq!(status.ready(LAG), Ok(()));
    status.role = Role::Leader;
    assert!(status.ready(LAG).unwrap_err().contains("reading history in"));
    status.level_at = Some(std::time::Instant::now());
    assert_eq!(status.ready(LAG), Ok(()));
}

#[test]
fn a_node_that_is_away_for_a_moment_is_no_reason_and_for_long_it_is_named() {
    let status = Status {
        role: Role::Leader,
        level_at: Some(std::time::Instant::now()),
        trouble: Some(Trouble {
            reason: "no node gave its newest slot".into(),
            is_transient: true,
        }),
        ..Status::default()
    };
    assert_eq!(status.ready(LAG), Ok(()));
    let late = status.ready(Duration::ZERO).unwrap_err();
    assert!(
        late.contains("behind the chain") && late.contains("no node gave"),
        "{late}"
    );
}
