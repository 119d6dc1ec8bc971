use crate::{Commitment, EntryId, FieldElement, Nullifier, Scope, hash_to_field, poseidon};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A member's master secret: 32 random bytes, kept encrypted by their owner, wiped from memory when dropped.
/// It has no `Debug`, `Display` or serialisation on purpose.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterSecret([u8; 32]);

impl MasterSecret {
    /// A fresh one.
    pub fn random(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Takes over existing bytes, and wipes the caller's.
    #[must_use]
    pub fn from_bytes(bytes: &mut [u8; 32]) -> Self {
        let secret = Self(*bytes);
        bytes.zeroize();
        secret
    }

    /// `hash_to_field("bauta/secret/1", master, registry, entry_id)`: one master never shows the same commitment twice.
    #[must_use]
    pub fn identity(&self, registry: &[u8; 32], entry_id: EntryId) -> IdentitySecret {
        IdentitySecret(hash_to_field("bauta/secret/1", [&self.0, registry, entry_id.0.as_bytes()]).to_bytes())
    }
}

/// The secret of one entry in one registry; a canonical field element, wiped from memory when dropped.
/// It has no `Debug`, `Display` or serialisation on purpose.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct IdentitySecret([u8; 32]);

impl IdentitySecret {
    /// Takes over 32 big-endian bytes, and wipes the caller's; refused unless canonical.
    pub fn from_bytes(bytes: &mut [u8; 32]) -> Result<Self, crate::PrimitivesError> {
        let checked = FieldElement::from_bytes("secret", *bytes).map(|element| Self(element.to_bytes()));
        bytes.zeroize();
        checked
    }

    /// The big-endian bytes, for the witness. Whoever copies them has to wipe the copy.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// `Poseidon1(secret)`.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        Commitment(poseidon::hash([self.element()]))
    }

    /// `Poseidon3(secret, entry_id, scope)`.
    #[must_use]
    pub fn nullifier(&self, entry_id: EntryId, scope: Scope) -> Nullifier {
        Nullifier(poseidon::hash([self.element(), entry_id.0, scope.0]))
    }

    fn element(&self) -> FieldElement {
        FieldElement::from_canonical(self.0)
    }
}
