//! Verifications by hour or day.

use serde::{Deserialize, Serialize};

/// The period of an element.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// An hour.
    Hour,
    /// A day (UTC).
    Day,
}

/// The verifications in a period.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnalyticsDocument {
    /// Start of the period in Unix seconds.
    pub begins: i64,
    /// Number of verifications. Null if it is below `k`.
    pub verifications: Option<u64>,
    /// Number of transactions that failed because their nullifier was used before. Null if it is
    /// below `k`.
    pub refused: Option<u64>,
}

/// The verifications by hour or day.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnalyticsSeries {
    /// Counts below this number are null.
    pub k: u64,
    /// All periods of the span, at most 1,000.
    pub data: Vec<AnalyticsDocument>,
}
