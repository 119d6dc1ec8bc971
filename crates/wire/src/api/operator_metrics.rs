//! What the deployment does.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::AnalyticsDocument;

/// What the deployment does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs, reason = "the names and types of the other fields say it")]
pub struct MetricsDocument {
    /// The time of this instance in Unix seconds.
    pub at: i64,
    /// `healthy`, `degraded` or `unavailable`, as `GET /api/cluster/status` says.
    pub status: Cow<'static, str>,
    pub proofs: ProofMetrics,
    pub queue: QueueMetrics,
    pub indexer: IndexerMetrics,
    pub uses: UseMetrics,
    pub relays: RelayMetrics,
    /// The wallets of the relay.
    pub wallets: Vec<WalletMetrics>,
    pub webhooks: WebhookMetrics,
}

/// The jobs that ended in the last five minutes. Times are from the request to the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofMetrics {
    /// The length of the period in seconds.
    pub seconds: u32,
    /// Jobs that succeeded.
    pub succeeded: u64,
    /// Jobs that failed.
    pub failed: u64,
    /// Jobs that succeeded per second.
    pub per_second: f64,
    /// The share that succeeded, from 0 to 1. Null if none has ended.
    pub success: Option<f64>,
    /// Median time in milliseconds. Null if none has succeeded.
    pub p50_ms: Option<u64>,
    /// The 95th percentile.
    pub p95_ms: Option<u64>,
    /// The 99th percentile.
    pub p99_ms: Option<u64>,
}

/// The queue and its workers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct QueueMetrics {
    /// Jobs that wait for a worker.
    pub queued: u64,
    /// Jobs that a worker runs.
    pub running: u64,
    /// Workers that run jobs. Null if it is unknown.
    pub workers: Option<u32>,
    /// Recommended number of workers. Null if it is unknown.
    pub advised: Option<u32>,
}

/// How far the database follows the chain.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IndexerMetrics {
    /// The slot up to which the database follows the chain.
    pub slot: Option<String>,
    /// The newest final slot.
    pub finalized_slot: Option<String>,
    /// Slots behind the node. Null without a node, or if it does not answer.
    pub lag_slots: Option<u64>,
}

/// The verifications of all scopes. Counts below `k` are null.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UseMetrics {
    /// The smallest number that is shown.
    pub k: u64,
    /// The last 30 hours.
    pub hours: Vec<AnalyticsDocument>,
    /// The last 30 days.
    pub days: Vec<AnalyticsDocument>,
}

/// The relays that have not ended, and those of the last 24 hours that have.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs, reason = "the names and types of the other fields say it")]
pub struct RelayMetrics {
    pub queued: u64,
    pub sent: u64,
    pub confirmed: u64,
    pub finalized: u64,
    pub refused: u64,
    pub failed: u64,
    pub expired: u64,
    /// The share of finalized relays among those that ended finalized, failed or expired, from 0 to
    /// 1. Null if there are none.
    pub success: Option<f64>,
    /// Seconds since the oldest open relay should have been sent.
    pub oldest_seconds: u64,
    /// Whether sponsorship is paused.
    pub sponsorship_paused: bool,
}

/// A wallet of the relay.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WalletMetrics {
    /// The address.
    pub wallet: String,
    /// Lamports after the last entry of the ledger.
    pub balance: String,
    /// Lamports that open relays can still cost.
    pub reserved: String,
    /// Lamports that remain in the wallet. Null if this instance has no relay.
    pub min_balance: Option<String>,
}

/// The messages to webhooks.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WebhookMetrics {
    /// Messages that were not delivered yet, counted up to 1,000,000.
    pub pending: u64,
    /// Messages of the last 24 hours that were given up (dead letters).
    pub dead: u64,
}
