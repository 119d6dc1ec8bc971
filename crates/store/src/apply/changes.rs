//! Tree changes. Each comes in two events: the change's own, and the `MerkleRootUpdated` with the root that it has to give.

use bauta_primitives::{Leaf, Root};

use super::state::{LeafRow, RegistryState, RootRow, State};
use crate::values::bigint;
use crate::{Address, Event, RegistryKind, StoreError};

impl State {
    /// The first half of a tree change. It is done when its root has come.
    pub fn begin_change(
        &mut self,
        address: Address,
        sequence: u64,
        event: &Event,
        now: i64,
    ) -> Result<(), StoreError> {
        let registry = self.registry(address)?;
        if registry.pending.is_some() {
            let half = "followed by another one, not by its MerkleRootUpdated";
            return Err(StoreError::HalfChange {
                registry: address,
                sequence: registry.sequence + 1,
                half,
            });
        }
        if sequence != registry.sequence + 1 {
            return Err(StoreError::SequenceGap {
                registry: address,
                at: registry.sequence,
                found: sequence,
            });
        }
        registry.pending = Some((event.clone(), now));
        Ok(())
    }

    /// The second half: does the change and compares roots.
    pub fn finish_change(
        &mut self,
        address: Address,
        sequence: u64,
        announced: Root,
        replaced_root_kept: bool,
        now: i64,
    ) -> Result<(), StoreError> {
        let registry = self.registry(address)?;
        let Some((event, changed_at)) = registry.pending.take() else {
            return Err(if sequence == registry.sequence + 1 {
                let half = "a MerkleRootUpdated without the change's own event before it";
                StoreError::HalfChange {
                    registry: address,
                    sequence,
                    half,
                }
            } else {
                StoreError::SequenceGap {
                    registry: address,
                    at: registry.sequence,
                    found: sequence,
                }
            });
        };
        if sequence != registry.sequence + 1 {
            return Err(StoreError::SequenceGap {
                registry: address,
                at: registry.sequence,
                found: sequence,
            });
        }
        if replaced_root_kept {
            registry.keep_current()?;
        }
        let ttl = registry.root_ttl_seconds;
        let replaced = registry.current()?;
        replaced.replaced_at = Some(now);
        replaced.valid_until = replaced_root_kept.then(|| now.saturating_add(ttl));
        let computed = self.change(&event, changed_at)?;
        if computed != announced {
            return Err(StoreError::RootMismatch {
                registry: address,
                sequence,
                computed,
                announced,
            });
        }
        let registry = self.registry(address)?;
        registry.sequence = sequence;
        registry.changed = true;
        registry.roots.push(RootRow {
            sequence: bigint("sequence", sequence)?,
            root: announced,
            leaf_count: registry.next_index,
            stored: false,
            created_at: now,
            replaced_at: None,
            valid_until: None,
        });
        Ok(())
    }

    /// Does a tree change and returns the root that it gives.
    fn change(&mut self, event: &Event, now: i64) -> Result<Root, StoreError> {
        match event {
            Event::HolderRegistered { .. } => self.holder_registered(event, now),
            Event::HolderEvicted { .. } => self.holder_evicted(event, now),
            Event::LeavesAppended {
                registry,
                first_index,
                leaves,
                ..
            } => self.leaves_appended(*registry, *first_index, leaves, now),
            Event::LeafReplaced {
                registry,
                index,
                old_leaf,
                new_leaf,
                ..
            } => self.leaf_replaced(*registry, *index, *old_leaf, *new_leaf, now),
            Event::RootPublished { registry, root, .. } => {
                self.registry(*registry)?
                    .require_kind(RegistryKind::Attested, event.name())?;
                Ok(*root)
            }
            _ => Err(StoreError::Damaged(format!("{} is no tree change", event.name()))),
        }
    }

    fn leaves_appended(
        &mut self,
        address: Address,
        first_index: u64,
        leaves: &[Leaf],
        now: i64,
    ) -> Result<Root, StoreError> {
        let registry = self.registry(address)?;
        registry.require_kind(RegistryKind::Managed, "LeavesAppended")?;
        if leaves.is_empty() {
            return Err(StoreError::EmptyAppend {
                registry: address,
                what: "no leaves",
            });
        }
        if leaves.contains(&Leaf::EMPTY) {
            return Err(StoreError::EmptyAppend {
                registry: address,
                what: "an empty leaf",
            });
        }
        registry.require_next(first_index)?;
        let mut placed = Vec::with_capacity(leaves.len());
        for (index, leaf) in (first_index..).zip(leaves) {
            placed.push((registry.depth.check_index(index)?, *leaf));
        }
        registry
            .tree
            .set(&placed, bigint("sequence", registry.sequence + 1)?);
        registry.next_index += leaves.len() as u64;
        let (id, root) = (registry.id, registry.tree.root());
        for (index, leaf) in placed {
            self.leaves.insert(
                (id, index),
                LeafRow {
                    leaf,
                    holder: None,
                    time: now,
                },
            );
        }
        Ok(root)
    }

    fn leaf_replaced(
        &mut self,
        address: Address,
        index: u64,
        old_leaf: Leaf,
        new_leaf: Leaf,
        now: i64,
    ) -> Result<Root, StoreError> {
        let registry = self.registry(address)?;
        registry.require_kind(RegistryKind::Managed, "LeafReplaced")?;
        let index = registry.depth.check_index(index)?;
        if index.get() >= registry.next_index {
            let (next_index, index) = (registry.next_index, index.get());
            return Err(StoreError::NotAppended {
                registry: address,
                next_index,
                index,
            });
        }
        if registry.tree.leaf(index) != old_leaf {
            let (event, why) = ("LeafReplaced", "the old leaf is another one");
            return Err(StoreError::Contradiction {
                event,
                registry: address,
                why,
            });
        }
        registry
            .tree
            .set(&[(index, new_leaf)], bigint("sequence", registry.sequence + 1)?);
        let (id, root) = (registry.id, registry.tree.root());
        self.leaves.insert(
            (id, index),
            LeafRow {
                leaf: new_leaf,
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
            let why = "a registry of this kind has no such event";
            Err(StoreError::Contradiction {
                event,
                registry: self.address,
                why,
            })
        }
    }

    pub fn require_next(&self, index: u64) -> Result<(), StoreError> {
        if index == self.next_index {
            Ok(())
        } else {
            let (registry, next_index) = (self.address, self.next_index);
            Err(StoreError::NotNextIndex {
                registry,
                next_index,
                index,
            })
        }
    }
}
