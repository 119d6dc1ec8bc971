//! The events that an indexer applies: those of the program, without the values that the store must
//! not keep.

use bauta_primitives::tree::{Depth, LeafIndex};
use bauta_primitives::{Claim, Commitment, FieldElement, Leaf, Nullifier, Root, Scope};
use solana_address::Address;
use solana_signature::Signature;

use crate::{Position, Provenance, RegistryKind, ScopeMode, Sequence};

/// Events in the order of the chain. [`Store::apply`](crate::Store::apply) applies all of them or
/// none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Batch {
    /// The events, ordered by position.
    pub records: Vec<EventRecord>,
    /// The position up to which the chain was read. No event is after it.
    pub checkpoint: Position,
}

/// An event with its origin.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventRecord {
    /// The position of the event in the chain.
    pub position: Position,
    /// The first signature of the transaction.
    pub signature: Signature,
    /// The time that the event carries, in Unix seconds.
    pub time: i64,
    /// The decoded event.
    pub event: Event,
}

/// An event of the program (`programs/bauta/src/events.rs`) in a transaction that succeeded, or a
/// [refused reuse](Event::ReuseRefused).
///
/// Recipient, relayer, payer and payload are left out on purpose. The store has no column for them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// The program was initialised, paused or resumed, or its admin changed.
    ConfigChanged(ConfigChanged),
    /// A circuit was registered.
    CircuitRegistered(CircuitRegistered),
    /// A circuit was suspended or resumed, or its retirement was scheduled or cancelled.
    CircuitStatusChanged(CircuitStatusChanged),
    /// A registry was created.
    RegistryCreated(RegistryCreated),
    /// A collection was added to a registry.
    CollectionAdded(CollectionAdded),
    /// A registry was closed for new collections.
    RegistrySealed {
        /// The registry account.
        registry: Address,
    },
    /// A registry's tree changed. [`Event::MerkleRootUpdated`] follows with the same sequence.
    TreeChanged(TreeChange),
    /// A registry's root changed. It follows the [`Event::TreeChanged`] with the same sequence.
    MerkleRootUpdated(MerkleRootUpdated),
    /// A scope was created.
    ScopeCreated(ScopeCreated),
    /// The creator closed a scope early.
    ScopeClosed {
        /// The scope account.
        scope: Address,
    },
    /// A proof was accepted. The program emits this event for every statement.
    OwnershipVerified(OwnershipVerified),
    /// The account of a nullifier was closed after the end of its scope.
    NullifierReclaimed {
        /// The scope account.
        scope: Address,
        /// The nullifier whose account was closed.
        nullifier: Nullifier,
    },
    /// A transaction failed because its nullifier was used before in the scope. The proof is valid,
    /// because the program checks the nullifier last. This is not an event of the program; the
    /// store only counts it.
    ReuseRefused {
        /// The scope account.
        scope: Address,
        /// The claim of the proof.
        claim: Claim,
    },
}

/// The configuration after a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ConfigChanged {
    /// The admin after the change.
    pub admin: Address,
    /// The address that may become admin, if a handover is open.
    pub pending_admin: Option<Address>,
    /// The tag of the cluster.
    pub cluster_tag: [u8; 32],
    /// Whether the program refuses verifications.
    pub paused: bool,
    /// Whether development keys can be registered.
    pub development_keys_allowed: bool,
}

/// A new circuit.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CircuitRegistered {
    /// The circuit account.
    pub circuit: Address,
    /// The SHA-256 of the verifying key.
    pub vk_hash: [u8; 32],
    /// The name of the statement, without padding. 1 to 32 bytes.
    pub statement: String,
    /// The version of the statement.
    pub version: u16,
    /// The depth of the trees that the circuit reads.
    pub depth: Depth,
    /// The leaf format, which defines the attributes of a leaf.
    pub leaf_format: u8,
    /// The provenance of the verifying key.
    pub provenance: Provenance,
    /// The SHA-256 of the constraint system.
    pub constraint_system_hash: [u8; 32],
    /// The SHA-256 of the transcript of the ceremony.
    pub transcript_hash: [u8; 32],
    /// The leaf format of the auxiliary registry whose root the statement includes in its claim. 0
    /// if the statement includes none.
    pub auxiliary_format: u8,
}

