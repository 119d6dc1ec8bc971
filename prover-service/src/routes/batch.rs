use std::sync::Arc;

use axum::{Extension, body::Bytes, extract::State, http::HeaderMap};
use bauta_primitives::sha256;
use bauta_service_common::{
    Caller, InvalidField, InvalidFields, Json, Problem, UnreadBody, at_most, from_json,
};
use bauta_wire::prover::BatchAnswer;
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    limits::RateLimitKey,
    problems::{self, ProblemDocument, audited},
    prove::{DEFAULT_PRIORITY, answer_of_job, idempotency_key, prove_now},
    state::{AppState, PROVE},
};
use crate::{
    audit::AuditRecord,
    circuits::Circuit,
    queue::{EnqueueRequest, Queue},
    request::{MAX_BATCH, PathReader, ProveRequest, Task, request_hash},
};

/// Largest body of a batch in bytes. A complete request takes less than 8 KiB.
const MAX_BATCH_BYTES: usize = MAX_BATCH << 13;

/// A batch of requests for proofs.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchRequest {
    /// 1 to 64 requests.
    #[serde(deserialize_with = "at_most::<_, _, MAX_BATCH>")]
    #[schema(min_items = 1, max_items = 64)]
    requests: Vec<ProveRequest>,
}

/// Creates the proofs of a batch.
///
/// Returns all proofs or none. All requests are checked before the first proof starts. If requests
/// are invalid, the fields in the error name them.
#[utoipa::path(
    post,
    path = "/prove/batch",
    tag = "proofs",
    security((), ("api_key" = ["prove"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes a repeated batch return the proofs of the first one. 1 to 128 visible ASCII characters", min_length = 1, max_length = 128, pattern = "^[!-~]+$")),
    request_body = BatchRequest,
    responses(
        (status = 200, body = BatchAnswer),
        (status = 400, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 404, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 409, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 422, body = ProblemDocument, content_type = "application/problem+json"),
        (status = 501, body = ProblemDocument, content_type = "application/problem+json"),
    )
)]
pub async fn batch(
    State(state): State<Arc<AppState>>,
    Extension(key): Extension<RateLimitKey>,
    headers: HeaderMap,
    body: UnreadBody,
) -> Result<Json<BatchAnswer>, Problem> {
    let mut record = AuditRecord::start("/prove/batch");
    let response = async {
        let caller = state.authorise(&headers, PROVE).await?;
        record.set_owner(&caller.owner);
        let body = body.read(MAX_BATCH_BYTES).await?;
        let requests = parse(&body)?;
        if let Some(idempotency_key) = idempotency_key(&headers)? {
            // They are parsed again below: a query is not waited for with all requests in memory.
            drop(requests);
            let batch = IdempotentBatch::new(&caller, idempotency_key, &from_json(&body)?);
            if let Some(jobs) = batch.find_repeated(state.queue()?).await? {
                drop(body);
                let _waiting = state.waiting_place_for(&key, &jobs).await?;
                return batch.wait(&state, jobs, true).await;
            }
            let _waiting = state.waiting_place(&key)?;
            state.take_proofs(&key, batch.requests.len()).await?;
            let jobs = {
                let _turn = state.batches.acquire().await;
                let tasks = check(&state, parse(&body)?, &mut record).await?;
                let jobs = new_jobs(tasks, body)?;
                batch.enqueue(state.queue()?, &jobs).await?
            };
            return batch.wait(&state, jobs, false).await;
        }
        drop(body);
        state.take_proofs(&key, requests.len()).await?;
        let tasks = check(&state, requests, &mut record).await?;
        let proofs = tasks
            .into_iter()
            .map(|task| prove_now(&state, task, &caller, &key, None));
        Ok(Json(BatchAnswer {
            proofs: try_join_all(proofs).await?,
        }))
    }
    .await;
    audited(record, response)
}

/// Parses the requests of a batch.
fn parse(body: &[u8]) -> Result<Vec<ProveRequest>, Problem> {
    let BatchRequest { requests } = from_json(body)?;
    if requests.is_empty() {
        return Err(Problem::invalid("requests", "must have at least 1 element"));
    }
    Ok(requests)
}

/// Checks all requests of a batch. The error has the invalid fields of all requests.
async fn check(
    state: &AppState,
    requests: Vec<ProveRequest>,
    record: &mut AuditRecord,
) -> Result<Vec<Task>, Problem> {
    let paths = match state.store() {
        Some(store) => Some(PathReader::read_all(store, &state.circuits, &requests).await?),
        None => None,
    };
    let (mut tasks, mut invalid) = (Vec::with_capacity(requests.len()), Vec::new());
    for (index, request) in requests.into_iter().enumerate() {
        let position = format!("requests[{index}]");
        let not_in_batches = [
            (
                "wait",
                request.wait == Some(false),
                "must not be false in a batch",
            ),
            (
                "requestId",
                request.request_id.is_some(),
                "must not be given in a batch",
            ),
        ];
        for (field, is_given, rule) in not_in_batches {
            if is_given {
                invalid.push(InvalidField::new(field, rule).within(&position));
            }
        }
        match request.check_with(&state.circuits, paths.as_ref()).await {
            Ok(task) => {
                record.add_proof(&task.circuit);
                tasks.push(task);
            }
            Err(error) => {
                let fields = error.invalid_fields()?;
                invalid.extend(fields.into_iter().map(|field| field.within(&position)));
            }
        }
    }
    match InvalidFields::of(invalid) {
        None => Ok(tasks),
        Some(invalid) => Err(invalid.into()),
    }
}

fn requests_of(body: &Value) -> &[Value] {
    body["requests"].as_array().map_or(&[], Vec::as_slice)
}

/// A job of a batch that is to be stored.
struct NewJob {
    circuit: Arc<Circuit>,
    priority: u8,
    body: String,
}

/// Returns the jobs of a batch, in the order of its requests. Consumes the batch, so that the wait
/// for the database holds its requests in one form only.
fn new_jobs(tasks: Vec<Task>, body: Bytes) -> Result<Vec<NewJob>, Problem> {
    let parsed: Value = from_json(&body)?;
    drop(body);
    let jobs = tasks
        .into_iter()
        .zip(requests_of(&parsed))
        .map(|(task, request)| {
            let priority = request["priority"].as_u64();
            let priority = priority.and_then(|priority| priority.try_into().ok());
            NewJob {
                circuit: task.circuit,
                priority: priority.unwrap_or(DEFAULT_PRIORITY),
                body: request.to_string(),
            }
        });
    Ok(jobs.collect())
}

/// A batch with an idempotency key. Each of its requests is a job with a key of its own.
struct IdempotentBatch<'a> {
    caller: &'a Caller,
    /// The key and the hash of each request.
    requests: Vec<(String, [u8; 32])>,
}

