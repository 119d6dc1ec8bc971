//! Computes the hashes of a batch before it is applied: thousands at a time and not one after the
//! other.
//!
//! Nothing is decided here. The hashes of a change that is refused later, or that belongs to an
//! unknown registry, only cost time.

use std::collections::BTreeMap;

use bauta_primitives::tree::LeafIndex;
use bauta_primitives::{Attributes, EntryId, Leaf};
use solana_address::Address;

use super::state::State;
use crate::event::TreeChangeKind;
use crate::{Event, EventRecord, hashing};

/// The leaves that one event sets.
type LeafChanges = Vec<(LeafIndex, Leaf)>;

impl State {
    /// Computes the leaves of members and the nodes of trees that the events give.
    pub fn precompute(&mut self, records: &[EventRecord]) {
        let changes = || {
            records.iter().filter_map(|record| match &record.event {
                Event::TreeChanged(change) => Some(change),
                _ => None,
            })
        };
        let members: Vec<_> = changes()
            .filter_map(|change| match &change.kind {
                TreeChangeKind::HolderRegistered(registered) => Some((
                    registered.commitment,
                    EntryId::of_mint(registered.mint.as_array()),
                    Attributes::of_track(registered.track),
                )),
                _ => None,
            })
            .collect();
        let leaves = hashing::leaves(&members);
        let mut registered_leaves = leaves.iter().copied();
        let mut by_registry: BTreeMap<Address, Vec<LeafChanges>> = BTreeMap::new();
        for change in changes() {
            let (first, leaves) = match &change.kind {
                TreeChangeKind::HolderRegistered(registered) => {
                    (registered.index, registered_leaves.next().into_iter().collect())
                }
                TreeChangeKind::HolderEvicted(evicted) => (evicted.index, vec![Leaf::EMPTY]),
                TreeChangeKind::LeafReplaced(replaced) => (replaced.index, vec![replaced.new_leaf]),
                TreeChangeKind::LeavesAppended(appended) => (appended.first_index, appended.leaves.clone()),
                TreeChangeKind::RootPublished { .. } => continue,
            };
            let Some(registry) = self.registries.get(&change.registry) else {
                continue;
            };
            let indices = (first.get()..).map_while(|index| registry.depth.check_index(index).ok());
            let set = indices.zip(leaves).collect();
            by_registry.entry(change.registry).or_default().push(set);
        }
        self.known_leaves.extend(members.into_iter().zip(leaves));
        for (registry, changes) in by_registry {
            if let Some(registry) = self.registries.get_mut(&registry) {
                registry.tree.precompute(&changes);
            }
        }
    }
}
