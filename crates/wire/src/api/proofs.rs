//! Verified and delegated proofs.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The five values that a proof shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct ProofInputs {
    /// The registry's root.
    pub root: String,
    /// The nullifier.
    pub nullifier: String,
    /// The domain of the nullifier: `scope` of the scope, and not its address.
    pub scope: String,
    /// The public value that the proof shows.
    pub claim: String,
    /// The hash of recipient, relayer, expiry and payload.
    pub context: String,
}

/// A proof to verify.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct VerifyBody {
    /// The proof: −A, B, C. `0x` and 512 hexadecimal digits.
    pub proof: String,
    /// `ownership-v1`, `ownership-v1-depth16`, or a `vk_hash` of `/v1/circuits`.
    #[serde(rename = "circuitId")]
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub circuit_id: String,
    /// The public inputs.
    pub public: ProofInputs,
}

/// The result of a verification.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VerdictDocument {
    /// Whether the proof is valid.
    pub valid: bool,
    /// Why the proof is invalid. Absent if it is valid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The SHA-256 of the verifying key.
    pub vk_hash: String,
    /// `development` or `ceremony`. Anyone can forge proofs with a development key.
    pub provenance: Cow<'static, str>,
    /// Duration of the verification in milliseconds. A verdict of the last 300 seconds is not
    /// computed again.
    pub verification_time_ms: f64,
}

/// The key that clients seal private inputs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealingKeyDocument {
    /// The id of the key.
    pub key_id: String,
    /// `0x` and the 32 bytes of the public key.
    pub public_key: String,
    /// The key encapsulation mechanism.
    pub kem: String,
    /// The key derivation function.
    pub kdf: String,
    /// The encryption.
    pub aead: String,
    /// The parameter `info` of HPKE.
    pub info: String,
    /// The time in Unix seconds until which the prover service accepts the key at least. Null if
    /// the prover service does not replace the key while it runs.
    pub valid_until: Option<i64>,
}

/// Private inputs that only the prover service can read.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct SealedPrivate {
    /// `key_id` of `/v1/zkp/sealing-key`.
    #[cfg_attr(
        feature = "openapi",
        schema(min_length = 1, max_length = 32, pattern = "^[A-Za-z0-9_-]+$")
    )]
    pub key_id: String,
    /// The encapsulated key: `0x` and 64 hexadecimal digits.
    pub encapsulated_key: String,
    /// `0x` and the ciphertext with its tag.
    pub ciphertext: String,
}

/// A request for a proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct GenerateBody {
    /// What the proof is about: the address of an asset, for its ownership.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub pid: String,
    /// `membership`.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 128))]
    pub pattern: String,
    /// The registry account.
    pub registry: String,
    /// The domain of the nullifier: `scope` of the scope, and not its address.
    pub scope: String,
    /// The hash of recipient, relayer, expiry and payload.
    pub context: String,
    /// The private inputs (secret, entry id and attributes), sealed to the prover service.
    pub private: SealedPrivate,
    /// `false` makes a job at once, and `true` makes none. By default, a proof that takes long
    /// becomes a job.
    pub wait: Option<bool>,
}

/// A proof.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct GeneratedDocument {
    /// Always true. An error has another form.
    pub success: bool,
    /// The proof: −A, B, C. `0x` and 512 hexadecimal digits.
    pub proof: String,
    /// The public inputs.
    pub public: ProofInputs,
    /// The id of the circuit.
    #[serde(rename = "circuitId")]
    pub circuit_id: String,
    /// The SHA-256 of the verifying key.
    pub vk_hash: String,
}

/// A request that became a job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AcceptedJobDocument {
    /// The job's id.
    pub id: String,
    /// `queued`.
    pub state: Cow<'static, str>,
}

/// A job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProofJobDocument {
    /// The job's id.
    pub id: String,
    /// `queued` or `running`, and last `succeeded`, `failed` or `cancelled`.
    pub state: Cow<'static, str>,
    /// Time of the request in Unix seconds.
    pub created_at: i64,
    /// Time of the end in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<i64>,
    /// The proof, if the job succeeded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<GeneratedDocument>,
    /// The error, if the job failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<JobErrorDocument>,
}

/// The error of a failed job.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobErrorDocument {
    /// The stable code: `deadline_exceeded`, `invalid_input`, `unknown_circuit` or `proof_failed`.
    pub code: String,
    /// A description for people.
    pub detail: String,
}
