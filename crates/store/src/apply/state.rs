//! What a batch reads and changes, in memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use bauta_primitives::tree::{Depth, LeafIndex};
use bauta_primitives::{Attributes, Claim, Commitment, EntryId, Leaf, Nullifier, Root};

use crate::tree::WorkingTree;
use crate::{Address, Event, RegistryKind, Signature, StoreError};

/// A root's row.
#[derive(Clone)]
pub struct RootRow {
    pub sequence: i64,
    pub root: Root,
    pub leaf_count: u64,
    pub stored: bool,
    pub created_at: i64,
    pub replaced_at: Option<i64>,
    pub valid_until: Option<i64>,
}

pub struct RegistryState {
    pub id: i32,
    pub address: Address,
    pub kind: RegistryKind,
    pub depth: Depth,
    pub root_ttl_seconds: i64,
    pub next_index: u64,
    pub sequence: u64,
    pub tree: WorkingTree,
    /// The current root last; before it those that this batch replaced.
    pub roots: Vec<RootRow>,
    /// A tree change whose `MerkleRootUpdated` is still to come.
    pub pending: Option<(Event, i64)>,
    /// The row to insert, for a registry of this batch.
    pub created: Option<Created>,
    pub sealed: bool,
    pub changed: bool,
}

#[derive(Clone, Copy)]
pub struct Created {
    pub authority: Address,
    pub nonce: u64,
    pub leaf_format: u8,
    pub time: i64,
}

impl RegistryState {
    /// The current root's row; a registry has one from its creation on.
    pub fn current(&mut self) -> Result<&mut RootRow, StoreError> {
        let address = self.address;
        self.roots
            .last_mut()
            .ok_or_else(|| StoreError::Damaged(format!("registry {address} has no current root")))
    }

    /// Makes tiles of the present tree, because its root will be asked for.
    pub fn keep_current(&mut self) -> Result<(), StoreError> {
        if self.kind != RegistryKind::Attested {
            self.tree.flush();
            self.current()?.stored = true;
        }
        Ok(())
    }
}

#[derive(Clone)]
pub struct CircuitRow {
    pub id: i32,
    pub address: Address,
    pub event: Event,
    pub time: i64,
}

#[derive(Clone, Copy)]
pub struct ScopeState {
    pub id: i32,
    pub registry: Address,
    /// Whether claims are tracks.
    pub has_tracks: bool,
}

/// A scope of this batch.
pub struct ScopeRow {
    pub id: i32,
    pub event: Event,
    pub registry_id: i32,
    pub circuit_id: i32,
    pub auxiliary_registry_id: Option<i32>,
    pub root_sequence: Option<i64>,
    pub time: i64,
}

#[derive(Clone, Copy)]
pub struct Holding {
    pub owner: Address,
    pub commitment: Commitment,
    pub index: u64,
    pub track: u64,
    pub live: bool,
    pub last_change: i64,
}

#[derive(Clone, Copy)]
pub struct LeafRow {
    pub leaf: Leaf,
    pub holder: Option<(Commitment, EntryId, u64)>,
    pub time: i64,
}

/// An accepted use.
pub struct Use {
    pub scope_id: i32,
    pub registry_id: i32,
    /// The registry's change when it was accepted: the root is of this or an earlier one.
    pub at_sequence: i64,
    pub root: Root,
    pub claim: Claim,
    pub track: Option<u64>,
    pub nullifier: Nullifier,
    pub signature: Signature,
    pub time: i64,
}

pub struct Refusal {
    pub scope_id: i32,
    pub claim: Claim,
    pub track: Option<u64>,
    pub time: i64,
}

#[derive(Clone, Copy, Default)]
pub struct Growth {
    pub registered: i64,
    pub renewed: i64,
    pub evicted: i64,
}

/// Rows by their keys: loaded ones, and what the batch makes of them. Ordered where rows are written, so that two
/// databases that follow the same chain get the same rows.
#[derive(Default)]
pub struct State {
    pub registries: BTreeMap<Address, RegistryState>,
    pub circuits: HashMap<Address, (i32, u8)>,
    pub scopes: HashMap<Address, ScopeState>,
    pub last_registry_id: i32,
    pub last_circuit_id: i32,
    pub last_scope_id: i32,

    pub config: Option<Event>,
    pub new_circuits: Vec<CircuitRow>,
    pub retired_circuits: Vec<i32>,
    pub new_scopes: Vec<ScopeRow>,
    pub closed_scopes: Vec<i32>,
    pub collections: Vec<(i32, Event, i64)>,

    pub holdings: BTreeMap<(i32, Address), Holding>,
    pub changed_holdings: HashSet<(i32, Address)>,
    /// Live tokens by registry, track and owner.
    pub track_owners: BTreeMap<(i32, u64, Address), i64>,
    pub changed_owners: HashSet<(i32, u64, Address)>,
    /// Distinct owners by registry and track.
    pub owners: HashMap<(i32, u64), i32>,
    /// The same at the changes of this batch.
    pub anonymity_sets: BTreeMap<(i32, u64, i64), i32>,
    pub growth: BTreeMap<(i32, u64, i64), Growth>,

    /// Leaves of members, computed ahead.
    pub known_leaves: HashMap<(Commitment, EntryId, Attributes), Leaf>,
    pub leaves: BTreeMap<(i32, LeafIndex), LeafRow>,
    pub uses: Vec<Use>,
    pub reclaimed: Vec<(i32, Nullifier, i64)>,
    pub refusals: Vec<Refusal>,
}

impl State {
    pub fn registry(&mut self, address: Address) -> Result<&mut RegistryState, StoreError> {
        self.registries.get_mut(&address).ok_or(StoreError::Unknown {
            what: "registry",
            address,
        })
    }

    pub fn scope(&self, address: Address) -> Result<ScopeState, StoreError> {
        self.scopes.get(&address).copied().ok_or(StoreError::Unknown {
            what: "scope",
            address,
        })
    }

    pub fn circuit(&self, address: Address) -> Result<(i32, u8), StoreError> {
        self.circuits.get(&address).copied().ok_or(StoreError::Unknown {
            what: "circuit",
            address,
        })
    }
}
