use std::sync::Arc;

use axum::extract::State;
use bauta_service_common::Json;
use bauta_wire::prover::CircuitList;

use super::state::AppState;

/// Lists the circuits.
///
/// Returns every circuit that this service has a key for, ordered by depth.
#[utoipa::path(
    get,
    path = "/circuits",
    tag = "proofs",
    responses(
        (status = 200, body = CircuitList),
    )
)]
pub async fn circuits(State(state): State<Arc<AppState>>) -> Json<CircuitList> {
    let circuits = state.circuits.all();
    Json(CircuitList {
        circuits: circuits.map(|circuit| circuit.description.clone()).collect(),
    })
}
