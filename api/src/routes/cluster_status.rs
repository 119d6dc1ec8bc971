//! The state of all services, for operators and their monitoring.

use axum::{http::HeaderMap, response::Response};
use bauta_service_common::{Json, Process};
use bauta_store::Role;
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    problems::Failure,
    respond::uncached,
    state::{Reads, has_access_token},
};
use crate::cluster_status::State;

/// The state of all services.
#[derive(Serialize, ToSchema)]
pub struct ClusterStatusDocument {
    /// `healthy`, `degraded` (a part does not answer, is more than 150 slots behind, or no indexer
    /// follows the chain) or `unavailable` (the database does not answer).
    status: &'static str,
    /// For an operator: the name of the indexer that leads. Null if it has no name.
    leader: Option<String>,
    /// Number of instances of this service. Null if the database does not answer.
    nodes: Option<usize>,
    indexer: IndexerStatusDocument,
    /// The replicas of this instance, in the order of its setting.
    replicas: Vec<ReplicaStatusDocument>,
    prover: ProverStatusDocument,
    /// For an operator: the names of all processes.
    instances: Option<Vec<InstanceDocument>>,
}

/// The indexers.
#[derive(Serialize, ToSchema)]
pub struct IndexerStatusDocument {
    /// Whether one of them leads. Null if the database does not answer.
    has_leader: Option<bool>,
    /// Number of indexers, those that wait included. Null if the database does not answer.
    instances: Option<usize>,
    /// The slot up to which the database follows the chain.
    slot: Option<String>,
    /// The newest final slot.
    finalized_slot: Option<String>,
    /// Confirmed slots of the node that the database does not have yet. Null without a node, or if
    /// one of both does not answer.
    lag_slots: Option<u64>,
}

/// A replica of the database.
#[derive(Serialize, ToSchema)]
pub struct ReplicaStatusDocument {
    /// Milliseconds since the commit of the last transaction that the replica has replayed. Null if
    /// it does not answer, or is not a physical replica.
    lag_ms: Option<u64>,
    /// Slots that it is behind the primary. Null if one of both does not answer.
    lag_slots: Option<u64>,
}

/// The provers.
#[derive(Serialize, ToSchema)]
pub struct ProverStatusDocument {
    /// Number of processes that run jobs. Null if the database does not answer.
    workers: Option<usize>,
}

/// A process that is connected to the database.
#[derive(Serialize, ToSchema)]
pub struct InstanceDocument {
    /// `bauta-api`, `bauta-indexer`, `prover-service` or `prover-worker` (it runs jobs).
    service: String,
    /// The machine and the number of the process.
    name: String,
}

/// Returns the state of all services.
///
/// A state is used for a second. Processes are those that are connected to the database of
/// this service under their own name, so a prover service with another database is not counted. The
/// response has the names of processes only for a wallet with the role `operator`.
#[utoipa::path(
    get,
    path = "/api/cluster/status",
    tag = "operations",
    security((), ("wallet" = [])),
    responses((status = 200, body = ClusterStatusDocument)),
    extensions(("x-discloses" = json!({
        "sees": "network address; account with an access token",
        "keeps": "nothing"
    })))
)]
pub async fn cluster_status(state: Reads, headers: HeaderMap) -> Result<Response, Failure> {
    let account = has_access_token(&headers)
        .then(|| state.wallet(&headers))
        .transpose()?;
    let status = state.cluster_status.state(&state.databases).await;
    // Without the database, there are no names.
    let is_operator = match account {
        Some(account) if status.instances.is_some() => {
            let roles = state.databases.primary().roles(account).await?;
            roles.contains(&Role::Operator)
        }
        _ => false,
    };
    Ok(uncached(Json(ClusterStatusDocument::new(&status, is_operator))))
}

impl ClusterStatusDocument {
    fn new(state: &State, has_names: bool) -> Self {
        let instances = state.instances.as_ref();
        let count = |process: Process| instances.map(|all| all.count(process.as_str()));
        let named = instances.filter(|_| has_names);
        let text = |slot: Option<bauta_store::Slot>| slot.map(|slot| slot.get().to_string());
        Self {
            status: state.condition().as_str(),
            leader: named
                .and_then(|all| all.leader())
                .map(|leader| leader.name.clone())
                .filter(|name| !name.is_empty()),
            nodes: count(Process::Api),
            indexer: IndexerStatusDocument {
                has_leader: instances.map(|all| all.leader().is_some()),
                instances: count(Process::Indexer),
                slot: text(state.freshness.and_then(|freshness| freshness.slot)),
                finalized_slot: text(state.freshness.and_then(|freshness| freshness.finalized_slot)),
                lag_slots: state.lag_slots(),
            },
            replicas: state
                .replicas
                .iter()
                .map(|replica| ReplicaStatusDocument {
                    lag_ms: replica.replay_age_ms,
                    lag_slots: replica.lag_slots,
                })
                .collect(),
            prover: ProverStatusDocument {
                workers: count(Process::Worker),
            },
            instances: named.map(|all| {
                all.named()
                    .map(|instance| InstanceDocument {
                        service: instance.service.clone(),
                        name: instance.name.clone(),
                    })
                    .collect()
            }),
        }
    }
}
