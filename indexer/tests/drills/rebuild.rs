//! A rebuild beside an indexer that goes on, both as an operator runs them.

use bauta_store::testing::TestDatabase;

use crate::process::{indexer, rebuild};
use crate::support::{assert_exact, caught_up};
use crate::world::{Load, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_beside_a_running_indexer_ends_in_the_same_rows() {
    let world = World::start().await;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let load = Load::start(&world).await;
    let mut follower = indexer(&url, &world);
    let events = "SELECT count(*) FROM events";
    let count = async || -> i64 {
        sqlx::query_scalar(events)
            .fetch_one(database.pool())
            .await
            .unwrap_or(0)
    };
    eventually("it follows", async || count().await > 50).await;

    // rows that no chain has: the old ones are really replaced
    let spoil = "UPDATE events SET happened_at = to_timestamp(0) WHERE (slot, transaction_index, instruction_index, inner_index)
                 IN (SELECT slot, transaction_index, instruction_index, inner_index FROM events ORDER BY slot LIMIT 20)";
    sqlx::query(spoil).execute(database.pool()).await.unwrap();

    let mut rebuilding = rebuild(&url, &world);
    let mut least = 0;
    let mut looked = 0;
    let ended = loop {
        // readers never find less than what they have found before
        let now = count().await;
        assert!(now >= least, "{now} events, and before {least}");
        (least, looked) = (now, looked + 1);
        if let Some(ended) = rebuilding.try_wait().unwrap() {
            break ended;
        }
    };
    assert!(ended.success() && looked > 0, "{ended}");
    let spoilt = "SELECT count(*) FROM events WHERE happened_at = to_timestamp(0)";
    let left: i64 = sqlx::query_scalar(spoilt)
        .fetch_one(database.pool())
        .await
        .unwrap();
    assert_eq!(left, 0, "old rows are left");

    // the same process follows what comes after
    let at = database.store.checkpoint().await.unwrap();
    eventually("it goes on after the switch", async || {
        database.store.checkpoint().await.unwrap() > at
    })
    .await;
    let authors = load.stop().await;
    caught_up(&database.store, &authors).await;
    assert_eq!(follower.try_wait().unwrap(), None, "the indexer has ended");
    follower.kill().unwrap();
    follower.wait().unwrap();
    assert_exact(&database, &world, &authors).await;
}
