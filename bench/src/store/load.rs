//! A steady load.

use std::future::Future;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::mpsc;

/// Milliseconds from a request's scheduled moment to its answer.
pub struct Latencies {
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Makes `rate` requests a second, each at its own moment whether or not the ones before have been answered. A request that
/// is sent late counts from when it was due.
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
    // A thread of its own, since the runtime's timers tick in whole milliseconds.
    let sender = thread::spawn(move || {
        let start = Instant::now();
        for number in 0..rate * seconds {
            let due = start + Duration::from_secs(1) * number / rate;
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let (work, answered) = (request(number.into()), answered.clone());
            runtime.spawn(async move {
                let result = work.await;
                // the receiver takes every answer before it goes
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
        .map_err(|_| anyhow::anyhow!("the load's thread panicked"))?;
    latencies.sort_by(f64::total_cmp);
    Ok(Latencies {
        p50_ms: latencies[latencies.len() / 2],
        p99_ms: latencies[latencies.len() * 99 / 100],
    })
}
