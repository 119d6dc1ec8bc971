//! Generates requests of many clients.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::process::Running;

/// Number of concurrent requests at full load.
pub const CLIENTS: usize = 8;

/// The result of full load.
pub struct Full {
    /// The answers within the window.
    pub answers: Vec<Value>,
    /// Processor time of this process, which generates the load, in seconds.
    pub load_cpu_s: f64,
    /// Processor time of the service in seconds.
    pub service_cpu_s: f64,
    /// The duration of the measurement.
    pub window: Duration,
}

impl Full {
    /// Returns the answers per second.
    #[allow(clippy::cast_precision_loss, reason = "some thousand answers")]
    pub fn per_s(&self) -> f64 {
        self.answers.len() as f64 / self.window.as_secs_f64()
    }

    /// Estimates the answers per second if the load came from another machine. `cores` is the
    /// number of cores, some of which the load used.
    pub fn unloaded_per_s(&self, cores: f64) -> f64 {
        let load = self.load_cpu_s / self.window.as_secs_f64();
        self.per_s() * cores / (cores - load).max(cores / 2.0)
    }
}

/// Runs clients that send their next request as soon as they have an answer. All requests are
/// different, so that no answer comes from a cache.
pub async fn full(
    service: &Running,
    path: &str,
    mut body: impl FnMut() -> Value,
    window: Duration,
) -> Result<Full> {
    let mut requests = JoinSet::new();
    let (load_cpu, service_cpu) = (super::cpu_s(), service.cpu_s()?);
    let start = Instant::now();
    for _ in 0..CLIENTS {
        requests.spawn(service.post(path, &body()));
    }
    let mut answers = Vec::new();
    while let Some(answer) = requests.join_next().await {
        if start.elapsed() < window {
            answers.push(answer??);
            requests.spawn(service.post(path, &body()));
        } else {
            // Requests that are still running at the end are not counted.
            requests.abort_all();
            break;
        }
    }
    let full = Full {
        answers,
        load_cpu_s: super::cpu_s() - load_cpu,
        service_cpu_s: service.cpu_s()? - service_cpu,
        window: start.elapsed(),
    };
    while requests.join_next().await.is_some() {}
    Ok(full)
}

/// Sends requests at a fixed rate, without waiting for the answers to earlier requests. Returns the
/// durations in milliseconds, ascending.
pub async fn open(
    service: &Running,
    path: &str,
    bodies: impl Iterator<Item = Value>,
    rate: f64,
    window: Duration,
) -> Result<Vec<f64>> {
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    let (start, mut requests) = (Instant::now(), JoinSet::new());
    for body in bodies {
        if start.elapsed() >= window {
            break;
        }
        ticks.tick().await;
        let request = service.post(path, &body);
        requests.spawn(async move {
            let started = Instant::now();
            request.await.map(|_| started.elapsed().as_secs_f64() * 1e3)
        });
    }
    let mut times = Vec::new();
    while let Some(time) = requests.join_next().await {
        times.push(time??);
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}
