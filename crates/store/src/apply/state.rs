//! The rows that a batch reads and changes, in memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use bauta_primitives::tree::{Depth, LeafIndex};
use bauta_primitives::{Attributes, Claim, Commitment, EntryId, Leaf, Nullifier, Root};
use solana_address::Address;
use solana_signature::Signature;

use crate::event::{
    CircuitRegistered, CircuitStatusChanged, CollectionAdded, ConfigChanged, RegistryCreated, ScopeCreated,
    TreeChange,
};
use crate::tree::WorkingTree;
use crate::{Holding, RegistryKind, Sequence, StoreError};

/// A row of `roots`.
#[derive(Clone)]
pub struct RootRow {
    pub sequence: Sequence,
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
    pub sequence: Sequence,
    pub tree: WorkingTree,
    /// The roots that this batch replaced, then the current root.
    pub roots: Vec<RootRow>,
    /// The kept roots of earlier batches that a new scope may have copied.
    pub kept: HashMap<Root, Sequence>,
    /// A tree change whose `MerkleRootUpdated` has not come yet.
    pub pending: Option<PendingChange>,
    /// The event that created the registry, if it is in this batch.
    pub created: Option<NewRegistry>,
    pub sealed: bool,
    pub changed: bool,
}

pub struct PendingChange {
    pub change: TreeChange,
    pub time: i64,
}

pub struct NewRegistry {
    pub event: RegistryCreated,
    pub time: i64,
}

impl RegistryState {
    /// Returns the row of the current root. Every registry has one from its creation on.
    pub fn current(&mut self) -> Result<&mut RootRow, StoreError> {
        let address = self.address;
        self.roots
            .last_mut()
            .ok_or_else(|| StoreError::Damaged(format!("registry {address} has no current root")))
    }

    /// Returns the tree change that gave the root of a new snapshot: the current root or a kept
    /// root. Keeps that root readable. Returns `None` if the registry has no such root.
    pub fn pin(&mut self, root: Root) -> Result<Option<Sequence>, StoreError> {
        let current = self.current()?;
        if current.root == root {
            let sequence = current.sequence;
            self.keep_current()?;
            self.changed = true;
            return Ok(Some(sequence));
        }
        // The tiles of a kept root are stored when the root is replaced.
        let replaced = self.roots.iter().rev();
        let of_batch = replaced
            .filter(|row| row.valid_until.is_some())
            .find(|row| row.root == root)
            .map(|row| row.sequence);
        Ok(of_batch.or_else(|| self.kept.get(&root).copied()))
    }

    /// Makes tiles of the tree as it is now, so that its root stays readable.
    pub fn keep_current(&mut self) -> Result<(), StoreError> {
        if self.kind != RegistryKind::Attested {
            self.tree.flush();
            self.current()?.stored = true;
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
pub struct CircuitState {
    pub id: i32,
    pub leaf_format: u8,
}

pub struct NewCircuit {
    pub id: i32,
    pub event: CircuitRegistered,
    pub time: i64,
}

#[derive(Clone, Copy)]
pub struct ScopeState {
    pub id: i32,
    pub registry: Address,
    /// Whether claims are tracks.
    pub has_tracks: bool,
}

pub struct NewScope {
    pub id: i32,
    pub event: ScopeCreated,
    pub registry_id: i32,
    pub circuit_id: i32,
    pub auxiliary_registry_id: Option<i32>,
    pub root_sequence: Option<Sequence>,
    pub time: i64,
}

pub struct NewCollection {
    pub registry_id: i32,
    pub event: CollectionAdded,
    pub time: i64,
}

/// The key of a token in a registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldingKey {
    pub registry_id: i32,
    pub mint: Address,
}

/// The key of a track in a registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TrackKey {
    pub registry_id: i32,
    pub track: u64,
}

/// The key of an owner in a track.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerKey {
    pub track: TrackKey,
    pub owner: Address,
}

/// The key of a leaf in a registry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeafKey {
    pub registry_id: i32,
    pub index: LeafIndex,
}

/// A row of `merkle_leaves`.
#[derive(Clone, Copy)]
pub struct LeafRow {
    pub leaf: Leaf,
    /// What the leaf hashes, if the chain shows it.
    pub holder: Option<HolderLeaf>,
    pub time: i64,
}

#[derive(Clone, Copy)]
pub struct HolderLeaf {
    pub commitment: Commitment,
    pub entry_id: EntryId,
    pub track: u64,
}

pub struct NewVerification {
    pub scope_id: i32,
    pub registry_id: i32,
    /// The sequence of the registry at the verification. The root is of this change or an earlier
    /// one.
    pub at_sequence: Sequence,
    pub root: Root,
    pub claim: Claim,
    pub track: Option<u64>,
    pub nullifier: Nullifier,
    pub signature: Signature,
    pub time: i64,
}

pub struct ReclaimedNullifier {
    pub scope_id: i32,
    pub nullifier: Nullifier,
    pub time: i64,
}

pub struct Refusal {
    pub scope_id: i32,
    pub claim: Claim,
    pub track: Option<u64>,
    pub time: i64,
}

/// The changes of a track in one day.
#[derive(Clone, Copy, Default)]
pub struct Growth {
    pub registered: i64,
    pub renewed: i64,
    pub evicted: i64,
}

/// Loaded rows by their keys, and what the batch makes of them. Rows that are written are ordered
/// by key, so that two databases that follow the same chain have the same rows.
#[derive(Default)]
pub struct State {
    pub registries: BTreeMap<Address, RegistryState>,
    pub circuits: HashMap<Address, CircuitState>,
    pub scopes: HashMap<Address, ScopeState>,
    pub last_registry_id: i32,
    pub last_circuit_id: i32,
    pub last_scope_id: i32,

    pub config: Option<ConfigChanged>,
    pub new_circuits: Vec<NewCircuit>,
    pub changed_circuits: Vec<(i32, CircuitStatusChanged)>,
    pub new_scopes: Vec<NewScope>,
    pub closed_scopes: Vec<i32>,
    pub collections: Vec<NewCollection>,

    pub holdings: BTreeMap<HoldingKey, Holding>,
    pub changed_holdings: HashSet<HoldingKey>,
    /// Live tokens.
    pub track_owners: BTreeMap<OwnerKey, i64>,
    pub changed_owners: HashSet<OwnerKey>,
    /// Distinct owners.
    pub owners: HashMap<TrackKey, i32>,
    /// Distinct owners after a change of this batch.
    pub anonymity_sets: BTreeMap<(TrackKey, Sequence), i32>,
    /// Growth by day, counted from 1970-01-01.
    pub growth: BTreeMap<(TrackKey, i64), Growth>,

    /// Precomputed leaves of members.
    pub known_leaves: HashMap<(Commitment, EntryId, Attributes), Leaf>,
    pub leaves: BTreeMap<LeafKey, LeafRow>,
    pub verifications: Vec<NewVerification>,
    pub reclaimed: Vec<ReclaimedNullifier>,
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

    pub fn circuit(&self, address: Address) -> Result<CircuitState, StoreError> {
        self.circuits.get(&address).copied().ok_or(StoreError::Unknown {
            what: "circuit",
            address,
        })
    }
}
