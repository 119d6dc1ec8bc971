//! The state of all services, for operators and their monitoring.

use axum::{http::HeaderMap, response::Response};
use bauta_service_common::{Json, Process};
use bauta_store::Role;
use bauta_wire::api::{
    ClusterStatusDocument, IndexerStatusDocument, InstanceDocument, ProverStatusDocument,
    ReplicaStatusDocument,
};

use super::{
    problems::Failure,
    respond::uncached,
    state::{Reads, has_access_token},
};
use crate::cluster_status::State;

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
    Ok(uncached(Json(document(&status, is_operator))))
}

fn document(state: &State, has_names: bool) -> ClusterStatusDocument {
    let instances = state.instances.as_ref();
    let count = |process: Process| instances.map(|all| all.count(process.as_str()));
    let named = instances.filter(|_| has_names);
    let text = |slot: Option<bauta_store::Slot>| slot.map(|slot| slot.get().to_string());
    ClusterStatusDocument {
        status: state.condition().as_str().into(),
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
