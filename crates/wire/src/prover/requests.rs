//! Requests for proofs.

use bauta_primitives::{Claim, Context, Root, Scope};
use serde::{Deserialize, Serialize};

/// A request for a proof whose private inputs are sealed to the service. The service accepts other
/// forms as well. A client has no use for them: they show the secret to each party that ends TLS.
#[derive(Clone, Debug, Serialize)]
pub struct ProveBody {
    /// The statement's name, as `/circuits` lists it.
    pub statement: String,
    /// The statement's version. By default the version that the service has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u16>,
    /// Depth of the registry's tree. By default the depth of the registry or of the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub depth: Option<u8>,
    /// The public inputs.
    pub public: RequestPublicInputs,
    /// The private inputs.
    pub sealed: SealedInputs,
    /// The leaf whose path the service reads from its database. Without it, the private inputs
    /// contain the index and the path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub registry: Option<LeafReference>,
    /// A text that the response repeats. At most 128 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Priority of a job, from 1 (most urgent) to 10. By default 5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<u8>,
    /// `false`: the service makes a job and responds immediately.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wait: Option<bool>,
    /// The id by which the client follows the request. 1 to 64 letters, digits, `-`, `_` or `.`.
    #[serde(rename = "requestId", skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

/// Private inputs that a client has sealed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SealedInputs {
    /// `key_id` of `/sealing-key`.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9_-]+$")
    )]
    pub key_id: String,
    /// The encapsulated key: `0x` and 32 bytes in hexadecimal.
    pub encapsulated_key: String,
    /// `0x`, and the encrypted JSON of `private` with its tag in hexadecimal. Its associated data
    /// is scope, claim and context (32 bytes each) and the name of the statement.
    #[cfg_attr(feature = "openapi", schema(pattern = "^0x([0-9a-fA-F]{2})+$"))]
    pub ciphertext: String,
}

/// A leaf of a registry that an indexer follows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct LeafReference {
    /// The address of the registry account in base58.
    pub address: String,
    /// The leaf's index.
    pub index: u64,
}

/// The public inputs of a request. The nullifier is computed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct RequestPublicInputs {
    /// The root of the registry. Optional with `registry`: by default a recent root that scopes of
    /// mode `Live` accept.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
    pub root: Option<Root>,
    /// The domain of the nullifier.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub scope: Scope,
    /// The public value that the proof shows.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub claim: Claim,
    /// The hash of recipient, relayer, expiry and payload.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub context: Context,
}
