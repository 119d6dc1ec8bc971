//! Error responses: the only place where errors get an HTTP status.

use std::{fmt::Display, time::Duration};

use axum::http::StatusCode;
use bauta_service_common::{Problem, StreamError};
use bauta_store::{Job, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    audit::{AuditRecord, Outcome},
    circuits::CircuitError,
    profile::ProfileError,
    prover::ProveError,
    queue::QueueError,
    request::RequestError,
    sealed_inputs::OpenError,
};

/// `Retry-After` of a full job queue.
const FULL_QUEUE_RETRY: Duration = Duration::from_secs(5);
/// `Retry-After` if a client has too many websockets and event streams.
const STREAM_RETRY: Duration = Duration::from_secs(5);
/// `Retry-After` if memory is short.
const MEMORY_RETRY: Duration = Duration::from_secs(1);
/// `Retry-After` while another measurement runs.
const PROFILING_RETRY: Duration = Duration::from_secs(10);

/// An error response (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct ProblemDocument {
    /// `urn:bauta:problem:` and the code.
    r#type: String,
    /// The name of the problem type.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The stable error code.
    code: String,
    /// A description for people: what is wrong, and the rule.
    detail: String,
    /// For invalid input: the first field that breaks its rule.
    field: Option<String>,
    /// For invalid input: the rule that the field breaks.
    rule: Option<String>,
    /// For invalid input: all fields that break their rules, at most 16.
    errors: Option<Vec<InvalidFieldDocument>>,
    /// The request's id, as in the log.
    request_id: String,
}

/// A field that breaks its rule.
#[derive(Serialize, ToSchema)]
pub struct InvalidFieldDocument {
    /// The field.
    field: String,
    /// The rule.
    rule: String,
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Invalid(fields) => fields.into(),
            RequestError::Circuit(error) => error.into(),
            RequestError::Revoked => Self::new(StatusCode::BAD_REQUEST, error.code(), error.to_string()),
            RequestError::NoDatabase => {
                Self::new(StatusCode::NOT_IMPLEMENTED, error.code(), error.to_string())
            }
            RequestError::Store(error) => store_problem(&error, &error),
        }
    }
}

impl From<CircuitError> for Problem {
    fn from(error: CircuitError) -> Self {
        let (code, detail) = (error.code(), error.to_string());
        match error {
            CircuitError::Invalid(field) | CircuitError::UnknownStatement(field) => field.into(),
            CircuitError::NotBuilt { statement } => {
                Self::new(StatusCode::NOT_IMPLEMENTED, code, detail).with("statement", statement)
            }
            CircuitError::NoKey { .. }
            | CircuitError::UnknownId
            | CircuitError::UnknownVerifyingKey
            | CircuitError::ModelNotFound { .. } => Self::new(StatusCode::NOT_FOUND, code, detail),
        }
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Invalid(fields) => fields.into(),
            OpenError::UnknownKey { .. } => {
                Self::new(StatusCode::CONFLICT, OpenError::UNKNOWN_KEY, error.to_string())
            }
            OpenError::Keys(error) => Self::internal(&error),
        }
    }
}

impl From<ProveError> for Problem {
    fn from(error: ProveError) -> Self {
        let detail = error.to_string();
        match error {
            ProveError::QueueFull { retry_after, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", detail).retry_after(retry_after)
            }
            ProveError::Timeout { .. } => Self::new(StatusCode::GATEWAY_TIMEOUT, "proof_timeout", detail),
            ProveError::OutOfMemory => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "out_of_memory", detail).retry_after(MEMORY_RETRY)
            }
            ProveError::Engine(_) | ProveError::Thread => Self::internal(&detail),
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        let detail = error.to_string();
        match error {
            QueueError::Store(store) => store_problem(&store, &detail),
            QueueError::Full { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", detail).retry_after(FULL_QUEUE_RETRY)
            }
            QueueError::KeyReused => {
                let code = "idempotency_key_reused";
                Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
            }
            QueueError::Slow { .. } => database_away(&detail),
            QueueError::Engine(_) | QueueError::OldSchema { .. } | QueueError::Seal(_) => {
                Self::internal(&detail)
            }
        }
    }
}

