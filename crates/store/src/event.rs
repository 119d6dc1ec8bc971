//! What an indexer tells the store: the program's events, without what the store must not keep.

use bauta_primitives::tree::Depth;
use bauta_primitives::{Claim, Commitment, FieldElement, Leaf, Nullifier, Root, Scope};

use crate::{Address, Position, Provenance, RegistryKind, ScopeMode, Signature};

/// One event of the program, in a transaction that succeeded; or a refused use, in one that failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// Where it is in the chain.
    pub position: Position,
    /// The transaction.
    pub signature: Signature,
    /// The event's own time, Unix seconds.
    pub time: i64,
    /// What happened.
    pub event: Event,
}

/// The program's events (`programs/bauta/src/events.rs`) and [`Event::ReuseRefused`]. Recipient, relayer, payer and payload
/// are left out on purpose: the store has no place for them.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(
    missing_docs,
    reason = "the fields are those of the program's events, documented there"
)]
pub enum Event {
    ConfigChanged {
        admin: Address,
        pending_admin: Option<Address>,
        cluster_tag: [u8; 32],
        paused: bool,
        development_keys_allowed: bool,
    },
    CircuitRegistered {
        circuit: Address,
        vk_hash: [u8; 32],
        statement: String,
        version: u16,
        depth: Depth,
        leaf_format: u8,
        provenance: Provenance,
        constraint_system_hash: [u8; 32],
        transcript_hash: [u8; 32],
    },
    CircuitRetired {
        circuit: Address,
    },
    RegistryCreated {
        registry: Address,
        authority: Address,
        nonce: u64,
        kind: RegistryKind,
        depth: Depth,
        leaf_format: u8,
        root_ttl_seconds: i64,
        root: Root,
    },
    CollectionAdded {
        registry: Address,
        key: Address,
        is_group: bool,
        track: u64,
    },
    RegistrySealed {
        registry: Address,
    },
    HolderRegistered {
        registry: Address,
        sequence: u64,
        mint: Address,
        owner: Address,
        commitment: Commitment,
        track: u64,
        index: u64,
        replaced: bool,
    },
    HolderEvicted {
        registry: Address,
        sequence: u64,
        mint: Address,
        index: u64,
    },
    LeavesAppended {
        registry: Address,
        sequence: u64,
        first_index: u64,
        leaves: Vec<Leaf>,
    },
    LeafReplaced {
        registry: Address,
        sequence: u64,
        index: u64,
        old_leaf: Leaf,
        new_leaf: Leaf,
    },
    RootPublished {
        registry: Address,
        sequence: u64,
        root: Root,
    },
    MerkleRootUpdated {
        registry: Address,
        sequence: u64,
        root: Root,
        replaced_root_kept: bool,
    },
    ScopeCreated {
        scope: Address,
        scope_element: Scope,
        creator: Address,
        nonce: u64,
        registry: Address,
        circuit: Address,
        auxiliary_registry: Option<Address>,
        gate: Option<Address>,
        mode: ScopeMode,
        /// The root of a snapshot; `None` in a live scope.
        root: Option<Root>,
        required_claim: Option<FieldElement>,
        opens_at: i64,
        closes_at: i64,
    },
    ScopeClosed {
        scope: Address,
    },
    OwnershipVerified {
        scope: Address,
        root: Root,
        claim: Claim,
        nullifier: Nullifier,
    },
    NullifierReclaimed {
        scope: Address,
        nullifier: Nullifier,
    },
    /// No event: a failed transaction that brought a nullifier already used. Only counted.
    ReuseRefused {
        scope: Address,
        claim: Claim,
    },
}

impl Event {
    /// The event's name, as in the program.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ConfigChanged { .. } => "ConfigChanged",
            Self::CircuitRegistered { .. } => "CircuitRegistered",
            Self::CircuitRetired { .. } => "CircuitRetired",
            Self::RegistryCreated { .. } => "RegistryCreated",
            Self::CollectionAdded { .. } => "CollectionAdded",
            Self::RegistrySealed { .. } => "RegistrySealed",
            Self::HolderRegistered { .. } => "HolderRegistered",
            Self::HolderEvicted { .. } => "HolderEvicted",
            Self::LeavesAppended { .. } => "LeavesAppended",
            Self::LeafReplaced { .. } => "LeafReplaced",
            Self::RootPublished { .. } => "RootPublished",
            Self::MerkleRootUpdated { .. } => "MerkleRootUpdated",
            Self::ScopeCreated { .. } => "ScopeCreated",
            Self::ScopeClosed { .. } => "ScopeClosed",
            Self::OwnershipVerified { .. } => "OwnershipVerified",
            Self::NullifierReclaimed { .. } => "NullifierReclaimed",
            Self::ReuseRefused { .. } => "ReuseRefused",
        }
    }

    /// The tree change that this event is half of: registry and sequence.
    #[must_use]
    pub const fn tree_change(&self) -> Option<(Address, u64)> {
        match self {
            Self::HolderRegistered {
                registry, sequence, ..
            }
            | Self::HolderEvicted {
                registry, sequence, ..
            }
            | Self::LeavesAppended {
                registry, sequence, ..
            }
            | Self::LeafReplaced {
                registry, sequence, ..
            }
            | Self::RootPublished {
                registry, sequence, ..
            } => Some((*registry, *sequence)),
            _ => None,
        }
    }
}

/// Events in the order of the chain, and how far it has been read with them. Applied as a whole or not at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// The events, by position.
    pub records: Vec<Record>,
    /// Everything at or before this has been read; at or after the last event.
    pub checkpoint: Position,
}
