use std::fmt;

use serde::{Deserialize, Serialize};

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

impl fmt::Display for CommitmentLevel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        })
    }
}
