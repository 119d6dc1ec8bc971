use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

/// How certain the cluster is of a block. A greater level is more certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommitmentLevel {
    /// The node has processed the block. The next fork may remove it.
    Processed,
    /// Validators with two thirds of the stake have voted for the block. A fork is still possible.
    Confirmed,
    /// No fork can remove the block.
    Finalized,
}

/// Reads a level that a response need not have. A level that this version does not know is `None`.
pub fn known<'de, D: Deserializer<'de>>(json: D) -> Result<Option<CommitmentLevel>, D::Error> {
    let level = Value::deserialize(json)?;
    Ok(CommitmentLevel::deserialize(level).ok())
}

impl fmt::Display for CommitmentLevel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        })
    }
}
