//! Finds nodes that list transactions that do not exist, and leaves them out of the lists.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use solana_signature::Signature;

use crate::chain::ListedTransaction;

/// After how many invented transactions within [`LEFT_OUT_TIME`] a node is left out. A fork can
/// remove a few that a node has listed.
const MAX_INVENTIONS: usize = 8;
/// How long a node is left out.
const LEFT_OUT_TIME: Duration = Duration::from_mins(10);
/// The largest number of entries that are remembered.
const MAX_ENTRIES: usize = 10_000;

/// What only one node has listed, and how much of that does not exist. Nodes are identified by
/// their indices.
#[derive(Default)]
pub struct Inventions {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The entries of the last lists that only one node has listed, with that node.
    listers: HashMap<Signature, usize>,
    /// Transactions that do not exist, with the node that has listed them, and since when that is
    /// known.
    invented: HashMap<Signature, (usize, Instant)>,
    left_out: HashMap<usize, Instant>,
}

impl Inventions {
    fn with_state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        // A panic cannot leave the fields inconsistent.
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records the lists of the nodes that have answered a request.
    pub fn record_lists(&self, lists: &[(usize, Vec<ListedTransaction>)]) {
        let mut nodes: HashMap<Signature, Option<usize>> = HashMap::new();
        for (node, listed) in lists {
            for entry in listed.iter().filter(|entry| entry.may_have_events()) {
                nodes
                    .entry(entry.signature)
                    .and_modify(|lister| *lister = lister.filter(|lister| lister == node))
                    .or_insert(Some(*node));
            }
        }
        let listers = nodes
            .into_iter()
            .filter_map(|(signature, node)| Some((signature, node?)))
            .take(MAX_ENTRIES)
            .collect();
        self.with_state(|state| state.listers = listers);
    }

    /// Records transactions that only one node has listed, with that node.
    pub fn record_listers(&self, listers: &[(Signature, usize)]) {
        let listers = listers.iter().copied().collect();
        self.with_state(|state| state.listers = listers);
    }

    /// Returns the only node that has listed a transaction in the last lists.
    pub fn lister(&self, signature: &Signature) -> Option<usize> {
        self.with_state(|state| state.listers.get(signature).copied())
    }

    /// Records that a node has listed a transaction that does not exist. Returns whether the node
    /// is left out from now on.
    pub fn record_invention(&self, signature: Signature, node: usize) -> bool {
        self.with_state(|state| {
            state.invented.insert(signature, (node, Instant::now()));
            state
                .invented
                .retain(|_, (_, since)| since.elapsed() < LEFT_OUT_TIME);
            let listers = state.invented.values().map(|(lister, _)| *lister);
            if listers.filter(|lister| *lister == node).count() < MAX_INVENTIONS {
                return false;
            }
            state.invented.retain(|_, (lister, _)| *lister != node);
            state.left_out.insert(node, Instant::now());
            true
        })
    }

    /// Returns whether a node is left out.
    pub fn is_left_out(&self, node: usize) -> bool {
        self.with_state(|state| {
            let since = state.left_out.get(&node);
            since.is_some_and(|since| since.elapsed() < LEFT_OUT_TIME)
        })
    }

    /// Removes the lists of the nodes that are left out, if another node has answered.
    pub fn leave_out_faulty(&self, lists: &mut Vec<(usize, Vec<ListedTransaction>)>) {
        if lists.iter().any(|(node, _)| !self.is_left_out(*node)) {
            lists.retain(|(node, _)| !self.is_left_out(*node));
        }
    }
}

#[cfg(test)]
mod tests {
    use bauta_store::Slot;

    use super::*;

    fn listed(number: u8) -> ListedTransaction {
        ListedTransaction {
            slot: Slot::new(7),
            signature: Signature::from([number; 64]),
            succeeded: true,
            is_refused_reuse: false,
        }
    }

    #[test]
    fn only_a_node_with_many_inventions_is_left_out_and_only_beside_another_one() {
        let inventions = Inventions::default();
        let lists = vec![(0, vec![listed(0)]), (1, (0..20).map(listed).collect::<Vec<_>>())];
        inventions.record_lists(&lists);
        assert_eq!(inventions.lister(&listed(0).signature), None);
        for number in 1..8 {
            let signature = listed(number).signature;
            assert_eq!(inventions.lister(&signature), Some(1));
            assert!(!inventions.record_invention(signature, 1));
            // The same one again does not count.
            assert!(!inventions.record_invention(signature, 1));
        }
        let mut kept = lists.clone();
        inventions.leave_out_faulty(&mut kept);
        assert_eq!(kept, lists);
        assert!(inventions.record_invention(listed(8).signature, 1));
        inventions.leave_out_faulty(&mut kept);
        assert_eq!(kept, lists[..1]);
        let mut only = lists[1..].to_vec();
        inventions.leave_out_faulty(&mut only);
        assert_eq!(only, lists[1..]);
    }
}
