//! A node of the relay, and how long the relay waits for it.
//!
//! Every call that other nodes can answer as well has the same time limit, whatever the node did
//! before. So a slow node is not left out of a decision: one node decides alone only if the others
//! did not answer a call in time. A node that keeps a call waiting is late, until it answers a call.
//! Late nodes are called last. Lateness never decides which answers count.

use std::{
    ops::Deref,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bauta_rpc::{Rpc, RpcError};
use tokio::time::timeout;

/// How long the relay waits for nodes.
#[derive(Clone, Copy)]
pub struct Waits {
    /// Timeout of a call that other nodes can answer as well.
    pub call: Duration,
    /// After this time without an answer, a node is late, and a further node is called.
    pub short: Duration,
}

impl Waits {
    /// The waits of the relay.
    pub const DEFAULT: Self = Self {
        call: Duration::from_secs(3),
        short: Duration::from_millis(500),
    };
}

/// A node. Clones share whether it is late.
#[derive(Clone)]
pub struct Node {
    rpc: Rpc,
    waits: Waits,
    is_late: Arc<AtomicBool>,
}

impl Deref for Node {
    type Target = Rpc;

    fn deref(&self) -> &Rpc {
        &self.rpc
    }
}

impl Node {
    /// Creates a node that is not late.
    pub fn new(rpc: Rpc, waits: Waits) -> Self {
        Self {
            rpc,
            waits,
            is_late: Arc::default(),
        }
    }

    /// Returns whether the node has kept a call waiting, and has not answered one since.
    pub fn is_late(&self) -> bool {
        self.is_late.load(Ordering::Relaxed)
    }

    /// Waits for the answer to one call of the node. The time limit is for this call alone, so a
    /// check of several calls needs one `in_time` for each.
    pub async fn in_time<T>(&self, call: impl Future<Output = Result<T, RpcError>>) -> Result<T, RpcError> {
        let mut call = pin!(call);
        let mut answer = timeout(self.waits.short, &mut call).await;
        if answer.is_err() {
            // Recorded before the end of the wait: a decision of other nodes can end it.
            self.is_late.store(true, Ordering::Relaxed);
            answer = timeout(self.waits.call.saturating_sub(self.waits.short), call).await;
        }
        if answer.is_ok() {
            self.is_late.store(false, Ordering::Relaxed);
        }
        answer.unwrap_or_else(|_| {
            Err(RpcError::Unreachable {
                host: self.host().to_owned(),
                reason: format!("no answer within {:?}", self.waits.call),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn node() -> Node {
        let waits = Waits {
            call: Duration::from_millis(2),
            short: Duration::from_millis(1),
        };
        Node::new(Rpc::new("http://127.0.0.1:1").unwrap(), waits)
    }

    #[tokio::test]
    async fn a_node_is_late_from_a_call_that_waits_until_it_answers_one() {
        let node = node();
        let hangs = node.in_time(pending::<Result<(), _>>());
        assert!(matches!(hangs.await, Err(RpcError::Unreachable { .. })));
        assert!(node.is_late() && node.clone().is_late());
        node.in_time(ready(Ok(()))).await.unwrap();
        assert!(!node.is_late());
    }
}
