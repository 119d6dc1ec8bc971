use crate::field::field_newtype;
use crate::{FieldElement, hash_to_field, poseidon};

field_newtype! {
    /// The hash of a member's secret in a leaf: `Poseidon1(secret)`. It is public.
    Commitment, "commitment"
}
field_newtype! {
    /// The identifier of an entry in a registry. In a registry of holders it is derived from the
    /// mint: see [`EntryId::of_mint`].
    EntryId, "entry_id"
}
field_newtype! {
    /// The field element in a leaf that holds what the leaf says. The leaf format of the statement
    /// defines its contents. For the statement `ownership` it is the track.
    Attributes, "attributes"
}
field_newtype! {
    /// A member's entry in a registry tree: `Poseidon3(commitment, entry_id, attributes)`. The
    /// empty leaf is zero.
    Leaf, "leaf"
}
field_newtype! {
    /// The root of a registry tree: the hash at its top.
    Root, "root"
}
field_newtype! {
    /// The value that marks an entry as used in a scope: `Poseidon3(secret, entry_id, scope)`. It
    /// is the same for every proof of the entry in the scope. Nullifiers of different scopes can't
    /// be linked.
    Nullifier, "nullifier"
}
field_newtype! {
    /// A domain of nullifiers: one scope account of one program on one cluster.
    Scope, "scope"
}
field_newtype! {
    /// The public value that a proof shows. For the statement `ownership` it is the track.
    Claim, "claim"
}

impl EntryId {
    /// Derives the entry of a token in a registry of holders:
    /// `hash_to_field("bauta/mint/1", mint)`.
    #[must_use]
    pub fn of_mint(mint: &[u8; 32]) -> Self {
        Self(hash_to_field("bauta/mint/1", [mint]))
    }
}

impl Leaf {
    /// The empty leaf: zero.
    pub const EMPTY: Self = Self(FieldElement::ZERO);

    /// Computes a member's leaf: `Poseidon3(commitment, entry_id, attributes)`.
    #[must_use]
    pub fn of(commitment: Commitment, entry_id: EntryId, attributes: Attributes) -> Self {
        Self(poseidon::hash([commitment.0, entry_id.0, attributes.0]))
    }
}

impl Attributes {
    /// Returns the attributes of the statement `ownership`: the track of the token's collection.
    #[must_use]
    pub const fn of_track(track: u64) -> Self {
        Self(FieldElement::from_u64(track))
    }
}

impl Claim {
    /// Returns the claim of the statement `ownership`: the track.
    #[must_use]
    pub const fn of_track(track: u64) -> Self {
        Self(FieldElement::from_u64(track))
    }

    /// Computes the claim of a scope with an auxiliary registry:
    /// `Poseidon2(value, auxiliary_root)`.
    #[must_use]
    pub fn with_auxiliary_root(value: FieldElement, auxiliary_root: Root) -> Self {
        Self(poseidon::hash([value, auxiliary_root.0]))
    }
}

impl Scope {
    /// Derives the scope of an account:
    /// `hash_to_field("bauta/scope/1", cluster_tag, program_id, scope_account)`.
    ///
    /// A proof for one cluster, program and scope account is not accepted for any other.
    #[must_use]
    pub fn derive(cluster_tag: &[u8; 32], program_id: &[u8; 32], scope_account: &[u8; 32]) -> Self {
        Self(hash_to_field(
            "bauta/scope/1",
            [cluster_tag, program_id, scope_account],
        ))
    }
}
