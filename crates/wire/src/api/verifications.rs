//! Verifications in scopes.

use serde::{Deserialize, Serialize};

/// A verification. It says neither who proved nor who paid.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationDocument {
    /// The number of the verification, from 1 in the order of the chain.
    pub id: String,
    /// The claim as a track. Null if the claim is no track.
    pub track: Option<String>,
    /// The time of the verification in Unix seconds.
    pub timestamp: i64,
    /// The number of distinct owners with a live token in the track at the root of the proof. Null
    /// if it is unknown or small.
    pub anonymity_set: Option<u64>,
}

/// A page of verifications.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerificationPage {
    /// The elements of this page.
    pub data: Vec<VerificationDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}
