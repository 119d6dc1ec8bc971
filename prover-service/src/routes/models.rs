use bauta_service_common::Json;
use serde_json::{Value, json};

/// Lists the models.
///
/// The list is empty. Only the statement `policy` uses models, and this version can't prove it.
#[utoipa::path(
    get,
    path = "/models",
    tag = "proofs",
    responses(
        (status = 200, body = Value),
    )
)]
pub async fn models() -> Json<Value> {
    Json(json!({"models": []}))
}
