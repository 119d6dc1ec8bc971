use crate::field::field_newtype;
use crate::{Claim, Context, Nullifier, PrimitivesError, Root, Scope, poseidon};

field_newtype! {
    /// The Poseidon hash of [`PublicInputs`]: the only public input of every proof.
    Digest, "digest"
}

/// The five values that a proof shows. A proof holds for these values and for no others.
///
/// With the feature `serde`, the JSON form is an object with these five names. Other names are
/// refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub struct PublicInputs {
    /// The root that the leaf is under.
    pub root: Root,
    /// The value that marks the entry as used in the scope.
    pub nullifier: Nullifier,
    /// The domain of the nullifier.
    pub scope: Scope,
    /// The public value that the statement derives from the leaf's attributes.
    pub claim: Claim,
    /// The hash of recipient, relayer, expiry and payload.
    pub context: Context,
}

impl PublicInputs {
    /// The length of the binary form in bytes.
    pub const LENGTH: usize = 5 * 32;

    /// Computes the digest: `Poseidon5(root, nullifier, scope, claim, context)`.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(poseidon::hash([
            self.root.0,
            self.nullifier.0,
            self.scope.0,
            self.claim.0,
            self.context.0,
        ]))
    }

    /// Returns the binary form: the five values in the order of the fields, 32 big-endian bytes
    /// each.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::LENGTH] {
        let values = [
            self.root.0,
            self.nullifier.0,
            self.scope.0,
            self.claim.0,
            self.context.0,
        ];
        let mut bytes = [0; Self::LENGTH];
        for (chunk, value) in bytes.chunks_exact_mut(32).zip(&values) {
            chunk.copy_from_slice(value.as_bytes());
        }
        bytes
    }

    /// Reads the binary form. Returns an error that names the first value that isn't canonical.
    pub fn from_bytes(bytes: &[u8; Self::LENGTH]) -> Result<Self, PrimitivesError> {
        let value = |index: usize| -> [u8; 32] { core::array::from_fn(|i| bytes[32 * index + i]) };
        Ok(Self {
            root: Root::from_bytes(value(0))?,
            nullifier: Nullifier::from_bytes(value(1))?,
            scope: Scope::from_bytes(value(2))?,
            claim: Claim::from_bytes(value(3))?,
            context: Context::from_bytes(value(4))?,
        })
    }
}
