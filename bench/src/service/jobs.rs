//! The queue: jobs a second, and how soon news of them reach whoever waits.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bauta_store::Store;
use serde_json::Value;
use tokio::task::JoinSet;

use super::{load::CLIENTS, process::Running};

/// News of one job that are timed.
const NEWS: u32 = 200;

/// Jobs a second, from the first request to the last end. As many requests are under way as there are clients.
pub async fn rate(service: &Running, mut body: impl FnMut() -> Value, jobs: u32) -> Result<f64> {
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
        let stats: Value = service.get("/api/queue/stats").send().await?.json().await?;
        if stats["totalCompleted"] == jobs {
            return Ok(f64::from(jobs) / started.elapsed().as_secs_f64());
        }
        ensure!(stats["totalFailed"] == 0, "a job failed: {stats}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Milliseconds, the least first, from a worker's call that tells of its progress until a subscriber of another process has it. The
/// service runs no jobs here: this process does what a worker does, and so knows the moment.
pub async fn news(service: &Running, store: &Store, mut body: Value) -> Result<Vec<f64>> {
    body["wait"] = false.into();
    let accepted = service.post("/prove", &body).await?;
    let id = accepted["job_id"].as_str().context("a job has an id")?;
    let mut events = service.get(&format!("/jobs/{id}/events")).send().await?;
    // the state at the time of asking
    until(&mut events, "queued").await?;
    let mut times = Vec::new();
    for number in 1..=NEWS {
        let stage = format!("step-{number}");
        let told = Instant::now();
        let progress = f64::from(number) / f64::from(NEWS);
        store.announce_progress(id, &stage, progress, None).await?;
        until(&mut events, &stage).await?;
        times.push(told.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

async fn until(events: &mut reqwest::Response, stage: &str) -> Result<()> {
    let wanted = format!("\"{stage}\"");
    loop {
        let chunk = tokio::time::timeout(Duration::from_secs(5), events.chunk()).await;
        let Some(chunk) = chunk.with_context(|| format!("no news of {stage} within 5 s"))?? else {
            bail!("the events ended before {stage}");
        };
        if String::from_utf8_lossy(&chunk).contains(&wanted) {
            return Ok(());
        }
    }
}
