//! The state of all services.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// The state of all services.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[allow(missing_docs, reason = "the names and types of the other fields say it")]
pub struct ClusterStatusDocument {
    /// `healthy`, `degraded` (a part does not answer, is more than 150 slots behind, or no indexer
    /// follows the chain) or `unavailable` (the database does not answer).
    pub status: Cow<'static, str>,
    /// For an operator: the name of the indexer that leads. Null if it has no name.
    pub leader: Option<String>,
    /// Number of instances of this service. Null if the database does not answer.
    pub nodes: Option<usize>,
    pub indexer: IndexerStatusDocument,
    /// The replicas of this instance, in the order of its setting.
    pub replicas: Vec<ReplicaStatusDocument>,
    pub prover: ProverStatusDocument,
    /// For an operator: the names of all processes.
    pub instances: Option<Vec<InstanceDocument>>,
}

/// The indexers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct IndexerStatusDocument {
    /// Whether one of them leads. Null if the database does not answer.
    pub has_leader: Option<bool>,
    /// Number of indexers, those that wait included. Null if the database does not answer.
    pub instances: Option<usize>,
    /// The slot up to which the database follows the chain.
    pub slot: Option<String>,
    /// The newest final slot.
    pub finalized_slot: Option<String>,
    /// Confirmed slots of the node that the database does not have yet. Null without a node, or if
    /// one of both does not answer.
    pub lag_slots: Option<u64>,
}

/// A replica of the database.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ReplicaStatusDocument {
    /// Milliseconds since the commit of the last transaction that the replica has replayed. Null if
    /// it does not answer, or is not a physical replica.
    pub lag_ms: Option<u64>,
    /// Slots that it is behind the primary. Null if one of both does not answer.
    pub lag_slots: Option<u64>,
}

/// The provers.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ProverStatusDocument {
    /// Number of processes that run jobs. Null if the database does not answer.
    pub workers: Option<usize>,
}

/// A process that is connected to the database.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InstanceDocument {
    /// `bauta-api`, `bauta-indexer`, `prover-service` or `prover-worker` (it runs jobs).
    pub service: String,
    /// The machine and the number of the process.
    pub name: String,
}
