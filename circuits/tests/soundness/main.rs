//! Tests that no constraint is missing and that none is redundant.
//!
//! * Determinism: the inputs determine every other wire.
//! * Families: a witness that violates one constraint, with everything after it computed from the
//!   wrong value, is refused. Without the family of the constraint it is accepted.
//! * Mutation: without any single constraint, a witness with a wrong digest is accepted. So no
//!   constraint is redundant.

#[path = "../common/mod.rs"]
mod common;
mod system;

use std::collections::BTreeMap;

use ark_bn254::Fr;
use bauta_circuits::{
    Ownership,
    statement::{assign, r1cs},
};
use bauta_iden3::{R1cs, Unsatisfied};
use bauta_primitives::tree::Depth;
use common::{Member, rng};
use rayon::prelude::*;
use system::{DIGEST, Family, Solver, determined_wires, families};

/// The page that reports the results of these tests.
const PAGE: &str = include_str!("../../../docs/security-circuits.md");

const DEPTHS: [Depth; 2] = [Depth::Ten, Depth::Sixteen];

struct Subject {
    r1cs: R1cs,
    families: Vec<Family>,
    honest: Vec<Fr>,
    solver: Solver,
}

fn subject(depth: Depth) -> Subject {
    let statement = Ownership::new(depth);
    let r1cs = r1cs(&statement);
    let inputs = Member::random(depth, &mut rng(7)).inputs();
    let assignment = assign(&statement, &inputs, r1cs.wires as usize, r1cs.constraints.len()).unwrap();
    let honest = assignment.wires().to_vec();
    r1cs.is_satisfied(&honest).unwrap();
    Subject {
        families: families(&r1cs),
        solver: Solver::new(&r1cs, honest.clone()),
        r1cs,
        honest,
    }
}

#[test]
fn the_inputs_determine_every_other_wire() {
    for depth in DEPTHS {
        let subject = subject(depth);
        // The remaining constraints are checks. They are the bits of the position, two for each
        // level.
        let checks: Vec<Family> = determined_wires(&subject.r1cs)
            .iter()
            .zip(&subject.families)
            .filter_map(|(wire, family)| wire.is_none().then_some(*family))
            .collect();
        assert_eq!(checks, vec![Family::Boolean; 2 * depth.levels()]);
    }
}

#[test]
fn a_witness_that_violates_a_family_is_refused_and_is_accepted_without_the_family() {
    let subject = subject(Depth::Ten);
    for family in Family::ALL {
        let members: Vec<usize> = (0..subject.families.len())
            .filter(|i| subject.families[*i] == family)
            .collect();
        let mut without = subject.r1cs.clone();
        let mut index = 0;
        without.constraints.retain(|_| {
            index += 1;
            subject.families[index - 1] != family
        });
        for i in [members[0], members[members.len() / 2], members[members.len() - 1]] {
            let wrong = subject.solver.violate_only(i);
            let refusal = subject.r1cs.is_satisfied(&wrong);
            assert_eq!(
                refusal,
                Err(Unsatisfied::Constraint { constraint: i }),
                "{family:?}"
            );
            assert_eq!(without.is_satisfied(&wrong), Ok(()), "{family:?} {i}");
        }
    }
}

#[test]
fn without_any_single_constraint_a_wrong_digest_is_accepted() {
    for depth in DEPTHS {
        let subject = subject(depth);
        let redundant: Vec<usize> = (0..subject.r1cs.constraints.len())
            .into_par_iter()
            .filter(|i| {
                let wrong = subject.solver.violate_only(*i);
                // The witness has the same inputs, or an invalid position, and another digest.
                wrong[DIGEST as usize] == subject.honest[DIGEST as usize]
                    || violated(&subject.r1cs, &wrong) != [*i]
            })
            .collect();
        assert_eq!(redundant, Vec::<usize>::new());
    }
}

/// Returns all constraints that a witness violates.
fn violated(r1cs: &R1cs, z: &[Fr]) -> Vec<usize> {
    let rows = r1cs.evaluations(z).unwrap();
    let products = rows.a.iter().zip(&rows.b).map(|(a, b)| *a * b);
    products
        .zip(&rows.c)
        .enumerate()
        .filter_map(|(i, (product, c))| (product != *c).then_some(i))
        .collect()
}

fn count(families: &[Family]) -> BTreeMap<Family, usize> {
    let mut counts = BTreeMap::new();
    for family in families {
        *counts.entry(*family).or_insert(0) += 1;
    }
    counts
}

#[test]
fn families_have_the_sizes_that_follow_from_the_gadgets() {
    for depth in DEPTHS {
        let counts = count(&subject(depth).families);
        let levels = depth.levels();
        // These are the S-boxes of Poseidon1, Poseidon3 twice, Poseidon5, and one Poseidon4 for
        // each level.
        let s_boxes = 71 + 2 * 87 + 107 + 99 * levels;
        let expected = [
            (Family::Boolean, 2 * levels),
            (Family::Swap, 3 * levels),
            (Family::Square, s_boxes),
            (Family::Cube, s_boxes),
            (Family::Fifth, s_boxes),
            (Family::Expose, 1),
        ];
        assert_eq!(counts, BTreeMap::from(expected));
    }
}

#[test]
fn the_documentation_has_the_sizes_of_the_families() {
    let [ten, sixteen] = DEPTHS.map(|depth| count(&subject(depth).families));
    for family in Family::ALL {
        let row = PAGE
            .lines()
            .find(|line| line.starts_with(&format!("| {family:?} |")))
            .expect("the table has a row for the family");
        let sizes = format!("| {} | {} |", ten[&family], sixteen[&family]);
        assert!(
            row.contains(&sizes),
            "docs/security-circuits.md must contain {sizes} in: {row}"
        );
    }
}
