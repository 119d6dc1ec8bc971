//! What a member puts together to prove ownership.

use bauta_primitives::tree::{Depth, LeafIndex, Siblings, root_from_path};
use bauta_primitives::{
    Attributes, Claim, Context, DigestParts, EntryId, IdentitySecret, Leaf, Nullifier, PrimitivesError, Root,
    Scope,
};

use crate::{ClientError, ReferenceTree};

/// Where a leaf is, and the path from it to a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipPath {
    /// The tree's depth.
    pub depth: Depth,
    /// The leaf's position.
    pub index: LeafIndex,
    /// Siblings from the leaf upwards, one element for each level.
    pub siblings: Vec<Siblings>,
}

impl MembershipPath {
    /// The path in a tree that is at hand whole.
    pub fn in_tree(tree: &ReferenceTree, index: u64) -> Result<Self, PrimitivesError> {
        Ok(Self {
            depth: tree.depth(),
            index: tree.depth().check_index(index)?,
            siblings: tree.path(index)?,
        })
    }

    /// The root above `leaf` by this path.
    pub fn root(&self, leaf: Leaf) -> Result<Root, PrimitivesError> {
        root_from_path(self.depth, self.index, leaf, &self.siblings)
    }
}

/// All that a prover of the `ownership` statement needs, and no more: the secret of one entry of one registry, never
/// the master secret. Whoever holds a request can prove in the member's stead for any recipient, so it has no `Debug` and
/// no serialisation, and the secret is wiped when the request is dropped.
pub struct OwnershipProofRequest {
    /// The secret behind the leaf's commitment.
    pub secret: IdentitySecret,
    /// Which entry of the registry the leaf is.
    pub entry_id: EntryId,
    /// The track in the leaf, which the proof shows.
    pub track: u64,
    /// The leaf's path.
    pub path: MembershipPath,
    /// The root that the path leads to, which the proof is made at.
    pub root: Root,
    /// The nullifier's domain, from the scope account.
    pub scope: Scope,
    /// Recipient, relayer, expiry and payload.
    pub context: Context,
}

impl OwnershipProofRequest {
    /// Puts a request together. `root` is one that the scope accepts; refused unless leaf and path lead to it, since no proof could be
    /// made then.
    pub fn assemble(
        secret: IdentitySecret,
        entry_id: EntryId,
        track: u64,
        path: MembershipPath,
        root: Root,
        scope: Scope,
        context: Context,
    ) -> Result<Self, ClientError> {
        let leaf = Leaf::of(secret.commitment(), entry_id, Attributes::of_track(track));
        let reached = path.root(leaf)?;
        if reached != root {
            return Err(ClientError::WrongPath { root, reached });
        }
        Ok(Self {
            secret,
            entry_id,
            track,
            path,
            root,
            scope,
            context,
        })
    }

    /// The use's nullifier.
    #[must_use]
    pub fn nullifier(&self) -> Nullifier {
        self.secret.nullifier(self.entry_id, self.scope)
    }

    /// What the proof will show.
    #[must_use]
    pub fn shown(&self) -> DigestParts {
        DigestParts {
            root: self.root,
            nullifier: self.nullifier(),
            scope: self.scope,
            claim: Claim::of_track(self.track),
            context: self.context,
        }
    }
}
