//! Measures the queue: jobs per second, and the delay of progress events.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bauta_store::Store;
use serde_json::Value;
use tokio::task::JoinSet;

use super::load::CLIENTS;
use crate::process::Running;

/// Number of measured progress events of one job.
const PROGRESS_EVENTS: u32 = 200;

/// Returns the jobs per second, from the first request to the end of the last job. There are as
/// many concurrent requests as clients.
pub async fn rate(
    service: &Running,
    admin_key: &str,
    mut body: impl FnMut() -> Value,
    jobs: u32,
) -> Result<f64> {
    let (started, mut requests) = (Instant::now(), JoinSet::new());
    for _ in 0..jobs {
        let mut body = body();
        body["wait"] = false.into();
        if requests.len() == CLIENTS
            && let Some(accepted) = requests.join_next().await
        {
            accepted??;
        }
        requests.spawn(service.post("/prove", &body));
    }
    while let Some(accepted) = requests.join_next().await {
        accepted??;
    }
    loop {
        let stats = service.get("/api/queue/stats").bearer_auth(admin_key);
        let stats: Value = stats.send().await?.error_for_status()?.json().await?;
        if stats["totalCompleted"] == jobs {
            return Ok(f64::from(jobs) / started.elapsed().as_secs_f64());
        }
        ensure!(stats["totalFailed"] == 0, "a job failed: {stats}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Returns the delays in milliseconds, ascending, from a worker's call that announces its progress
/// until a subscriber of another process receives the event. The service runs no jobs here. This
/// process acts as the worker, so it knows the moment of the call.
pub async fn progress_delays(service: &Running, store: &Store, mut body: Value) -> Result<Vec<f64>> {
    body["wait"] = false.into();
    let accepted = service.post("/prove", &body).await?;
    let id = accepted["job_id"].as_str().context("the answer has no job_id")?;
    let mut events = service.get(&format!("/jobs/{id}/events")).send().await?;
    // The first event is the current state.
    wait_for(&mut events, "queued").await?;
    let mut times = Vec::new();
    for number in 1..=PROGRESS_EVENTS {
        let stage = format!("step-{number}");
        let announced = Instant::now();
        let progress = f64::from(number) / f64::from(PROGRESS_EVENTS);
        store.announce_progress(id, &stage, progress, None).await?;
        wait_for(&mut events, &stage).await?;
        times.push(announced.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

async fn wait_for(events: &mut reqwest::Response, stage: &str) -> Result<()> {
    let wanted = format!("\"{stage}\"");
    loop {
        let chunk = tokio::time::timeout(Duration::from_secs(5), events.chunk()).await;
        let Some(chunk) = chunk.with_context(|| format!("there is no event of {stage} within 5 s"))?? else {
            bail!("the events ended before {stage}");
        };
        if String::from_utf8_lossy(&chunk).contains(&wanted) {
            return Ok(());
        }
    }
}
