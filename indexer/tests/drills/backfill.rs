//! A drill that kills the indexer at random moments while it reads a long history from a replay
//! server. `cargo xtask drill backfill` runs it with a longer history and a durable database.

use std::collections::HashMap;
use std::env;
use std::fs;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bauta_chaos::{RecordedTransaction, ReplayServer};
use bauta_dev_servers::Postgres;
use bauta_indexing::Follower;
use bauta_indexing::testing::{TestChain, named, transaction_json};
use bauta_store::Slot;
use bauta_store::testing::{TestDatabase, rows_of_the_chain};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use crate::actors::eventually;
use crate::process::{Running, indexer_of};
use crate::support::{follow_settings, source};

/// Transactions in one slot.
const PER_SLOT: u64 = 10;
/// Transactions that the service fetches and applies in one batch.
const BATCH: u64 = 1_000;
/// The limit of the service's memory in MB.
const MAX_MEMORY: f64 = 300.0;

/// Returns a chain with a registry, and with this number of transactions, most of which use a
/// nullifier.
fn chain(transactions: u64) -> TestChain {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = TestChain::default();
    chain.initialize();
    chain.create(registry, bauta::state::RegistryKind::Holders);
    chain.open_scope(scope, registry);
    for number in chain.transactions.len() as u64..transactions {
        if number % PER_SLOT == 0 {
            chain.wait(1);
        }
        if number % 50 == 0 {
            chain
                .register(registry, number, number % 700, number % 8)
                .unwrap();
        } else {
            chain.verify(scope, registry, number % 8);
        }
    }
    chain
}

fn recorded(chain: &TestChain) -> Vec<RecordedTransaction> {
    let recorded = chain.transactions.iter().map(|transaction| RecordedTransaction {
        signature: transaction.signature.to_string(),
        slot: transaction.slot.get(),
        block_time: transaction.time.unwrap_or_default(),
        failed: !transaction.succeeded,
        json: transaction_json(transaction).to_string(),
    });
    recorded.collect()
}

/// Returns the largest resident memory of a process so far, in MB.
fn memory(process: &Running) -> f64 {
    let status = fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap_or_default();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0 / 1e6
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backfill_that_is_killed_at_random_moments_repeats_little_and_needs_little_memory() {
    let variable = |name| env::var(name).ok().and_then(|text| text.parse().ok());
    let transactions: u64 = variable("BAUTA_DRILL_TRANSACTIONS").unwrap_or(4_000);
    let kills: u64 = variable("BAUTA_DRILL_KILLS").unwrap_or(6).min(20);
    let seed: u64 = variable("BAUTA_DRILL_SEED").unwrap_or_else(rand::random);
    println!("{transactions} transactions, {kills} kills; BAUTA_DRILL_SEED={seed}");
    let mut random = StdRng::seed_from_u64(seed);

    let chain = chain(transactions);
    let (last_slot, recorded) = (chain.slot, recorded(&chain));
    drop(chain);
    let replay = ReplayServer::start(&bauta::ID.to_string(), recorded, HashMap::new())
        .await
        .unwrap();
    let server = Postgres::start_with(&["shared_buffers=256MB", "max_wal_size=4GB"]).unwrap();
    let database = TestDatabase::on(server.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let url = database.url().unwrap();
    let slot = async || -> Slot {
        let checkpoint = database.store.checkpoint().await.unwrap();
        checkpoint.map_or(Slot::ZERO, |at| at.slot)
    };
    let mut peak = 0.0_f64;
    let mut running_time = Duration::ZERO;
    let mut killed = 0;
    for _ in 0..kills {
        let start = Instant::now();
        let running = indexer_of(&url, &replay.rpc());
        // A part of the time that the whole history takes at 5,000 transactions a second.
        let whole = transactions / 5;
        tokio::time::sleep(Duration::from_millis(random.gen_range(200..400 + whole / kills))).await;
        peak = peak.max(memory(&running));
        running.kill();
        running_time += start.elapsed();
        killed += 1;
        if slot().await >= last_slot {
            break;
        }
    }
    let start = Instant::now();
    let running = indexer_of(&url, &replay.rpc());
    eventually("the whole history is applied", async || {
        peak = peak.max(memory(&running));
        slot().await >= last_slot
    })
    .await;
    running_time += start.elapsed();
    running.kill();

    let counts = replay.counts();
    let fetched = counts.transactions.load(Ordering::Relaxed);
    let pages = counts.pages.load(Ordering::Relaxed);
    let rate = transactions * 1_000 / u64::try_from(running_time.as_millis()).unwrap();
    println!(
        "{transactions} transactions in {running_time:?} ({rate} per second, with {killed} starts); \
         {fetched} fetched, {pages} pages; at most {peak:.0} MB"
    );
    // Two batches are in flight, and one more is fetched again if the commit was not noticed.
    assert!(fetched <= transactions + killed * 3 * BATCH, "{fetched} fetched");
    assert!(pages <= transactions / 1_000 + 2 + killed * 6, "{pages} pages");
    assert!(peak < MAX_MEMORY, "{peak} MB");
    if let Some(least) = variable("BAUTA_DRILL_RATE") {
        assert!(rate >= least, "{rate} per second");
    }

    let expected = TestDatabase::create().await.unwrap();
    let mut follower = Follower::new(source(&[replay.rpc()]), expected.store.clone(), follow_settings());
    follower.step().await.unwrap();
    let (found, expected) = (
        rows_of_the_chain(database.pool()).await.unwrap(),
        rows_of_the_chain(expected.pool()).await.unwrap(),
    );
    for (table, rows) in &expected {
        assert!(found[table] == *rows, "{table} differs");
    }
    assert!(expected["nullifiers"].len() as u64 > transactions * 9 / 10);
    drop(server);
}
