use std::sync::Arc;

use axum::extract::State;
use bauta_service_common::Json;
use bauta_wire::prover::Health;

use super::state::AppState;
use crate::{NAME, VERSION, time};

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
        status: "healthy".into(),
        version: VERSION.into(),
        prover: NAME.into(),
        uptime_seconds: state.started.elapsed().as_secs(),
        proofs_generated: prover.generated(),
        average_proof_time_ms: time::fraction_of_milliseconds(prover.average_time().unwrap_or_default()),
    })
}
