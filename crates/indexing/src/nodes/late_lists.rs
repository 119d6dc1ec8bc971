//! The lists of nodes that answer late, or that were unavailable for some time.
//!
//! A list that is not there in time is not awaited, and it is not lost: a later call returns it. A
//! node that was unavailable lists its part of the slots that became final in the meantime.

use std::sync::{Mutex, PoisonError};

use bauta_rpc::RpcError;
use bauta_store::Slot;
use tokio::task::JoinHandle;

use super::history;
use crate::chain::ListedTransaction;

/// By how many slots before the requested ones the list of a node can begin: an hour on a public
/// cluster.
const MAX_CATCH_UP: u64 = 9_000;

/// The lists of the program's transactions, by node.
pub struct LateLists {
    nodes: Mutex<Vec<NodeLists>>,
}

#[derive(Default)]
struct NodeLists {
    /// The slot up to which the node's lists were returned.
    returned: Option<Slot>,
    /// A list that was not there in time.
    late: Option<PendingList>,
}

/// A request for a list.
pub struct PendingList {
    /// The last slot of the list.
    pub until: Slot,
    pub task: JoinHandle<Result<Vec<ListedTransaction>, RpcError>>,
}

impl LateLists {
    pub fn new(nodes: usize) -> Self {
        let nodes = std::iter::repeat_with(NodeLists::default).take(nodes).collect();
        Self {
            nodes: Mutex::new(nodes),
        }
    }

    fn with_node<T>(&self, node: usize, f: impl FnOnce(&mut NodeLists) -> T) -> T {
        // A panic cannot leave the fields inconsistent.
        f(&mut self.nodes.lock().unwrap_or_else(PoisonError::into_inner)[node])
    }

    /// Returns the slot after which the next list of a node begins: `after`, or the end of the last
    /// list that was returned, if that is earlier.
    fn begin(&self, node: usize, after: Option<Slot>) -> Option<Slot> {
        let returned = self.with_node(node, |lists| {
            *lists.returned.get_or_insert(after.unwrap_or(Slot::ZERO))
        });
        let after = after?;
        let earliest = Slot::new(after.get().saturating_sub(MAX_CATCH_UP));
        let begin = after.min(returned).max(earliest);
        (begin > Slot::ZERO).then_some(begin)
    }

    /// Returns the list of a node, or the late one, as soon as it is there. If the caller does not
    /// wait for it, a later call returns it. `request` gets the slot after which the list begins.
    pub async fn next(
        &self,
        node: usize,
        after: Option<Slot>,
        request: impl FnOnce(Option<Slot>) -> PendingList,
    ) -> Result<Vec<ListedTransaction>, RpcError> {
        let begin = self.begin(node, after);
        let late = self.with_node(node, |lists| lists.late.take());
        let mut kept = KeptList {
            lists: self,
            node,
            list: Some(late.unwrap_or_else(|| request(begin))),
        };
        let Some(list) = &mut kept.list else {
            return Ok(Vec::new());
        };
        let until = list.until;
        let listed = (&mut list.task).await;
        kept.list = None;
        let listed = listed.map_err(|_| RpcError::InvalidResponse {
            method: history::METHOD,
            reason: "the request was cancelled".into(),
        })?;
        let reached = match &listed {
            Ok(_) => Some(until),
            // The node does not have the earlier slots any more, or lists too much in them.
            Err(
                RpcError::InvalidResponse {
                    method: history::METHOD_OF_RETENTION,
                    ..
                }
                | RpcError::ResponseTooLong { .. },
            ) => after,
            Err(_) => None,
        };
        self.with_node(node, |lists| lists.returned = lists.returned.max(reached));
        listed
    }
}

/// Keeps a list for a later call when it is dropped.
struct KeptList<'a> {
    lists: &'a LateLists,
    node: usize,
    list: Option<PendingList>,
}

impl Drop for KeptList<'_> {
    fn drop(&mut self) {
        if let Some(list) = self.list.take() {
            self.lists.with_node(self.node, |lists| lists.late = Some(list));
        }
    }
}
