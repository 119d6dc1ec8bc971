//! A drill that kills the indexer at random moments with `kill -9`, under load.

use std::env;
use std::time::Duration;

use bauta_store::testing::TestDatabase;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::actors::{Load, eventually};
use crate::chain::DrillChain;
use crate::process::indexer;
use crate::support::{assert_equals_chain, caught_up};

#[tokio::test(flavor = "multi_thread")]
async fn an_indexer_killed_at_random_moments_loses_and_repeats_nothing() {
    let variable = |name| env::var(name).ok().and_then(|text| text.parse().ok());
    let kills: u64 = variable("BAUTA_DRILL_KILLS").unwrap_or(10);
    let seed: u64 = variable("BAUTA_DRILL_SEED").unwrap_or_else(rand::random);
    println!("{kills} kills; BAUTA_DRILL_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let chain = DrillChain::start().await;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let load = Load::start(&chain).await;
    for _ in 0..kills {
        let before = database.store.checkpoint().await.unwrap();
        let mut running = indexer(&url, &chain);
        // About half of them are killed while they start or become the leader, the others while
        // they apply events.
        if random.r#gen() {
            eventually("the indexer continues after the checkpoint", async || {
                database.store.checkpoint().await.unwrap() > before
            })
            .await;
        }
        tokio::time::sleep(Duration::from_millis(random.gen_range(0..400))).await;
        running.kill().unwrap();
        running.wait().unwrap();
    }
    let actors = load.stop().await;
    let mut last = indexer(&url, &chain);
    caught_up(&database.store, &actors).await;
    last.kill().unwrap();
    last.wait().unwrap();
    assert_equals_chain(&database, &chain, &actors).await;
}
