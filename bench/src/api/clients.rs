//! Many clients that send HTTP requests over connections that stay open. The clients read a
//! response without parsing its headers further than the status and the length, so that they leave
//! the processor to the server.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    task::JoinSet,
};

/// The requests of all clients, complete with headers.
pub type Requests = Arc<Vec<Vec<u8>>>;

/// Returns a request for each path.
pub fn requests(paths: impl Iterator<Item = String>) -> Requests {
    let request = |path| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
    Arc::new(paths.map(request).collect())
}

/// Sends requests as fast as the server answers: each client sends its next request as soon as it
/// has a response. Returns the responses per second.
#[allow(clippy::cast_precision_loss, reason = "some million responses")]
pub async fn closed(address: &str, clients: usize, requests: &Requests, window: Duration) -> Result<f64> {
    let mut tasks = JoinSet::new();
    let connections = connect(address, clients).await?;
    let start = Instant::now();
    for (number, mut connection) in connections.into_iter().enumerate() {
        let requests = requests.clone();
        tasks.spawn(async move {
            let (mut responses, mut next) = (0_u64, number * 7_919);
            while start.elapsed() < window {
                connection.get(&requests[next % requests.len()]).await?;
                responses += 1;
                next += 104_729;
            }
            Ok::<_, anyhow::Error>(responses)
        });
    }
    let mut responses = 0;
    while let Some(task) = tasks.join_next().await {
        responses += task??;
    }
    Ok(responses as f64 / start.elapsed().as_secs_f64())
}

/// Sends requests at a fixed rate, distributed over the clients. Each request has its moment, which
/// does not depend on earlier responses, and its duration counts from that moment. Returns the
/// durations in milliseconds, ascending.
pub async fn open(
    address: &str,
    clients: usize,
    requests: &Requests,
    rate: f64,
    window: Duration,
) -> Result<Vec<f64>> {
    let mut tasks = JoinSet::new();
    let connections = connect(address, clients).await?;
    let start = Instant::now();
    for (number, mut connection) in connections.into_iter().enumerate() {
        let requests = requests.clone();
        tasks.spawn(async move {
            let (mut times, mut turn) = (Vec::new(), number);
            loop {
                #[allow(clippy::cast_precision_loss, reason = "some million requests")]
                let at = Duration::from_secs_f64(turn as f64 / rate);
                if at >= window {
                    return Ok::<_, anyhow::Error>(times);
                }
                tokio::time::sleep_until((start + at).into()).await;
                connection.get(&requests[turn * 104_729 % requests.len()]).await?;
                times.push(start.elapsed().saturating_sub(at).as_secs_f64() * 1e3);
                turn += clients;
            }
        });
    }
    let mut times = Vec::new();
    while let Some(task) = tasks.join_next().await {
        times.extend(task??);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

async fn connect(address: &str, clients: usize) -> Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(clients);
    for _ in 0..clients {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        connections.push(Connection {
            stream: BufReader::with_capacity(16 << 10, stream),
            line: Vec::new(),
            body: Vec::new(),
        });
    }
    Ok(connections)
}

/// A connection that stays open.
struct Connection {
    stream: BufReader<TcpStream>,
    line: Vec<u8>,
    body: Vec<u8>,
}

impl Connection {
    /// Sends a request and reads the response, which must be a success with a length.
    async fn get(&mut self, request: &[u8]) -> Result<()> {
        self.stream.get_mut().write_all(request).await?;
        let mut length = None;
        self.read_line().await?;
        ensure!(
            self.line.starts_with(b"HTTP/1.1 200 "),
            "the response to {} begins with {}",
            String::from_utf8_lossy(request).trim(),
            String::from_utf8_lossy(&self.line).trim()
        );
        loop {
            self.read_line().await?;
            if self.line == b"\r\n" {
                break;
            }
            if let Some((name, value)) = self.line.split_at_checked(16)
                && name.eq_ignore_ascii_case(b"content-length: ")
            {
                length = std::str::from_utf8(value)?.trim().parse().ok();
            }
        }
        self.body.resize(length.context("a response has no length")?, 0);
        self.stream.read_exact(&mut self.body).await?;
        Ok(())
    }

    async fn read_line(&mut self) -> Result<()> {
        self.line.clear();
        let read = self.stream.read_until(b'\n', &mut self.line).await?;
        ensure!(read > 0, "the server closed the connection");
        Ok(())
    }
}
