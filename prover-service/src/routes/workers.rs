use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use bauta_service_common::{InvalidField, InvalidFields, Json, Problem, UnreadBody};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    problems::ProblemDocument,
    state::{ADMIN, AppState, MAX_OPERATION_BYTES},
};
use crate::queue::ActiveWorker;

/// The workers of the job queue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkerStats {
    /// Workers with a recent heartbeat.
    workers: Vec<Worker>,
    /// Recommended number of workers: the arrival rate times the service time, divided by the
    /// number of proofs that a worker runs at the same time and by the target utilisation of 70 %.
    recommended: u32,
    /// Jobs created per second, during the last minute.
    arrivals_per_second: f64,
    /// Mean time from a job's start to its success in milliseconds, during the last minute.
    service_time_ms: f64,
}

/// A worker with a recent heartbeat.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// The worker's id.
    id: String,
    /// Time of the start in Unix milliseconds.
    started_at: i64,
    /// Time of the last heartbeat in Unix milliseconds.
    last_heartbeat_at: i64,
}

impl From<ActiveWorker> for Worker {
    fn from(worker: ActiveWorker) -> Self {
        Self {
            id: worker.id,
            started_at: worker.started_at_ms,
            last_heartbeat_at: worker.last_heartbeat_at_ms,
        }
    }
}

/// Lists the workers.
///
/// Returns the active workers and the recommended number of workers.
#[utoipa::path(
    get,
    path = "/api/workers/stats",
    tag = "operations",
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, body = WorkerStats),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn worker_stats(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Json<WorkerStats>, Problem> {
    state.authorise(&headers, ADMIN).await?;
    let workers = state.queue()?.workers().await?;
    Ok(Json(WorkerStats {
        workers: workers.active.into_iter().map(Worker::from).collect(),
        recommended: workers.workload.recommended,
        arrivals_per_second: workers.workload.rates.arrivals_per_second,
        service_time_ms: 1e3 * workers.workload.rates.service_seconds,
    }))
}

/// Largest length of an id or URL in the log, in bytes.
const MAX_LENGTH: usize = 256;

/// The registration of a worker of an earlier system.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Registration {
    /// The worker's id. At most 256 bytes.
    #[schema(max_length = 256)]
    id: String,
    /// The worker's URL. At most 256 bytes.
    #[schema(max_length = 256)]
    url: String,
    /// Number of proofs that the worker runs at the same time.
    #[schema(minimum = 0, maximum = 65_535)]
    max_concurrency: u16,
}

/// The response to a registration.
#[derive(Serialize, ToSchema)]
pub struct Registered {
    /// Always true.
    registered: bool,
    /// A remark for people.
    note: &'static str,
}

/// Registers a worker.
///
/// Writes the registration to the log and has no other effect. Earlier systems use this route.
/// Workers of this version register themselves through the job queue.
#[utoipa::path(
    post,
    path = "/api/workers/register",
    tag = "operations",
    security(("api_key" = ["admin"])),
    request_body = Registration,
    responses(
        (status = 200, body = Registered),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn register(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Json<Registered>, Problem> {
    state.authorise(&headers, ADMIN).await?;
    let Registration {
        id,
        url,
        max_concurrency,
    } = body.json(MAX_OPERATION_BYTES).await?;
    let fields = [("id", &id), ("url", &url)].into_iter();
    let invalid = fields
        .filter(|(_, text)| text.len() > MAX_LENGTH)
        .map(|(field, _)| InvalidField::new(field, format!("must have at most {MAX_LENGTH} bytes")));
    if let Some(invalid) = InvalidFields::of(invalid) {
        return Err(invalid.into());
    }
    tracing::info!(event = "worker_registered", worker_id = id, url, max_concurrency);
    Ok(Json(Registered {
        registered: true,
        note: "logged; workers of this version register themselves through the queue (`prover-service worker`)",
    }))
}
