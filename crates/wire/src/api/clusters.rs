//! The cluster that the service serves.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A cluster and the configuration of the program there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ConfigDocument {
    /// The name of the cluster: `solana:mainnet`, `solana:devnet`, `solana:testnet` or
    /// `solana:localnet`. It follows from the genesis hash that the database follows.
    pub cluster: Cow<'static, str>,
    /// The program's tag of the cluster. Clients pin this value in their own code.
    pub cluster_tag: String,
    /// The address of the program.
    pub program: String,
    /// Whether the program refuses verifications.
    pub paused: bool,
    /// Analytics hide counts below this number.
    pub k: u64,
}

/// The clusters that the service serves.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs, reason = "the names and types of the other fields say it")]
pub struct ClusterList {
    pub data: Vec<ConfigDocument>,
}
