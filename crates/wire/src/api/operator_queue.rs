//! The jobs and workers of the provers.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The jobs of the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueDocument {
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Jobs that a worker runs.
    pub running: u64,
    /// Jobs that succeeded, until they are deleted.
    pub succeeded: u64,
    /// Jobs that failed (dead letters), until they are deleted.
    pub failed: u64,
    /// Jobs that were cancelled, until they are deleted.
    pub cancelled: u64,
    /// The open jobs by priority, the most urgent first. A priority without open jobs is absent.
    pub by_priority: Vec<PriorityDocument>,
}

/// The open jobs of a priority.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PriorityDocument {
    /// 1 (most urgent) to 10.
    pub priority: u8,
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Jobs that a worker runs.
    pub running: u64,
    /// Seconds since the oldest queued job was created.
    pub oldest_seconds: u64,
}

/// Which jobs are listed.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum JobFilter {
    /// The jobs that have not ended, the running ones first, then the oldest.
    #[default]
    Open,
    /// The jobs that failed (dead letters), the newest first.
    Failed,
}

/// Jobs of the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobListDocument {
    /// At most 100 jobs.
    pub data: Vec<OperatorJobDocument>,
}

/// A job without its request, its answer and its owner.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OperatorJobDocument {
    /// 8 hexadecimal digits that tell jobs apart. They give no access to the job.
    pub label: String,
    /// The circuit.
    pub circuit: String,
    /// 1 (most urgent) to 10.
    pub priority: u8,
    /// `queued`, `running` or `failed`.
    pub state: Cow<'static, str>,
    /// Number of attempts that have started.
    pub attempts: u16,
    /// The stage of a running job, if it is known.
    pub stage: Option<String>,
    /// The completed share of a running job, from 0 to 1, if it is known.
    pub progress: Option<f64>,
    /// Estimated milliseconds until the end. Null if it is unknown.
    pub eta_ms: Option<u64>,
    /// The code of the error of a failed job.
    pub error: Option<String>,
    /// Time of the request in Unix seconds.
    pub created_at: i64,
    /// Time of the start of the last attempt in Unix seconds.
    pub started_at: Option<i64>,
    /// Time of the end in Unix seconds.
    pub ended_at: Option<i64>,
}

/// The workers of the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkersDocument {
    /// Workers that run jobs. Null if no prover service has announced it in the last 15 seconds.
    pub active: Option<u32>,
    /// Recommended number of workers, for a utilisation of 70 %.
    pub advised: Option<u32>,
    /// Jobs that all workers run at the same time.
    pub parallel_jobs: Option<u32>,
    /// Jobs created per second, during the last minute.
    pub arrivals_per_second: Option<f64>,
    /// Mean time from a job's start to its success in milliseconds, during the last minute.
    pub service_time_ms: Option<f64>,
    /// The workers that are connected to the database of this service: machine and process.
    pub names: Vec<String>,
}
