use bauta_primitives::{Attributes, Claim, tree::Depth};

use crate::{CircuitsError, constraint_system::ConstraintSystem, statement::Statement};

/// Somebody who knows the secret of a leaf shows the track that its token gives access to.
///
/// The leaf's attributes are the track id, and the claim is the same track id. At the root, a leaf with that claim
/// belonged to somebody who knows its secret: in a holder registry, the token was held when its leaf was registered
/// and had not been evicted by that root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ownership {
    depth: Depth,
}

impl Ownership {
    /// Ownership in a registry of this depth.
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

    /// The claim is the attributes' own wire, so there is nothing to constrain.
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
