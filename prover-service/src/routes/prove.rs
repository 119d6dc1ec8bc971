use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bauta_service_common::{Caller, Json, JsonBytes, Problem, RequestId, from_json};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    jobs::Accepted,
    limits::RateLimitKey,
    problems::{ProblemDocument, audited},
    state::{AppState, PROVE},
};
use crate::{
    audit::AuditRecord,
    fair_queue::Admission,
    proof::{ContractAnswer, ProveAnswer},
    queue::EnqueueRequest,
    request::{Form, ProveRequest, Task},
};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Largest length of an idempotency key in bytes.
const MAX_KEY_LENGTH: usize = 128;
/// The priority of a job whose request has none.
const DEFAULT_PRIORITY: u8 = 5;

/// Creates a proof.
///
/// Returns the proof. With `"wait": false`, creates a job and returns its id immediately.
#[utoipa::path(
    post,
    path = "/prove",
    tag = "proofs",
    security((), ("api_key" = ["prove"])),
    request_body = ProveRequest,
    responses(
        (status = 200, body = ProveResponse),
        (status = 202, body = Accepted),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn prove(
    State(state): State<Arc<AppState>>,
    Extension(key): Extension<RateLimitKey>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    body: Result<JsonBytes, Problem>,
) -> Result<Response, Problem> {
    let mut record = AuditRecord::start("/prove");
    let response = async {
        let caller = state.authorise(&headers, PROVE)?;
        record.set_owner(&caller.prefix);
        state.take_proofs(&key, 1).await?;
        let JsonBytes(body) = body?;
        let request: ProveRequest = from_json(&body)?;
        let (wait, priority) = (request.wait, request.priority);
        let task = request.check(&state.circuits, state.store()).await?;
        record.add_proof(&task.circuit);
        if wait == Some(false) {
            let request = EnqueueRequest {
                owner: &caller.prefix,
                idempotency_key: idempotency_key(&headers)?,
                request_hash: task.request_hash(),
                circuit: &task.circuit.description.id,
                priority: priority.unwrap_or(DEFAULT_PRIORITY),
                body: &body,
            };
            let id = state.queue()?.enqueue(&request).await?;
            record.set_job(&id);
            let accepted = Accepted::new(id, &state.websocket_url);
            return Ok((StatusCode::ACCEPTED, Json(accepted)).into_response());
        }
        let form = task.form;
        // Only an id that the client chose can be followed.
        let client_id = headers.contains_key("x-request-id").then_some(&request_id);
        let answer = prove_now(&state, task, &caller, client_id).await?;
        let response = match form {
            Form::Bauta => ProveResponse::Bauta(answer),
            Form::Contract => ProveResponse::Contract(answer.into()),
        };
        Ok(Json(response).into_response())
    }
    .await;
    audited(record, response)
}

/// A proof, in the form of the request.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum ProveResponse {
    /// For `{statement, public, private}`.
    Bauta(ProveAnswer),
    /// For `{walletHash, tokenId, trackId, merkleProof}`.
    Contract(ContractAnswer),
}

/// Proves a task in this process. With a `request_id`, the client can follow the request.
pub async fn prove_now(
    state: &AppState,
    task: Task,
    caller: &Caller,
    request_id: Option<&RequestId>,
) -> Result<ProveAnswer, Problem> {
    let prover = &state.prover;
    let tracked = request_id.and_then(|id| {
        let events = &state.events;
        events.track(&caller.prefix, id.as_str(), prover.expected())
    });
    let on_start = || {
        if let Some(tracked) = &tracked {
            tracked.set_proving(prover.average_time());
        }
    };
    let answer = ProveAnswer::prove(prover, &caller.prefix, Admission::Request, task, on_start).await?;
    if let Some(tracked) = tracked {
        tracked.succeed();
    }
    Ok(answer)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if (1..=MAX_KEY_LENGTH).contains(&key.len()) => Ok(Some(key)),
        _ => Err(Problem::invalid(
            "Idempotency-Key",
            "must have 1 to 128 visible ASCII characters",
        )),
    }
}
