//! Tokens of a wallet that can register.

use serde::{Deserialize, Serialize};

/// A wallet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct EligibilityRequest {
    /// The address of the wallet.
    pub owner: String,
}

/// A token of the wallet that belongs to a collection of the registry.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EligibleAsset {
    /// The mint of the token.
    pub asset: String,
    /// The track that the token registers in.
    pub track: String,
    /// Whether the program accepts the token.
    pub eligible: bool,
    /// The program's error in snake case, for example `has_permanent_delegate`. Null if the token
    /// is eligible.
    pub reason: Option<String>,
    /// The program's message. Null if the token is eligible.
    pub message: Option<String>,
}

/// The tokens of a wallet.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EligibilityDocument {
    /// The tokens that belong to a collection of the registry, ordered by mint.
    pub assets: Vec<EligibleAsset>,
}
