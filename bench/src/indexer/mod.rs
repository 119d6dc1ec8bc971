//! The indexer: a recorded history read in, the lag behind a live chain, the time from `kill -9` to ready, and memory.

mod history;
mod live;
mod process;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use bauta_chaos::Replay;
use bauta_dev_servers::Postgres;
use bauta_indexer::rpc::{NodeSettings, RpcSource};
use bauta_indexer::{Follower, Settings};
use bauta_store::Address;
use bauta_store::testing::TestDatabase;

use crate::timing::machine;
use crate::{Figures, Options, page};

/// Durable, as a production server is; only the memory is more than Postgres's default of 128 MB.
const SETTINGS: [&str; 2] = ["shared_buffers=512MB", "max_wal_size=4GB"];

const HEAD: &str = "# Indexer

Postgres 15 on the machine that also runs the benchmark, durable settings (`fsync` on), 512 MB of shared buffers.

    cargo xtask bench indexer

* **History**: transactions of registrations, renewals and verifications, with the program's own event encoding, served by a replay server over HTTP
  (`tests/chaos`) in the same process, so that no node is measured. Listed, fetched, decoded, checked root by root, and written.
* **Lag**: a chain of 400 ms slots (`tools/localnet`), 50 transactions a second for one registry, each an append. Twenty times a second the newest
  confirmed slot is compared with the database's checkpoint.
* **Recovery**: from `kill -9` of the service under that database's load of leaves to `/ready` of the next one; the median of five.
* **Memory**: the most that the service has held (`VmHWM`) while it read 10,000 events about a registry of a million leaves.

";

/// How to ask a node that is on this machine.
fn node(url: &str) -> NodeSettings {
    NodeSettings {
        url: url.to_owned(),
        concurrency: 64,
        per_second: NonZeroU32::MAX,
        patience: Duration::from_secs(30),
    }
}

fn program() -> Address {
    Address(bauta::ID.to_bytes())
}

/// Measures it all.
pub fn run(options: &Options) -> Result<Figures> {
    tokio::runtime::Runtime::new()?.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<Figures> {
    let (events, seconds, leaves) = if options.quick {
        (5_000, 5, 50_000)
    } else {
        (100_000, 60, 1_000_000)
    };
    let server = Postgres::start_with(&SETTINGS)?;
    let mut table = Table::default();
    let rate = apply(&server, events).await?;
    table.row(
        &format!("events applied a second, of {events}"),
        &format!("{rate:.0}"),
    );
    let lag = live::lag(&server, seconds).await?;
    table.row(
        "lag at 50 transactions a second, p50, slots",
        &lag.p50.to_string(),
    );
    table.row("lag, p99, slots", &lag.p99.to_string());
    let process::Life { recovery_s, rss_mb } = process::measure(&server, leaves).await?;
    table.row("from `kill -9` to ready, s", &format!("{recovery_s:.2}"));
    table.row(&format!("memory at {leaves} leaves, MB"), &format!("{rss_mb:.0}"));
    let text = table.text;
    if !options.quick {
        page::write("indexer", &format!("{HEAD}{}\n\n{text}", machine()))?;
    }
    Ok([
        ("apply_events_per_s", rate),
        ("lag_p99_slots", f64::from(lag.p99)),
        ("recovery_s", recovery_s),
        ("rss_mb", rss_mb),
    ]
    .into_iter()
    .map(|(name, figure)| (name.to_owned(), figure.into()))
    .collect())
}

/// The figures, shown as they come: some take minutes.
struct Table {
    text: String,
}

impl Default for Table {
    fn default() -> Self {
        let text = "| figure | |\n|---|--:|\n".to_owned();
        print!("{text}");
        Self { text }
    }
}

impl Table {
    fn row(&mut self, name: &str, value: &str) {
        let row = format!("| {name} | {value} |\n");
        print!("{row}");
        self.text.push_str(&row);
    }
}

/// A fresh, migrated database.
async fn database(server: &Postgres) -> Result<TestDatabase> {
    let database = TestDatabase::on(server.url())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    database.store.migrate().await?;
    Ok(database)
}

/// Events a second from a recorded history.
async fn apply(server: &Postgres, events: u32) -> Result<f64> {
    let history = history::of_events(events)?;
    let replay = Replay::start(&program().to_string(), history, std::collections::HashMap::new()).await?;
    let database = database(server).await?;
    let source = Arc::new(RpcSource::new(program(), &[node(&replay.rpc())])?);
    let mut follower = Follower::new(source, database.store.clone(), Settings::new(program()));
    let begun = Instant::now();
    let step = follower.step().await?;
    let seconds = begun.elapsed().as_secs_f64();
    anyhow::ensure!(
        step.events >= usize::try_from(events)?,
        "{} of {events} events were applied",
        step.events
    );
    Ok(f64::from(events) / seconds)
}
