//! Registered circuits.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A circuit according to the program's events.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CircuitDocument {
    /// The circuit account.
    pub address: String,
    /// The name of the statement.
    pub statement: String,
    /// The version of the statement.
    pub version: i32,
    /// The depth of the trees that the circuit reads: 10 or 16.
    pub depth: u8,
    /// The leaf format.
    pub leaf_format: u8,
    /// The leaf format of the auxiliary registry. 0 if the statement includes none.
    pub auxiliary_format: u8,
    /// `development` or `ceremony`. Anyone can forge proofs with a development key.
    pub provenance: Cow<'static, str>,
    /// `active` or `suspended`.
    pub status: Cow<'static, str>,
    /// The time from which the circuit is retired for ever, in Unix seconds. Null if no retirement
    /// is scheduled.
    pub retires_at: Option<i64>,
    /// The SHA-256 of the verifying key, whose bytes are at `/v1/verifying-keys/{vk_hash}`.
    pub vk_hash: String,
    /// The SHA-256 of the constraint system.
    pub constraint_system_hash: String,
    /// The SHA-256 of the transcript of the ceremony.
    pub transcript_hash: String,
}

/// All registered circuits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CircuitList {
    /// The circuits.
    pub data: Vec<CircuitDocument>,
}
