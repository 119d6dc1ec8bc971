//! Whether the operator pays for relays.

use serde::{Deserialize, Serialize};

/// Whether the operator pays for relays.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SponsorshipDocument {
    /// Whether the operator pays for no new relay.
    pub paused: bool,
    /// The number of the change that set the flags.
    pub version: u64,
}

/// A change of the sponsorship.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SponsorshipBody {
    /// Whether the operator pays for no new relay.
    pub paused: bool,
    /// Refuse the change if the flags have another version. By default it is made.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub version: Option<u64>,
}
