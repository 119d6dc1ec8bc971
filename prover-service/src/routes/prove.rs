use axum::{
    Extension,
    extract::State as Extract,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bauta_service_common::{Caller, Json, JsonBytes, Problem, RequestId, from_json};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PROVE, State, jobs::Accepted, limits::Asker, openapi::ProblemDocument};
use crate::{
    audit::Entry,
    line::Admission,
    proof::{ContractAnswer, ProveAnswer},
    queue::Order,
    request::{Form, ProveRequest, Task},
};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Longest idempotency key, in bytes.
const LONGEST_KEY: usize = 128;
/// The priority of those who say none.
const PRIORITY: u8 = 5;

/// `POST /prove`: a proof, or with `"wait": false` a job.
#[utoipa::path(
    post,
    path = "/prove",
    tag = "proofs",
    security((), ("api_key" = ["prove"])),
    request_body = ProveRequest,
    responses(
        (status = 200, body = Answered),
        (status = 202, body = Accepted),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn prove(
    Extract(state): Extract<State>,
    Extension(asker): Extension<Asker>,
    Extension(request_id): Extension<RequestId>,
    headers: HeaderMap,
    body: Result<JsonBytes, Problem>,
) -> Result<Response, Problem> {
    let mut entry = Entry::of("/prove");
    let outcome = async {
        let caller = state.authorise(&headers, PROVE)?;
        entry.owner(&caller.prefix);
        state.take_proofs(&asker, 1).await?;
        let JsonBytes(body) = body?;
        let request: ProveRequest = from_json(&body)?;
        let (wait, priority) = (request.wait, request.priority);
        let task = request.check(&state.0.circuits, state.store()).await?;
        entry.proof_of(&task.circuit);
        if wait == Some(false) {
            let order = Order {
                owner: &caller.prefix,
                idempotency_key: idempotency_key(&headers)?,
                request_hash: task.request_hash(),
                circuit: &task.circuit.description.id,
                priority: priority.unwrap_or(PRIORITY),
                body: &body,
            };
            let id = state.queue()?.enqueue(&order).await?;
            entry.job(&id);
            return Ok((
                StatusCode::ACCEPTED,
                Json(Accepted::of(id, &state.0.websocket_url)),
            )
                .into_response());
        }
        let form = task.form;
        // Nobody can ask for an id that the client doesn't know.
        let known = headers.contains_key("x-request-id").then_some(&request_id);
        let answer = match form {
            Form::Bauta => Answered::Bauta(prove_now(&state, task, &caller, known).await?),
            Form::Contract => Answered::Contract(prove_now(&state, task, &caller, known).await?.into()),
        };
        Ok(Json(answer).into_response())
    }
    .await;
    entry.end(outcome)
}

/// The answer, in the form of the request.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub enum Answered {
    /// `{statement, public, private}`
    Bauta(ProveAnswer),
    /// `{walletHash, tokenId, trackId, merkleProof}`
    Contract(ContractAnswer),
}

/// A proof of a task, made in this process when its turn comes. Under `request_id` its client can follow it.
pub async fn prove_now(
    state: &State,
    task: Task,
    caller: &Caller,
    request_id: Option<&RequestId>,
) -> Result<ProveAnswer, Problem> {
    let prover = &state.0.prover;
    let waiting = request_id.and_then(|id| {
        let events = &state.0.events;
        events.track(&caller.prefix, id.as_str(), prover.expected())
    });
    let begun = || {
        if let Some(waiting) = &waiting {
            waiting.begun(prover.average_time());
        }
    };
    let answer = ProveAnswer::make(prover, &caller.prefix, Admission::Request, task, begun).await?;
    if let Some(waiting) = waiting {
        waiting.succeeded();
    }
    Ok(answer)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key) if (1..=LONGEST_KEY).contains(&key.len()) => Ok(Some(key)),
        _ => Err(Problem::invalid(
            "Idempotency-Key",
            "must be 1 to 128 visible ASCII characters",
        )),
    }
}
