//! Requests transactions from other nodes that one node returned without an event of the program.
//!
//! Nothing else shows that a node has omitted an event. A node that does not answer at once gets
//! further requests for some time, beside the steps. Meanwhile the slot of the transaction is not
//! final, so a late answer loses nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bauta_store::Slot;
use solana_signature::Signature;
use tokio::sync::Semaphore;

use super::node::Node;
use crate::chain::ListedTransaction;

/// The time between two requests to the same node for a transaction.
const RETRY: Duration = Duration::from_secs(2);
/// The largest number of transactions that are requested at the same time. Anyone can send
/// transactions without an event.
const MAX_OPEN: usize = 1_000;
/// The number of concurrent requests. It is below the limit of a node, so that lists do not wait
/// for them.
const MAX_REQUESTS: usize = 8;
/// How long a contradiction is remembered. Afterwards the transaction is requested again.
const CONTRADICTED_TIME: Duration = Duration::from_mins(10);
/// The largest number of contradictions that are remembered.
const MAX_CONTRADICTED: usize = 10_000;

/// The transactions that one node returned without an event. Nodes are identified by their indices.
pub struct SecondAnswers {
    state: Mutex<State>,
    permits: Semaphore,
    /// How long an answer of another node is awaited before the answer of one node counts alone.
    await_time: Duration,
}

impl Default for SecondAnswers {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            permits: Semaphore::new(MAX_REQUESTS),
            await_time: super::AWAIT_TIME,
        }
    }
}

#[derive(Default)]
struct State {
    /// The slots of the transactions that are requested from other nodes.
    open: HashMap<Signature, Slot>,
    /// Transactions that another node returned with an event, with that node and the time.
    contradicted: HashMap<Signature, (usize, Instant)>,
    /// Those of them that the follower does not know yet.
    found: Vec<ListedTransaction>,
    /// Whether the limit of open transactions was reported.
    is_full: bool,
}

impl SecondAnswers {
    fn with_state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        // A panic cannot leave the fields inconsistent.
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes how long an answer of another node is awaited.
    pub const fn set_await_time(&mut self, time: Duration) {
        self.await_time = time;
    }

    /// Requests a transaction from some nodes in a task of its own, until one of them returns it or
    /// the time is over. `has_events` returns whether a node returns the transaction with an event.
    pub fn request<F>(
        self: &Arc<Self>,
        listed: ListedTransaction,
        nodes: Vec<Arc<Node>>,
        has_events: impl Fn(Arc<Node>) -> F + Send + Sync + 'static,
    ) where
        F: Future<Output = Option<bool>> + Send + 'static,
    {
        if nodes.is_empty() || !self.begin(listed) {
            return;
        }
        let answers = Arc::clone(self);
        tokio::spawn(async move {
            let requested = async {
                loop {
                    // The semaphore is never closed, so this always returns a permit.
                    let permit = answers.permits.acquire().await.ok();
                    for node in &nodes {
                        match has_events(Arc::clone(node)).await {
                            Some(true) => return Some(node.index),
                            Some(false) => return None,
                            None => {}
                        }
                    }
                    drop(permit);
                    tokio::time::sleep(RETRY).await;
                }
            };
            let contradicting = tokio::time::timeout(answers.await_time, requested).await;
            answers.end(listed, contradicting.unwrap_or_default());
        });
    }

    /// Records that a transaction is requested from other nodes. Returns `false` if it is already,
    /// or if there are too many such transactions.
    fn begin(&self, listed: ListedTransaction) -> bool {
        self.with_state(|state| {
            if state.open.contains_key(&listed.signature) {
                return false;
            }
            let is_full = state.open.len() >= MAX_OPEN;
            if is_full && !state.is_full {
                tracing::warn!(event = "second_answers_full", open = state.open.len());
            }
            state.is_full = is_full;
            if !is_full {
                state.open.insert(listed.signature, listed.slot);
            }
            !is_full
        })
    }

    /// Records the end of the requests, and the node that returned an event.
    fn end(&self, listed: ListedTransaction, contradicting: Option<usize>) {
        self.with_state(|state| {
            state.open.remove(&listed.signature);
            let Some(node) = contradicting else { return };
            if state.contradicted.len() >= MAX_CONTRADICTED {
                // The older ones were applied.
                state
                    .contradicted
                    .retain(|_, (_, since)| since.elapsed() < CONTRADICTED_TIME);
            }
            state.contradicted.insert(listed.signature, (node, Instant::now()));
            state.found.push(listed);
            tracing::error!(event = "events_omitted", signature = %listed.signature, slot = listed.slot.get());
        });
    }

    /// Returns the node that returned a transaction with an event, after another node had returned
    /// it without one.
    pub fn node_with_events(&self, signature: &Signature) -> Option<usize> {
        self.with_state(|state| {
            let (node, since) = state.contradicted.get(signature)?;
            (since.elapsed() < CONTRADICTED_TIME).then_some(*node)
        })
    }

    /// Forgets a contradiction, because the node has returned the transaction without an event since.
    pub fn forget(&self, signature: &Signature) {
        self.with_state(|state| state.contradicted.remove(signature));
    }

    /// Returns the transactions that a later answer has contradicted, each once.
    pub fn take_found(&self) -> Vec<ListedTransaction> {
        self.with_state(|state| std::mem::take(&mut state.found))
    }

    /// Returns the slot of the first transaction that is requested from other nodes, or whose
    /// contradiction the follower does not know yet.
    pub fn first_open(&self) -> Option<Slot> {
        self.with_state(|state| {
            let found = state.found.iter().map(|listed| listed.slot);
            state.open.values().copied().chain(found).min()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(number: u64) -> ListedTransaction {
        let mut signature = [0; 64];
        signature[..8].copy_from_slice(&number.to_le_bytes());
        ListedTransaction {
            slot: Slot::new(number),
            signature: Signature::from(signature),
            succeeded: true,
            is_refused_reuse: false,
        }
    }

    #[test]
    fn a_transaction_is_open_until_the_follower_knows_the_answer() {
        let answers = SecondAnswers::default();
        assert_eq!(answers.first_open(), None);
        assert!(answers.begin(listed(5)));
        assert!(!answers.begin(listed(5)));
        assert!(answers.begin(listed(7)));
        assert_eq!(answers.first_open(), Some(Slot::new(5)));
        answers.end(listed(5), Some(1));
        assert_eq!(answers.first_open(), Some(Slot::new(5)));
        assert_eq!(answers.take_found(), [listed(5)]);
        assert_eq!(answers.node_with_events(&listed(5).signature), Some(1));
        answers.forget(&listed(5).signature);
        assert_eq!(answers.node_with_events(&listed(5).signature), None);
        assert_eq!(answers.first_open(), Some(Slot::new(7)));
        answers.end(listed(7), None);
        assert_eq!(answers.first_open(), None);
        assert!(answers.take_found().is_empty());
    }

    #[test]
    fn the_number_of_open_transactions_is_bounded() {
        let answers = SecondAnswers::default();
        let most = u64::try_from(MAX_OPEN).unwrap();
        assert!((0..most).all(|number| answers.begin(listed(number))));
        assert!(!answers.begin(listed(most)));
        answers.end(listed(0), None);
        assert!(answers.begin(listed(most)));
    }
}
