//! Measures the service as a process: its memory, and the time of its recovery.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use anyhow::{Context, Result, ensure};
use bauta_chaos::ReplayServer;
use bauta_dev_servers::Postgres;
use bauta_indexing::decode;
use bauta_indexing::testing::{TestChain, named};
use bauta_store::{Batch, Position};

use super::history;

/// Number of leaves in one append, which is the limit of the program.
const APPENDED: u64 = 128;
/// Number of transactions that the database does not contain yet. Each has two events.
const NEW: u64 = 5_000;
/// How often the service is killed.
const KILLS: usize = 5;
/// Time limit for the service to become ready.
const TIMEOUT: Duration = Duration::from_mins(2);

pub struct Measurements {
    /// The median time from a kill to ready, in seconds.
    pub recovery_s: f64,
    /// The maximum resident memory in MB.
    pub rss_mb: f64,
}

/// Measures the service while it reads new transactions of a registry with `leaves` leaves.
pub async fn measure(server: &Postgres, leaves: u64) -> Result<Measurements> {
    let database = super::database(server).await?;
    let registry = named("registry");
    let mut chain = TestChain::default();
    chain.initialize();
    chain.create(registry, bauta::state::RegistryKind::Managed);
    for first in (0..leaves).step_by(usize::try_from(APPENDED)?) {
        chain.wait(1);
        let some: Vec<u64> = (first..(first + APPENDED).min(leaves)).collect();
        chain.append(registry, &some)?;
    }
    let known = chain.transactions.len();
    for transactions in chain.transactions.chunks(256) {
        let mut batch = Batch {
            records: Vec::new(),
            checkpoint: Position::end_of_slot(transactions[transactions.len() - 1].slot),
        };
        for transaction in transactions {
            batch.records.extend(decode::records(transaction)?);
        }
        database.store.apply(&batch).await?;
    }
    for number in 0..NEW {
        if number % 20 == 0 {
            chain.wait(1);
        }
        chain.append(registry, &[leaves + number])?;
    }
    let recorded = chain.transactions[known..].iter().map(history::recorded);
    let replay =
        ReplayServer::start(&super::program().to_string(), recorded.collect(), HashMap::new()).await?;

    let url = database.url().map_err(|error| anyhow::anyhow!("{error}"))?;
    let (rpc, websocket) = (replay.rpc(), replay.websocket());
    // The measurement blocks, so it runs beside the tasks of the replay server.
    tokio::task::spawn_blocking(move || live(&url, &rpc, &websocket)).await?
}

fn live(database: &str, rpc: &str, websocket: &str) -> Result<Measurements> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut service = start(database, rpc, websocket, port)?;
    ready(&mut service, port)?;
    let status = fs::read_to_string(format!("/proc/{}/status", service.id()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let peak = peak.context("the system does not report VmHWM")?;
    let kilobytes: f64 = peak.trim().trim_end_matches(" kB").parse()?;
    let mut recoveries = Vec::new();
    for _ in 0..KILLS {
        service.kill()?;
        let killed = Instant::now();
        service.wait()?;
        service = start(database, rpc, websocket, port)?;
        ready(&mut service, port)?;
        recoveries.push(killed.elapsed().as_secs_f64());
    }
    service.kill()?;
    service.wait()?;
    recoveries.sort_by(f64::total_cmp);
    Ok(Measurements {
        recovery_s: recoveries[KILLS / 2],
        rss_mb: kilobytes * 1024.0 / 1e6,
    })
}

fn start(database: &str, rpc: &str, websocket: &str, port: u16) -> Result<Child> {
    // `cargo xtask bench` builds the service beside this program.
    let program = env::current_exe()?.with_file_name("bauta-indexer");
    Command::new(&program)
        .env("DATABASE_URL", database)
        .env("SOLANA_RPC_URL", rpc)
        .env("SOLANA_WS_URL", websocket)
        .env("RPC_CONCURRENCY", "64")
        .env("RPC_REQUESTS_PER_SECOND", "1000000")
        // The replay server has no accounts.
        .env("RECONCILE_INTERVAL_MS", "0")
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", port.to_string())
        .env("RUST_LOG", "error")
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("can't start {}", program.display()))
}

/// Waits until `/ready` returns 200 and reports the chain's check.
fn ready(service: &mut Child, port: u16) -> Result<()> {
    let start_time = Instant::now();
    loop {
        if let Some(status) = service.try_wait()? {
            anyhow::bail!("the service exited: {status}");
        }
        // A service that has just started has no checks yet, so none can fail.
        let is_ready = |answer: String| answer.starts_with("HTTP/1.1 200") && answer.contains("\"chain\"");
        if get_ready(port).is_ok_and(is_ready) {
            return Ok(());
        }
        ensure!(
            start_time.elapsed() < TIMEOUT,
            "the service is not ready within {TIMEOUT:?}"
        );
        thread::sleep(Duration::from_millis(5));
    }
}

fn get_ready(port: u16) -> Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    stream.write_all(b"GET /ready HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
