//! Finds nodes that list transactions that do not exist, or that no node returns. After the first
//! one, the follower does not wait for what only that node lists. After several, the node is left
//! out of the lists.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bauta_store::Slot;
use solana_signature::Signature;

use crate::chain::ListedTransaction;

/// After how many transactions within [`INVENTION_TIME`] that do not exist, or that no node returns,
/// a node is left out. A fork can remove a few that a node has listed.
const MAX_INVENTIONS: usize = 8;
/// How long a transaction counts that does not exist, or that no node returns. Each one can stop the
/// checkpoint for a minute.
const INVENTION_TIME: Duration = Duration::from_hours(1);
/// How long a node is left out.
const LEFT_OUT_TIME: Duration = Duration::from_mins(10);
/// How long a node is doubted after a transaction that does not exist, or that no node returns. A
/// node that lists one again at most as long after the doubt has ended is doubted twice as long.
const DOUBT_TIME: Duration = Duration::from_hours(1);
/// The longest time for which a node is doubted.
const MAX_DOUBT_TIME: Duration = Duration::from_hours(24);
/// The largest number of entries that are remembered.
const MAX_ENTRIES: usize = 10_000;

/// A listed transaction. Nodes can list the same one in different slots.
type Entry = (Slot, Signature);

/// What only one node has listed, and how much of that does not exist. Nodes are identified by
/// their indices.
#[derive(Default)]
pub struct Inventions {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The entries of the last lists that only one node has listed, with that node.
    listers: HashMap<Entry, usize>,
    /// Whether several nodes returned the last lists.
    are_compared: bool,
    /// Transactions that do not exist, or that no node returns, with the node that has listed them,
    /// and since when that is known.
    invented: HashMap<Entry, (usize, Instant)>,
    left_out: HashMap<usize, Instant>,
    doubts: HashMap<usize, Doubt>,
}

/// The doubt about what only one node lists.
#[derive(Clone, Copy)]
struct Doubt {
    since: Instant,
    time: Duration,
}

impl Doubt {
    /// Returns the doubt about a node that has just listed a transaction that does not exist.
    fn renewed(before: Option<Self>) -> Self {
        let time = match before {
            Some(before) if before.is_present() => before.time,
            Some(before) if before.since.elapsed() < before.time * 2 => (before.time * 2).min(MAX_DOUBT_TIME),
            _ => DOUBT_TIME,
        };
        Self {
            since: Instant::now(),
            time,
        }
    }

    fn is_present(&self) -> bool {
        self.since.elapsed() < self.time
    }
}

impl State {
    fn is_left_out(&self, node: usize) -> bool {
        let since = self.left_out.get(&node);
        since.is_some_and(|since| since.elapsed() < LEFT_OUT_TIME)
    }

    /// Returns whether a node is doubted. The lists of a node that is left out are used only if no
    /// other node answers, so nothing contradicts them.
    fn is_doubted(&self, node: usize) -> bool {
        self.doubts.get(&node).is_some_and(Doubt::is_present) && !self.is_left_out(node)
    }
}

