use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::IntoResponse,
};
use bauta_service_common::{Json, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    queue::QueueStats,
    state::{ADMIN, AppState},
};
use crate::{recent::RecentFigures, time};

/// Statistics of the service for people. Programs use `/metrics`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Time of the snapshot in Unix milliseconds.
    timestamp: u64,
    /// Statistics of the most recent proofs.
    proofs: RecentFigures,
    /// Numbers of jobs. `null` without a database.
    queue: Option<QueueStats>,
    /// Resources of this process.
    resources: Resources,
}

/// Resources of the process.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Resources {
    /// Resident memory in bytes.
    memory_bytes: u64,
    /// Processor time since the start in seconds.
    processor_seconds: f64,
    /// Seconds since the start.
    uptime_seconds: u64,
}

/// Returns statistics.
///
/// Returns statistics of recent proofs, jobs and resources.
#[utoipa::path(
    get,
    path = "/api/metrics/snapshot",
    tag = "operations",
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, body = Snapshot),
    )
)]
pub async fn snapshot(
    State(state): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Json<Snapshot>, Problem> {
    state.authorise(&headers, ADMIN).await?;
    let queue = match &state.queue {
        Some(queue) => Some(QueueStats::read(queue).await?),
        None => None,
    };
    let usage = crate::metrics::resource_usage().map_err(|error| Problem::internal(&error))?;
    Ok(Json(Snapshot {
        timestamp: time::milliseconds(time::now()),
        proofs: state.prover.recent().figures(),
        queue,
        resources: Resources {
            memory_bytes: usage.memory_bytes,
            processor_seconds: usage.processor_seconds,
            uptime_seconds: state.started.elapsed().as_secs(),
        },
    }))
}

/// Downloads statistics.
///
/// Returns the response of `/api/metrics/snapshot` as a file.
#[utoipa::path(
    get,
    path = "/api/metrics/export",
    tag = "operations",
    security(("api_key" = ["admin"])),
    responses(
        (status = 200, body = Snapshot),
    )
)]
pub async fn export(state: State<Arc<AppState>>, headers: HeaderMap) -> Result<impl IntoResponse, Problem> {
    let disposition = (
        header::CONTENT_DISPOSITION,
        "attachment; filename=\"prover-metrics.json\"",
    );
    Ok(([disposition], snapshot(state, headers).await?))
}
