use crate::field::field_newtype;
use crate::{Claim, Context, Nullifier, Root, Scope, poseidon};

field_newtype! {
    /// The one public input of every proof.
    Digest, "digest"
}

/// What a proof shows; changing any of these voids it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DigestParts {
    /// The registry's root that the membership is shown at.
    pub root: Root,
    /// The use's nullifier.
    pub nullifier: Nullifier,
    /// The nullifier's domain.
    pub scope: Scope,
    /// The statement's public claim.
    pub claim: Claim,
    /// Recipient, relayer, expiry and payload.
    pub context: Context,
}

impl Digest {
    /// `Poseidon5(root, nullifier, scope, claim, context)`.
    #[must_use]
    pub fn of(parts: &DigestParts) -> Self {
        Self(poseidon::hash([
            parts.root.0,
            parts.nullifier.0,
            parts.scope.0,
            parts.claim.0,
            parts.context.0,
        ]))
    }
}
