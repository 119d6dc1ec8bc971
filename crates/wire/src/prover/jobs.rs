//! Jobs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::ProveAnswer;

/// The response to a request that became a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Accepted {
    /// The job's id.
    pub job_id: String,
    /// The URL of the job.
    pub status_url: String,
    /// The URL of the job's events.
    pub events_url: String,
    /// The URL of the websocket, which also sends the job's events.
    pub websocket_url: String,
}

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobDocument {
    /// The job's id.
    pub job_id: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    pub state: Cow<'static, str>,
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
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobError {
    /// A stable code, as in error responses.
    pub code: String,
    /// A description for people.
    pub detail: String,
}

/// A page of jobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobPage {
    /// The jobs, the newest first.
    pub jobs: Vec<JobDocument>,
    /// The parameter `cursor` for the next page. `null` if this is the last page.
    pub next_cursor: Option<String>,
}
