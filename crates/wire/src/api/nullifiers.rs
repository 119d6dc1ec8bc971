//! Used nullifiers.

use serde::{Deserialize, Serialize};

/// A page of used nullifiers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NullifierPage {
    /// Largest number of bits of a prefix now.
    pub prefix_bits: u8,
    /// The nullifiers of this page.
    pub data: Vec<String>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}

/// Whether a nullifier was used.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NullifierDocument {
    /// Whether it was used in the scope.
    pub used: bool,
    /// The time of the verification in Unix seconds. Null if it was not used.
    pub used_at: Option<i64>,
    /// The signature of the transaction in base58. Null if it was not used.
    pub signature: Option<String>,
}