/// The status of a circuit after a change.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CircuitStatusChanged {
    /// The circuit account.
    pub circuit: Address,
    /// Whether the circuit is suspended: it accepts no scopes and no verifications.
    pub suspended: bool,
    /// The time from which the circuit is retired for ever, in Unix seconds, if a retirement is
    /// scheduled.
    pub retires_at: Option<i64>,
}

/// A new registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegistryCreated {
    /// The registry account.
    pub registry: Address,
    /// The authority of the registry.
    pub authority: Address,
    /// The number that the authority gave the registry.
    pub nonce: u64,
    /// The kind of the registry.
    pub kind: RegistryKind,
    /// The depth of the tree.
    pub depth: Depth,
    /// The leaf format, which defines the attributes of a leaf.
    pub leaf_format: u8,
    /// The time for which the registry accepts a kept root after its replacement, in seconds.
    pub root_ttl_seconds: i64,
    /// The root of the empty tree.
    pub root: Root,
}

/// A new collection of a registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CollectionAdded {
    /// The registry account.
    pub registry: Address,
    /// The address that identifies the collection.
    pub key: Address,
    /// The number of the kind: 0 an asset, 1 a Token-2022 group, 2 Token Metadata, 3 Core, 4
    /// prints.
    pub kind: u8,
    /// The sum of the rules.
    pub rules: u16,
    /// The number of the collection in its registry, from 1. 0 if it has none.
    pub number: u16,
    /// The track of the collection's tokens.
    pub track: u64,
}

/// A change of a registry's tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TreeChange {
    /// The registry account.
    pub registry: Address,
    /// The sequence of the registry after the change.
    pub sequence: Sequence,
    /// What changed.
    pub kind: TreeChangeKind,
}

/// What changed in a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum TreeChangeKind {
    /// A holder registered a token.
    HolderRegistered(HolderRegistered),
    /// The leaf of a token was emptied.
    HolderEvicted(HolderEvicted),
    /// The authority of a Managed registry appended leaves.
    LeavesAppended(LeavesAppended),
    /// The authority of a Managed registry replaced a leaf.
    LeafReplaced(LeafReplaced),
    /// The authority of an Attested registry published a root.
    RootPublished {
        /// The root that became the current one.
        root: Root,
    },
}

/// A registration of a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HolderRegistered {
    /// The mint of the token.
    pub mint: Address,
    /// The holder's wallet.
    pub owner: Address,
    /// The holder's commitment.
    pub commitment: Commitment,
    /// The track of the token.
    pub track: u64,
    /// The index of the leaf.
    pub index: LeafIndex,
    /// Whether the token had a leaf before.
    pub replaced: bool,
}

/// An eviction of a token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HolderEvicted {
    /// The mint of the token.
    pub mint: Address,
    /// The index of the leaf.
    pub index: LeafIndex,
}

/// Leaves at the end of a tree.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeavesAppended {
    /// The index of the first leaf.
    pub first_index: LeafIndex,
    /// The leaves, ordered by index.
    pub leaves: Vec<Leaf>,
}

/// A replaced leaf.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LeafReplaced {
    /// The index of the leaf.
    pub index: LeafIndex,
    /// The leaf before the change.
    pub old_leaf: Leaf,
    /// The leaf after the change. The empty leaf if it was removed.
    pub new_leaf: Leaf,
}

/// A new root of a registry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MerkleRootUpdated {
    /// The registry account.
    pub registry: Address,
    /// The sequence of the registry after the change.
    pub sequence: Sequence,
    /// The new root.
    pub root: Root,
    /// The time from which the registry refuses the replaced root, in Unix seconds. `None` if it
    /// does not keep the root.
    pub replaced_root_expires_at: Option<i64>,
}

/// A new scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScopeCreated {
    /// The scope account.
    pub scope: Address,
    /// The field element from which nullifiers are derived.
    pub scope_element: Scope,
    /// The creator of the scope.
    pub creator: Address,
    /// The number that the creator gave the scope.
    pub nonce: u64,
    /// The registry account.
    pub registry: Address,
    /// The circuit account.
    pub circuit: Address,
    /// The auxiliary registry, if the scope has one.
    pub auxiliary_registry: Option<Address>,
    /// The gate, if the scope has one.
    pub gate: Option<Address>,
    /// The roots that the scope accepts.
    pub mode: ScopeMode,
    /// The root of a snapshot. `None` in a live scope.
    pub root: Option<Root>,
    /// The only claim that the scope accepts. `None`: any claim.
    pub required_claim: Option<FieldElement>,
    /// The time at which the scope opens, in Unix seconds.
    pub opens_at: i64,
    /// The time from which the scope refuses verifications, in Unix seconds.
    pub closes_at: i64,
}

