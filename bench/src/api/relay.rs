//! Relayed verifications on the local chain: the time from a request until the client reads that
//! the transaction is confirmed, and how many a second the service sustains.

#[path = "../../../api/tests/api/relay/chain.rs"]
#[allow(dead_code, reason = "the tests of the API service use the rest")]
mod chain;
#[path = "../../../tests/program-test/src/trapdoor.rs"]
#[allow(dead_code, reason = "the tests of the program use the rest")]
mod trapdoor;

use std::{
    fs,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use bauta_dev_servers::Postgres;
use bauta_store::testing::TestDatabase;
use serde_json::Value;
use tokio::task::JoinSet;

use self::chain::{AnyError, RelayChain, body};
use crate::{
    process::{self, Running},
    store::SETTINGS,
    timing::percentile,
};

/// Milliseconds between slots, as on public clusters.
const SLOT_TIME: u16 = 400;
/// Interval at which a client reads the state of its relay.
const POLL: Duration = Duration::from_millis(25);
/// The same at the high rate, where the requests of all clients take processor time.
const LOADED_POLL: Duration = Duration::from_millis(250);
/// Time limit of a relay. At a rate that the node can't follow, relays wait.
const TIMEOUT: Duration = Duration::from_mins(5);
/// Time until a client repeats a request that was refused because the node did not answer in time.
const RETRY: Duration = Duration::from_millis(500);
/// Relays that are not measured.
const WARM_UP: u64 = 5;

/// The figures.
pub struct Results {
    /// The median time until a relay is confirmed, with few relays at a time.
    pub p50_ms: f64,
    /// The 95th percentile of this time.
    pub p95_ms: f64,
    /// The median at the high rate.
    pub loaded_p50_ms: f64,
    /// The relays a second that were confirmed at the high rate.
    pub per_s: f64,
}

/// How many relays are measured.
pub struct Extent {
    /// Relays at the low rate.
    pub few: u64,
    /// Seconds of the high rate.
    pub seconds: u64,
    /// The high rate in relays a second.
    pub rate: u64,
}

/// Starts a chain, an indexer and the service, and measures.
pub async fn measure(extent: &Extent) -> Result<Results> {
    let server = Postgres::start_with(&SETTINGS)?;
    let database = TestDatabase::on(server.url())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    database.store.migrate().await?;
    let any = |error: AnyError| anyhow!("{error}");
    let chain = RelayChain::start(&database.store, SLOT_TIME).await.map_err(any)?;
    let scope = chain.scope(1).await.map_err(any)?;
    let folder = tempfile::tempdir()?;
    let wallet = folder.path().join("wallet.json");
    fs::write(&wallet, format!("{:?}", chain.wallet.to_bytes()))?;
    let url = database.url().map_err(|error| anyhow!("{error}"))?;
    let mut command = process::command("bauta-api")?;
    command
        .env("DATABASE_URL", url)
        .env("DATABASE_CONNECTIONS", "16")
        .env("MAX_CONCURRENT_REQUESTS", "4096")
        .env("MAX_CONNECTIONS_PER_ADDRESS", "4096")
        .env("ANONYMOUS_REQUESTS_PER_MINUTE", "0")
        .env("SOLANA_RPC_URL", chain.chain.rpc_url())
        .env("RELAY_PAYERS", &wallet)
        .env("RELAY_SPONSORED", format!("{scope}=99000000000"))
        .env("RELAY_KEY", "00".repeat(32))
        .env("RELAY_MAX_OPEN", "100000")
        .env("RELAY_REQUESTS_PER_MINUTE", "0");
    let service = Arc::new(Running::start(command).await?);
    wait_for_wallet(&service).await?;

    let total = WARM_UP + extent.few + extent.seconds * extent.rate;
    let mut bodies = (1..=total).map(|number| body(&chain.prove(scope, number)));
    let mut take = |count: u64| -> Vec<Value> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        bodies.by_ref().take(count).collect()
    };
    let (warm_up, few, many) = (take(WARM_UP), take(extent.few), take(u64::MAX));
    at_rate(&service, warm_up, 2.0, POLL).await?;
    let (slow, _) = at_rate(&service, few, 4.0, POLL).await?;
    #[allow(clippy::cast_precision_loss, reason = "a rate is small")]
    let (loaded, per_s) = at_rate(&service, many, extent.rate as f64, LOADED_POLL).await?;
    Ok(Results {
        p50_ms: percentile(&slow, 0.5),
        p95_ms: percentile(&slow, 0.95),
        loaded_p50_ms: percentile(&loaded, 0.5),
        per_s,
    })
}

