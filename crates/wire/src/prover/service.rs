//! The circuits, the key and the state of the service.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A circuit in the response of `/circuits`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CircuitDescription {
    /// `STATEMENT-vVERSION-depthDEPTH`.
    #[cfg_attr(feature = "openapi", schema(example = "ownership-v1-depth10"))]
    pub id: String,
    /// The statement's name.
    pub statement: Cow<'static, str>,
    /// Version of the constraints. Every change of the constraints increments it.
    pub version: u16,
    /// Depth of the registry tree.
    pub depth: u8,
    /// The format that defines the meaning of a leaf's attributes.
    pub leaf_format: u16,
    /// SHA-256 of the verifying key. A proof has it as `model_hash`.
    pub verifying_key_hash: String,
    /// `development` or `ceremony`.
    pub provenance: Cow<'static, str>,
    /// A warning about the key. Development keys have one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Cow<'static, str>>,
}

/// The circuits that this service has keys for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CircuitList {
    /// The circuits.
    pub circuits: Vec<CircuitDescription>,
}

/// The key that clients seal private inputs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealingKeyAnswer {
    /// The id of the key, for `sealed.key_id`.
    pub key_id: String,
    /// `0x` and the 32 bytes of the public key.
    pub public_key: String,
    /// The key encapsulation mechanism.
    pub kem: Cow<'static, str>,
    /// The key derivation function.
    pub kdf: Cow<'static, str>,
    /// The encryption.
    pub aead: Cow<'static, str>,
    /// The parameter `info` of HPKE.
    pub info: Cow<'static, str>,
    /// The time in Unix seconds until which the service accepts the key at least. Null if the key
    /// is not replaced while the service runs.
    pub valid_until: Option<i64>,
}

/// The state of the process.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Always `healthy`. `/ready` says whether the service should receive requests.
    pub status: Cow<'static, str>,
    /// Version of this service.
    pub version: Cow<'static, str>,
    /// The service's name.
    pub prover: Cow<'static, str>,
    /// Seconds since the start.
    pub uptime_seconds: u64,
    /// Number of proofs made since the start, without proofs from caches.
    pub proofs_generated: usize,
    /// Moving average of the proving times in milliseconds, without the time in the queue. 0 before
    /// the first proof.
    pub average_proof_time_ms: f64,
}
