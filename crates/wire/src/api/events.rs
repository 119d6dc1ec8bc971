//! Events in streams.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// An event. It has no wallet, recipient, payer or signature.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct EventDocument {
    /// The name of the event, for example `OwnershipVerified`.
    pub r#type: String,
    /// The position of the event in the chain: slot, transaction, instruction and inner
    /// instruction, separated by dots. An event that is sent again has the same position.
    pub position: String,
    /// The scope that the event is about.
    pub scope: Option<String>,
    /// The registry that the event is about, or that of its scope.
    pub registry: Option<String>,
    /// The slot of the event.
    pub slot: String,
    /// The time of the event in Unix seconds.
    pub timestamp: i64,
    /// The level of the stream: `confirmed` or `finalized`.
    pub commitment: Cow<'static, str>,
}

/// The events after this one that the client has are undone.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RevertedDocument {
    /// The resume token at the last event that remains.
    pub to: String,
}
