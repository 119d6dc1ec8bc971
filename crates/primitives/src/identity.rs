use crate::{Commitment, EntryId, FieldElement, Nullifier, Scope, hash_to_field, poseidon};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A member's master secret: 32 random bytes. The member stores it encrypted.
///
/// The value is wiped from memory when it is dropped. The type deliberately has no `Debug`, no
/// `Display` and no serialisation.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct MasterSecret([u8; 32]);

impl MasterSecret {
    /// Generates a new master secret.
    pub fn random(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// Moves the bytes of an existing secret into the new value and wipes `bytes`.
    #[must_use]
    pub fn from_bytes(bytes: &mut [u8; 32]) -> Self {
        let secret = Self(*bytes);
        bytes.zeroize();
        secret
    }

    /// Derives a secret of one entry in one registry.
    ///
    /// `counter` is the number of times that the member has replaced the entry's secret. For 0 the
    /// secret is `hash_to_field("bauta/secret/1", master, registry, entry_id)`. For all other
    /// counters it is `hash_to_field("bauta/secret/2", master, registry, entry_id, counter)`, with
    /// the counter as 4 big-endian bytes.
    ///
    /// Every entry, registry and counter has its own secret. A member who must replace a secret,
    /// for example because a delegated prover has seen it, registers the commitment of the next
    /// counter and keeps the master secret.
    #[must_use]
    pub fn identity(&self, registry: &[u8; 32], entry_id: EntryId, counter: u32) -> IdentitySecret {
        let entry_id = entry_id.0.as_bytes();
        let secret = if counter == 0 {
            hash_to_field("bauta/secret/1", [&self.0, registry, entry_id])
        } else {
            let counter = counter.to_be_bytes();
            hash_to_field("bauta/secret/2", [&self.0, registry, entry_id, &counter])
        };
        IdentitySecret(secret.to_bytes())
    }
}

/// A secret of one entry in one registry: a canonical field element.
///
/// The value is wiped from memory when it is dropped. The type deliberately has no `Debug`, no
/// `Display` and no serialisation.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct IdentitySecret([u8; 32]);

impl IdentitySecret {
    /// Moves 32 big-endian bytes into the new value and wipes `bytes`, also in the case of an
    /// error.
    ///
    /// # Errors
    /// If the bytes are not canonical.
    pub fn from_bytes(bytes: &mut [u8; 32]) -> Result<Self, crate::PrimitivesError> {
        let checked = FieldElement::from_bytes("secret", *bytes).map(|element| Self(element.to_bytes()));
        bytes.zeroize();
        checked
    }

    /// Borrows the big-endian bytes, for the witness. A caller that copies them must wipe the copy.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// Computes the commitment: `Poseidon1(secret)`.
    #[must_use]
    pub fn commitment(&self) -> Commitment {
        Commitment(poseidon::hash([self.element()]))
    }

    /// Computes the nullifier: `Poseidon3(secret, entry_id, scope)`.
    #[must_use]
    pub fn nullifier(&self, entry_id: EntryId, scope: Scope) -> Nullifier {
        Nullifier(poseidon::hash([self.element(), entry_id.0, scope.0]))
    }

    fn element(&self) -> FieldElement {
        FieldElement::from_canonical(self.0)
    }
}
