use axum::{extract::State as Extract, http::HeaderMap};
use bauta_service_common::{Json, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ADMIN, State, openapi::ProblemDocument};

/// The queue's workers.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerStats {
    workers: Vec<Worker>,
    /// How many there should be: arrivals times service time, over the proofs that a worker makes at a time, at 70 % of its time.
    recommended: usize,
    /// Jobs that came in the last minute, per second.
    arrivals_per_second: f64,
    /// Mean milliseconds from a job's begin to its success, of the last minute.
    service_time_ms: f64,
}

/// A worker.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    id: String,
    /// Unix milliseconds.
    started_at: i64,
    /// Unix milliseconds.
    last_heartbeat_at: i64,
}

/// `GET /api/workers/stats`
#[utoipa::path(
    get,
    path = "/api/workers/stats",
    tag = "operations",
    security((), ("api_key" = ["admin"])),
    responses(
        (status = 200, body = WorkerStats),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn stats(Extract(state): Extract<State>, headers: HeaderMap) -> Result<Json<WorkerStats>, Problem> {
    state.authorise(&headers, ADMIN)?;
    let workers = state.queue()?.workers().await?;
    let worker = |row: &graphile_worker::ActiveWorkerRow| Worker {
        id: row.worker_id.clone(),
        started_at: row.started_at.timestamp_millis(),
        last_heartbeat_at: row.last_heartbeat_at.timestamp_millis(),
    };
    Ok(Json(WorkerStats {
        workers: workers.alive.iter().map(worker).collect(),
        recommended: workers.recommended,
        arrivals_per_second: workers.flow.arrivals_per_s,
        service_time_ms: 1e3 * workers.flow.service_s,
    }))
}

/// Longest id or URL that is taken into the log, in bytes.
const LONGEST: usize = 256;

/// A worker as earlier systems announced it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Registration {
    /// At most 256 bytes.
    #[schema(max_length = 256)]
    id: String,
    /// At most 256 bytes.
    #[schema(max_length = 256)]
    url: String,
    #[schema(minimum = 0, maximum = 65_535)]
    max_concurrency: u16,
}

/// What becomes of a registration.
#[derive(Serialize, ToSchema)]
pub struct Registered {
    registered: bool,
    note: &'static str,
}

/// `POST /api/workers/register`: recorded in the log. Workers announce themselves through the queue.
#[utoipa::path(
    post,
    path = "/api/workers/register",
    tag = "operations",
    security((), ("api_key" = ["admin"])),
    request_body = Registration,
    responses(
        (status = 200, body = Registered),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn register(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    worker: Result<Json<Registration>, Problem>,
) -> Result<Json<Registered>, Problem> {
    state.authorise(&headers, ADMIN)?;
    let Json(Registration {
        id,
        url,
        max_concurrency,
    }) = worker?;
    for (field, text) in [("id", &id), ("url", &url)] {
        if text.len() > LONGEST {
            return Err(Problem::invalid(
                field,
                format!("must have at most {LONGEST} bytes"),
            ));
        }
    }
    tracing::info!(event = "worker_registered", worker_id = id, url, max_concurrency);
    Ok(Json(Registered {
        registered: true,
        note: "recorded; workers of this version announce themselves through the queue (`prover-service worker`)",
    }))
}