/// Waits until the ledger has the wallet.
async fn wait_for_wallet(service: &Running) -> Result<()> {
    let url = format!("http://{}/v1/relay", service.address);
    let offered = async {
        loop {
            let offer: Value = service.client.get(&url).send().await?.json().await?;
            if offer["relayers"]
                .as_array()
                .is_some_and(|wallets| !wallets.is_empty())
            {
                return Ok(());
            }
            tokio::time::sleep(POLL).await;
        }
    };
    tokio::time::timeout(TIMEOUT, offered)
        .await
        .context("no wallet can pay")?
}

/// Sends requests at a fixed rate. Returns the times until they are confirmed, in milliseconds and
/// ascending, and how many were confirmed in each second from the first to the last one.
#[allow(clippy::cast_precision_loss, reason = "some thousand relays")]
async fn at_rate(
    service: &Arc<Running>,
    bodies: Vec<Value>,
    rate: f64,
    poll: Duration,
) -> Result<(Vec<f64>, f64)> {
    let (start, count) = (Instant::now(), bodies.len());
    let mut tasks = JoinSet::new();
    for (number, body) in bodies.into_iter().enumerate() {
        let service = service.clone();
        let at = start + Duration::from_secs_f64(number as f64 / rate);
        tasks.spawn(async move {
            tokio::time::sleep_until(at.into()).await;
            relay(&service, &body, poll).await?;
            Ok::<_, anyhow::Error>((at.elapsed().as_secs_f64() * 1e3, start.elapsed()))
        });
    }
    let (mut times, mut ends) = (Vec::with_capacity(count), Vec::with_capacity(count));
    while let Some(task) = tasks.join_next().await {
        let (time, end) = task??;
        times.push(time);
        ends.push(end);
    }
    ends.sort_unstable();
    let (first, last) = ends.first().zip(ends.last()).context("no relay was sent")?;
    let per_s = (count - 1) as f64 / last.saturating_sub(*first).as_secs_f64();
    times.sort_by(f64::total_cmp);
    Ok((times, per_s))
}

/// Sends a request and waits until its relay is confirmed.
async fn relay(service: &Running, body: &Value, poll: Duration) -> Result<()> {
    let confirmed = async {
        let id = accept(service, body).await?;
        let url = format!("http://{}/v1/relay/{id}", service.address);
        loop {
            let relay: Value = service.client.get(&url).send().await?.json().await?;
            match relay["state"].as_str() {
                Some("confirmed" | "finalized") => return Ok(()),
                Some("queued" | "sent") => tokio::time::sleep(poll).await,
                _ => return Err(anyhow!("a relay has not succeeded: {relay}")),
            }
        }
    };
    tokio::time::timeout(TIMEOUT, confirmed)
        .await
        .context("a relay was not confirmed in time")?
}

/// Sends a request until it is accepted. Returns the id of its relay.
async fn accept(service: &Running, body: &Value) -> Result<String> {
    let url = format!("http://{}/v1/relay", service.address);
    loop {
        let response = service.client.post(&url).json(body).send().await?;
        let status = response.status();
        let accepted: Value = response.json().await?;
        if status == 202 {
            return Ok(accepted["id"].as_str().context("a relay has an id")?.to_owned());
        }
        ensure!(status == 503, "a relay was refused: {accepted}");
        tokio::time::sleep(RETRY).await;
    }
}
