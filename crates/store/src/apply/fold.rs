//! Applies one event after the other to the rows in memory.

use std::collections::HashMap;

use bauta_primitives::Claim;
use solana_address::Address;

use super::state::{
    CircuitState, NewCircuit, NewCollection, NewRegistry, NewScope, NewVerification, ReclaimedNullifier,
    Refusal, RegistryState, RootRow, ScopeState, State,
};
use crate::event::{CircuitRegistered, OwnershipVerified, RegistryCreated, ScopeCreated};
use crate::tree::WorkingTree;
use crate::values::time;
use crate::{Event, EventRecord, RegistryKind, Sequence, StoreError};

/// The leaf format whose attributes and claims are tracks.
pub const TRACK_FORMAT: u8 = 1;

impl State {
    pub fn apply(&mut self, record: &EventRecord) -> Result<(), StoreError> {
        let now = time(record.time)?;
        let event = &record.event;
        match event {
            Event::ConfigChanged(config) => self.config = Some(config.clone()),
            Event::CircuitRegistered(circuit) => self.circuit_registered(circuit, now)?,
            Event::CircuitStatusChanged(change) => {
                let id = self.circuit(change.circuit)?.id;
                self.changed_circuits.push((id, change.clone()));
            }
            Event::RegistryCreated(registry) => self.registry_created(registry, now)?,
            Event::CollectionAdded(collection) => {
                let registry_id = self.registry(collection.registry)?.id;
                self.collections.push(NewCollection {
                    registry_id,
                    event: collection.clone(),
                    time: now,
                });
            }
            Event::RegistrySealed { registry } => {
                let registry = self.registry(*registry)?;
                registry.require_kind(RegistryKind::Holders, event.name())?;
                registry.sealed = true;
                registry.changed = true;
            }
            Event::TreeChanged(change) => self.begin_change(change, now)?,
            Event::MerkleRootUpdated(update) => self.finish_change(update, now)?,
            Event::ScopeCreated(scope) => self.scope_created(scope, now)?,
            Event::ScopeClosed { scope } => {
                let id = self.scope(*scope)?.id;
                self.closed_scopes.push(id);
            }
            Event::OwnershipVerified(verified) => self.ownership_verified(verified, record, now)?,
            Event::NullifierReclaimed { scope, nullifier } => {
                let scope_id = self.scope(*scope)?.id;
                self.reclaimed.push(ReclaimedNullifier {
                    scope_id,
                    nullifier: *nullifier,
                    time: now,
                });
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
        }
        Ok(())
    }

    /// Ends the batch: checks that no tree change is incomplete, and makes tiles of the trees at
    /// their current roots.
    pub fn finish(&mut self) -> Result<(), StoreError> {
        for registry in self.registries.values_mut() {
            if let Some(pending) = &registry.pending {
                return Err(StoreError::IncompleteChange {
                    registry: registry.address,
                    sequence: pending.change.sequence,
                    reason: "the batch ends before its MerkleRootUpdated",
                });
            }
            if registry.changed {
                registry.keep_current()?;
            }
        }
        Ok(())
    }

    fn circuit_registered(&mut self, event: &CircuitRegistered, now: i64) -> Result<(), StoreError> {
        self.last_circuit_id += 1;
        let state = CircuitState {
            id: self.last_circuit_id,
            leaf_format: event.leaf_format,
        };
        let existed = self.circuits.insert(event.circuit, state).is_some();
        refuse_existing("circuit", event.circuit, existed)?;
        self.new_circuits.push(NewCircuit {
            id: state.id,
            event: event.clone(),
            time: now,
        });
        Ok(())
    }

    fn registry_created(&mut self, event: &RegistryCreated, now: i64) -> Result<(), StoreError> {
        let (address, computed) = (event.registry, event.depth.empty_root());
        if event.root != computed {
            return Err(StoreError::RootMismatch {
                registry: address,
                sequence: Sequence::ZERO,
                computed,
                announced: event.root,
            });
        }
        self.last_registry_id += 1;
        let state = RegistryState {
            id: self.last_registry_id,
            address,
            kind: event.kind,
            depth: event.depth,
            root_ttl_seconds: event.root_ttl_seconds,
            next_index: 0,
            sequence: Sequence::ZERO,
            tree: WorkingTree::new(event.depth, event.root),
            roots: vec![RootRow {
                sequence: Sequence::ZERO,
                root: event.root,
                leaf_count: 0,
                stored: true,
                created_at: now,
                replaced_at: None,
                valid_until: None,
            }],
            kept: HashMap::new(),
            pending: None,
            created: Some(NewRegistry {
                event: event.clone(),
                time: now,
            }),
            sealed: false,
            changed: true,
        };
        let existed = self.registries.insert(address, state).is_some();
        refuse_existing("registry", address, existed)
    }

    fn scope_created(&mut self, event: &ScopeCreated, now: i64) -> Result<(), StoreError> {
        let circuit = self.circuit(event.circuit)?;
        let auxiliary_registry_id = match event.auxiliary_registry {
            Some(auxiliary) => Some(self.registry(auxiliary)?.id),
            None => None,
        };
        let registry = self.registry(event.registry)?;
        let registry_id = registry.id;
        let mut root_sequence = None;
        if let Some(root) = event.root {
            root_sequence = registry.pin(root)?;
            if root_sequence.is_none() {
                return Err(StoreError::RootMismatch {
                    registry: event.registry,
                    sequence: registry.sequence,
                    computed: registry.current()?.root,
                    announced: root,
                });
            }
        }
        self.last_scope_id += 1;
        let state = ScopeState {
            id: self.last_scope_id,
            registry: event.registry,
            has_tracks: circuit.leaf_format == TRACK_FORMAT,
        };
        let existed = self.scopes.insert(event.scope, state).is_some();
        refuse_existing("scope", event.scope, existed)?;
        self.new_scopes.push(NewScope {
            id: state.id,
            event: event.clone(),
            registry_id,
            circuit_id: circuit.id,
            auxiliary_registry_id,
            root_sequence,
            time: now,
        });
        Ok(())
    }

    fn ownership_verified(
        &mut self,
        event: &OwnershipVerified,
        record: &EventRecord,
        now: i64,
    ) -> Result<(), StoreError> {
        let scope = self.scope(event.scope)?;
        let registry = self.registry(scope.registry)?;
        let (registry_id, at_sequence) = (registry.id, registry.sequence);
        self.verifications.push(NewVerification {
            scope_id: scope.id,
            registry_id,
            at_sequence,
            root: event.root,
            claim: event.claim,
            track: scope.track(event.claim),
            nullifier: event.nullifier,
            signature: record.signature,
            time: now,
        });
        Ok(())
    }
}

/// Refuses the creation of an account that exists.
fn refuse_existing(what: &'static str, address: Address, existed: bool) -> Result<(), StoreError> {
    if existed {
        Err(StoreError::CreatedTwice { what, address })
    } else {
        Ok(())
    }
}

impl ScopeState {
    /// Returns the claim as a track. `None` if the claims of the scope are not tracks, or the claim
    /// is not a 64-bit number.
    fn track(self, claim: Claim) -> Option<u64> {
        let bytes = claim.to_bytes();
        let (high, low) = bytes.split_at(24);
        let low = low.try_into().map(u64::from_be_bytes);
        low.ok()
            .filter(|_| self.has_tracks && high.iter().all(|byte| *byte == 0))
    }
}