impl Inventions {
    fn with_state<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        // A panic cannot leave the fields inconsistent.
        f(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Records the lists of the nodes that have answered a request.
    pub fn record_lists(&self, lists: &[(usize, Vec<ListedTransaction>)]) {
        let mut nodes: HashMap<Entry, Option<usize>> = HashMap::new();
        for (node, listed) in lists {
            for entry in listed.iter().filter(|entry| entry.may_have_events()) {
                nodes
                    .entry((entry.slot, entry.signature))
                    .and_modify(|lister| *lister = lister.filter(|lister| lister == node))
                    .or_insert(Some(*node));
            }
        }
        let mut listers: Vec<(Entry, usize)> = nodes
            .into_iter()
            .filter_map(|(entry, node)| Some((entry, node?)))
            .collect();
        // The oldest are requested first.
        listers.sort_unstable_by_key(|((slot, _), _)| *slot);
        let listers = listers.into_iter().take(MAX_ENTRIES).collect();
        self.with_state(|state| {
            state.listers = listers;
            state.are_compared = lists.len() > 1;
        });
    }

    /// Records transactions that only one node has listed, with that node. The lists of the other
    /// nodes may be incomplete.
    pub fn record_listers(&self, listers: &[(Entry, usize)]) {
        let listers = listers.iter().copied().collect();
        self.with_state(|state| {
            state.listers = listers;
            state.are_compared = false;
        });
    }

    /// Returns the only node that has listed a transaction in a slot in the last lists.
    pub fn lister(&self, entry: &Entry) -> Option<usize> {
        self.with_state(|state| state.listers.get(entry).copied())
    }

    /// Returns those of the transactions that only one node has listed in the last lists, if several
    /// nodes returned them.
    pub fn listed_by_one(&self, entries: &[Entry]) -> Vec<Entry> {
        self.with_state(|state| {
            let is_listed_by_one = |entry: &&Entry| state.are_compared && state.listers.contains_key(*entry);
            entries.iter().filter(is_listed_by_one).copied().collect()
        })
    }

    /// Records that a node has listed a transaction that does not exist, or that no node returns.
    /// Returns whether the node is left out from now on.
    pub fn record_invention(&self, entry: Entry, node: usize) -> bool {
        self.with_state(|state| {
            let doubt = Doubt::renewed(state.doubts.get(&node).copied());
            state.doubts.insert(node, doubt);
            state.invented.insert(entry, (node, Instant::now()));
            state
                .invented
                .retain(|_, (_, since)| since.elapsed() < INVENTION_TIME);
            let listers = state.invented.values().map(|(lister, _)| *lister);
            if listers.filter(|lister| *lister == node).count() < MAX_INVENTIONS {
                return false;
            }
            state.invented.retain(|_, (lister, _)| *lister != node);
            state.left_out.insert(node, Instant::now());
            true
        })
    }

    /// Records that nodes have returned transactions. One that was not returned before is no
    /// invention.
    pub fn record_returned(&self, returned: impl Iterator<Item = Entry>) {
        self.with_state(|state| {
            if state.invented.is_empty() {
                return;
            }
            for entry in returned {
                state.invented.remove(&entry);
            }
        });
    }

    /// Returns whether a node is left out.
    pub fn is_left_out(&self, node: usize) -> bool {
        self.with_state(|state| state.is_left_out(node))
    }

    /// Returns whether a node is doubted, because it has listed a transaction that does not exist,
    /// or that no node returned.
    pub fn is_doubted(&self, node: usize) -> bool {
        self.with_state(|state| state.is_doubted(node))
    }

    /// Returns whether only a node that is doubted lists a transaction, while another node has
    /// returned a list as well.
    pub fn is_listed_by_doubted(&self, entry: &Entry) -> bool {
        self.with_state(|state| {
            let lister = state.listers.get(entry).filter(|_| state.are_compared);
            lister.is_some_and(|node| state.is_doubted(*node))
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
        let key = |number| (Slot::new(7), listed(number).signature);
        assert_eq!(inventions.lister(&key(0)), None);
        for number in 1..8 {
            assert_eq!(inventions.lister(&key(number)), Some(1));
            assert!(!inventions.record_invention(key(number), 1));
            // The same one again does not count.
            assert!(!inventions.record_invention(key(number), 1));
        }
        let mut kept = lists.clone();
        inventions.leave_out_faulty(&mut kept);
        assert_eq!(kept, lists);
        assert!(inventions.record_invention(key(8), 1));
        inventions.leave_out_faulty(&mut kept);
        assert_eq!(kept, lists[..1]);
        let mut only = lists[1..].to_vec();
        inventions.leave_out_faulty(&mut only);
        assert_eq!(only, lists[1..]);
    }

    #[test]
    fn what_only_a_doubted_node_lists_beside_another_one_is_doubted() {
        let inventions = Inventions::default();
        let key = |number| (Slot::new(7), listed(number).signature);
        let compared = [(0, vec![listed(0)]), (1, vec![listed(0), listed(1), listed(2)])];
        inventions.record_lists(&compared);
        assert!(!inventions.is_listed_by_doubted(&key(2)));
        inventions.record_invention(key(1), 1);
        assert!(inventions.is_doubted(1) && !inventions.is_doubted(0));
        assert!(inventions.is_listed_by_doubted(&key(2)));
        assert!(!inventions.is_listed_by_doubted(&key(0)));
        // Nothing shows that the other node does not list it.
        inventions.record_lists(&compared[1..]);
        assert!(!inventions.is_listed_by_doubted(&key(2)));
        inventions.record_lists(&compared);
        inventions.record_listers(&[(key(2), 1)]);
        assert!(!inventions.is_listed_by_doubted(&key(2)));
    }

    #[test]
    fn a_node_that_invents_again_is_doubted_for_longer() {
        let inventions = Inventions::default();
        let key = (Slot::new(7), listed(1).signature);
        let ago = |minutes: u64| {
            let since = Instant::now().checked_sub(Duration::from_mins(minutes)).unwrap();
            inventions.with_state(|state| state.doubts.values_mut().for_each(|doubt| doubt.since = since));
        };
        let time = || inventions.with_state(|state| state.doubts[&1].time);
        inventions.record_invention(key, 1);
        // Several inventions together count once.
        inventions.record_invention(key, 1);
        assert_eq!(time(), DOUBT_TIME);
        ago(59);
        assert!(inventions.is_doubted(1));
        ago(60);
        assert!(!inventions.is_doubted(1));
        for hours in [2, 4, 8, 16, 24, 24] {
            inventions.record_invention(key, 1);
            assert_eq!(time(), Duration::from_hours(hours));
            ago(hours * 60);
            assert!(!inventions.is_doubted(1));
        }
        ago(48 * 60);
        inventions.record_invention(key, 1);
        assert_eq!(time(), DOUBT_TIME);
    }

    #[test]
    fn a_transaction_that_a_node_returns_is_no_invention() {
        let inventions = Inventions::default();
        let key = |number| (Slot::new(7), listed(number).signature);
        for number in 0..7 {
            assert!(!inventions.record_invention(key(number), 1));
        }
        inventions.record_returned([key(0), key(100)].into_iter());
        assert!(!inventions.record_invention(key(7), 1));
        assert!(inventions.record_invention(key(8), 1));
        assert!(inventions.is_left_out(1) && !inventions.is_doubted(1));
    }

    #[test]
    fn a_node_that_invents_a_transaction_every_few_minutes_is_left_out() {
        let inventions = Inventions::default();
        let key = |number| (Slot::new(7), listed(number).signature);
        let recorded_before = |minutes: u64| {
            let past = Instant::now().checked_sub(Duration::from_mins(minutes)).unwrap();
            inventions.with_state(|state| {
                for (_, since) in state.invented.values_mut() {
                    *since = past;
                }
            });
        };
        for number in 1..8 {
            assert!(!inventions.record_invention(key(number), 1));
        }
        recorded_before(59);
        assert!(inventions.record_invention(key(8), 1));
        assert!(inventions.is_left_out(1));
        // After an hour they do not count any more.
        for number in 1..8 {
            assert!(!inventions.record_invention(key(number), 0));
        }
        recorded_before(60);
        assert!(!inventions.record_invention(key(8), 0));
    }

    #[test]
    fn a_slot_in_which_only_one_node_lists_a_transaction_is_recorded_with_that_node() {
        let inventions = Inventions::default();
        let moved = ListedTransaction {
            slot: Slot::new(8),
            ..listed(1)
        };
        inventions.record_lists(&[(0, vec![listed(1)]), (1, vec![listed(1), moved])]);
        assert_eq!(inventions.lister(&(Slot::new(7), moved.signature)), None);
        assert_eq!(inventions.lister(&(Slot::new(8), moved.signature)), Some(1));
    }

    #[test]
    fn the_oldest_entries_of_a_long_list_are_recorded() {
        let inventions = Inventions::default();
        let count = u64::try_from(MAX_ENTRIES).unwrap() + 500;
        let invented = |number: u64| ListedTransaction {
            slot: Slot::new(number),
            ..listed(1)
        };
        let long: Vec<_> = (1..=count).rev().map(invented).collect();
        inventions.record_lists(&[(0, Vec::new()), (1, long)]);
        let lister = |slot| inventions.lister(&(Slot::new(slot), listed(1).signature));
        assert_eq!((lister(1), lister(500), lister(count)), (Some(1), Some(1), None));
    }
}
