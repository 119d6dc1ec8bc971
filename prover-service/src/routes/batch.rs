use axum::{Extension, extract::State as Extract, http::HeaderMap};
use bauta_service_common::{Json, JsonBytes, Problem, from_json};
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{PROVE, State, limits::Asker, openapi::ProblemDocument, prove::prove_now};
use crate::{
    audit::Entry,
    proof::ProveAnswer,
    request::{LARGEST_BATCH, ProveRequest},
};

/// Requests for proofs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// 1 to 64 of them.
    requests: Vec<ProveRequest>,
}

/// Their proofs.
#[derive(Serialize, ToSchema)]
pub struct BatchAnswer {
    /// In the order of the requests.
    proofs: Vec<ProveAnswer>,
}

/// `POST /prove/batch`: all of them, or none. If one is bad, the problem's `field` says which, before any proof is begun.
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
    Extract(state): Extract<State>,
    Extension(asker): Extension<Asker>,
    headers: HeaderMap,
    body: Result<JsonBytes, Problem>,
) -> Result<Json<BatchAnswer>, Problem> {
    let mut entry = Entry::of("/prove/batch");
    let outcome = async {
        let caller = state.authorise(&headers, PROVE)?;
        entry.owner(&caller.prefix);
        let JsonBytes(body) = body?;
        let BatchRequest { requests } = from_json(&body)?;
        if !(1..=LARGEST_BATCH).contains(&requests.len()) {
            let rule = format!("must have 1 to {LARGEST_BATCH} requests");
            return Err(Problem::invalid("requests", rule));
        }
        state.take_proofs(&asker, requests.len()).await?;
        let mut tasks = Vec::with_capacity(requests.len());
        for (index, request) in requests.into_iter().enumerate() {
            let at = format!("requests[{index}]");
            if request.wait == Some(false) {
                return Err(Problem::invalid(
                    format!("{at}.wait"),
                    "must not be false in a batch",
                ));
            }
            let task = request.check(&state.0.circuits, state.store()).await;
            let task = task.map_err(|problem| problem.within(&at))?;
            entry.proof_of(&task.circuit);
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
    entry.end(outcome)
}
