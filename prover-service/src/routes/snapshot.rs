use axum::{
    extract::State as Extract,
    http::{HeaderMap, header},
    response::IntoResponse,
};
use bauta_service_common::{Json, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::{ADMIN, State, queue::QueueStats};
use crate::{recent::RecentFigures, time};

/// How the service does, for a person. `/metrics` is for machines.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// When it was taken, Unix milliseconds.
    timestamp: u64,
    /// The newest proofs.
    proofs: RecentFigures,
    /// Jobs; none without a database.
    queue: Option<QueueStats>,
    /// This process.
    resources: Resources,
}

/// What this process uses.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Resources {
    /// Resident memory.
    memory_bytes: u64,
    /// Processor time since the start.
    processor_seconds: f64,
    /// Seconds since the start.
    uptime_seconds: u64,
}

/// `GET /api/metrics/snapshot`
#[utoipa::path(
    get,
    path = "/api/metrics/snapshot",
    tag = "operations",
    security((), ("api_key" = ["admin"])),
    responses(
        (status = 200, body = Snapshot),
    )
)]
pub async fn snapshot(Extract(state): Extract<State>, headers: HeaderMap) -> Result<Json<Snapshot>, Problem> {
    state.authorise(&headers, ADMIN)?;
    let queue = match &state.0.queue {
        Some(queue) => Some(QueueStats::of(queue).await?),
        None => None,
    };
    let usage = crate::metrics::usage().map_err(|error| Problem::internal(&error))?;
    Ok(Json(Snapshot {
        timestamp: time::milliseconds(time::now()),
        proofs: state.0.prover.recent().figures(),
        queue,
        resources: Resources {
            memory_bytes: usage.memory_bytes,
            processor_seconds: usage.processor_seconds,
            uptime_seconds: state.0.started.elapsed().as_secs(),
        },
    }))
}

/// `GET /api/metrics/export`: the snapshot as a file.
#[utoipa::path(
    get,
    path = "/api/metrics/export",
    tag = "operations",
    security((), ("api_key" = ["admin"])),
    responses(
        (status = 200, body = Snapshot),
    )
)]
pub async fn export(state: Extract<State>, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let disposition = (
        header::CONTENT_DISPOSITION,
        "attachment; filename=\"prover-metrics.json\"",
    );
    Ok(([disposition], snapshot(state, headers).await?))
}
