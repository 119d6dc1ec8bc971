//! A drill of a rolling update and its reversal, under load. `cargo xtask drill upgrade` builds the
//! release that `older_release.txt` names, and runs it.

use std::collections::HashSet;
use std::env;

use bauta_store::newest_migration;
use bauta_store::testing::TestDatabase;

use crate::actors::{Load, eventually};
use crate::chain::DrillChain;
use crate::process::{Running, indexer, indexer_program};
use crate::support::{assert_columns_equal_chain, caught_up};

async fn count(database: &TestDatabase, query: &'static str) -> i64 {
    // The table does not exist before the first program has migrated.
    let count = sqlx::query_scalar(query).fetch_one(database.pool()).await;
    count.unwrap_or(0)
}

/// Returns the columns of all tables, each with the name of its table.
async fn columns(database: &TestDatabase) -> HashSet<(String, String)> {
    const COLUMNS: &str = "SELECT table_name::text, column_name::text FROM information_schema.columns
                           WHERE table_schema = 'public'";
    let columns: Vec<(String, String)> = sqlx::query_as(COLUMNS).fetch_all(database.pool()).await.unwrap();
    columns.into_iter().collect()
}

/// Waits until more events are applied.
async fn progress(database: &TestDatabase, what: &str) {
    const EVENTS: &str = "SELECT count(*) FROM events";
    let before = count(database, EVENTS).await;
    eventually(what, async || count(database, EVENTS).await > before + 5).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the older release; `cargo xtask drill upgrade` builds it"]
async fn the_older_release_and_this_one_share_a_database_in_both_directions() {
    let program = env::var_os("BAUTA_OLDER_INDEXER").expect("the path of the older program");
    let chain = DrillChain::start().await;
    let database = TestDatabase::empty().await.unwrap();
    let url = database.url().unwrap();
    let older = || Running(indexer_program(&program, &url, &chain).spawn().unwrap());
    let load = Load::start(&chain).await;

    let first = older();
    progress(&database, "the older release applies events").await;
    let older_columns = columns(&database).await;
    let second = Running(indexer(&url, &chain));
    eventually("this release has migrated the database", async || {
        count(&database, "SELECT max(version) FROM _sqlx_migrations").await == newest_migration()
    })
    .await;
    progress(&database, "the older release applies events in the newer schema").await;
    first.kill();
    progress(&database, "this release applies events").await;

    // Back: the older release starts with the newer schema, and applies and rolls back.
    let third = older();
    second.kill();
    progress(&database, "the older release applies events again").await;
    let slot = database.store.checkpoint().await.unwrap().unwrap().slot;
    progress(&database, "further events are applied").await;
    database.store.roll_back_for_repair(slot).await.unwrap();
    progress(&database, "the older release continues after a rollback").await;

    let fourth = Running(indexer(&url, &chain));
    third.kill();
    progress(&database, "this release applies events again").await;
    let actors = load.stop().await;
    caught_up(&database.store, &actors).await;
    fourth.kill();
    // A column that the older release does not know is empty in the rows that it has written.
    assert_columns_equal_chain(&database, &chain, &actors, |table, column| {
        older_columns.contains(&(table.to_owned(), column.to_owned()))
    })
    .await;
}
