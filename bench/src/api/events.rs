//! One writer, and many subscribers of its events: the time from the beginning of a write until a
//! subscriber has the event, and the events a second that all subscribers receive.
//!
//! ```text
//!   this process: writer --> Postgres --> bauta-api (dist) --1,000 event streams--> this process
//! ```

use std::{
    sync::{
        Arc, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use bauta_dev_servers::Postgres;
use bauta_store::testing::TestDatabase;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
    task::JoinSet,
};

use super::chain::Writer;
use crate::{
    process::{self, Running},
    store::SETTINGS,
    timing::percentile,
};

/// Open event streams.
const SUBSCRIBERS: usize = 1_000;
/// Time between two slots, as on a chain, while the latency is measured.
const SLOT: Duration = Duration::from_millis(400);
/// Verifications of such a slot.
const IN_SLOT: u64 = 10;
/// Verifications of each slot while the rate is measured.
const IN_BATCH: u64 = 100;
/// The writer waits while a subscriber is this many events behind. A subscriber
/// that is further behind for long is cut.
const MAX_AHEAD: u64 = 2_000;
/// Interval at which the writer looks whether the subscribers have the events.
const LOOK: Duration = Duration::from_millis(2);
/// Longest wait for the subscribers.
const WAIT: Duration = Duration::from_mins(2);
const REQUEST: &[u8] =
    b"GET /v1/events?commitment=confirmed&types=OwnershipVerified HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// The figures.
pub struct Results {
    /// Events a second that each of the subscribers has received.
    pub per_s: f64,
    /// The 99th percentile of the time until a subscriber has an event.
    pub p99_ms: f64,
}

/// What the writer and the subscribers share.
#[derive(Default)]
struct Shared {
    /// When the write of each slot began. The first element is that of `first`.
    written: RwLock<Vec<Instant>>,
    first: AtomicU64,
    /// Whether the times are no longer kept.
    is_untimed: AtomicBool,
    /// The number of events of each subscriber.
    received: Vec<AtomicU64>,
}

impl Shared {
    /// Returns the number of events that all subscribers have.
    fn received_by_all(&self) -> u64 {
        let received = self.received.iter().map(|count| count.load(Ordering::Relaxed));
        received.min().unwrap_or_default()
    }

    fn begin_slot(&self) -> Result<()> {
        let mut written = self.written.write().map_err(|_| anyhow!("a task panicked"))?;
        written.push(Instant::now());
        Ok(())
    }

    /// Returns the milliseconds since the write of a slot began.
    fn since(&self, slot: u64) -> Option<f64> {
        let index = slot.checked_sub(self.first.load(Ordering::Relaxed))?;
        let written = self.written.read().ok()?;
        let began = written.get(usize::try_from(index).ok()?)?;
        Some(began.elapsed().as_secs_f64() * 1e3)
    }
}

/// Measures for `window` each.
pub async fn measure(window: Duration) -> Result<Results> {
    let server = Postgres::start_with(&SETTINGS)?;
    let database = TestDatabase::on(server.url())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    let mut writer = Writer::start(database).await?;
    let url = writer.database.url().map_err(|error| anyhow!("{error}"))?;
    let service = Running::start(command(&url)?).await?;
    // The position of a slot of this is known before the first event.
    let first = writer.verify(1).await? + 1;
    let shared = Arc::new(Shared {
        first: first.into(),
        received: (0..SUBSCRIBERS).map(|_| AtomicU64::new(0)).collect(),
        ..Shared::default()
    });
    let mut subscribers = JoinSet::new();
    for number in 0..SUBSCRIBERS {
        let stream = subscribe(&service.address).await?;
        subscribers.spawn(follow(stream, shared.clone(), number));
    }

    let start = Instant::now();
    let mut written = 0;
    while start.elapsed() < window {
        shared.begin_slot()?;
        writer.verify(IN_SLOT).await?;
        written += IN_SLOT;
        tokio::time::sleep(SLOT).await;
    }
    wait(&shared, written).await?;
    let measured = written;
    shared.is_untimed.store(true, Ordering::Relaxed);
    let start = Instant::now();
    while start.elapsed() < window {
        shared.begin_slot()?;
        writer.verify(IN_BATCH).await?;
        written += IN_BATCH;
        wait(&shared, written.saturating_sub(MAX_AHEAD)).await?;
    }
    wait(&shared, written).await?;
    #[allow(clippy::cast_precision_loss, reason = "some million events")]
    let per_s = (written - measured) as f64 / start.elapsed().as_secs_f64();

    // The streams end with the service.
    drop(service);
    let mut times = Vec::new();
    while let Some(task) = subscribers.join_next().await {
        let own = task??;
        ensure!(own.len() as u64 == measured, "a subscriber has other events");
        times.extend(own);
    }
    times.sort_by(f64::total_cmp);
    Ok(Results {
        per_s,
        p99_ms: percentile(&times, 0.99),
    })
}

fn command(database: &str) -> Result<std::process::Command> {
    let mut command = process::command("bauta-api")?;
    command
        .env("DATABASE_URL", database)
        .env("DATABASE_CONNECTIONS", "8")
        .env("MAX_CONNECTIONS_PER_ADDRESS", "4096")
        .env("EVENT_STREAMS", "2000")
        .env("EVENT_STREAMS_PER_CLIENT", "2000")
        .env("ANONYMOUS_REQUESTS_PER_MINUTE", "0");
    Ok(command)
}

/// Opens a stream, and waits for its first resume token.
async fn subscribe(address: &str) -> Result<BufReader<TcpStream>> {
    let mut stream = BufReader::new(TcpStream::connect(address).await?);
    stream.get_mut().write_all(REQUEST).await?;
    let mut line = String::new();
    while !line.starts_with("id:") {
        line.clear();
        ensure!(stream.read_line(&mut line).await? > 0, "a stream was refused");
    }
    Ok(stream)
}

/// Reads events until the stream ends. Returns the time until each of them came.
async fn follow(mut stream: BufReader<TcpStream>, shared: Arc<Shared>, number: usize) -> Result<Vec<f64>> {
    let (mut times, mut line) = (Vec::new(), Vec::new());
    loop {
        line.clear();
        // The connection of a killed service is reset.
        if stream.read_until(b'\n', &mut line).await.unwrap_or_default() == 0 {
            return Ok(times);
        }
        let Some(slot) = slot(&line) else {
            let text = String::from_utf8_lossy(&line);
            ensure!(!text.contains("slow"), "a subscriber was cut");
            continue;
        };
        if let Some(time) = shared.since(slot) {
            if !shared.is_untimed.load(Ordering::Relaxed) {
                times.push(time);
            }
            shared.received[number].fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Returns the slot of an event's position.
fn slot(line: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(line).ok()?;
    let (_, rest) = text.split_once("\"position\":\"")?;
    rest.split('.').next()?.parse().ok()
}

/// Waits until all subscribers have this number of events.
async fn wait(shared: &Shared, events: u64) -> Result<()> {
    let received = async {
        while shared.received_by_all() < events {
            tokio::time::sleep(LOOK).await;
        }
    };
    let waited = tokio::time::timeout(WAIT, received).await;
    waited.context("the subscribers have not received the events")
}
