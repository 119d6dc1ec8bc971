//! Progress of proofs.

use serde::{Deserialize, Serialize};

/// The progress of a job or request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Progress {
    /// The stage. Of a job: `queued`, `running`, `proving`, `succeeded`, `failed` or `cancelled`.
    /// Of a request: `awaited` (not received yet), `waiting`, `proving`, `succeeded` or `failed`.
    pub stage: String,
    /// The completed share, from 0 to 1.
    #[serde(rename = "progress")]
    pub fraction: f64,
    /// Estimated milliseconds until the end, from recent proofs. It is null until the first proof
    /// completes.
    pub eta_ms: Option<u64>,
}
