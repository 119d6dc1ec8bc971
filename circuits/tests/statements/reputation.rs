//! Tests of `reputation`.

use bauta_circuits::{CircuitsError, Reputation, Statement};
use bauta_primitives::{
    Attributes, Claim, FieldElement,
    statements::{Salt, Score, ScoreClaim},
    tree::Depth,
};

use super::{
    assert_agree, assert_proves,
    common::{element, rng},
    presentations::{NOW, reputation, score, threshold},
    r1cs_of, refusal,
};

const TEN: Reputation = Reputation::new(Depth::Ten);

/// A change of a claim, and the error that it causes.
type Change = (fn(&mut ScoreClaim), &'static str);

#[test]
fn scores_satisfy_the_constraints_and_agree_with_the_plain_code() {
    for (statement, constraints) in [(TEN, 4_868), (Reputation::new(Depth::Sixteen), 6_680)] {
        let r1cs = r1cs_of(&statement, constraints);
        let rng = &mut rng(41);
        // Score, shown, exact, and the time since issue and until expiry.
        let cases = [
            (750_000, 500_000, false, 100, 100),
            (750_000, 750_000, false, 0, 1),
            (750_000, 750_000, true, 0, 1),
            (0, 0, true, 100, 100),
            (0, 0, false, NOW, 1),
            ((1 << 20) - 1, 0, false, 100, (1 << 40) - 1 - NOW),
            ((1 << 20) - 1, (1 << 20) - 1, true, 100, 100),
        ];
        for (value, shown, exact, age, remaining) in cases {
            let score =
                Score::new(value, element(rng), NOW - age, NOW + remaining, Salt::random(rng)).unwrap();
            let claim = ScoreClaim {
                exact,
                shown,
                domain: score.domain(),
                as_of: NOW,
            };
            assert_agree(
                &statement,
                &r1cs,
                &reputation(statement.depth(), score, claim, rng),
            );
        }
    }
}

#[test]
fn claims_that_do_not_follow_from_the_score_are_refused_with_field_and_rule() {
    let rng = &mut rng(42);
    let claim = |score: &Score| ScoreClaim {
        exact: false,
        shown: 500_000,
        domain: score.domain(),
        as_of: NOW,
    };
    let changes: [Change; 8] = [
        (
            |claim| claim.shown = 750_001,
            "shown must not be greater than the score",
        ),
        (|claim| claim.shown = 1 << 20, "shown must be below 2^20"),
        (
            |claim| claim.exact = true,
            "shown must be the score if exact is true",
        ),
        (
            |claim| claim.as_of = NOW - 101,
            "as_of must not be earlier than issued_at",
        ),
        (
            |claim| claim.as_of = NOW + 100,
            "as_of must be earlier than expires_at: the score has expired",
        ),
        (
            |claim| claim.as_of = 1 << 40,
            "as_of must be Unix seconds below 2^40",
        ),
        (
            |claim| claim.as_of = u64::MAX,
            "as_of must be Unix seconds below 2^40",
        ),
        (
            |claim| claim.domain = FieldElement::ZERO,
            "domain must be the domain of the score",
        ),
    ];
    for (change, expected) in changes {
        let score = score(rng);
        let mut claim = claim(&score);
        change(&mut claim);
        let error = refusal(&TEN, &reputation(Depth::Ten, score, claim, rng));
        assert!(matches!(error, CircuitsError::Private(_)), "{error}");
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_leaf_with_other_contents_and_another_claim_are_refused() {
    let rng = &mut rng(43);
    let mut inputs = threshold(Depth::Ten, rng);
    inputs.attributes = Attributes::new(element(rng));
    inputs.root = inputs.path.root(inputs.leaf());
    assert!(matches!(refusal(&TEN, &inputs), CircuitsError::WrongAttributes));
    let mut inputs = threshold(Depth::Ten, rng);
    inputs.claim = Claim::new(element(rng));
    assert!(matches!(refusal(&TEN, &inputs), CircuitsError::WrongClaim { .. }));
    // The leaf of another statement with the same attributes is another leaf.
    let mut inputs = threshold(Depth::Ten, rng);
    inputs.root = bauta_primitives::Root::new(element(rng));
    assert!(matches!(refusal(&TEN, &inputs), CircuitsError::WrongRoot));
}

#[test]
fn a_proof_of_a_threshold_holds_for_its_digest_alone() {
    assert_proves(TEN, &threshold(Depth::Ten, &mut rng(44)));
}
