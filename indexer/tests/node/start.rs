//! Tests of the start of the service.

use std::net::{Ipv4Addr, TcpListener as BlockingListener};
use std::process::{Child, Command};
use std::time::Duration;

use bauta_dev_servers::Postgres;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::support::TestCluster;

fn free_port() -> u16 {
    let listener = BlockingListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// A process that ends with the test.
struct RunningService(Child);

impl Drop for RunningService {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut response = String::new();
    stream.read_to_string(&mut response).await?;
    Ok(response)
}

/// Sends requests until a response meets the condition.
async fn until(port: u16, path: &str, condition: impl Fn(&str) -> bool) {
    let mut last = String::new();
    let waited = tokio::time::timeout(Duration::from_mins(1), async {
        loop {
            if let Ok(response) = get(port, path).await {
                if condition(&response) {
                    return;
                }
                last = response;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "{path}: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_starts_without_its_database_and_connects_when_it_is_available() {
    let cluster = TestCluster::start().await;
    let postgres = Postgres::start().unwrap();
    // The service connects to `database_port`, where a server listens only later.
    let (database_port, port) = (free_port(), free_port());
    let (prefix, rest) = postgres.url().rsplit_once("127.0.0.1:").unwrap();
    let (real_port, path) = rest.split_once('/').unwrap();
    let mut service = RunningService(
        Command::new(env!("CARGO_BIN_EXE_bauta-indexer"))
            .env(
                "DATABASE_URL",
                format!("{prefix}127.0.0.1:{database_port}/{path}"),
            )
            .env("SOLANA_RPC_URL", cluster.chain.rpc_url())
            .env("METRICS_HOST", "127.0.0.1")
            .env("METRICS_PORT", port.to_string())
            .env("RUST_LOG", "off")
            .spawn()
            .unwrap(),
    );
    until(port, "/health", |response| response.starts_with("HTTP/1.1 200")).await;
    until(port, "/ready", |response| {
        response.starts_with("HTTP/1.1 503") && response.contains("Postgres is unavailable")
    })
    .await;
    // The error of the driver is in the log only.
    let ready = get(port, "/ready").await.unwrap();
    assert!(
        !ready.contains("unreachable") && !ready.contains("os error"),
        "{ready}"
    );
    assert_eq!(service.0.try_wait().unwrap(), None);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, database_port))
        .await
        .unwrap();
    let real_port: u16 = real_port.parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, real_port))
                    .await
                    .unwrap();
                // An error means that one side closed the connection.
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    until(port, "/ready", |response| response.starts_with("HTTP/1.1 200")).await;
}

#[tokio::test]
async fn an_invalid_database_url_ends_the_service_at_once() {
    let output = Command::new(env!("CARGO_BIN_EXE_bauta-indexer"))
        .env("DATABASE_URL", "no address")
        .env("SOLANA_RPC_URL", "http://127.0.0.1:1")
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", "0")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    assert!(
        !output.status.success() && text.contains("the database URL is invalid"),
        "{text}"
    );
}
