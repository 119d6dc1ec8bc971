use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, header},
    response::IntoResponse,
};
use bauta_service_common::{Json, Problem};
use bauta_wire::prover::{Resources, Snapshot};

use super::{
    queue::read_stats,
    state::{ADMIN, AppState},
};
use crate::time;

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
        Some(queue) => Some(read_stats(queue).await?),
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
