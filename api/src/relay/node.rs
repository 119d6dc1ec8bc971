//! A node of the relay, and how long the relay waits for it.
//!
//! A node that does not answer must not stop the others. After a call without an answer in time, a
//! node is late: further calls to it have less time, unless all others are late as well. Once in
//! [`LATE_FOR`], one call waits as long as for other nodes. The node is no longer late as soon as it
//! answers in time.

use std::{
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use bauta_rpc::{Rpc, RpcError};

/// Time for which one call to a late node waits as long as for other nodes at most once.
const LATE_FOR: Duration = Duration::from_secs(30);

/// How long the relay waits for nodes.
#[derive(Clone, Copy)]
pub struct Waits {
    /// Timeout of a call that other nodes can answer as well.
    pub call: Duration,
    /// The same for a node that is late. After this time without an answer, a further node is
    /// called.
    pub short: Duration,
}

impl Waits {
    /// The waits of the relay. 32 simulations at a time that take half a second are more than the
    /// 50 relays per second that two cores accept.
    pub const DEFAULT: Self = Self {
        call: Duration::from_secs(3),
        short: Duration::from_millis(500),
    };
}

/// A node.
#[derive(Clone)]
pub struct Node {
    rpc: Rpc,
    index: usize,
    late: Arc<Late>,
}

/// The nodes that are late, and since when. An element for each node.
struct Late {
    waits: Waits,
    since: Mutex<Vec<Option<Instant>>>,
}

impl Deref for Node {
    type Target = Rpc;

    fn deref(&self) -> &Rpc {
        &self.rpc
    }
}

impl Node {
    /// Creates the nodes of a relay. None is late.
    pub fn all(rpcs: Vec<Rpc>, waits: Waits) -> Vec<Self> {
        let late = Arc::new(Late {
            waits,
            since: Mutex::new(vec![None; rpcs.len()]),
        });
        let node = |(index, rpc)| Self {
            rpc,
            index,
            late: late.clone(),
        };
        rpcs.into_iter().enumerate().map(node).collect()
    }

    /// Returns whether the last call that had the whole time got no answer in time.
    pub fn is_late(&self) -> bool {
        self.since().get(self.index).is_some_and(Option::is_some)
    }

    /// Waits for an answer of the node.
    pub async fn in_time<T>(&self, call: impl Future<Output = Result<T, RpcError>>) -> Result<T, RpcError> {
        let wait = self.wait(Instant::now());
        let answer = tokio::time::timeout(wait, call).await;
        if answer.is_ok() || wait == self.late.waits.call {
            self.record(answer.is_err().then(Instant::now));
        }
        answer.unwrap_or_else(|_| {
            Err(RpcError::Unreachable {
                host: self.host().to_owned(),
                reason: format!("no answer within {wait:?}"),
            })
        })
    }

    /// Returns how long the next call waits for the node.
    fn wait(&self, now: Instant) -> Duration {
        let mut since = self.since();
        let has_others = since
            .iter()
            .enumerate()
            .any(|(index, late)| index != self.index && late.is_none());
        match since.get_mut(self.index) {
            Some(Some(at)) if has_others => {
                if now.saturating_duration_since(*at) < LATE_FOR {
                    return self.late.waits.short;
                }
                // The other calls do not wait for the result of this one.
                *at = now;
                self.late.waits.call
            }
            _ => self.late.waits.call,
        }
    }

    /// Records since when the node is late. `None` if it is not.
    pub fn record(&self, late_since: Option<Instant>) {
        if let Some(since) = self.since().get_mut(self.index) {
            *since = late_since;
        }
    }

    fn since(&self) -> MutexGuard<'_, Vec<Option<Instant>>> {
        self.late.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    const NEVER: Duration = Duration::from_hours(1);
    const AT_ONCE: Duration = Duration::from_millis(1);

    fn nodes(count: u16, call: Duration) -> Vec<Node> {
        let rpc = |port: u16| Rpc::new(&format!("http://127.0.0.1:{}", port + 1)).unwrap();
        let waits = Waits { call, short: AT_ONCE };
        Node::all((0..count).map(rpc).collect(), waits)
    }

    #[tokio::test]
    async fn a_node_is_late_from_a_call_without_an_answer_in_time_until_it_answers() {
        let nodes = nodes(2, Duration::from_millis(2));
        let hangs = nodes[0].in_time(pending::<Result<(), _>>());
        assert!(matches!(hangs.await, Err(RpcError::Unreachable { .. })));
        assert!(nodes[0].is_late() && !nodes[1].is_late());
        nodes[0].in_time(ready(Ok(()))).await.unwrap();
        assert!(!nodes[0].is_late());
    }

    #[test]
    fn one_call_at_a_time_waits_long_for_a_late_node_if_another_node_is_not_late() {
        let (nodes, now) = (nodes(2, NEVER), Instant::now());
        assert_eq!(nodes[0].wait(now), NEVER);
        nodes[0].record(Some(now));
        assert_eq!(nodes[0].wait(now), AT_ONCE);
        assert_eq!(nodes[1].wait(now), NEVER);
        let later = now + LATE_FOR;
        assert_eq!(nodes[0].wait(later), NEVER);
        assert_eq!(nodes[0].wait(later), AT_ONCE);
        // If all nodes are late, the network can be.
        nodes[1].record(Some(now));
        assert_eq!(nodes[0].wait(now), NEVER);
        assert_eq!(nodes[1].wait(now), NEVER);
    }

    #[test]
    fn a_single_node_always_has_the_whole_time() {
        let (nodes, now) = (nodes(1, NEVER), Instant::now());
        nodes[0].record(Some(now));
        assert_eq!(nodes[0].wait(now), NEVER);
    }
}
