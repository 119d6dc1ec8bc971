use std::sync::Arc;

use axum::extract::State;
use bauta_service_common::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::AppState;
use crate::circuits::CircuitDescription;

/// The circuits that this service has keys for.
#[derive(Serialize, ToSchema)]
pub struct CircuitList {
    circuits: Vec<CircuitDescription>,
}

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
