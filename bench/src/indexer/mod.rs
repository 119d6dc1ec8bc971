//! Measures the indexer: reading a recorded history, the lag behind a live chain, the time from
//! `kill -9` to ready, memory, and the growth of the steady state's cost.

mod growth;
mod history;
mod live;
mod process;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, anyhow};
use bauta_chaos::ReplayServer;
use bauta_dev_servers::Postgres;
use bauta_indexing::nodes::{NodeSettings, RpcSource};
use bauta_indexing::{Follower, Settings};
use bauta_store::testing::TestDatabase;
use solana_address::Address;

use crate::timing::machine;
use crate::{Figures, Options, page};

/// Durable settings, as on a production server. Only the memory exceeds Postgres's default of 128
/// MB.
const SETTINGS: [&str; 2] = ["shared_buffers=512MB", "max_wal_size=4GB"];

const HEAD: &str = "# Indexer

Postgres 15 runs on the same machine as the benchmark, with durable settings (`fsync` on) and 512 MB
of shared buffers.

    cargo xtask bench indexer

* **History**: transactions of registrations, renewals and verifications, with the program's own
  event encoding. A replay server in the same process (`tests/chaos`) serves them over HTTP, so that
  no node is measured. The indexer lists, fetches and decodes them, checks every root, and writes.
* **Lag**: a chain with slots of 400 ms (`tools/localnet`) and 50 transactions per second for one
  registry. Each transaction is an append. Twenty times per second the newest confirmed slot is
  compared with the database's checkpoint.
* **Recovery**: the time from `kill -9` of the service, with the database of the memory measurement,
  to `/ready` of the next process. The median of five.
* **Memory**: the maximum resident memory of the service (`VmHWM`) while it reads 10,000 events of a
  registry with a million leaves.
* **Growth**: the steady state in databases with up to 10 million leaves, in registries of 100,000,
  and as many verifications in one scope. Most rows are written with SQL; `events` and
  `verifications`, whose keys only grow, have none of them. The slots have ten appends and ten
  verifications each, and each slot is a transaction of its own, with a durable commit: the median
  of 200. A round of the reconciliation reads the verifications that it compares; the node's answer
  is not included. Pruning includes tiles and history. During the switchover writers wait; the
  tables that are dropped have the rows of the column.

";

/// Returns the settings for a node on this machine.
fn node(url: &str) -> NodeSettings {
    NodeSettings {
        url: url.to_owned(),
        concurrency: 64,
        requests_per_second: NonZeroU32::MAX,
        timeout: Duration::from_secs(30),
        weight: 0,
    }
}

fn program() -> Address {
    bauta::ID
}

/// Runs all measurements.
pub fn run(options: &Options) -> Result<Figures> {
    tokio::runtime::Runtime::new()?.block_on(measure(options))
}

async fn measure(options: &Options) -> Result<Figures> {
    let (events, seconds, leaves, sizes) = if options.quick {
        (5_000, 5, 50_000, &[10_000, 100_000][..])
    } else {
        (100_000, 60, 1_000_000, &[100_000, 1_000_000, 10_000_000][..])
    };
    let server = Postgres::start_with(&SETTINGS)?;
    let mut table = Table::default();
    let rate = apply(&server, events).await?;
    table.row(
        &format!("events applied per second, of {events}"),
        &format!("{rate:.0}"),
    );
    let lag = live::lag(&server, seconds).await?;
    table.row(
        "lag at 50 transactions per second, p50, slots",
        &lag.p50.to_string(),
    );
    table.row("lag, p99, slots", &lag.p99.to_string());
    let process::Measurements { recovery_s, rss_mb } = process::measure(&server, leaves).await?;
    table.row("from `kill -9` to ready, s", &format!("{recovery_s:.2}"));
    table.row(&format!("memory at {leaves} leaves, MB"), &format!("{rss_mb:.0}"));
    let growth = growth::measure(sizes).await?;
    let text = format!("{}\n## Growth\n\n{growth}", table.text);
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

/// The table of figures. Rows are printed immediately, because some take minutes.
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

/// Creates a migrated database.
async fn database(server: &Postgres) -> Result<TestDatabase> {
    let database = TestDatabase::on(server.url())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    database.store.migrate().await?;
    Ok(database)
}

/// Returns the number of events applied per second from a recorded history.
async fn apply(server: &Postgres, events: u32) -> Result<f64> {
    let history = history::of_events(events)?;
    let replay =
        ReplayServer::start(&program().to_string(), history, std::collections::HashMap::new()).await?;
    let database = database(server).await?;
    let source = Arc::new(RpcSource::new(program(), &[node(&replay.rpc())])?);
    let mut follower = Follower::new(source, database.store.clone(), Settings::new(program()));
    let start = Instant::now();
    let step = follower.step().await?;
    let seconds = start.elapsed().as_secs_f64();
    anyhow::ensure!(
        step.events >= usize::try_from(events)?,
        "{} of {events} events were applied",
        step.events
    );
    Ok(f64::from(events) / seconds)
}
