use std::{slice, sync::Arc};

use axum::{
    Extension,
    extract::{OriginalUri, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use bauta_service_common::{
    Admission, Caller, InvalidField, InvalidFields, Json, Problem, RequestId, StreamGuard, UnreadBody,
    from_json,
};
use bauta_wire::prover::ProveResponse;
use bauta_wire::prover::{Accepted, ProveAnswer};

use super::{
    jobs::accepted,
    limits::RateLimitKey,
    problems::{self, ProblemDocument, audited},
    state::{AppState, PROVE},
};
use crate::{
    audit::AuditRecord,
    proof,
    prover::Requester,
    queue::{EnqueueRequest, QueueError},
    request::{Form, MAX_REQUEST_BYTES, ProveRequest, RequestError, Task, request_hash},
};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// Largest length of an idempotency key in bytes.
const MAX_KEY_LENGTH: usize = 128;
/// The priority of a job whose request has none.
pub const DEFAULT_PRIORITY: u8 = 5;

/// Creates a proof.
///
/// Returns the proof. With `"wait": false`, creates a job and returns its id immediately. With the
/// header `Idempotency-Key`, a repeated request returns the result of the first one. Such a request
/// is a job: if it takes longer than a proof may take, its id is returned.
#[utoipa::path(
    post,
    path = "/prove",
    tag = "proofs",
    security((), ("api_key" = ["prove"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated request return the result of the first one. 1 to 128 visible ASCII characters", min_length = 1, max_length = 128, pattern = "^[!-~]+$")),
    request_body = ProveRequest,
    responses(
        (status = 200, body = ProveResponse),
        (status = 202, body = Accepted, headers(("Location" = String, description = "The URL of the job"))),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn prove(
    State(state): State<Arc<AppState>>,
    Extension(key): Extension<RateLimitKey>,
    Extension(request_id): Extension<RequestId>,
    uri: OriginalUri,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Response, Problem> {
    let mut record = AuditRecord::start("/prove");
    let response = async {
        let caller = state.authorise(&headers, PROVE).await?;
        record.set_owner(&caller.owner);
        let body = state.sealing.open(body.read(MAX_REQUEST_BYTES).await?)?;
        let request: ProveRequest = from_json(&body)?;
        let (wait, priority, form) = (request.wait, request.priority, request.form());
        let idempotency_key = idempotency_key(&headers);
        let client_id = client_id(&headers, &request_id, request.request_id.clone());
        let (idempotency_key, client_id) = match (idempotency_key, client_id) {
            (Ok(idempotency_key), Ok(id)) => (idempotency_key, id),
            (Err(invalid), Ok(_)) | (Ok(_), Err(invalid)) => {
                return Err(refuse(&state, &key, request, invalid.into()).await);
            }
            (Err(first), Err(second)) => {
                let invalid = InvalidFields::from(first).and(second.into());
                return Err(refuse(&state, &key, request, invalid).await);
            }
        };
        let client_id = client_id.as_deref();
        if wait != Some(false) && idempotency_key.is_none() {
            state.take_proofs(&key, 1).await?;
            let task = request.check(&state.circuits, state.store()).await?;
            record.add_proof(&task.circuit);
            let answer = prove_now(&state, task, &caller, &key, client_id).await?;
            return Ok(Json(response_of(answer, form)).into_response());
        }
        let request_hash = request_hash(&from_json(&body)?);
        let queue = state.queue()?;
        let repeated = match idempotency_key {
            Some(key) => queue.find_repeated(&caller.owner, key, request_hash).await?,
            None => None,
        };
        let _waiting = match &repeated {
            _ if wait == Some(false) => None,
            Some(id) => state.waiting_place_for(&key, slice::from_ref(id)).await?,
            None => Some(state.waiting_place(&key)?),
        };
        let is_repeated = repeated.is_some();
        let id = if let Some(id) = repeated {
            id
        } else {
            state.take_proofs(&key, 1).await?;
            let task = request.check(&state.circuits, state.store()).await?;
            record.add_proof(&task.circuit);
            let request = EnqueueRequest {
                owner: &caller.owner,
                idempotency_key,
                request_hash,
                circuit: &task.circuit.description.id,
                priority: priority.unwrap_or(DEFAULT_PRIORITY),
                body: &body,
            };
            queue.enqueue(&request).await?
        };
        record.set_job(&id);
        if wait == Some(false) {
            return Ok(accepted(id, &uri, &state.websocket_url));
        }
        let tracked = client_id.and_then(|id| state.events.track(&caller.owner, id, None));
        let answer = answer_of_job(&state, id.clone(), &caller, is_repeated);
        let answer = tokio::time::timeout(state.max_wait, answer).await;
        let answer = answer.ok().transpose()?;
        if let Some(tracked) = tracked {
            tracked.succeed();
        }
        Ok(match answer {
            Some(answer) => Json(response_of(answer, form)).into_response(),
            None => accepted(id, &uri, &state.websocket_url),
        })
    }
    .await;
    audited(record, response)
}

fn response_of(answer: ProveAnswer, form: Form) -> ProveResponse {
    match form {
        Form::Bauta => ProveResponse::Bauta(answer),
        Form::Contract => ProveResponse::Contract(proof::contract_answer(answer)),
    }
}

impl AppState {
    /// Counts a request of the client that waits for jobs. Fails if too many wait.
    pub fn waiting_place(&self, key: &RateLimitKey) -> Result<StreamGuard, Problem> {
        let place = self.waiting.open(key.client());
        place.map_err(problems::too_many_streams)
    }

    /// Counts a repeated request. Returns `None` if all its jobs have ended, because then it
    /// doesn't wait.
    pub async fn waiting_place_for(
        &self,
        key: &RateLimitKey,
        jobs: &[String],
    ) -> Result<Option<StreamGuard>, Problem> {
        let open = self.queue()?.store().open_jobs_among(jobs).await;
        if open.map_err(QueueError::from)?.is_empty() {
            return Ok(None);
        }
        self.waiting_place(key).map(Some)
    }
}

/// Waits for the end of a job and returns its answer. `is_repeated` says whether an earlier request
/// created the job.
pub async fn answer_of_job(
    state: &AppState,
    id: String,
    caller: &Caller,
    is_repeated: bool,
) -> Result<ProveAnswer, Problem> {
    let job = state.events.wait_for_job(id, caller.owner.clone()).await;
    let job = job.map_err(QueueError::from)?.ok_or_else(problems::unknown_job)?;
    let Some(answer) = &job.answer else {
        return Err(problems::job_failed(&job, is_repeated));
    };
    serde_json::from_str(answer).map_err(|error| Problem::internal(&error))
}

/// Proves a task in this process. With a `request_id`, the client can follow the request.
pub async fn prove_now(
    state: &AppState,
    task: Task,
    caller: &Caller,
    key: &RateLimitKey,
    request_id: Option<&str>,
) -> Result<ProveAnswer, Problem> {
    let prover = &state.prover;
    let tracked = request_id.and_then(|id| {
        let events = &state.events;
        events.track(&caller.owner, id, prover.expected())
    });
    let on_start = || {
        if let Some(tracked) = &tracked {
            tracked.set_proving(prover.average_time());
        }
    };
    let requester = Requester {
        owner: &caller.owner,
        client: key.client(),
    };
    let answer = proof::prove(prover, requester, Admission::Request, task, on_start).await?;
    if let Some(tracked) = tracked {
        tracked.succeed();
    }
    Ok(answer)
}

/// Returns the error for a request whose headers or id are `invalid`. It also has the invalid
/// fields of the statement.
async fn refuse(
    state: &AppState,
    key: &RateLimitKey,
    request: ProveRequest,
    invalid: InvalidFields,
) -> Problem {
    if let Err(problem) = state.take_proofs(key, 1).await {
        return problem;
    }
    let checked = request.check(&state.circuits, state.store()).await;
    match checked.map_err(RequestError::invalid_fields) {
        Err(Ok(fields)) => invalid.and(fields).into(),
        Err(Err(error)) => error.into(),
        Ok(_) => invalid.into(),
    }
}

/// Returns the id that the client chose for its request, in the header or in the body. Only such a
/// request can be followed.
fn client_id(
    headers: &HeaderMap,
    request_id: &RequestId,
    in_body: Option<String>,
) -> Result<Option<String>, InvalidField> {
    let in_header = headers
        .contains_key("x-request-id")
        .then(|| request_id.as_str().to_owned());
    match (in_header, in_body) {
        (in_header, None) => Ok(in_header),
        (_, Some(id)) if !RequestId::is_valid(id.as_bytes()) => {
            Err(InvalidField::new("requestId", RequestId::RULE))
        }
        (Some(other), Some(id)) if other != id => Err(InvalidField::new(
            "requestId",
            "must be equal to the header x-request-id, or be the only one of the two",
        )),
        (_, id) => Ok(id),
    }
}

/// Returns the idempotency key of a request.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, InvalidField> {
    let Some(key) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(None);
    };
    match key.to_str() {
        Ok(key)
            if (1..=MAX_KEY_LENGTH).contains(&key.len())
                && key.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Some(key))
        }
        _ => Err(InvalidField::new(
            "Idempotency-Key",
            "must have 1 to 128 visible ASCII characters",
        )),
    }
}
