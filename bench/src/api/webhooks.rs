//! Messages to webhooks: many final events at once, for the webhooks of one developer.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow, ensure};
use bauta_dev_servers::Postgres;
use bauta_store::testing::TestDatabase;
use serde_json::json;
use solana_keypair::Keypair;
use solana_signer::Signer as _;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{
    chain::Writer,
    logins::{SETTINGS_OF_ACCOUNTS, log_in, post},
};
use crate::{
    process::{self, Running},
    store::SETTINGS,
};

/// Webhooks of the developer, which is the largest number.
const WEBHOOKS: u64 = 20;
/// Verifications of a slot.
const IN_SLOT: u64 = 50;
/// Interval at which the number of messages is read.
const LOOK: Duration = Duration::from_millis(5);
/// Longest wait for all messages.
const WAIT: Duration = Duration::from_mins(10);

/// Returns the messages a second of this number of events, each to all webhooks.
#[allow(clippy::cast_precision_loss, reason = "some thousand messages")]
pub async fn measure(events: u64) -> Result<f64> {
    let server = Postgres::start_with(&SETTINGS)?;
    let database = TestDatabase::on(server.url())
        .await
        .map_err(|error| anyhow!("{error}"))?;
    let mut writer = Writer::start(database).await?;
    writer.finalize().await?;
    let url = writer.database.url().map_err(|error| anyhow!("{error}"))?;
    let command = || -> Result<std::process::Command> {
        let mut command = process::command("bauta-api")?;
        command
            .envs(SETTINGS_OF_ACCOUNTS)
            .env("DATABASE_URL", &url)
            .env("DATABASE_CONNECTIONS", "16")
            .env("ANONYMOUS_REQUESTS_PER_MINUTE", "0")
            .env("WEBHOOK_KEY", "0c".repeat(32))
            .env("WEBHOOK_NETWORKS", "127.0.0.1");
        Ok(command)
    };
    let service = Running::start(command()?).await?;
    let developer = Keypair::new();
    let wallet = developer.pubkey().to_string();
    let granted = command()?
        .args(["grant-role", "--role", "developer", "--wallet", &wallet])
        .output()?;
    ensure!(granted.status.success(), "the role was not granted");
    let token = log_in(&service, &developer).await?;
    let (receiver, received) = receive().await?;
    for _ in 0..WEBHOOKS {
        let body = json!({"url": receiver, "types": ["OwnershipVerified"]});
        post(&service, "/v1/webhooks", Some(&token), &body).await?;
    }
    for _ in 0..events / IN_SLOT {
        writer.verify(IN_SLOT).await?;
    }
    let start = Instant::now();
    writer.finalize().await?;
    let wanted = events / IN_SLOT * IN_SLOT * WEBHOOKS;
    let all = async {
        while received.load(Ordering::Relaxed) < wanted {
            tokio::time::sleep(LOOK).await;
        }
    };
    let waited = tokio::time::timeout(WAIT, all).await;
    waited.with_context(|| format!("{} of {wanted} messages came", received.load(Ordering::Relaxed)))?;
    Ok(wanted as f64 / start.elapsed().as_secs_f64())
}

/// Starts a server that accepts every message. Returns its URL, and the number of messages.
async fn receive() -> Result<(String, Arc<AtomicU64>)> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    let received = Arc::new(AtomicU64::new(0));
    let counted = received.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, counted.clone()));
        }
    });
    Ok((url, received))
}

/// Answers the requests of a connection until it ends.
async fn answer(stream: TcpStream, received: Arc<AtomicU64>) -> Result<()> {
    stream.set_nodelay(true)?;
    let (mut stream, mut line) = (BufReader::new(stream), String::new());
    loop {
        let mut length = 0;
        loop {
            line.clear();
            if stream.read_line(&mut line).await? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
        stream.read_exact(&mut vec![0; length]).await?;
        stream
            .get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            .await?;
        received.fetch_add(1, Ordering::Relaxed);
    }
}
