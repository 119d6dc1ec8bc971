//! Feature flags.

use serde::{Deserialize, Serialize};

/// The flags.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FlagsDocument {
    /// Whether the service makes, verifies and relays proofs.
    pub zkp_enabled: bool,
    /// The percentage of clients that may use them, 0 to 100.
    pub rollout_percentage: u8,
    /// What a front end hashes with a random number of its own: 32 hexadecimal digits.
    pub salt: String,
    /// The number of the change that set the flags.
    pub version: u64,
}

/// New flags.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct FlagsBody {
    /// Whether the service makes, verifies and relays proofs.
    pub zkp_enabled: bool,
    /// The percentage of clients that may use them.
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    pub rollout_percentage: u32,
    /// Refuse the change if the flags have another version. By default it is made.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub version: Option<u64>,
}
