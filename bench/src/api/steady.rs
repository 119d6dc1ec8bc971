//! All kinds of requests together at fixed rates, for the memory of the service.

use std::time::Duration;

use anyhow::{Context, Result};

use super::{Load, clients};
use crate::{process::Running, timing::percentile};

/// Requests per second of each kind.
const CACHED_PER_S: f64 = 1_000.0;
const TILES_PER_S: f64 = 1_000.0;
const PATHS_PER_S: f64 = 200.0;
/// The number of times that the memory is read.
const SAMPLES: u32 = 100;

/// The figures.
pub struct Steady {
    /// The mean of the resident memory in the second tenth of the time, in MB. In the first tenth,
    /// the service fills its buffers for this load.
    pub begin_mb: f64,
    /// The mean in the last tenth, in MB.
    pub end_mb: f64,
    /// The 99th percentiles.
    pub cached_p99_ms: f64,
    pub tile_p99_ms: f64,
    pub path_p99_ms: f64,
}

/// Sends all kinds of requests for a time, and reads the memory of the service meanwhile.
pub async fn measure(service: &Running, load: &Load, clients: usize, window: Duration) -> Result<Steady> {
    let address = &service.address;
    let (cached, tiles, paths, memory) = tokio::try_join!(
        clients::open(address, clients / 2, &load.cached, CACHED_PER_S, window),
        clients::open(address, clients / 4, &load.tiles, TILES_PER_S, window),
        clients::open(address, clients / 4, &load.paths, PATHS_PER_S, window),
        sample(service, window),
    )?;
    Ok(Steady {
        begin_mb: mean_of_tenth(&memory, 1)?,
        end_mb: mean_of_tenth(&memory, 9)?,
        cached_p99_ms: percentile(&cached, 0.99),
        tile_p99_ms: percentile(&tiles, 0.99),
        path_p99_ms: percentile(&paths, 0.99),
    })
}

/// Reads the resident memory at equal intervals.
async fn sample(service: &Running, window: Duration) -> Result<Vec<f64>> {
    let mut memory = Vec::new();
    let mut interval = tokio::time::interval(window / SAMPLES);
    for _ in 0..SAMPLES {
        interval.tick().await;
        memory.push(service.memory_mb()?);
    }
    Ok(memory)
}

/// Returns the mean of a tenth of the samples. The first tenth has the number 0.
#[allow(clippy::cast_precision_loss, reason = "a hundred samples")]
fn mean_of_tenth(samples: &[f64], tenth: usize) -> Result<f64> {
    let length = samples.len() / 10;
    let samples = samples.get(tenth * length..(tenth + 1) * length);
    let samples = samples.filter(|samples| !samples.is_empty());
    let samples = samples.context("the memory was read too rarely")?;
    Ok(samples.iter().sum::<f64>() / samples.len() as f64)
}
