//! Scopes.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A scope according to the program's events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScopeDocument {
    /// The scope account.
    pub address: String,
    /// The field element that nullifiers are derived from. A client derives it from the tag of its
    /// cluster and compares.
    pub scope: String,
    /// The creator of the scope.
    pub creator: String,
    /// The registry account.
    pub registry: String,
    /// The circuit account.
    pub circuit: String,
    /// The auxiliary registry, if the scope has one.
    pub auxiliary_registry: Option<String>,
    /// The address that must sign verifications, if the scope names one.
    pub gate: Option<String>,
    /// `snapshot` or `live`.
    pub mode: Cow<'static, str>,
    /// The root of a snapshot.
    pub root: Option<String>,
    /// The only claim that the scope accepts. Null: any claim.
    pub required_claim: Option<String>,
    /// `scheduled` before `opens_at`, then `open`, and `closed` from `closes_at` on or after the
    /// creator closed the scope.
    pub status: Cow<'static, str>,
    /// The time at which the scope opens, in Unix seconds.
    pub opens_at: i64,
    /// The time from which the scope refuses verifications, in Unix seconds.
    pub closes_at: i64,
    /// How relays of verifications in the scope can be paid for: `sponsored`, `key` and
    /// `in_transaction`, or none of them.
    pub relay: Vec<Cow<'static, str>>,
}

/// A page of scopes.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ScopePage {
    /// The elements of this page.
    pub data: Vec<ScopeDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}
