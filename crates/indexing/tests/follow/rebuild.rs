//! Tests of a rebuild while the database is in use.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bauta_indexing::testing::{TestSource, named};
use bauta_indexing::{IndexerError, Progress, Rebuilt, Settings, Stage, rebuild};

use crate::support::{Fixture, count, rows, settings, small_chain};

#[tokio::test]
async fn a_rebuild_replaces_damaged_rows_by_those_of_the_chain() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    // A nullifier that was never used, a missing leaf, and a wrong count.
    for damage in [
        "UPDATE nullifiers SET hash = decode(repeat('01', 32), 'hex') WHERE ctid = (SELECT ctid FROM nullifiers LIMIT 1)",
        "DELETE FROM merkle_leaves WHERE index = 3",
        "UPDATE growth_by_day SET registered = registered + 5",
    ] {
        sqlx::query(damage)
            .execute(fixture.database.pool())
            .await
            .unwrap();
    }
    chain.wait(1);
    chain.verify(scope, registry, 7);
    fixture.source.set_chain(&chain);
    let url = fixture.database.url().unwrap();
    // A dry run reads and compares everything, and changes nothing.
    let damaged = rows(&fixture.database).await;
    let (source, store) = (Arc::clone(&fixture.source), &fixture.database.store);
    let dry_run = rebuild(source, store, &url, settings(), true, &mut |_| {})
        .await
        .unwrap();
    assert_eq!(dry_run.slot, chain.slot);
    assert_eq!(rows(&fixture.database).await, damaged);
    let rebuilt = rebuild(
        Arc::clone(&fixture.source),
        &fixture.database.store,
        &url,
        settings(),
        false,
        &mut |_| {},
    )
    .await;
    assert_eq!(rebuilt.unwrap().slot, chain.slot);
    fixture.assert_equals_new_database(&chain).await;
    // The new rows can be followed further, and rolled back.
    chain.wait(1);
    chain.register(registry, 900, 1, 7).unwrap();
    fixture.source.set_chain(&chain);
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
    fixture
        .database
        .store
        .roll_back_to(chain.slot.previous())
        .await
        .unwrap();
    fixture.settle().await;
    fixture.assert_equals_new_database(&chain).await;
    let schemas = "SELECT FROM information_schema.schemata WHERE schema_name = 'bauta_rebuild'";
    assert!(
        sqlx::query(schemas)
            .fetch_all(fixture.database.pool())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_rebuild_adds_a_transaction_missing_in_a_final_slot() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    chain.wait(1);
    let missing = chain.verify(scope, registry, 8);
    for _ in 0..400 {
        chain.wait(1);
    }
    let mut fixture = Fixture::new(&chain).await;
    fixture.source.state().omitted.insert(missing);
    // Everything is final, so the backfill writes no journal.
    fixture.finalize(&chain);
    fixture.settle().await;
    assert_eq!(count(&fixture.database, "nullifiers").await, 3);
    // An operator's command has found it.
    let key = (chain.transactions.last().unwrap().slot, missing);
    let store = &fixture.database.store;
    store
        .quarantine(&[(key, true)], "found by a test", true)
        .await
        .unwrap();
    let url = fixture.database.url().unwrap();
    rebuild(
        Arc::clone(&fixture.source),
        &fixture.database.store,
        &url,
        settings(),
        false,
        &mut |_| {},
    )
    .await
    .unwrap();
    assert_eq!(count(&fixture.database, "nullifiers").await, 4);
    assert_eq!(count(&fixture.database, "quarantine").await, 0);
    fixture.assert_equals_new_database(&chain).await;
}

#[tokio::test]
async fn readers_see_the_old_rows_until_the_new_rows_are_complete() {
    let chain = small_chain();
    let mut fixture = Fixture::new(&chain).await;
    fixture.settle().await;
    let before = rows(&fixture.database).await;
    let url = fixture.database.url().unwrap();
    let store = fixture.database.store.clone();
    let source = Arc::clone(&fixture.source);
    let rebuilding =
        tokio::spawn(async move { rebuild(source, &store, &url, settings(), false, &mut |_| {}).await });
    let mut reads = 0;
    while !rebuilding.is_finished() {
        assert_eq!(count(&fixture.database, "nullifiers").await, 3);
        assert_eq!(count(&fixture.database, "merkle_leaves").await, 12);
        reads += 1;
    }
    rebuilding.await.unwrap().unwrap();
    assert!(reads > 0);
    assert_eq!(rows(&fixture.database).await, before);
}

#[tokio::test]
async fn a_rebuild_reports_the_progress_of_its_stages() {
    let mut chain = small_chain();
    for number in 0..40 {
        chain.wait(1);
        chain.register(named("registry"), 700 + number, 1, 7).unwrap();
    }
    let fixture = Fixture::new(&chain).await;
    fixture.finalize(&chain);
    let settings = Settings {
        backfill_slots: 0,
        batch_transactions: 1,
        ..settings()
    };
    let url = fixture.database.url().unwrap();
    let (source, store) = (Arc::clone(&fixture.source), &fixture.database.store);
    let mut reported = Vec::new();
    let mut progress = |progress: Progress| reported.push(progress);
    rebuild(source, store, &url, settings, false, &mut progress)
        .await
        .unwrap();
    let of = |stage| reported.iter().filter(move |progress| progress.stage == stage);
    let applied: Vec<u64> = of(Stage::Applying).map(|progress| progress.done).collect();
    assert!(applied.len() > 1 && applied.is_sorted(), "{applied:?}");
    assert!(
        reported
            .iter()
            .all(|progress| progress.all.is_none_or(|all| progress.done <= all))
    );
    let followed = of(Stage::Following).next_back().unwrap();
    assert_eq!(Some(followed.done), followed.all);
    assert_eq!(reported.last().unwrap().stage, Stage::SwitchingOver);
}

/// Rebuilds, and fails if it takes longer than any comparison should.
async fn rebuild_in_time(fixture: &Fixture) -> Result<Rebuilt, IndexerError> {
    let url = fixture.database.url().unwrap();
    let store = &fixture.database.store;
    let mut progress = |_| {};
    let rebuilding = rebuild(
        Arc::clone(&fixture.source),
        store,
        &url,
        settings(),
        true,
        &mut progress,
    );
    tokio::time::timeout(Duration::from_mins(5), rebuilding)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_rebuild_ends_beside_a_node_that_returns_no_accounts() {
    let chain = small_chain();
    let fixture = Fixture::new(&chain).await;
    {
        let mut state = fixture.source.state();
        state.other_histories = vec![Some(HashSet::new())];
        state.node_without_answer = Some(1);
    }
    assert_eq!(rebuild_in_time(&fixture).await.unwrap().slot, chain.slot);
}

#[tokio::test]
async fn a_rebuild_fails_if_the_accounts_of_two_nodes_differ() {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = small_chain();
    let accounts = TestSource::new(&chain).present_accounts();
    chain.verify(scope, registry, 8);
    chain.wait(1);
    let fixture = Fixture::new(&chain).await;
    {
        let mut state = fixture.source.state();
        state.other_histories = vec![Some(HashSet::new())];
        (state.stale_accounts, state.stale_node) = (Some(accounts), Some(1));
    }
    let error = rebuild_in_time(&fixture).await.unwrap_err().to_string();
    assert!(error.contains("the accounts of two nodes differ"), "{error}");
}
