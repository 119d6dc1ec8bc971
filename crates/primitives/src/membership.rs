use crate::field::field_newtype;
use crate::{FieldElement, hash_to_field, poseidon};

field_newtype! {
    /// `Poseidon1(secret)`: what a member publishes of an identity secret.
    Commitment, "commitment"
}
field_newtype! {
    /// Which entry of a registry this is. In a holder registry it is derived from the mint, see [`EntryId::of_mint`].
    EntryId, "entry_id"
}
field_newtype! {
    /// What a leaf says besides its commitment; the statement's leaf format gives the meaning (ownership: the track).
    Attributes, "attributes"
}
field_newtype! {
    /// `Poseidon3(commitment, entry_id, attributes)`: a member of a registry. Zero is the empty leaf.
    Leaf, "leaf"
}
field_newtype! {
    /// The root of a registry tree.
    Root, "root"
}
field_newtype! {
    /// `Poseidon3(secret, entry_id, scope)`: shown once a scope; unlinkable across scopes.
    Nullifier, "nullifier"
}
field_newtype! {
    /// The domain of nullifiers: one cluster, one program, one scope account.
    Scope, "scope"
}
field_newtype! {
    /// What the statement shows publicly (ownership: the track id).
    Claim, "claim"
}

impl EntryId {
    /// `hash_to_field("bauta/mint/1", mint)`: the entry of a token in a holder registry.
    #[must_use]
    pub fn of_mint(mint: &[u8; 32]) -> Self {
        Self(hash_to_field("bauta/mint/1", [mint]))
    }
}

impl Leaf {
    /// The empty leaf.
    pub const EMPTY: Self = Self(FieldElement::ZERO);

    /// The leaf of a member.
    #[must_use]
    pub fn of(commitment: Commitment, entry_id: EntryId, attributes: Attributes) -> Self {
        Self(poseidon::hash([commitment.0, entry_id.0, attributes.0]))
    }
}

impl Attributes {
    /// Ownership's attributes: the track that the token gives access to.
    #[must_use]
    pub const fn of_track(track: u64) -> Self {
        Self(FieldElement::from_u64(track))
    }
}

impl Claim {
    /// Ownership's claim: the track id.
    #[must_use]
    pub const fn of_track(track: u64) -> Self {
        Self(FieldElement::from_u64(track))
    }

    /// `Poseidon2(value, auxiliary_root)`: the claim of a scope that has an auxiliary registry.
    #[must_use]
    pub fn with_auxiliary_root(value: FieldElement, auxiliary_root: Root) -> Self {
        Self(poseidon::hash([value, auxiliary_root.0]))
    }
}

impl Scope {
    /// `hash_to_field("bauta/scope/1", cluster_tag, program_id, scope_account)`: a proof made for one cluster, program
    /// and scope is void on every other.
    #[must_use]
    pub fn derive(cluster_tag: &[u8; 32], program_id: &[u8; 32], scope_account: &[u8; 32]) -> Self {
        Self(hash_to_field(
            "bauta/scope/1",
            [cluster_tag, program_id, scope_account],
        ))
    }
}
