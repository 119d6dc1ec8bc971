use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::{FieldElement, PrimitivesError};

/// A random field element in the attributes of a leaf. Without it, a party that guesses the other
/// fields could compare their hash with the leaf.
///
/// The value is wiped from memory when it is dropped. The type has no `Debug`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct Salt([u8; 32]);

impl Salt {
    /// Generates a salt of 253 random bits.
    pub fn random(rng: &mut (impl CryptoRng + RngCore)) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        bytes[0] &= 0x1f;
        Self(bytes)
    }

    /// Moves 32 big-endian bytes into the new value and wipes `bytes`, also in the case of an
    /// error.
    ///
    /// # Errors
    /// If the bytes are not canonical.
    pub fn from_bytes(bytes: &mut [u8; 32]) -> Result<Self, PrimitivesError> {
        let checked = FieldElement::from_bytes("salt", *bytes).map(|element| Self(element.to_bytes()));
        bytes.zeroize();
        checked
    }

    /// Borrows the big-endian bytes, for the witness. A caller that copies them must wipe the copy.
    #[must_use]
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) const fn element(&self) -> FieldElement {
        FieldElement::from_canonical(self.0)
    }
}
