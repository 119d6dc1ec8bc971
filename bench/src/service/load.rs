//! Requests of many clients.

use std::time::{Duration, Instant};

use anyhow::Result;
use serde_json::Value;
use tokio::task::JoinSet;

use super::process::Running;

/// Requests under way at full load.
pub const CLIENTS: usize = 8;

/// What came of full load.
pub struct Full {
    /// Answers within the time.
    pub answers: Vec<Value>,
    /// Processor seconds of this process, which makes the load.
    pub load_cpu_s: f64,
    /// Processor seconds of the service.
    pub service_cpu_s: f64,
    /// The time.
    pub window: Duration,
}

impl Full {
    /// Answers a second.
    #[allow(clippy::cast_precision_loss, reason = "some thousand answers")]
    pub fn per_s(&self) -> f64 {
        self.answers.len() as f64 / self.window.as_secs_f64()
    }

    /// Answers a second, had the load been made on another machine: this many cores were there, and the load took some.
    pub fn unloaded_per_s(&self, cores: f64) -> f64 {
        let load = self.load_cpu_s / self.window.as_secs_f64();
        self.per_s() * cores / (cores - load).max(cores / 2.0)
    }
}

/// Clients that each ask again as soon as they have their answer. No two requests are alike: what is cached is no figure.
pub async fn full(
    service: &Running,
    path: &str,
    mut body: impl FnMut() -> Value,
    window: Duration,
) -> Result<Full> {
    let mut requests = JoinSet::new();
    let (load_cpu, service_cpu) = (super::cpu_s(), service.cpu_s()?);
    let begun = Instant::now();
    for _ in 0..CLIENTS {
        requests.spawn(service.post(path, &body()));
    }
    let mut answers = Vec::new();
    while let Some(answer) = requests.join_next().await {
        if begun.elapsed() < window {
            answers.push(answer??);
            requests.spawn(service.post(path, &body()));
        } else {
            // of those that were under way at the end, nothing is counted
            requests.abort_all();
            break;
        }
    }
    let full = Full {
        answers,
        load_cpu_s: super::cpu_s() - load_cpu,
        service_cpu_s: service.cpu_s()? - service_cpu,
        window: begun.elapsed(),
    };
    while requests.join_next().await.is_some() {}
    Ok(full)
}

/// Milliseconds of each request, the shortest first, when requests come at a fixed rate, whether or not those before them have their answers.
pub async fn open(
    service: &Running,
    path: &str,
    bodies: impl Iterator<Item = Value>,
    rate: f64,
    window: Duration,
) -> Result<Vec<f64>> {
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / rate));
    let (begun, mut requests) = (Instant::now(), JoinSet::new());
    for body in bodies {
        if begun.elapsed() >= window {
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

/// The time that this share of the requests took at most.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of some thousand"
)]
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(f64::NAN)
}
