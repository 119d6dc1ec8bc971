use bauta_service_common::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::state::Reads;

/// The state of the process.
#[derive(Serialize, ToSchema)]
pub struct Health {
    /// Always `healthy`. `/ready` says whether the service should receive requests.
    status: &'static str,
    /// `loaded`, `none` if no circuit is registered, or `unavailable` with the database.
    circuits: &'static str,
    /// `connected`, or `unavailable`.
    database: &'static str,
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
    ),
    extensions(("x-discloses" = json!({"sees": "nothing", "keeps": "nothing"})))
)]
pub async fn health(state: Reads) -> Json<Health> {
    let (circuits, database) = match state.store.circuits().await {
        Ok(circuits) if circuits.is_empty() => ("none", "connected"),
        Ok(_) => ("loaded", "connected"),
        Err(_) => ("unavailable", "unavailable"),
    };
    Json(Health {
        status: "healthy",
        circuits,
        database,
    })
}
