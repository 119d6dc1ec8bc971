//! Collections of registries.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A collection whose assets can register.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CollectionDocument {
    /// The address that identifies the collection. The kind says what it is the address of.
    pub key: String,
    /// `mint`: one asset. `group`: a Token-2022 group. `token_metadata`: the mint of a
    /// collection of Token Metadata. `core`: a Metaplex Core collection. `prints`: the mint of a
    /// Token Metadata master. `unknown`: a kind that is newer than this service.
    pub kind: Cow<'static, str>,
    /// What the rules of the collection allow: `locked`, `prints`, `compressed`, `issuer_moves`,
    /// `leaving`.
    pub rules: Vec<Cow<'static, str>>,
    /// The track of the collection's tokens.
    pub track: String,
}

/// A page of collections.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CollectionPage {
    /// The elements of this page.
    pub data: Vec<CollectionDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}
