use crate::tree::MembershipPath;
use crate::{
    Attributes, Claim, Context, EntryId, IdentitySecret, Leaf, Nullifier, PrimitivesError, PublicInputs,
    Root, Scope,
};

/// The inputs of one proof, public and private. `P` holds what a statement needs in addition; the
/// statement `ownership` needs nothing.
///
/// Anyone who holds these values can prove in the member's place, for any recipient. The type
/// therefore has no `Debug` and no serialisation, and the secret is wiped from memory when the
/// value is dropped. It holds the secret of one entry in one registry, never the master secret.
pub struct ProofInputs<P = ()> {
    /// The secret whose commitment is in the leaf.
    pub secret: IdentitySecret,
    /// The entry that the leaf is about.
    pub entry_id: EntryId,
    /// The leaf's attributes.
    pub attributes: Attributes,
    /// The path from the leaf to the root.
    pub path: MembershipPath,
    /// The root to prove membership at. A scope accepts only certain roots.
    pub root: Root,
    /// The domain of the nullifier.
    pub scope: Scope,
    /// The public value to show.
    pub claim: Claim,
    /// The hash of recipient, relayer, expiry and payload.
    pub context: Context,
    /// The statement's own private inputs.
    pub private: P,
}

impl<P> ProofInputs<P> {
    /// Returns the same inputs with another claim and with a statement's own private inputs.
    #[must_use]
    pub fn with<Q>(self, claim: Claim, private: Q) -> ProofInputs<Q> {
        ProofInputs {
            secret: self.secret,
            entry_id: self.entry_id,
            attributes: self.attributes,
            path: self.path,
            root: self.root,
            scope: self.scope,
            claim,
            context: self.context,
            private,
        }
    }

    /// Computes the member's leaf.
    #[must_use]
    pub fn leaf(&self) -> Leaf {
        Leaf::of(self.secret.commitment(), self.entry_id, self.attributes)
    }

    /// Computes the nullifier of the entry in the scope.
    #[must_use]
    pub fn nullifier(&self) -> Nullifier {
        self.secret.nullifier(self.entry_id, self.scope)
    }

    /// Returns the five values that the proof will show.
    #[must_use]
    pub fn public(&self) -> PublicInputs {
        PublicInputs {
            root: self.root,
            nullifier: self.nullifier(),
            scope: self.scope,
            claim: self.claim,
            context: self.context,
        }
    }

    /// Checks that the path leads from the leaf to the root. Without this, no proof exists.
    ///
    /// # Errors
    /// [`PrimitivesError::WrongRoot`], which names both roots.
    pub fn check_path(&self) -> Result<(), PrimitivesError> {
        let reached = self.path.root(self.leaf());
        if reached == self.root {
            Ok(())
        } else {
            Err(PrimitivesError::WrongRoot {
                root: self.root,
                reached,
            })
        }
    }
}
