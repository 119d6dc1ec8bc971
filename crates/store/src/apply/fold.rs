//! One event after the other, in memory.

use bauta_primitives::Claim;

use super::state::{CircuitRow, Created, Refusal, RegistryState, RootRow, ScopeRow, ScopeState, State, Use};
use crate::tree::WorkingTree;
use crate::values::{bigint, time};
use crate::{Address, Event, Record, RegistryKind, StoreError};

/// The leaf format whose attributes and claims are tracks.
pub const TRACK_FORMAT: u8 = 1;

impl State {
    pub fn apply(&mut self, record: &Record) -> Result<(), StoreError> {
        let now = time(record.time)?;
        let event = &record.event;
        if let Some((registry, sequence)) = event.tree_change() {
            return self.begin_change(registry, sequence, event, now);
        }
        match event {
            Event::ConfigChanged { .. } => self.config = Some(event.clone()),
            Event::CircuitRegistered {
                circuit, leaf_format, ..
            } => {
                self.circuit_registered(*circuit, *leaf_format, event, now)?;
            }
            Event::CircuitRetired { circuit } => {
                let (id, _) = self.circuit(*circuit)?;
                self.retired_circuits.push(id);
            }
            Event::RegistryCreated { .. } => self.registry_created(event, now)?,
            Event::CollectionAdded { registry, .. } => {
                let id = self.registry(*registry)?.id;
                self.collections.push((id, event.clone(), now));
            }
            Event::RegistrySealed { registry } => {
                let registry = self.registry(*registry)?;
                registry.require_kind(RegistryKind::Holders, event.name())?;
                registry.sealed = true;
                registry.changed = true;
            }
            Event::MerkleRootUpdated {
                registry,
                sequence,
                root,
                replaced_root_kept,
            } => {
                self.finish_change(*registry, *sequence, *root, *replaced_root_kept, now)?;
            }
            Event::ScopeCreated { .. } => self.scope_created(event, now)?,
            Event::ScopeClosed { scope } => {
                let id = self.scope(*scope)?.id;
                self.closed_scopes.push(id);
            }
            Event::OwnershipVerified {
                scope,
                root,
                claim,
                nullifier,
            } => {
                let scope = self.scope(*scope)?;
                let registry = self.registry(scope.registry)?;
                let (registry_id, at_sequence) = (registry.id, bigint("sequence", registry.sequence)?);
                self.uses.push(Use {
                    scope_id: scope.id,
                    registry_id,
                    at_sequence,
                    root: *root,
                    claim: *claim,
                    track: scope.track(*claim),
                    nullifier: *nullifier,
                    signature: record.signature,
                    time: now,
                });
            }
            Event::NullifierReclaimed { scope, nullifier } => {
                let id = self.scope(*scope)?.id;
                self.reclaimed.push((id, *nullifier, now));
            }
            Event::ReuseRefused { scope, claim } => {
                let scope = self.scope(*scope)?;
                self.refusals.push(Refusal {
                    scope_id: scope.id,
                    claim: *claim,
                    track: scope.track(*claim),
                    time: now,
                });
            }
            // tree changes, handled above
            Event::HolderRegistered { .. }
            | Event::HolderEvicted { .. }
            | Event::LeavesAppended { .. }
            | Event::LeafReplaced { .. }
            | Event::RootPublished { .. } => {}
        }
        Ok(())
    }

    /// At the end of the batch: no change is half done, and every current root's tree is in tiles.
    pub fn finish(&mut self) -> Result<(), StoreError> {
        for registry in self.registries.values_mut() {
            if let Some((event, _)) = &registry.pending {
                let sequence = event
                    .tree_change()
                    .map_or(registry.sequence, |(_, sequence)| sequence);
                let half = "without its MerkleRootUpdated";
                return Err(StoreError::HalfChange {
                    registry: registry.address,
                    sequence,
                    half,
                });
            }
            if registry.changed {
                registry.keep_current()?;
            }
        }
        Ok(())
    }

