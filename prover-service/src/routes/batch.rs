use std::sync::Arc;

use axum::{Extension, extract::State, http::HeaderMap};
use bauta_service_common::{InvalidField, Json, JsonBytes, Problem, from_json};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    limits::RateLimitKey,
    problems::{ProblemDocument, audited},
    prove::prove_now,
    state::{AppState, PROVE},
};
use crate::{
    audit::AuditRecord,
    proof::ProveAnswer,
    request::{MAX_BATCH, ProveRequest},
};

/// A batch of requests for proofs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// 1 to 64 requests.
    requests: Vec<ProveRequest>,
}

/// The proofs of a batch.
#[derive(Serialize, ToSchema)]
pub struct BatchAnswer {
    /// The proofs, in the order of the requests.
    proofs: Vec<ProveAnswer>,
}

/// Creates the proofs of a batch.
///
/// Returns all proofs or none. All requests are checked before the first proof starts. If a request
/// is invalid, `field` in the error names it.
#[utoipa::path(
    post,
    path = "/prove/batch",
    tag = "proofs",
    security((), ("api_key" = ["prove"])),
    request_body = BatchRequest,
    responses(
        (status = 200, body = BatchAnswer),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn batch(
    State(state): State<Arc<AppState>>,
    Extension(key): Extension<RateLimitKey>,
    headers: HeaderMap,
    body: Result<JsonBytes, Problem>,
) -> Result<Json<BatchAnswer>, Problem> {
    let mut record = AuditRecord::start("/prove/batch");
    let response = async {
        let caller = state.authorise(&headers, PROVE)?;
        record.set_owner(&caller.prefix);
        let JsonBytes(body) = body?;
        let BatchRequest { requests } = from_json(&body)?;
        if !(1..=MAX_BATCH).contains(&requests.len()) {
            let rule = format!("must have 1 to {MAX_BATCH} requests");
            return Err(Problem::invalid("requests", rule));
        }
        state.take_proofs(&key, requests.len()).await?;
        let mut tasks = Vec::with_capacity(requests.len());
        for (index, request) in requests.into_iter().enumerate() {
            let position = format!("requests[{index}]");
            if request.wait == Some(false) {
                let field = InvalidField::new("wait", "must not be false in a batch");
                return Err(field.within(&position).into());
            }
            let task = request.check(&state.circuits, state.store()).await;
            let task = task.map_err(|error| error.within(&position))?;
            record.add_proof(&task.circuit);
            tasks.push(task);
        }
        let proofs = tasks
            .into_iter()
            .map(|task| prove_now(&state, task, &caller, None));
        Ok(Json(BatchAnswer {
            proofs: try_join_all(proofs).await?,
        }))
    }
    .await;
    audited(record, response)
}
