//! The job queue.

use serde::{Deserialize, Serialize};

use super::JobDocument;

/// Numbers of jobs by state. Ended jobs count until they are deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueStats {
    /// Jobs that wait for a worker.
    #[serde(rename = "totalQueued")]
    pub queued: u64,
    /// Jobs that a worker runs.
    #[serde(rename = "totalProcessing")]
    pub processing: u64,
    /// Jobs that succeeded.
    #[serde(rename = "totalCompleted")]
    pub completed: u64,
    /// Jobs that failed.
    #[serde(rename = "totalFailed")]
    pub failed: u64,
    /// Jobs that their owner cancelled.
    #[serde(rename = "totalCancelled")]
    pub cancelled: u64,
}

/// A failed job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailedJob {
    /// The prefix of the owner's API key.
    pub owner: String,
    /// The job.
    #[serde(flatten)]
    pub job: JobDocument,
}

/// Failed jobs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FailedJobs {
    /// At most 100 jobs, the newest first.
    pub jobs: Vec<FailedJob>,
}
