use std::time::Instant;

use axum::{
    extract::State as Extract,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use bauta_service::{Json, JsonBytes, Problem, from_json};
use serde::Serialize;
use utoipa::ToSchema;

use super::{PROVE, State, jobs::Accepted, openapi::ProblemDocument};
use crate::{
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
    request_body = ProveRequest,
    responses(
        (status = 200, body = Answered),
        (status = 202, body = Accepted),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 401, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 429, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 504, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn prove(
    Extract(state): Extract<State>,
    headers: HeaderMap,
    JsonBytes(body): JsonBytes,
) -> Result<Response, Problem> {
    let caller = state.authorise(&headers, PROVE)?;
    let request: ProveRequest = from_json(&body)?;
    let (wait, priority) = (request.wait, request.priority);
    let task = request.check(&state.0.circuits, state.store()).await?;
    if wait == Some(false) {
        let order = Order {
            owner: &caller.prefix,
            idempotency_key: idempotency_key(&headers)?,
            circuit: &task.circuit.description.id,
            priority: priority.unwrap_or(PRIORITY),
            body: &body,
        };
        let id = state.jobs()?.queue.enqueue(&order).await?;
        return Ok((
            StatusCode::ACCEPTED,
            Json(Accepted::of(id, &state.0.websocket_url)),
        )
            .into_response());
    }
    let form = task.form;
    let answer = prove_now(&state, task).await?;
    let answer = match form {
        Form::Bauta => Answered::Bauta(answer),
        Form::Contract => Answered::Contract(answer.into()),
    };
    Ok(Json(answer).into_response())
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

/// A proof of a task, made in this process when its turn comes.
pub async fn prove_now(state: &State, task: Task) -> Result<ProveAnswer, Problem> {
    let started = Instant::now();
    let Task {
        circuit,
        evaluation,
        tag,
        ..
    } = &task;
    let (circuit, evaluation, tag) = (circuit.clone(), *evaluation, tag.clone());
    let made = state.0.prover.prove(task, || ()).await?;
    let elapsed = started.elapsed();
    Ok(ProveAnswer::new(
        &circuit,
        &evaluation,
        &made.proof,
        tag,
        made.proving,
        elapsed,
    ))
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
