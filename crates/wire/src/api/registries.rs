//! Registries.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A registry according to the program's events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistryDocument {
    /// The registry account.
    pub address: String,
    /// The authority of the registry.
    pub authority: String,
    /// `holders`, `managed` or `attested`.
    pub kind: Cow<'static, str>,
    /// The depth of the tree: 10 or 16.
    pub depth: u8,
    /// The leaf format.
    pub leaf_format: u8,
    /// Whether the registry is closed for new collections.
    pub sealed: bool,
    /// The time for which the registry accepts a kept root after its replacement, in seconds.
    pub root_ttl_seconds: i64,
    /// The number of leaves ever appended. 0 in an attested registry.
    pub leaves: String,
    /// The number of tree changes.
    pub sequence: String,
    /// Largest number of bits of a prefix of holdings.
    pub prefix_bits: u8,
}

/// A page of registries.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RegistryPage {
    /// The elements of this page.
    pub data: Vec<RegistryDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}
