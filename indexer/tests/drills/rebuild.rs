//! A drill of a rebuild while an indexer runs, both as processes.

use bauta_store::testing::TestDatabase;

use crate::actors::{Load, eventually};
use crate::chain::DrillChain;
use crate::process::{indexer, rebuild};
use crate::support::{assert_equals_chain, caught_up};

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_during_indexing_gives_the_same_rows() {
    let chain = DrillChain::start().await;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let load = Load::start(&chain).await;
    let mut running = indexer(&url, &chain);
    let events = "SELECT count(*) FROM events";
    let count = async || -> i64 {
        sqlx::query_scalar(events)
            .fetch_one(database.pool())
            .await
            .unwrap_or(0)
    };
    eventually("the indexer applies events", async || count().await > 50).await;

    // Damages some rows, to see that the rebuild replaces them.
    let damage = "UPDATE events SET happened_at = to_timestamp(0) WHERE (slot, transaction_index, instruction_index, inner_index)
                 IN (SELECT slot, transaction_index, instruction_index, inner_index FROM events ORDER BY slot LIMIT 20)";
    sqlx::query(damage).execute(database.pool()).await.unwrap();

    let mut rebuilding = rebuild(&url, &chain);
    let mut previous = 0;
    let mut reads = 0;
    let status = loop {
        // Readers never see fewer events than before.
        let now = count().await;
        assert!(now >= previous, "{now} events, but {previous} before");
        (previous, reads) = (now, reads + 1);
        if let Some(status) = rebuilding.try_wait().unwrap() {
            break status;
        }
    };
    assert!(status.success() && reads > 0, "{status}");
    let damaged = "SELECT count(*) FROM events WHERE happened_at = to_timestamp(0)";
    let left: i64 = sqlx::query_scalar(damaged)
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(left, 0, "damaged rows are left");

    // The indexer continues with the new rows.
    let checkpoint = database.store.checkpoint().await.unwrap();
    eventually("the indexer continues after the switchover", async || {
        database.store.checkpoint().await.unwrap() > checkpoint
    })
    .await;
    let actors = load.stop().await;
    caught_up(&database.store, &actors).await;
    assert_eq!(running.try_wait().unwrap(), None, "the indexer has ended");
    running.kill().unwrap();
    running.wait().unwrap();
    assert_equals_chain(&database, &chain, &actors).await;
}
