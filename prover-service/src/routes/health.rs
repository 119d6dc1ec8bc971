use std::sync::Arc;

use axum::extract::State;
use bauta_service_common::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::AppState;
use crate::{NAME, VERSION, time};

/// The state of the process.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Always `healthy`. `/ready` says whether the service should receive requests.
    status: &'static str,
    /// Version of this service.
    version: &'static str,
    /// The service's name.
    prover: &'static str,
    /// Seconds since the start.
    uptime_seconds: u64,
    /// Number of proofs made since the start, without proofs from caches.
    proofs_generated: usize,
    /// Moving average of the proving times in milliseconds, without the time in the queue. 0 before
    /// the first proof.
    average_proof_time_ms: f64,
}

/// Returns the state of the process.
///
/// Responds if the process runs. `/ready` on the operations port says whether the service should
/// receive requests.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operations",
    responses(
        (status = 200, body = Health),
    )
)]
pub async fn health(State(state): State<Arc<AppState>>) -> Json<Health> {
    let prover = &state.prover;
    Json(Health {
        status: "healthy",
        version: VERSION,
        prover: NAME,
        uptime_seconds: state.started.elapsed().as_secs(),
        proofs_generated: prover.generated(),
        average_proof_time_ms: time::fraction_of_milliseconds(prover.average_time().unwrap_or_default()),
    })
}