    fn circuit_registered(
        &mut self,
        address: Address,
        leaf_format: u8,
        event: &Event,
        now: i64,
    ) -> Result<(), StoreError> {
        self.last_circuit_id += 1;
        let id = self.last_circuit_id;
        if self.circuits.insert(address, (id, leaf_format)).is_some() {
            return Err(StoreError::CreatedTwice {
                what: "circuit",
                address,
            });
        }
        self.new_circuits.push(CircuitRow {
            id,
            address,
            event: event.clone(),
            time: now,
        });
        Ok(())
    }

    fn registry_created(&mut self, event: &Event, now: i64) -> Result<(), StoreError> {
        let Event::RegistryCreated {
            registry: address,
            authority,
            nonce,
            kind,
            depth,
            leaf_format,
            root_ttl_seconds,
            root,
        } = event
        else {
            return Ok(());
        };
        let computed = depth.empty_root();
        if *root != computed {
            let (registry, announced) = (*address, *root);
            return Err(StoreError::RootMismatch {
                registry,
                sequence: 0,
                computed,
                announced,
            });
        }
        self.last_registry_id += 1;
        let state = RegistryState {
            id: self.last_registry_id,
            address: *address,
            kind: *kind,
            depth: *depth,
            root_ttl_seconds: *root_ttl_seconds,
            next_index: 0,
            sequence: 0,
            tree: WorkingTree::new(*depth, *root),
            roots: vec![RootRow {
                sequence: 0,
                root: *root,
                leaf_count: 0,
                stored: true,
                created_at: now,
                replaced_at: None,
                valid_until: None,
            }],
            pending: None,
            created: Some(Created {
                authority: *authority,
                nonce: *nonce,
                leaf_format: *leaf_format,
                time: now,
            }),
            sealed: false,
            changed: true,
        };
        if self.registries.insert(*address, state).is_some() {
            return Err(StoreError::CreatedTwice {
                what: "registry",
                address: *address,
            });
        }
        Ok(())
    }

    fn scope_created(&mut self, event: &Event, now: i64) -> Result<(), StoreError> {
        let Event::ScopeCreated {
            scope: address,
            registry,
            circuit,
            auxiliary_registry,
            root,
            ..
        } = event
        else {
            return Ok(());
        };
        let (circuit_id, leaf_format) = self.circuit(*circuit)?;
        let auxiliary_registry_id = match auxiliary_registry {
            Some(auxiliary) => Some(self.registry(*auxiliary)?.id),
            None => None,
        };
        let state = self.registry(*registry)?;
        let registry_id = state.id;
        let mut root_sequence = None;
        if let Some(root) = root {
            let current = state.current()?.clone();
            if current.root != *root {
                return Err(StoreError::RootMismatch {
                    registry: *registry,
                    sequence: state.sequence,
                    computed: current.root,
                    announced: *root,
                });
            }
            state.keep_current()?;
            state.changed = true;
            root_sequence = Some(current.sequence);
        }
        self.last_scope_id += 1;
        let id = self.last_scope_id;
        let scope = ScopeState {
            id,
            registry: *registry,
            has_tracks: leaf_format == TRACK_FORMAT,
        };
        if self.scopes.insert(*address, scope).is_some() {
            return Err(StoreError::CreatedTwice {
                what: "scope",
                address: *address,
            });
        }
        self.new_scopes.push(ScopeRow {
            id,
            event: event.clone(),
            registry_id,
            circuit_id,
            auxiliary_registry_id,
            root_sequence,
            time: now,
        });
        Ok(())
    }
}

impl ScopeState {
    /// The claim as a track.
    fn track(self, claim: Claim) -> Option<u64> {
        let bytes = claim.to_bytes();
        let (high, low) = bytes.split_at(24);
        let low = low.try_into().map(u64::from_be_bytes);
        low.ok()
            .filter(|_| self.has_tracks && high.iter().all(|byte| *byte == 0))
    }
}
