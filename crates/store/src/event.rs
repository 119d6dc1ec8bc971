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
pub enum Event {
    /// The program was initialised, paused or resumed, or its admin changed.
    ConfigChanged {
        /// The admin.
        admin: Address,
        /// Who may become admin.
        pending_admin: Option<Address>,
        /// The cluster's tag.
        cluster_tag: [u8; 32],
        /// Whether verifications are refused.
        paused: bool,
        /// Whether development keys may be registered.
        development_keys_allowed: bool,
    },
    /// A circuit was registered.
    CircuitRegistered {
        /// The circuit account.
        circuit: Address,
        /// SHA-256 of the verifying key.
        vk_hash: [u8; 32],
        /// The statement's name, without the padding.
        statement: String,
        /// The statement's version.
        version: u16,
        /// Levels of the tree.
        depth: Depth,
        /// What `attributes` mean in the leaves.
        leaf_format: u8,
        /// Where the key comes from.
        provenance: Provenance,
        /// SHA-256 of the constraint system.
        constraint_system_hash: [u8; 32],
        /// SHA-256 of the ceremony's transcript.
        transcript_hash: [u8; 32],
    },
    /// A circuit was retired.
    CircuitRetired {
        /// The circuit account.
        circuit: Address,
    },
    /// A registry was created.
    RegistryCreated {
        /// The registry account.
        registry: Address,
        /// Its authority.
        authority: Address,
        /// Its maker's number for it.
        nonce: u64,
        /// Who decides about its leaves.
        kind: RegistryKind,
        /// Levels of the tree.
        depth: Depth,
        /// What `attributes` mean in the leaves.
        leaf_format: u8,
        /// Seconds for which a kept root is accepted.
        root_ttl_seconds: i64,
        /// The root.
        root: Root,
    },
    /// A collection was added to a registry.
    CollectionAdded {
        /// The registry account.
        registry: Address,
        /// The mint or group.
        key: Address,
        /// Whether `key` is a group.
        is_group: bool,
        /// The track.
        track: u64,
    },
    /// A registry's collections were fixed for ever.
    RegistrySealed {
        /// The registry account.
        registry: Address,
    },
    /// A holder registered a token.
    HolderRegistered {
        /// The registry account.
        registry: Address,
        /// The tree change's number.
        sequence: u64,
        /// The token.
        mint: Address,
        /// Its holder.
        owner: Address,
        /// The holder's commitment.
        commitment: Commitment,
        /// The track.
        track: u64,
        /// The leaf's index.
        index: u64,
        /// Whether the token had a leaf before.
        replaced: bool,
    },
    /// A token's leaf was emptied.
    HolderEvicted {
        /// The registry account.
        registry: Address,
        /// The tree change's number.
        sequence: u64,
        /// The token.
        mint: Address,
        /// The leaf's index.
        index: u64,
    },
    /// The authority of a Managed registry appended leaves.
    LeavesAppended {
        /// The registry account.
        registry: Address,
        /// The tree change's number.
        sequence: u64,
        /// The first leaf's index.
        first_index: u64,
        /// The leaves in order.
        leaves: Vec<Leaf>,
    },
    /// The authority of a Managed registry replaced a leaf.
    LeafReplaced {
        /// The registry account.
        registry: Address,
        /// The tree change's number.
        sequence: u64,
        /// The leaf's index.
        index: u64,
        /// The leaf before.
        old_leaf: Leaf,
        /// The leaf now; empty: removed.
        new_leaf: Leaf,
    },
    /// The authority of an Attested registry published a root.
    RootPublished {
        /// The registry account.
        registry: Address,
        /// The tree change's number.
        sequence: u64,
        /// The root.
        root: Root,
    },
    /// A registry's root changed; follows the change's own event with the same sequence.
    MerkleRootUpdated {
        /// The registry account.
        registry: Address,
        /// The tree change's number.
        sequence: u64,
        /// The root.
        root: Root,
        /// Whether the root before was kept.
        replaced_root_kept: bool,
    },
    /// A scope was created.
    ScopeCreated {
        /// The scope account.
        scope: Address,
        /// What nullifiers are derived from.
        scope_element: Scope,
        /// Who made it.
        creator: Address,
        /// Its maker's number for it.
        nonce: u64,
        /// The registry account.
        registry: Address,
        /// The circuit account.
        circuit: Address,
        /// Its auxiliary registry.
        auxiliary_registry: Option<Address>,
        /// Who must sign its verifications.
        gate: Option<Address>,
        /// Which roots it accepts.
        mode: ScopeMode,
        /// The root of a snapshot; `None` in a live scope.
        root: Option<Root>,
        /// The only accepted claim.
        required_claim: Option<FieldElement>,
        /// When it opens, Unix seconds.
        opens_at: i64,
        /// When it ends, Unix seconds.
        closes_at: i64,
    },
    /// A scope was closed early.
    ScopeClosed {
        /// The scope account.
        scope: Address,
    },
    /// A proof was accepted, of any statement.
    OwnershipVerified {
        /// The scope account.
        scope: Address,
        /// The root.
        root: Root,
        /// What was shown.
        claim: Claim,
        /// The use's nullifier.
        nullifier: Nullifier,
    },
    /// The nullifier account of a scope that is over was closed.
    NullifierReclaimed {
        /// The scope account.
        scope: Address,
        /// The use's nullifier.
        nullifier: Nullifier,
    },
    /// No event: a failed transaction that brought a nullifier already used, with a proof that holds. Only counted.
    ReuseRefused {
        /// The scope account.
        scope: Address,
        /// What was shown.
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
