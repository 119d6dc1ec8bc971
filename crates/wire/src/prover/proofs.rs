//! Proofs in responses, with their public inputs.

use bauta_primitives::{Claim, Context, Nullifier, PublicInputs, Root, Scope};
use serde::{Deserialize, Serialize};

/// The five values that a proof shows. This type only describes the JSON form of [`PublicInputs`].
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "openapi", schema(as = PublicInputs))]
pub struct PublicInputsDocument {
    /// The registry's root.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub root: Root,
    /// The same for every proof of this secret and entry in this scope.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub nullifier: Nullifier,
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

/// The response of `/prove`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProveAnswer {
    /// Always true. An error has another form.
    pub success: bool,
    /// The proof.
    pub proof: ProofDocument,
    /// The public inputs of the proof.
    #[cfg_attr(feature = "openapi", schema(value_type = PublicInputsDocument))]
    pub public: PublicInputs,
    /// Milliseconds from the request to the proof, including the time in the queue.
    pub generation_time_ms: f64,
}

/// A proof with its metadata.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofDocument {
    /// `0x` and the encoding that the program accepts: -A (64 bytes), B (128), C (64).
    pub proof: String,
    /// SHA-256 of these bytes. It doesn't identify the statement: anyone can convert a proof into
    /// another valid proof of the same digest.
    pub proof_hash: String,
    /// Metadata of the proof.
    pub metadata: Metadata,
    /// The request's tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Time of the proof in Unix milliseconds.
    pub timestamp: u64,
}

/// Metadata of a proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Metadata {
    /// The circuit's id in `/circuits`.
    pub circuit_id: String,
    /// SHA-256 of the circuit's verifying key.
    pub model_hash: String,
    /// The digest: the Poseidon hash of root, nullifier, scope, claim and context. It is the only
    /// public input of the circuit.
    pub input_hash: String,
    /// SHA-256 of `output`.
    pub output_hash: String,
    /// Root, nullifier, scope, claim and context, 160 bytes. Send it to `/verify` as
    /// `expected_output`.
    pub output: String,
    /// Size of the proof in bytes.
    pub proof_size: usize,
    /// Milliseconds of proving, without the time in the queue.
    pub generation_time: f64,
    /// Version of this service.
    pub prover_version: String,
}

/// The response of `/prove` to a request in the contract form.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ContractAnswer {
    /// Always true. An error has another form.
    pub success: bool,
    /// `0x` and the bytes of the proof in hexadecimal.
    pub proof: String,
    /// The proof with its metadata, as in the response to other requests.
    pub document: ProofDocument,
    /// The public inputs of the proof.
    #[cfg_attr(feature = "openapi", schema(value_type = PublicInputsDocument))]
    pub public: PublicInputs,
    /// Milliseconds from the request to the proof, including the time in the queue.
    pub generation_time_ms: f64,
}

/// A proof, in the form of the request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum ProveResponse {
    /// For `{statement, public, private}`.
    Bauta(ProveAnswer),
    /// For `{walletHash, tokenId, trackId, merkleProof}`.
    Contract(ContractAnswer),
}

/// The proofs of a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct BatchAnswer {
    /// The proofs, in the order of the requests.
    pub proofs: Vec<ProveAnswer>,
}
