//! Jobs as clients see them.

use bauta_store::Job;
use serde::Serialize;
use utoipa::ToSchema;

use crate::proof::ProveAnswer;

/// A job as clients see it.
#[derive(Serialize, ToSchema)]
pub struct JobDocument {
    /// The job's id.
    pub job_id: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub state: &'static str,
    /// The circuit's id.
    pub circuit_id: String,
    /// 1 (urgent) to 10.
    pub priority: u8,
    /// How often a worker began it.
    pub attempts: u16,
    /// When it was asked for, Unix milliseconds.
    pub created_at: i64,
    /// When it ended, Unix milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// The answer of `/prove`, if it succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<ProveAnswer>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobError>,
}

/// Why a job failed.
#[derive(Serialize, ToSchema)]
pub struct JobError {
    /// The stable code of a problem.
    pub code: String,
    /// For people.
    pub detail: String,
}

impl JobDocument {
    /// Of a row.
    pub fn of(job: Job) -> Result<Self, serde_json::Error> {
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
            error: job.error.map(|(code, detail)| JobError { code, detail }),
        })
    }
}
