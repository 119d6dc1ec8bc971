//! Generates a steady load.

use std::future::Future;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::mpsc;

/// Latencies in milliseconds, from a request's scheduled moment to its answer.
pub struct Latencies {
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Sends `rate` requests per second, each at its scheduled moment, without waiting for earlier
/// answers. If a request is sent late, its latency still counts from the scheduled moment.
pub async fn open_loop<F>(
    rate: u32,
    seconds: u32,
    request: impl Fn(u64) -> F + Send + 'static,
) -> Result<Latencies>
where
    F: Future<Output = Result<()>> + Send + 'static,
{
    let (answered, mut answers) = mpsc::unbounded_channel();
    let runtime = tokio::runtime::Handle::current();
    // This is a separate thread, because the runtime's timers have a resolution of a millisecond.
    let sender = thread::spawn(move || {
        let start = Instant::now();
        for number in 0..rate * seconds {
            let due = start + Duration::from_secs(1) * number / rate;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let (work, answered) = (request(number.into()), answered.clone());
            runtime.spawn(async move {
                let result = work.await;
                // The receiver exists until all answers have arrived.
                let _ = answered.send(result.map(|()| due.elapsed().as_secs_f64() * 1e3));
            });
        }
    });
    let mut latencies = Vec::new();
    while let Some(answer) = answers.recv().await {
        latencies.push(answer?);
    }
    sender
        .join()
        .map_err(|_| anyhow::anyhow!("the thread that sends requests panicked"))?;
    latencies.sort_by(f64::total_cmp);
    Ok(Latencies {
        p50_ms: latencies[latencies.len() / 2],
        p99_ms: latencies[latencies.len() * 99 / 100],
    })
}
