use std::sync::Arc;

use axum::{extract::State, http::HeaderMap};
use bauta_service_common::{InvalidField, InvalidFields, Json, Problem, UnreadBody};
use bauta_wire::prover::{Registered, Registration, Worker, WorkerStats};

use super::{
    problems::ProblemDocument,
    state::{ADMIN, AppState, MAX_OPERATION_BYTES},
};
use crate::queue::ActiveWorker;

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
        note:
            "logged; workers of this version register themselves through the queue (`prover-service worker`)"
                .into(),
    }))
}
