//! The inputs of a request.

use bauta_primitives::{Attributes, EntryId, IdentitySecret, tree::Siblings};
use bauta_service_common::optional_at_most;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    redacted::Redacted,
    statements::{AddressRequest, MAX_LEVELS, ScoreRequest},
};

/// The private inputs of a request. The service doesn't store them, except encrypted in a job.
// The struct has no `Debug` implementation, and the secret is wiped when it is dropped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrivateInputs {
    /// The secret whose commitment is in the leaf.
    #[schema(value_type = String)]
    pub secret: Redacted<IdentitySecret>,
    /// The entry that the leaf is about.
    #[schema(value_type = String)]
    pub entry_id: EntryId,
    /// The leaf's attributes.
    #[schema(value_type = String)]
    pub attributes: Attributes,
    /// The leaf's index. Required without `registry`.
    pub index: Option<u64>,
    /// Three siblings for each level, from the leaf upwards. Required without `registry`.
    #[serde(default, deserialize_with = "optional_at_most::<_, _, MAX_LEVELS>")]
    #[schema(value_type = Option<Vec<Vec<String>>>)]
    pub path: Option<Vec<Siblings>>,
    /// Only for the statement `reputation`: the contents of the leaf, and what the proof shows.
    pub reputation: Option<ScoreRequest>,
    /// Only for the statement `address`: the contents of the leaf, and what the proof shows.
    pub address: Option<AddressRequest>,
}
