//! The indexer is killed at random moments, with `kill -9`, under load.

use std::env;
use std::time::Duration;

use bauta_store::testing::TestDatabase;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::process::indexer;
use crate::support::{assert_exact, caught_up};
use crate::world::{Load, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_it_loses_and_repeats_nothing() {
    let variable = |name| env::var(name).ok().and_then(|text| text.parse().ok());
    let kills: u64 = variable("BAUTA_DRILL_KILLS").unwrap_or(10);
    let seed: u64 = variable("BAUTA_DRILL_SEED").unwrap_or_else(rand::random);
    println!("{kills} kills; BAUTA_DRILL_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let world = World::start().await;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let load = Load::start(&world).await;
    for _ in 0..kills {
        let before = database.store.checkpoint().await.unwrap();
        let mut running = indexer(&url, &world);
        // every second one dies while it starts or takes the lead, the others at work
        if random.r#gen() {
            eventually("it goes on where the last one was killed", async || {
                database.store.checkpoint().await.unwrap() > before
            })
            .await;
        }
        tokio::time::sleep(Duration::from_millis(random.gen_range(0..400))).await;
        running.kill().unwrap();
        running.wait().unwrap();
    }
    let authors = load.stop().await;
    let mut last = indexer(&url, &world);
    caught_up(&database.store, &authors).await;
    last.kill().unwrap();
    last.wait().unwrap();
    assert_exact(&database, &world, &authors).await;
}
