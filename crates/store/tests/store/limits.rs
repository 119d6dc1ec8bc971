//! The time limits of sessions.

use std::time::Duration;

use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{RegistryKind, SessionLimits, Store, StoreError};
use sqlx::AssertSqlSafe;

use crate::support::{Chain, address};

/// A limit that a test reaches.
const SHORT: Duration = Duration::from_millis(100);

/// Connects with a change of the default limits.
async fn connect(database: &TestDatabase, change: impl FnOnce(&mut SessionLimits)) -> Store {
    let mut limits = SessionLimits::default();
    change(&mut limits);
    Store::connect_within(&database.url().unwrap(), 2, limits)
        .await
        .unwrap()
}

async fn setting(store: &Store, name: &str) -> String {
    sqlx::query_scalar(AssertSqlSafe(format!("SHOW {name}")))
        .fetch_one(store.pool())
        .await
        .unwrap()
}

fn chain() -> Chain {
    let mut chain = Chain::new();
    chain.create(address("registry"), RegistryKind::Managed, Depth::Ten);
    chain
}

#[tokio::test]
async fn every_session_has_time_limits_that_the_url_can_replace() {
    let database = TestDatabase::empty().await.unwrap();
    assert_eq!(setting(&database.store, "statement_timeout").await, "5min");
    assert_eq!(setting(&database.store, "lock_timeout").await, "30s");
    let idle = "idle_in_transaction_session_timeout";
    assert_eq!(setting(&database.store, idle).await, "1min");
    let url = format!(
        "{}?options=-c%20statement_timeout%3D7s",
        database.url().unwrap().split('?').next().unwrap()
    );
    let store = Store::connect(&url, 1).await.unwrap();
    assert_eq!(setting(&store, "statement_timeout").await, "7s");
    assert_eq!(setting(&store, "lock_timeout").await, "30s");
}

#[tokio::test]
async fn a_statement_that_exceeds_its_limit_is_an_error_that_can_be_retried() {
    let database = TestDatabase::empty().await.unwrap();
    let store = connect(&database, |limits| limits.statement = SHORT).await;
    let error = sqlx::query("SELECT pg_sleep(60)")
        .execute(store.pool())
        .await
        .unwrap_err();
    let error = StoreError::from(error);
    assert!(matches!(error, StoreError::TimedOut(_)), "{error}");
    store.ping().await.unwrap();
}

#[tokio::test]
async fn a_writer_that_waits_too_long_for_another_one_writes_nothing_and_can_retry() {
    let database = TestDatabase::create().await.unwrap();
    let store = connect(&database, |limits| limits.lock = Duration::from_secs(1)).await;
    let switchover = database.store.begin_switchover().await.unwrap();
    let batch = chain().batch();
    let error = store.apply(&batch).await.unwrap_err();
    assert!(matches!(error, StoreError::TimedOut(_)), "{error}");
    assert_eq!(store.checkpoint().await.unwrap(), None);
    drop(switchover);
    store.apply(&batch).await.unwrap();
}

#[tokio::test]
async fn an_idle_transaction_blocks_other_writers_only_until_its_limit() {
    let database = TestDatabase::create().await.unwrap();
    let idle = connect(&database, |limits| limits.idle_in_transaction = SHORT).await;
    let mut transaction = idle.pool().begin().await.unwrap();
    sqlx::query("LOCK TABLE checkpoint IN EXCLUSIVE MODE")
        .execute(&mut *transaction)
        .await
        .unwrap();
    // It waits for the lock, which the server releases.
    database.store.apply(&chain().batch()).await.unwrap();
    let ended = sqlx::query("SELECT 1").execute(&mut *transaction).await;
    ended.unwrap_err();
}

#[tokio::test]
async fn a_switchover_and_a_migration_have_no_time_limit() {
    let database = TestDatabase::create().await.unwrap();
    let store = connect(&database, |limits| {
        limits.idle_in_transaction = SHORT;
        limits.statement = Duration::from_secs(2);
    })
    .await;
    let url = database.url().unwrap();
    let new = Store::in_new_schema(&url, 2, "fresh").await.unwrap();
    let switchover = store.begin_switchover().await.unwrap();
    // Longer than the limit of an idle transaction.
    sqlx::query("SELECT pg_sleep(0.4)")
        .execute(database.pool())
        .await
        .unwrap();
    switchover.finish(&new, "fresh").await.unwrap();

    let empty = TestDatabase::empty().await.unwrap();
    let store = connect(&empty, |limits| limits.statement = SHORT).await;
    store.migrate().await.unwrap();
    store.check_schema().await.unwrap();
}
