//! The state of all services of the deployment.
//!
//! ```text
//!   request --> known for less than a second? --yes--> the same state
//!                  no |
//!                     +--> sessions of the primary, age of each replica, slot of the node:
//!                          at the same time, each for a second at most
//! ```
//!
//! However many clients request the state, it is read once in a second. A read that fails counts as
//! well: its part is absent. A task of its own reads, so a client that ends its request early does
//! not begin another read.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_rpc::{CommitmentLevel, Options, Rpc, RpcError};
use bauta_service_common::Process;
use bauta_store::{Freshness, Instances};
use futures_util::future::join_all;
use tokio::sync::Mutex;

use crate::databases::{Databases, MAX_REPLICA_LAG};

/// The time for which a state is used.
const MAX_AGE: Duration = Duration::from_secs(1);
/// Timeout of each read.
const TIMEOUT: Duration = Duration::from_secs(1);
/// The number of a slot fits into few bytes.
const OPTIONS: Options = Options {
    timeout: TIMEOUT,
    max_response_bytes: 4 << 10,
};

/// Whether the deployment works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    /// All parts that are configured answer, and none is far behind.
    Healthy,
    /// A part does not answer or is far behind, or no indexer follows the chain.
    Degraded,
    /// The database does not answer.
    Unavailable,
}

impl Condition {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Unavailable => "unavailable",
        }
    }
}

/// A replica of the database.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplicaState {
    /// Milliseconds since the commit of the last transaction that it has replayed, if it says so.
    pub replay_age_ms: Option<u64>,
    /// Slots that it is behind the primary. `None` if one of both is unavailable.
    pub lag_slots: Option<u64>,
}

/// The state of all services at one time.
#[derive(Default)]
pub struct State {
    /// The processes that are connected to the database. `None` if it does not answer.
    pub instances: Option<Instances>,
    /// The slots of the primary.
    pub freshness: Option<Freshness>,
    /// The newest confirmed slot of the node, if there is one.
    pub head: Option<u64>,
    /// Whether the service has a node.
    pub has_node: bool,
    pub replicas: Vec<ReplicaState>,
}

impl State {
    /// Returns the slots that the database is behind the node. `None` if one of both is not known.
    pub fn lag_slots(&self) -> Option<u64> {
        let slot = self.freshness?.slot?;
        Some(self.head?.saturating_sub(slot.get()))
    }

    pub fn condition(&self) -> Condition {
        let Some(instances) = &self.instances else {
            return Condition::Unavailable;
        };
        let is_near = |lag: Option<u64>| lag.is_some_and(|lag| lag <= MAX_REPLICA_LAG);
        let is_followed = instances.leader().is_some() && (!self.has_node || is_near(self.lag_slots()));
        let are_replicas_near = self.replicas.iter().all(|replica| is_near(replica.lag_slots));
        if is_followed && are_replicas_near {
            Condition::Healthy
        } else {
            Condition::Degraded
        }
    }
}

/// A state, and when it was read.
type Known = (Instant, Arc<State>);

/// Reads the state, and keeps it for a second.
pub struct ClusterStatus {
    node: Option<Rpc>,
    /// Locked while a task reads the state.
    last: Arc<Mutex<Option<Known>>>,
}

impl ClusterStatus {
    /// Compares with the node at this URL, if there is one. Doesn't connect.
    pub fn new(node: Option<&str>) -> Result<Self, RpcError> {
        Ok(Self {
            node: node.map(|url| Rpc::with_options(url, OPTIONS)).transpose()?,
            last: Arc::default(),
        })
    }

    /// Returns the state. It is used for a second after it was read.
    pub async fn state(&self, databases: &Arc<Databases>) -> Arc<State> {
        let mut last = self.last.clone().lock_owned().await;
        if let Some((at, state)) = &*last
            && at.elapsed() < MAX_AGE
        {
            return state.clone();
        }
        let (node, databases) = (self.node.clone(), databases.clone());
        let read = tokio::spawn(async move {
            let state = Arc::new(read(node.as_ref(), &databases).await);
            *last = Some((Instant::now(), state.clone()));
            state
        });
        // Without the task, for example during a shutdown, nothing is known.
        read.await.unwrap_or_default()
    }
}

async fn read(node: Option<&Rpc>, databases: &Databases) -> State {
    let services = Process::ALL.map(Process::as_str);
    let instances = tokio::time::timeout(TIMEOUT, databases.primary().instances(&services));
    let head = async {
        let slot = node?.slot(CommitmentLevel::Confirmed);
        tokio::time::timeout(TIMEOUT, slot).await.ok()?.ok()
    };
    let freshness = databases.latest();
    let slot = freshness.and_then(|freshness| freshness.slot);
    let replicas = databases.replicas().map(|(store, latest)| async move {
        let age = tokio::time::timeout(TIMEOUT, store.replay_age_ms()).await;
        let of_replica = latest.and_then(|latest| latest.slot);
        ReplicaState {
            replay_age_ms: age.ok().and_then(Result::ok).flatten(),
            lag_slots: slot
                .zip(of_replica)
                .map(|(slot, behind)| slot.get().saturating_sub(behind.get())),
        }
    });
    let (instances, head, replicas) = tokio::join!(instances, head, join_all(replicas));
    State {
        instances: instances.ok().and_then(Result::ok),
        freshness,
        head,
        has_node: node.is_some(),
        replicas,
    }
}
