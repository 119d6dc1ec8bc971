//! The service starts whatever is away.

use std::net::{Ipv4Addr, TcpListener as Blocking};
use std::process::{Child, Command};
use std::time::Duration;

use bauta_dev_servers::Postgres;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::support::Net;

fn free_port() -> u16 {
    let listener = Blocking::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn get(port: u16, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Waits for an answer that is as it should be.
async fn until(port: u16, path: &str, is_so: impl Fn(&str) -> bool) {
    let mut last = String::new();
    let waited = tokio::time::timeout(Duration::from_mins(1), async {
        loop {
            if let Ok(answer) = get(port, path).await {
                if is_so(&answer) {
                    return;
                }
                last = answer;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert!(waited.await.is_ok(), "{path}: {last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_it_waits_says_so_and_goes_on_when_it_comes() {
    let net = Net::start().await;
    let postgres = Postgres::start().unwrap();
    // where the database will be, some time
    let (door, port) = (free_port(), free_port());
    let (before, real) = postgres.url().rsplit_once("127.0.0.1:").unwrap();
    let (real_port, rest) = real.split_once('/').unwrap();
    let mut service = Running(
        Command::new(env!("CARGO_BIN_EXE_bauta-indexer"))
            .env("DATABASE_URL", format!("{before}127.0.0.1:{door}/{rest}"))
            .env("SOLANA_RPC_URL", net.chain.rpc_url())
            .env("METRICS_HOST", "127.0.0.1")
            .env("METRICS_PORT", port.to_string())
            .env("RUST_LOG", "off")
            .spawn()
            .unwrap(),
    );
    until(port, "/health", |answer| answer.starts_with("HTTP/1.1 200")).await;
    until(port, "/ready", |answer| {
        answer.starts_with("HTTP/1.1 503") && answer.contains("is unreachable")
    })
    .await;
    assert_eq!(service.0.try_wait().unwrap(), None);

    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, door)).await.unwrap();
    let real_port: u16 = real_port.parse().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, real_port))
                    .await
                    .unwrap();
                // how either side ends it is their business
                let _ = copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    until(port, "/ready", |answer| answer.starts_with("HTTP/1.1 200")).await;
}

#[tokio::test]
async fn what_is_no_address_of_a_database_ends_it_at_once() {
    let ended = Command::new(env!("CARGO_BIN_EXE_bauta-indexer"))
        .env("DATABASE_URL", "no address")
        .env("SOLANA_RPC_URL", "http://127.0.0.1:1")
        .env("METRICS_HOST", "127.0.0.1")
        .env("METRICS_PORT", "0")
        .output()
        .unwrap();
    let told = [ended.stdout, ended.stderr].concat();
    let told = String::from_utf8_lossy(&told);
    assert!(
        !ended.status.success() && told.contains("no address of a database"),
        "{told}"
    );
}
