//! Tree changes. Each change has two events: the change itself, and the `MerkleRootUpdated` with
//! the root that the change must give.

use bauta_primitives::{Leaf, Root};
use solana_address::Address;

use super::state::{LeafKey, LeafRow, PendingChange, RegistryState, RootRow, State};
use crate::event::{LeafReplaced, LeavesAppended, MerkleRootUpdated, TreeChange, TreeChangeKind};
use crate::{RegistryKind, Sequence, StoreError};

impl State {
    /// Takes the first event of a tree change. [`Self::finish_change`] makes the change.
    pub fn begin_change(&mut self, change: &TreeChange, now: i64) -> Result<(), StoreError> {
        let registry = self.registry(change.registry)?;
        if let Some(pending) = &registry.pending {
            return Err(StoreError::IncompleteChange {
                registry: change.registry,
                sequence: pending.change.sequence,
                reason: "another change follows it",
            });
        }
        registry.require_next_sequence(change.sequence)?;
        registry.pending = Some(PendingChange {
            change: change.clone(),
            time: now,
        });
        Ok(())
    }

    /// Takes the second event of a tree change: makes the change and compares the roots.
    pub fn finish_change(&mut self, update: &MerkleRootUpdated, now: i64) -> Result<(), StoreError> {
        let registry = self.registry(update.registry)?;
        registry.require_next_sequence(update.sequence)?;
        let Some(pending) = registry.pending.take() else {
            return Err(StoreError::IncompleteChange {
                registry: update.registry,
                sequence: update.sequence,
                reason: "its MerkleRootUpdated comes without the change",
            });
        };
        if update.replaced_root_expires_at.is_some() {
            registry.keep_current()?;
        }
        let replaced = registry.current()?;
        replaced.replaced_at = Some(now);
        replaced.valid_until = update.replaced_root_expires_at;
        let computed = self.change(&pending.change, pending.time)?;
        if computed != update.root {
            return Err(StoreError::RootMismatch {
                registry: update.registry,
                sequence: update.sequence,
                computed,
                announced: update.root,
            });
        }
        let registry = self.registry(update.registry)?;
        registry.sequence = update.sequence;
        registry.changed = true;
        registry.roots.push(RootRow {
            sequence: update.sequence,
            root: update.root,
            leaf_count: registry.next_index,
            stored: false,
            created_at: now,
            replaced_at: None,
            valid_until: None,
        });
        Ok(())
    }

    /// Makes a tree change and returns the root that it gives.
    fn change(&mut self, change: &TreeChange, now: i64) -> Result<Root, StoreError> {
        let event = change.kind.name();
        let registry = self.registry(change.registry)?;
        match &change.kind {
            TreeChangeKind::HolderRegistered(registered) => {
                registry.require_kind(RegistryKind::Holders, event)?;
                self.holder_registered(change.registry, registered, now)
            }
            TreeChangeKind::HolderEvicted(evicted) => {
                registry.require_kind(RegistryKind::Holders, event)?;
                self.holder_evicted(change.registry, evicted, now)
            }
            TreeChangeKind::LeavesAppended(appended) => {
                registry.require_kind(RegistryKind::Managed, event)?;
                self.leaves_appended(change.registry, appended, now)
            }
            TreeChangeKind::LeafReplaced(replaced) => {
                registry.require_kind(RegistryKind::Managed, event)?;
                self.leaf_replaced(change.registry, replaced, now)
            }
            TreeChangeKind::RootPublished { root } => {
                registry.require_kind(RegistryKind::Attested, event)?;
                Ok(*root)
            }
        }
    }

    fn leaves_appended(
        &mut self,
        address: Address,
        appended: &LeavesAppended,
        now: i64,
    ) -> Result<Root, StoreError> {
        let registry = self.registry(address)?;
        let leaves = &appended.leaves;
        let refused = |what| StoreError::EmptyAppend {
            registry: address,
            what,
        };
        if leaves.is_empty() {
            return Err(refused("an empty list of leaves"));
        }
        if leaves.contains(&Leaf::EMPTY) {
            return Err(refused("an empty leaf"));
        }
        let first_index = appended.first_index.get();
        registry.require_next_index(first_index)?;
        let mut placed = Vec::with_capacity(leaves.len());
        for (index, leaf) in (first_index..).zip(leaves) {
            placed.push((registry.depth.check_index(index)?, *leaf));
        }
        registry.tree.set(&placed, registry.sequence.next());
        registry.next_index += leaves.len() as u64;
        let (registry_id, root) = (registry.id, registry.tree.root());
        self.leaves.extend(placed.into_iter().map(|(index, leaf)| {
            let row = LeafRow {
                leaf,
                holder: None,
                time: now,
            };
            (LeafKey { registry_id, index }, row)
        }));
        Ok(root)
    }

    fn leaf_replaced(
        &mut self,
        address: Address,
        replaced: &LeafReplaced,
        now: i64,
    ) -> Result<Root, StoreError> {
        let registry = self.registry(address)?;
        let index = registry.depth.check_index(replaced.index.get())?;
        if index.get() >= registry.next_index {
            return Err(StoreError::NotAppended {
                registry: address,
                next_index: registry.next_index,
                index: index.get(),
            });
        }
        if registry.tree.leaf(index) != replaced.old_leaf {
            return Err(StoreError::Contradiction {
                event: "LeafReplaced",
                registry: address,
                why: "the old leaf is not the stored leaf",
            });
        }
        registry
            .tree
            .set(&[(index, replaced.new_leaf)], registry.sequence.next());
        let (registry_id, root) = (registry.id, registry.tree.root());
        self.leaves.insert(
            LeafKey { registry_id, index },
            LeafRow {
                leaf: replaced.new_leaf,
                holder: None,
                time: now,
            },
        );
        Ok(root)
    }
}

impl RegistryState {
    pub fn require_kind(&self, kind: RegistryKind, event: &'static str) -> Result<(), StoreError> {
        if self.kind == kind {
            Ok(())
        } else {
            Err(StoreError::Contradiction {
                event,
                registry: self.address,
                why: "a registry of this kind has no such event",
            })
        }
    }

    pub fn require_next_index(&self, index: u64) -> Result<(), StoreError> {
        if index == self.next_index {
            Ok(())
        } else {
            Err(StoreError::NotNextIndex {
                registry: self.address,
                next_index: self.next_index,
                index,
            })
        }
    }

    fn require_next_sequence(&self, found: Sequence) -> Result<(), StoreError> {
        if found == self.sequence.next() {
            Ok(())
        } else {
            Err(StoreError::SequenceGap {
                registry: self.address,
                at: self.sequence,
                found,
            })
        }
    }
}
