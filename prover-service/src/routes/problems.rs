//! Error responses: the only place where errors get an HTTP status.

use std::{fmt::Display, time::Duration};

use axum::http::StatusCode;
use bauta_service_common::Problem;
use bauta_store::{Job, StoreError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    audit::{AuditRecord, Outcome},
    circuits::CircuitError,
    pairings::PairingError,
    profile::ProfileError,
    prover::ProveError,
    queue::QueueError,
    request::RequestError,
};

/// `Retry-After` of a full job queue.
const FULL_QUEUE_RETRY: Duration = Duration::from_secs(5);
/// `Retry-After` if too many verifications wait.
const PAIRINGS_RETRY: Duration = Duration::from_secs(1);
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
    /// The reason phrase of the status.
    title: String,
    /// The HTTP status.
    status: u16,
    /// The stable error code.
    code: String,
    /// A description for people: what is wrong, and the rule.
    detail: String,
    /// For invalid input: the field.
    field: Option<String>,
    /// For invalid input: the rule that the field breaks.
    rule: Option<String>,
    /// The request's id, as in the log.
    request_id: String,
}

impl From<RequestError> for Problem {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Invalid(field) => field.into(),
            RequestError::Circuit(error) => error.into(),
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
            CircuitError::Invalid(field) => field.into(),
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

impl From<PairingError> for Problem {
    fn from(error: PairingError) -> Self {
        let detail = error.to_string();
        match error {
            PairingError::QueueFull { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", detail).retry_after(PAIRINGS_RETRY)
            }
            PairingError::Thread => Self::internal(&detail),
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
        StoreError::Unreachable(_) => {
            Problem::unavailable("database_away", "the database is unavailable; retry later", cause)
        }
        _ => Problem::internal(cause),
    }
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

/// The job of a request that waited for it has no proof.
pub fn job_failed(job: &Job) -> Problem {
    let (code, detail) = match &job.error {
        Some(error) => (error.code.as_str(), error.detail.clone()),
        None => (job.state.as_str(), "the job was cancelled".to_owned()),
    };
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "job_failed", detail)
        .with("job_id", job.id.as_str())
        .with("job_error", code)
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

/// The client has too many websockets and event streams.
pub fn too_many_streams(limit: usize) -> Problem {
    let detail = format!(
        "the limit is {limit} websockets and event streams for each client (MAX_STREAMS_PER_CLIENT); close one first"
    );
    Problem::new(StatusCode::TOO_MANY_REQUESTS, "too_many_streams", detail).retry_after(STREAM_RETRY)
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
