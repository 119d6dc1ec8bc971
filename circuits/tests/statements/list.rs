//! Tests of every statement in the list.

use bauta_circuits::{
    Statement,
    constraint_system::{ConstraintSystem, Matrices},
    gadgets::Membership,
    statement::{assign, r1cs, sample_inputs},
    statements::{NAMES, Visitor, visit_all},
};
use bauta_primitives::tree::Depth;

struct CheckSample;

impl Visitor for CheckSample {
    type Output = (&'static str, u8);

    fn visit<S: Statement>(&mut self, statement: S) -> (&'static str, u8) {
        let r1cs = r1cs(&statement);
        let inputs = sample_inputs(&statement);
        let assignment = assign(&statement, &inputs, r1cs.wires as usize, r1cs.constraints.len()).unwrap();
        r1cs.is_satisfied(assignment.wires()).unwrap();
        // A name fits the program's account.
        assert!((1..=32).contains(&S::NAME.len()));
        (S::NAME, statement.depth() as u8)
    }
}

#[test]
fn every_statement_at_each_depth_accepts_its_sample() {
    let expected: Vec<_> = NAMES.iter().flat_map(|name| [(*name, 10), (*name, 16)]).collect();
    assert_eq!(visit_all(&mut CheckSample), expected);
}

struct HasAuxiliaryRoot;

impl Visitor for HasAuxiliaryRoot {
    type Output = (&'static str, bool, bool);

    fn visit<S: Statement>(&mut self, statement: S) -> Self::Output {
        let cs = &mut Matrices::default();
        let inputs = sample_inputs(&statement);
        let (membership, wires) = Membership::input(cs, &inputs, |cs| {
            statement.input(cs, inputs.attributes, &inputs.private)
        });
        let attributes = statement.attributes(cs, &wires);
        let member = membership.member(cs, attributes);
        let claim = statement.predicate(cs, &member, &wires);
        cs.expose(&claim.value);
        (S::NAME, S::AUXILIARY_FORMAT != 0, claim.auxiliary_root.is_some())
    }
}

/// Without the auxiliary root in the claim, a prover could choose another root. With it, `verify`
/// needs the format to demand an auxiliary registry.
#[test]
fn a_statement_has_an_auxiliary_format_exactly_if_its_claim_includes_an_auxiliary_root() {
    for (name, has_format, has_root) in visit_all(&mut HasAuxiliaryRoot) {
        assert_eq!(has_format, has_root, "{name}");
    }
}

struct LevelsOnly;

impl Visitor for LevelsOnly {
    type Output = (&'static str, usize);

    fn visit<S: Statement>(&mut self, statement: S) -> (&'static str, usize) {
        let levels = statement.depth().levels();
        (S::NAME, r1cs(&statement).constraints.len() - 302 * levels)
    }
}

#[test]
fn the_depths_of_a_statement_differ_by_levels_only() {
    for pair in visit_all(&mut LevelsOnly).chunks(2) {
        assert_eq!(pair[0], pair[1]);
    }
    assert_eq!(Depth::Ten.levels() + 6, Depth::Sixteen.levels());
}
