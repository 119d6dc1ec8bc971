//! Memory at full load.

use std::{
    env,
    time::{Duration, Instant},
};

use bauta_store::testing::TestDatabase;
use futures_util::future::join_all;

use crate::common::{Running, request, with_jobs};

/// Largest growth of the memory between the first third of the time and its end. It allows for
/// fragmentation, but not for a leak of 1 kB per proof.
const MAX_GROWTH_MB: f64 = 12.0;

/// Returns the duration: 9 s, or the duration that `cargo xtask drill service` sets.
fn duration() -> Duration {
    let seconds = env::var("BAUTA_DRILL_SECONDS").map_or(9, |seconds| {
        seconds.parse().expect("BAUTA_DRILL_SECONDS is a number")
    });
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn memory_stays_constant_at_full_load() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[("RUST_LOG", "info")]));
    let (started, mut number) = (Instant::now(), 0_u64);
    let (mut after_a_third, mut proofs) = (None, 0);
    while started.elapsed() < duration() {
        let requests = (0..8).map(|client| {
            number += 1;
            let mut body = request(client);
            // All requests differ, so no proof comes from the cache. Every fourth is a job.
            body["public"]["context"] = format!("0x{number:064x}").into();
            body["wait"] = (client % 4 != 0).into();
            body
        });
        let requests: Vec<_> = requests.collect();
        for (status, answer) in join_all(requests.iter().map(|body| service.post("/prove", body))).await {
            assert!([200, 202].contains(&status), "{answer}");
            proofs += 1;
        }
        if after_a_third.is_none() && started.elapsed() > duration() / 3 {
            after_a_third = Some(service.memory_mb());
        }
    }
    let (before, after) = (after_a_third.unwrap(), service.memory_mb());
    println!("{proofs} proofs: {before:.1} MB after a third of the time, {after:.1} MB at the end");
    assert!(
        after - before < MAX_GROWTH_MB,
        "memory grew from {before} MB to {after} MB"
    );
}
