use bauta_primitives::{Attributes, Claim, tree::Depth};

use crate::{CircuitsError, constraint_system::ConstraintSystem, statement::Statement};

/// The prover knows the secret of a leaf and shows the track of the leaf's token.
///
/// The leaf's attributes are the track, and the claim is the same track. In a registry of holders,
/// the token was held when its leaf was registered, and the leaf had not been evicted at the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    depth: Depth,
}

impl Ownership {
    /// Creates the statement for registries of this depth.
    #[must_use]
    pub const fn new(depth: Depth) -> Self {
        Self { depth }
    }
}

impl Statement for Ownership {
    const NAME: &'static str = "ownership";
    const VERSION: u16 = 1;
    const LEAF_FORMAT: u16 = 1;

    type Private = ();

    fn depth(&self) -> Depth {
        self.depth
    }

    fn blank(&self) {}

    /// Returns the wire of the attributes as the claim. This needs no constraint.
    fn predicate<C: ConstraintSystem>(
        &self,
        _cs: &mut C,
        attributes: &C::Expression,
        (): &(),
    ) -> C::Expression {
        attributes.clone()
    }

    fn check_claim(&self, claim: Claim, attributes: Attributes, (): &()) -> Result<(), CircuitsError> {
        if claim.element() == attributes.element() {
            Ok(())
        } else {
            Err(CircuitsError::WrongClaim {
                rule: "ownership claims the track that the leaf's attributes are",
            })
        }
    }
}
