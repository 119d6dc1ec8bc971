use std::sync::Arc;

use axum::extract::State;
use bauta_service_common::Json;
use bauta_wire::api::Health;

use super::state::AppState;
use crate::database_health::DatabaseState;

/// Returns the state of the process.
///
/// Responds if the process runs, and needs no other server. The state of the database is some
/// seconds old at most. `/ready` on the operations port says whether the service should receive
/// requests.
#[utoipa::path(
    get,
    path = "/health",
    tag = "operations",
    responses(
        (status = 200, body = Health),
    ),
    extensions(("x-discloses" = json!({"sees": "network address", "keeps": "nothing"})))
)]
pub async fn health(State(state): State<Arc<AppState>>) -> Json<Health> {
    let (circuits, database) = match state.database_health.state() {
        DatabaseState::Empty => ("none", "connected"),
        DatabaseState::Loaded => ("loaded", "connected"),
        DatabaseState::Unavailable => ("unavailable", "unavailable"),
    };
    Json(Health {
        status: "healthy".into(),
        circuits: circuits.into(),
        database: database.into(),
    })
}
