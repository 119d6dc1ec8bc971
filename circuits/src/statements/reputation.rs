use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, PrimeField};
use bauta_primitives::{
    Attributes, FieldElement, ProofInputs,
    statements::{SCORE_BITS, Salt, Score, ScoreClaim, TIME_BITS, tag},
    tree::Depth,
};

use crate::{
    CircuitsError,
    constraint_system::ConstraintSystem,
    field::to_ark,
    gadgets::{Member, Range, chain, constrain_boolean, tagged_poseidon},
    statement::{ClaimWires, Sample, Statement},
};

/// The leaf has a score of the member, and the score is at least or exactly the shown one.
///
/// The leaf's attributes are the hash of a [`Score`], and the claim is that of a [`ScoreClaim`].
/// The authority of the registry is trusted for the score.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reputation {
    depth: Depth,
}

/// The private inputs of [`Reputation`].
#[derive(Clone)]
pub struct ReputationInputs {
    /// The contents of the leaf.
    pub score: Score,
    /// What the proof shows.
    pub claim: ScoreClaim,
}

/// The wires of [`ReputationInputs`].
pub struct ReputationWires<E> {
    score: E,
    domain: E,
    issued_at: E,
    expires_at: E,
    salt: E,
    exact: E,
    shown: E,
    as_of: E,
    shown_bits: Range<E>,
    surplus_bits: Range<E>,
    age_bits: Range<E>,
    remaining_bits: Range<E>,
}

impl Reputation {
    /// Creates the statement for registries of this depth.
    #[must_use]
    pub const fn new(depth: Depth) -> Self {
        Self { depth }
    }
}

impl Statement for Reputation {
    const NAME: &'static str = "reputation";
    const VERSION: u16 = 1;
    const LEAF_FORMAT: u16 = Score::LEAF_FORMAT;

    type Private = ReputationInputs;
    type Wires<E> = ReputationWires<E>;

    fn depth(&self) -> Depth {
        self.depth
    }

    fn sample(&self) -> Sample<ReputationInputs> {
        let domain = FieldElement::from_u64(3);
        let salt = Salt::from_bytes(&mut FieldElement::from_u64(4).to_bytes()).expect("4 is canonical");
        let score = Score::new(750_000, domain, 1_700_000_000, 1_707_776_000, salt);
        let score = score.expect("the values are in their ranges");
        let claim = ScoreClaim {
            exact: false,
            shown: 500_000,
            domain,
            as_of: 1_703_000_000,
        };
        Sample {
            attributes: score.attributes(),
            claim: claim.claim(),
            private: ReputationInputs { score, claim },
        }
    }

    fn input<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        _attributes: Attributes,
        ReputationInputs { score, claim }: &ReputationInputs,
    ) -> ReputationWires<C::Expression> {
        let surplus = score.score().wrapping_sub(claim.shown);
        let age = claim.as_of.wrapping_sub(score.issued_at());
        let remaining = score.expires_at().wrapping_sub(claim.as_of).wrapping_sub(1);
        ReputationWires {
            score: cs.input(score.score().into()),
            domain: cs.input(to_ark(score.domain())),
            issued_at: cs.input(score.issued_at().into()),
            expires_at: cs.input(score.expires_at().into()),
            salt: cs.input(Fr::from_be_bytes_mod_order(score.salt().expose())),
            exact: cs.input(claim.exact.into()),
            shown: cs.input(claim.shown.into()),
            as_of: cs.input(claim.as_of.into()),
            shown_bits: Range::input(cs, claim.shown.into(), SCORE_BITS),
            surplus_bits: Range::input(cs, surplus.into(), SCORE_BITS),
            age_bits: Range::input(cs, age.into(), TIME_BITS),
            remaining_bits: Range::input(cs, remaining.into(), TIME_BITS),
        }
    }

    /// Computes `Poseidon6(T(score), score, domain, issued_at, expires_at, salt)`.
    fn attributes<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        wires: &ReputationWires<C::Expression>,
    ) -> C::Expression {
        let contents = [
            &wires.score,
            &wires.domain,
            &wires.issued_at,
            &wires.expires_at,
            &wires.salt,
        ];
        chain(cs, to_ark(tag("bauta/score/1")), &contents.map(Clone::clone))
    }

    /// Constrains `shown`, `score - shown`, `as_of - issued_at` and `expires_at - as_of - 1` to their
    /// ranges, and `score` to `shown` if `exact` is 1. Computes `Poseidon5(T(reputation), exact,
    /// shown, domain, as_of)`. It takes 440 constraints.
    fn predicate<C: ConstraintSystem>(
        &self,
        cs: &mut C,
        _member: &Member<C::Expression>,
        wires: &ReputationWires<C::Expression>,
    ) -> ClaimWires<C::Expression> {
        wires.shown_bits.constrain(cs, &wires.shown);
        wires.surplus_bits.constrain_order(cs, &wires.shown, &wires.score);
        wires.age_bits.constrain_order(cs, &wires.issued_at, &wires.as_of);
        let after = cs.add_constant(&wires.as_of, Fr::ONE);
        wires
            .remaining_bits
            .constrain_order(cs, &after, &wires.expires_at);
        constrain_boolean(cs, &wires.exact);
        let surplus = cs.subtract(&wires.score, &wires.shown);
        let zero = cs.constant(Fr::ZERO);
        cs.enforce(&surplus, &wires.exact, &zero);
        let shown = [&wires.exact, &wires.shown, &wires.domain, &wires.as_of];
        let tag = to_ark(tag("bauta/reputation/1"));
        ClaimWires {
            value: tagged_poseidon::<C, 5>(cs, tag, &shown.map(Clone::clone)),
            auxiliary_root: None,
        }
    }

    fn check(&self, inputs: &ProofInputs<ReputationInputs>) -> Result<(), CircuitsError> {
        let ReputationInputs { score, claim } = &inputs.private;
        if score.attributes() != inputs.attributes {
            return Err(CircuitsError::WrongAttributes);
        }
        claim.check(score)?;
        if claim.claim() == inputs.claim {
            Ok(())
        } else {
            Err(CircuitsError::WrongClaim {
                rule: "reputation claims Poseidon5(T(reputation), exact, shown, domain, as_of)",
            })
        }
    }
}
