//! Anonymity sets, and their changes by day.

use serde::{Deserialize, Serialize};

/// The anonymity set of a track.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AnonymityDocument {
    /// The number of distinct owners with a live token in the track.
    pub owners: u64,
}

/// The changes of a track in a day (UTC).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrowthDocument {
    /// Start of the day in Unix seconds.
    pub begins: i64,
    /// Number of first registrations. Null if it is below `k`.
    pub registered: Option<u64>,
    /// Number of renewals. Null if it is below `k`.
    pub renewed: Option<u64>,
    /// Number of evictions. Null if it is below `k`.
    pub evicted: Option<u64>,
}

/// The changes of a track by day.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GrowthSeries {
    /// Counts below this number are null.
    pub k: u64,
    /// All days of the span, at most 1,000.
    pub data: Vec<GrowthDocument>,
}
