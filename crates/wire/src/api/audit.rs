//! The audit log.

use serde::{Deserialize, Serialize};

/// A record of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditDocument {
    /// The number, from 1 without gaps.
    pub number: String,
    /// The time in Unix seconds.
    pub at: i64,
    /// What was done or refused.
    pub event: String,
    /// The code of a refusal.
    pub code: Option<String>,
    /// The account that did it, if it is known. `operator`: a command.
    pub actor: Option<String>,
    /// What was changed.
    pub subject: Option<String>,
    /// The hash of the chain up to this record: `0x` and 64 hexadecimal digits.
    pub hash: String,
}

/// A stored checkpoint of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealDocument {
    /// The minute in which it was stored, in Unix seconds.
    pub at: i64,
    /// The number of records.
    pub records: String,
    /// The signed note, as that of `GET /v1/audit/checkpoint`.
    pub note: String,
}

/// A signed checkpoint of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CheckpointDocument {
    /// The signed note: the name of the log, the number of records, the hash of the chain in
    /// base64, and the signature.
    pub note: String,
    /// The public key of the signature, as signed notes write it.
    pub public_key: String,
}

/// A page of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AuditPage {
    /// The elements of this page.
    pub data: Vec<AuditDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}

/// A page of stored checkpoints of the audit log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SealPage {
    /// The elements of this page.
    pub data: Vec<SealDocument>,
    /// The cursor of the next page. Null on the last page.
    pub next: Option<String>,
}
