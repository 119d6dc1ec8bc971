//! Registered tokens.

use serde::{Deserialize, Serialize};

/// The registration of a token.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HoldingDocument {
    /// The mint.
    pub asset: String,
    /// The index of the leaf.
    pub index: String,
    /// The commitment in the leaf.
    pub commitment: String,
    /// The track of the leaf.
    pub track: String,
    /// Whether the token has a leaf. False after an eviction.
    pub live: bool,
}

/// A page of holdings.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct HoldingPage {
    /// Largest number of bits of a prefix now.
    pub prefix_bits: u8,
    /// The holdings of this page.
    pub data: Vec<HoldingDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}
