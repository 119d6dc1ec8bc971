//! The nodes whose answers the database contradicted. They are used last for some time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::chain::Answers;

/// The time for which other nodes are preferred after the database contradicted a node's answers.
const DISTRUST_TIME: Duration = Duration::from_mins(1);
/// The least time for which another node is preferred before its answers can count as contradicting
/// too.
const MIN_TRUST_TIME: Duration = Duration::from_secs(20);

/// Records which node gave the last answers of each kind, and which nodes are used last. Nodes are
/// identified by their indices.
#[derive(Default)]
pub struct Trust {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    servers: HashMap<Answers, usize>,
    distrusted: HashMap<usize, Instant>,
}

impl Trust {
    fn state(&self) -> MutexGuard<'_, State> {
        // A panic cannot leave the fields inconsistent.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Records that a node gave the last answers of a kind.
    pub fn record_server(&self, answers: Answers, node: usize) {
        self.state().servers.insert(answers, node);
    }

    /// Returns the node that gave the last answers of a kind.
    pub fn last_server(&self, answers: Answers) -> Option<usize> {
        self.state().servers.get(&answers).copied()
    }

    /// Records that the database contradicted a node. Returns `false` and changes nothing if a node
    /// was recorded a short time ago: the answers may be older than that.
    pub fn distrust(&self, node: usize) -> bool {
        let mut state = self.state();
        let mut times = state.distrusted.values();
        if times.any(|since| since.elapsed() < MIN_TRUST_TIME) {
            return false;
        }
        state.distrusted.insert(node, Instant::now());
        true
    }

    /// Returns whether a node is used last.
    pub fn is_distrusted(&self, node: usize) -> bool {
        let state = self.state();
        let since = state.distrusted.get(&node);
        since.is_some_and(|since| since.elapsed() < DISTRUST_TIME)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_nodes_are_distrusted_one_after_the_other() {
        let trust = Trust::default();
        assert!(trust.distrust(0));
        assert!(!trust.distrust(1));
        let since = |age: Duration| Instant::now().checked_sub(age).unwrap();
        trust.state().distrusted.insert(0, since(MIN_TRUST_TIME));
        assert!(trust.distrust(1));
        assert_eq!(
            [0, 1, 2].map(|node| trust.is_distrusted(node)),
            [true, true, false]
        );
        trust.state().distrusted.insert(0, since(DISTRUST_TIME));
        assert_eq!(
            [0, 1, 2].map(|node| trust.is_distrusted(node)),
            [false, true, false]
        );
    }
}