impl From<ProfileError> for Problem {
    fn from(error: ProfileError) -> Self {
        match error {
            ProfileError::Circuit(error) => error.into(),
            ProfileError::Prove(error) => error.into(),
            ProfileError::Resources(_) | ProfileError::Generation => Self::internal(&error),
        }
    }
}

fn store_problem(error: &StoreError, cause: &impl Display) -> Problem {
    match error {
        StoreError::Unreachable(_) | StoreError::TimedOut(_) => database_away(cause),
        _ => Problem::internal(cause),
    }
}

fn database_away(cause: &impl Display) -> Problem {
    Problem::unavailable("database_away", "the database is unavailable; retry later", cause)
}

/// The service has no database, so it has no jobs.
pub fn no_jobs() -> Problem {
    Problem::new(
        StatusCode::NOT_IMPLEMENTED,
        "no_database",
        "this service has no database (DATABASE_URL), so it has no jobs: prove without \"wait\": false",
    )
}

/// The caller has no job with this id.
pub fn unknown_job() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown_job",
        "there is no job with that id: it never existed, or it ended and was deleted",
    )
}

/// The errors of jobs that the service causes. A client causes all others: with its request, or
/// because it requests so much that its jobs exceed their deadlines.
const SERVICE_ERRORS: [&str; 4] = [
    "internal",
    "proof_failed",
    "too_many_attempts",
    "witness_unreadable",
];

/// The job of a request that waited for it has no proof. The status is 500 if the service causes
/// the error of a new job. It is 409 for a repeated request: otherwise a client could raise the
/// alert for responses with 5xx by repeating one request.
pub fn job_failed(job: &Job, is_repeated: bool) -> Problem {
    let (code, detail) = match &job.error {
        Some(error) => (error.code.as_str(), error.detail.clone()),
        None => (job.state.as_str(), "the job was cancelled".to_owned()),
    };
    let status = if SERVICE_ERRORS.contains(&code) && !is_repeated {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        StatusCode::CONFLICT
    };
    Problem::new(status, "job_failed", detail)
        .with("job_id", job.id.as_str())
        .with("job_error", code)
}

/// The jobs of a batch have not ended within the time that a request waits.
pub fn batch_pending() -> Problem {
    let detail =
        "the proofs of the batch aren't ready yet; send the batch again with the same Idempotency-Key";
    Problem::new(StatusCode::CONFLICT, "batch_pending", detail).retry_after(FULL_QUEUE_RETRY)
}

/// The job can't be cancelled any more.
pub fn job_ended(state: &'static str) -> Problem {
    let detail = format!("the job has already ended with the state {state}");
    Problem::new(StatusCode::CONFLICT, "job_ended", detail)
}

/// Another measurement is running.
pub fn profiling_busy() -> Problem {
    let detail = "another measurement is running; retry when it has ended";
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "profiling_busy", detail).retry_after(PROFILING_RETRY)
}

/// The client has too many websockets and event streams, or requests that wait for a job, or too
/// many requests wait for a job in all.
pub fn too_many_streams(error: StreamError) -> Problem {
    match error {
        StreamError::OfClient { max } => {
            let detail = format!(
                "the limit is {max} websockets and event streams, and {max} requests that wait for a job, for each \
                 client (MAX_STREAMS_PER_CLIENT); close one first"
            );
            Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail)
        }
        StreamError::Anonymous { max } | StreamError::Total { max } => {
            let detail = format!(
                "{max} requests wait for a job, which is half of MAX_CONCURRENT_REQUESTS; retry later, or send \"wait\": \
                 false"
            );
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "overloaded", detail)
        }
    }
    .retry_after(STREAM_RETRY)
}

/// The request isn't a valid upgrade to a websocket.
pub fn websocket_expected(reason: &str) -> Problem {
    let detail = format!("this route is a websocket: {reason}");
    Problem::new(StatusCode::UPGRADE_REQUIRED, "websocket_expected", detail)
}

/// Writes the audit record of a request with the outcome of the response.
pub fn audited<T>(record: AuditRecord, response: Result<T, Problem>) -> Result<T, Problem> {
    record.finish(match &response {
        Ok(_) => Outcome::Succeeded,
        Err(problem) if problem.status().is_server_error() => Outcome::Failed(problem.code()),
        Err(problem) => Outcome::Refused(problem.code()),
    });
    response
}