/// An accepted proof.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OwnershipVerified {
    /// The scope account.
    pub scope: Address,
    /// The root of the proof.
    pub root: Root,
    /// The claim of the proof.
    pub claim: Claim,
    /// The nullifier of the proof.
    pub nullifier: Nullifier,
}

impl Event {
    /// The names of all events.
    pub const NAMES: [&str; 17] = [
        "CircuitRegistered",
        "CircuitStatusChanged",
        "CollectionAdded",
        "ConfigChanged",
        "HolderEvicted",
        "HolderRegistered",
        "LeafReplaced",
        "LeavesAppended",
        "MerkleRootUpdated",
        "NullifierReclaimed",
        "OwnershipVerified",
        "RegistryCreated",
        "RegistrySealed",
        "ReuseRefused",
        "RootPublished",
        "ScopeClosed",
        "ScopeCreated",
    ];

    /// Returns the scope that the event is about.
    #[must_use]
    pub const fn scope(&self) -> Option<Address> {
        match self {
            Self::ScopeCreated(ScopeCreated { scope, .. })
            | Self::ScopeClosed { scope }
            | Self::OwnershipVerified(OwnershipVerified { scope, .. })
            | Self::NullifierReclaimed { scope, .. }
            | Self::ReuseRefused { scope, .. } => Some(*scope),
            Self::ConfigChanged(_)
            | Self::CircuitRegistered(_)
            | Self::CircuitStatusChanged(_)
            | Self::RegistryCreated(_)
            | Self::CollectionAdded(_)
            | Self::RegistrySealed { .. }
            | Self::TreeChanged(_)
            | Self::MerkleRootUpdated(_) => None,
        }
    }

    /// Returns the registry that the event names. Most events of scopes don't name theirs.
    #[must_use]
    pub const fn registry(&self) -> Option<Address> {
        match self {
            Self::RegistryCreated(RegistryCreated { registry, .. })
            | Self::CollectionAdded(CollectionAdded { registry, .. })
            | Self::RegistrySealed { registry }
            | Self::TreeChanged(TreeChange { registry, .. })
            | Self::MerkleRootUpdated(MerkleRootUpdated { registry, .. })
            | Self::ScopeCreated(ScopeCreated { registry, .. }) => Some(*registry),
            Self::ConfigChanged(_)
            | Self::CircuitRegistered(_)
            | Self::CircuitStatusChanged(_)
            | Self::ScopeClosed { .. }
            | Self::OwnershipVerified(_)
            | Self::NullifierReclaimed { .. }
            | Self::ReuseRefused { .. } => None,
        }
    }

    /// Returns the name that the program gives the event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ConfigChanged(_) => "ConfigChanged",
            Self::CircuitRegistered(_) => "CircuitRegistered",
            Self::CircuitStatusChanged(_) => "CircuitStatusChanged",
            Self::RegistryCreated(_) => "RegistryCreated",
            Self::CollectionAdded(_) => "CollectionAdded",
            Self::RegistrySealed { .. } => "RegistrySealed",
            Self::TreeChanged(change) => change.kind.name(),
            Self::MerkleRootUpdated(_) => "MerkleRootUpdated",
            Self::ScopeCreated(_) => "ScopeCreated",
            Self::ScopeClosed { .. } => "ScopeClosed",
            Self::OwnershipVerified(_) => "OwnershipVerified",
            Self::NullifierReclaimed { .. } => "NullifierReclaimed",
            Self::ReuseRefused { .. } => "ReuseRefused",
        }
    }
}

impl TreeChangeKind {
    /// Returns the name that the program gives the event.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::HolderRegistered(_) => "HolderRegistered",
            Self::HolderEvicted(_) => "HolderEvicted",
            Self::LeavesAppended(_) => "LeavesAppended",
            Self::LeafReplaced(_) => "LeafReplaced",
            Self::RootPublished { .. } => "RootPublished",
        }
    }
}
