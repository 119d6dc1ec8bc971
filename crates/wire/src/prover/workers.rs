//! Workers of the job queue.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The workers of the job queue.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WorkerStats {
    /// Workers with a recent heartbeat.
    pub workers: Vec<Worker>,
    /// Recommended number of workers: the arrival rate times the service time, divided by the
    /// number of proofs that a worker runs at the same time and by the target utilisation of 70 %.
    pub recommended: u32,
    /// Jobs created per second, during the last minute.
    pub arrivals_per_second: f64,
    /// Mean time from a job's start to its success in milliseconds, during the last minute.
    pub service_time_ms: f64,
}

/// A worker with a recent heartbeat.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Worker {
    /// The worker's id.
    pub id: String,
    /// Time of the start in Unix milliseconds.
    pub started_at: i64,
    /// Time of the last heartbeat in Unix milliseconds.
    pub last_heartbeat_at: i64,
}

/// The registration of a worker of an earlier system.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Registration {
    /// The worker's id. At most 256 bytes.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub id: String,
    /// The worker's URL. At most 256 bytes.
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub url: String,
    /// Number of proofs that the worker runs at the same time.
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 65_535))]
    pub max_concurrency: u16,
}

/// The response to a registration.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Registered {
    /// Always true.
    pub registered: bool,
    /// A remark for people.
    pub note: Cow<'static, str>,
}
