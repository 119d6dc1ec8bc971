use bauta_primitives::{Attributes, Claim, ProofInputs, tree::Depth};

use crate::{
    CircuitsError,
    constraint_system::ConstraintSystem,
    field::to_ark,
    gadgets::Member,
    statement::{ClaimWires, Sample, Statement},
};

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
    /// The attributes.
    type Wires<E> = E;

    fn depth(&self) -> Depth {
        self.depth
    }

    fn sample(&self) -> Sample<()> {
        Sample {
            attributes: Attributes::of_track(4),
            private: (),
            claim: Claim::of_track(4),
        }
    }

    fn input<C: ConstraintSystem>(&self, cs: &mut C, attributes: Attributes, (): &()) -> C::Expression {
        cs.input(to_ark(attributes.element()))
    }

    fn attributes<C: ConstraintSystem>(&self, _cs: &mut C, attributes: &C::Expression) -> C::Expression {
        attributes.clone()
    }

    /// Returns the wire of the attributes as the claim. This needs no constraint.
    fn predicate<C: ConstraintSystem>(
        &self,
        _cs: &mut C,
        member: &Member<C::Expression>,
        _attributes: &C::Expression,
    ) -> ClaimWires<C::Expression> {
        ClaimWires {
            value: member.attributes.clone(),
            auxiliary_root: None,
        }
    }

    fn check(&self, inputs: &ProofInputs) -> Result<(), CircuitsError> {
        if inputs.claim.element() == inputs.attributes.element() {
            Ok(())
        } else {
            Err(CircuitsError::WrongClaim {
                rule: "ownership claims the track that the leaf's attributes are",
            })
        }
    }
}