impl<'a> IdempotentBatch<'a> {
    fn new(caller: &'a Caller, idempotency_key: &str, body: &Value) -> Self {
        let batch_hash = request_hash(body);
        let requests = requests_of(body).iter().enumerate().map(|(index, request)| {
            // A client's key has no control characters, so it can't be the key of a batch's job.
            let key = format!("{idempotency_key}\u{1f}{index}");
            (key, sha256(&[batch_hash, request_hash(request)].concat()))
        });
        Self {
            caller,
            requests: requests.collect(),
        }
    }

    /// Returns the ids of all jobs if the batch was sent before.
    async fn find_repeated(&self, queue: &Queue) -> Result<Option<Vec<String>>, Problem> {
        Ok(queue
            .find_all_repeated(&self.caller.owner, &self.requests)
            .await?)
    }

    /// Enqueues all jobs or none, and returns their ids. A request that has a job already keeps it.
    async fn enqueue(&self, queue: &Queue, jobs: &[NewJob]) -> Result<Vec<String>, Problem> {
        let requests = self.requests.iter().zip(jobs);
        let requests = requests.map(|((key, hash), job)| EnqueueRequest {
            owner: &self.caller.owner,
            idempotency_key: Some(key),
            request_hash: *hash,
            circuit: &job.circuit.description.id,
            priority: job.priority,
            body: job.body.as_bytes(),
        });
        Ok(queue.enqueue_all(&requests.collect::<Vec<_>>()).await?)
    }

    /// Waits for all jobs. `is_repeated` says whether an earlier batch created them.
    async fn wait(
        &self,
        state: &AppState,
        jobs: Vec<String>,
        is_repeated: bool,
    ) -> Result<Json<BatchAnswer>, Problem> {
        let answers = jobs
            .into_iter()
            .map(|id| answer_of_job(state, id, self.caller, is_repeated));
        let proofs = tokio::time::timeout(state.max_wait, try_join_all(answers)).await;
        let proofs = proofs.map_err(|_| problems::batch_pending())??;
        Ok(Json(BatchAnswer { proofs }))
    }
}
