//! Statistics of the service.

use serde::{Deserialize, Serialize};

use super::QueueStats;

/// Statistics of the most recent proofs, at most 1,024. Durations include the time in the queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct RecentFigures {
    /// Number of proofs.
    pub proofs: usize,
    /// Share of successful proofs, 0 to 1. It is 1 if there are no proofs.
    pub success_rate: f64,
    /// Mean duration of successful proofs in milliseconds. `null` if no proof has succeeded.
    pub average_duration_ms: Option<f64>,
    /// Median duration of successful proofs in milliseconds. `null` if no proof has succeeded.
    pub p50_ms: Option<f64>,
    /// 95th percentile of the durations of successful proofs in milliseconds.
    pub p95_ms: Option<f64>,
    /// 99th percentile of the durations of successful proofs in milliseconds.
    pub p99_ms: Option<f64>,
}

/// Statistics of the service for people. Programs use `/metrics`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Time of the snapshot in Unix milliseconds.
    pub timestamp: u64,
    /// Statistics of the most recent proofs.
    pub proofs: RecentFigures,
    /// Numbers of jobs. `null` without a database.
    pub queue: Option<QueueStats>,
    /// Resources of this process.
    pub resources: Resources,
}

/// Resources of the process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Resources {
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Processor time since the start in seconds.
    pub processor_seconds: f64,
    /// Seconds since the start.
    pub uptime_seconds: u64,
}
