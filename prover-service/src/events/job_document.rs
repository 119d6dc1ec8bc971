//! Jobs in responses.

use bauta_store::Job;
use serde::Serialize;
use utoipa::ToSchema;

use crate::proof::ProveAnswer;

/// A job.
#[derive(Serialize, ToSchema)]
pub struct JobDocument {
    /// The job's id.
    pub job_id: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub state: &'static str,
    /// The circuit's id.
    pub circuit_id: String,
    /// 1 (most urgent) to 10.
    pub priority: u8,
    /// Number of attempts that have started.
    pub attempts: u16,
    /// Time of the request in Unix milliseconds.
    pub created_at: i64,
    /// Time of the end in Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// The response of `/prove`, if the job succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<ProveAnswer>,
    /// The error, if the job failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
}

/// The error of a failed job.
#[derive(Serialize, ToSchema)]
pub struct JobError {
    /// A stable code, as in error responses.
    pub code: String,
    /// A description for people.
    pub detail: String,
}

impl JobDocument {
    /// Creates the document of a stored job.
    pub fn from_job(job: Job) -> Result<Self, serde_json::Error> {
        Ok(Self {
            job_id: job.id,
            state: job.state.as_str(),
            circuit_id: job.circuit,
            priority: job.priority,
            attempts: job.attempts,
            created_at: job.created_at_ms,
            ended_at: job.ended_at_ms,
            answer: job
                .answer
                .map(|answer| serde_json::from_str(&answer))
                .transpose()?,
            error: job
                .error
                .map(|bauta_store::JobError { code, detail }| JobError { code, detail }),
        })
    }
}
