use axum::extract::State as Extract;
use bauta_service_common::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use crate::{NAME, VERSION, time};

/// That the process lives, and what it has done.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// `healthy`; whether requests should come here is for `/ready` to say.
    status: &'static str,
    /// Version of this service.
    version: &'static str,
    /// The service's name.
    prover: &'static str,
    /// Seconds since the start.
    uptime_seconds: u64,
    /// Proofs made since the start.
    proofs_generated: usize,
    /// Moving average of proving times, without waiting; 0 before the first.
    average_proof_time_ms: f64,
}

/// `GET /health`
#[utoipa::path(
    get,
    path = "/health",
    tag = "operations",
    responses(
        (status = 200, body = Health),
    )
)]
pub async fn health(Extract(state): Extract<State>) -> Json<Health> {
    let prover = &state.0.prover;
    Json(Health {
        status: "healthy",
        version: VERSION,
        prover: NAME,
        uptime_seconds: state.0.started.elapsed().as_secs(),
        proofs_generated: prover.generated(),
        average_proof_time_ms: time::fraction_of_milliseconds(prover.average_time().unwrap_or_default()),
    })
}
