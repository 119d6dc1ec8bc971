//! Compares what the nodes have of transactions, and refuses the versions that are contested.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bauta_store::Slot;
use futures_util::future::join_all;
use futures_util::{StreamExt, stream};
use solana_signature::Signature;

use super::RpcSource;
use super::fetch::{FetchedTransaction, version_of};
use super::node::Node;
use crate::chain::{ListedTransaction, NodeVersion, VersionDigest, VersionKey};

/// How long the nodes are awaited. A node that takes longer for some transactions has no part in
/// the decision about them.
const TIME_LIMIT: Duration = Duration::from_secs(15);
/// The number of concurrent requests to a node. Its own limit applies as well.
const CONCURRENT_REQUESTS: usize = 32;

/// The versions of transactions that are not used.
#[derive(Default)]
pub struct RefusedVersions {
    versions: Mutex<HashMap<(Slot, Signature), Vec<VersionDigest>>>,
}

impl RefusedVersions {
    /// Replaces the versions.
    pub fn set(&self, refused: &HashSet<VersionKey>) {
        let mut versions: HashMap<_, Vec<_>> = HashMap::new();
        for (slot, signature, version) in refused {
            versions.entry((*slot, *signature)).or_default().push(*version);
        }
        *self.versions.lock().unwrap_or_else(PoisonError::into_inner) = versions;
    }

    /// Returns whether a fetched transaction is a refused version.
    pub fn contains(&self, fetched: &FetchedTransaction) -> bool {
        let versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = versions.get(&(fetched.listed.slot, fetched.listed.signature));
        refused.is_some_and(|refused| refused.contains(&fetched.version()))
    }
}

impl RpcSource {
    /// Returns what each node has of each listed transaction, in the order of the list. A node that
    /// has not answered in time is missing.
    pub(super) async fn versions_on_nodes(&self, listed: &[ListedTransaction]) -> Vec<Vec<NodeVersion>> {
        let versions = Arc::new(Mutex::new(vec![Vec::new(); listed.len()]));
        let requests = self.nodes.iter().map(|node| {
            let is_left_out = self.inventions.is_left_out(node.index);
            read(
                Arc::clone(node),
                is_left_out,
                listed.to_vec(),
                Arc::clone(&versions),
            )
        });
        // Those that have answered count.
        let _ = tokio::time::timeout(TIME_LIMIT, join_all(requests)).await;
        let mut versions = versions.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *versions)
    }
}

/// Adds what one node has of each transaction.
async fn read(
    node: Arc<Node>,
    is_left_out: bool,
    listed: Vec<ListedTransaction>,
    versions: Arc<Mutex<Vec<Vec<NodeVersion>>>>,
) {
    let entries = stream::iter(listed.into_iter().enumerate());
    let requested = entries.for_each_concurrent(CONCURRENT_REQUESTS, |(place, entry)| {
        let (node, versions) = (Arc::clone(&node), Arc::clone(&versions));
        async move {
            let Some(version) = version_of(&node, entry).await else {
                return;
            };
            let mut versions = versions.lock().unwrap_or_else(PoisonError::into_inner);
            // The time limit can have taken the list.
            if let Some(versions) = versions.get_mut(place) {
                versions.push(NodeVersion {
                    node: node.index,
                    version,
                    is_left_out,
                });
            }
        }
    });
    requested.await;
}
