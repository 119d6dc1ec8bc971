//! What a batch will hash, computed before it is applied: thousands of hashes at once instead of one after the other.
//!
//! Nothing is decided here. Changes that are refused later, or of registries that aren't known yet, only cost time.

use std::collections::BTreeMap;

use bauta_primitives::tree::LeafIndex;
use bauta_primitives::{Attributes, EntryId, Leaf};

use super::state::State;
use crate::hashing;
use crate::{Address, Event, Record};

/// The leaves that one event sets.
type Change = Vec<(LeafIndex, Leaf)>;

impl State {
    /// Computes leaves of members and nodes of trees ahead.
    pub fn foresee(&mut self, records: &[Record]) {
        let members: Vec<_> = records
            .iter()
            .filter_map(|record| match &record.event {
                Event::HolderRegistered {
                    mint,
                    commitment,
                    track,
                    ..
                } => Some((
                    *commitment,
                    EntryId::of_mint(&mint.0),
                    Attributes::of_track(*track),
                )),
                _ => None,
            })
            .collect();
        let leaves = hashing::leaves(&members);
        let mut registered = leaves.iter().copied();
        let mut changes: BTreeMap<Address, Vec<Change>> = BTreeMap::new();
        for record in records {
            let (registry, first, leaves) = match &record.event {
                Event::HolderRegistered { registry, index, .. } => {
                    (registry, *index, registered.next().into_iter().collect())
                }
                Event::HolderEvicted { registry, index, .. } => (registry, *index, vec![Leaf::EMPTY]),
                Event::LeafReplaced {
                    registry,
                    index,
                    new_leaf,
                    ..
                } => (registry, *index, vec![*new_leaf]),
                Event::LeavesAppended {
                    registry,
                    first_index,
                    leaves,
                    ..
                } => (registry, *first_index, leaves.clone()),
                _ => continue,
            };
            let Some(state) = self.registries.get(registry) else {
                continue;
            };
            let indices = (first..=u64::MAX).map_while(|index| state.depth.check_index(index).ok());
            let change: Change = indices.zip(leaves).collect();
            changes.entry(*registry).or_default().push(change);
        }
        self.known_leaves.extend(members.into_iter().zip(leaves));
        for (registry, changes) in changes {
            if let Some(state) = self.registries.get_mut(&registry) {
                state.tree.foresee(&changes);
            }
        }
    }
}
