use std::fmt;

use serde::{Deserialize, Serialize};

/// How sure a cluster is of what it says: a later one is surer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Commitment {
    /// The node has it; the next fork may take it back.
    Processed,
    /// Two thirds of the stake voted for its block; a fork is still possible.
    Confirmed,
    /// No fork takes it back.
    Finalized,
}

impl fmt::Display for Commitment {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Processed => "processed",
            Self::Confirmed => "confirmed",
            Self::Finalized => "finalized",
        })
    }
}
