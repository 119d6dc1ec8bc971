use axum::extract::State as Extract;
use bauta_service_common::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::State;
use crate::circuits::Description;

/// The circuits that this service proves.
#[derive(Serialize, ToSchema)]
pub struct CircuitList {
    circuits: Vec<Description>,
}

/// `GET /circuits`
#[utoipa::path(
    get,
    path = "/circuits",
    tag = "proofs",
    responses(
        (status = 200, body = CircuitList),
    )
)]
pub async fn circuits(Extract(state): Extract<State>) -> Json<CircuitList> {
    let circuits = state.0.circuits.all();
    Json(CircuitList {
        circuits: circuits.map(|circuit| circuit.description.clone()).collect(),
    })
}
