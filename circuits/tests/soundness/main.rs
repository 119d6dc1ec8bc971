//! Tests that no constraint is missing and that none is redundant.
//!
//! * Determinism: the inputs determine every other wire.
//! * Families: a witness that violates one constraint, with everything after it computed from the
//!   wrong value, is refused. Without the family of the constraint it is accepted.
//! * Mutation: without any single constraint, a witness with a wrong digest is accepted. So no
//!   constraint is redundant.
//!
//! The attacks that violate each constraint on inputs are in `attacks.rs`.

mod attacks;
#[path = "../common/mod.rs"]
mod common;
#[path = "../common/presentations.rs"]
mod presentations;
mod ranges;
mod subject;
mod system;

use std::collections::BTreeMap;

use bauta_circuits::Ownership;
use bauta_iden3::Unsatisfied;
use bauta_primitives::tree::Depth;
use common::{Member, rng};
use rayon::prelude::*;
use subject::{Subject, violated};
use system::{DIGEST, Family, determined_wires};

/// The page that reports the results of these tests.
const PAGE: &str = include_str!("../../../docs/security-circuits.md");

const DEPTHS: [Depth; 2] = [Depth::Ten, Depth::Sixteen];

/// The step between the mutated constraints of S-boxes in statements other than `ownership`. These
/// S-boxes repeat those of `ownership`, which are all mutated.
const S_BOX_STEP: usize = 16;

fn ownership(depth: Depth) -> Subject {
    let inputs = Member::random(depth, &mut rng(7)).inputs();
    Subject::new(&Ownership::new(depth), &inputs)
}

/// Returns every statement at this depth.
fn subjects(depth: Depth) -> [Subject; 3] {
    [
        ownership(depth),
        attacks::reputation(depth),
        attacks::address(depth),
    ]
}

#[test]
fn the_inputs_determine_every_other_wire() {
    for depth in DEPTHS {
        for subject in subjects(depth) {
            // The remaining constraints are checks of inputs.
            let mut checks = BTreeMap::new();
            for (wire, family) in determined_wires(&subject.r1cs).iter().zip(&subject.families) {
                if wire.is_none() {
                    *checks.entry(*family).or_insert(0) += 1;
                }
            }
            let mut expected = count(&subject.families);
            expected.retain(|family, _| {
                matches!(
                    family,
                    Family::Boolean | Family::Highest | Family::Rule | Family::Inverse
                )
            });
            assert_eq!(checks, expected, "{}", subject.name);
        }
    }
}

#[test]
fn a_witness_that_violates_a_family_is_refused_and_is_accepted_without_the_family() {
    let ownership = ownership(Depth::Ten).with_attacks(&[]);
    for subject in [&ownership, &attacks::REPUTATION, &attacks::ADDRESS] {
        for family in count(&subject.families).into_keys() {
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
                let wrong = subject.violate_only(i);
                let refusal = subject.r1cs.is_satisfied(&wrong);
                assert_eq!(
                    refusal,
                    Err(Unsatisfied::Constraint { constraint: i }),
                    "{} {family:?}",
                    subject.name
                );
                assert_eq!(
                    without.is_satisfied(&wrong),
                    Ok(()),
                    "{} {family:?} {i}",
                    subject.name
                );
            }
        }
    }
}

/// Asserts that each of these constraints has a witness that violates it alone and has another
/// digest.
fn assert_needed(subject: &Subject, constraints: impl IntoParallelIterator<Item = usize>) {
    let redundant: Vec<usize> = constraints
        .into_par_iter()
        .filter(|i| {
            let wrong = subject.violate_only(*i);
            wrong[DIGEST as usize] == subject.honest[DIGEST as usize]
                || violated(&subject.r1cs, &wrong) != [*i]
        })
        .collect();
    assert_eq!(redundant, Vec::<usize>::new(), "{}", subject.name);
}

#[test]
fn without_any_single_constraint_a_wrong_digest_is_accepted() {
    for depth in DEPTHS {
        let subject = ownership(depth).with_attacks(&[]);
        assert_needed(&subject, 0..subject.r1cs.constraints.len());
    }
}

#[test]
fn without_any_single_constraint_of_a_predicate_a_wrong_digest_is_accepted() {
    for subject in [&*attacks::REPUTATION, &*attacks::ADDRESS] {
        let is_s_box =
            |i: usize| matches!(subject.families[i], Family::Square | Family::Cube | Family::Fifth);
        let mutated: Vec<usize> = (0..subject.families.len())
            .filter(|i| !is_s_box(*i) || i % S_BOX_STEP == 0)
            .collect();
        assert_needed(subject, mutated);
    }
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
        let levels = depth.levels();
        // These are the S-boxes of Poseidon1, Poseidon3 twice, Poseidon5, and one Poseidon4 for
        // each level.
        let core = 71 + 2 * 87 + 107 + 99 * levels;
        // These are the S-boxes of Poseidon6 and Poseidon5 with a constant input.
        let score = 117 + 106;
        // Two chains of two hashes, the path of ten levels, and the hash of value and root.
        let address = 2 * (117 + 118) + 99 * 10 + 80;
        let sizes = |booleans, checks: [usize; 4], swaps, s_boxes| {
            let [highest, rules, inverses, selected] = checks;
            let mut sizes = BTreeMap::from([
                (Family::Boolean, booleans),
                (Family::Highest, highest),
                (Family::Rule, rules),
                (Family::Inverse, inverses),
                (Family::Select, selected),
                (Family::Swap, swaps),
                (Family::Square, s_boxes),
                (Family::Cube, s_boxes),
                (Family::Fifth, s_boxes),
                (Family::Expose, 1),
            ]);
            sizes.retain(|_, size| *size > 0);
            sizes
        };
        let expected = [
            sizes(2 * levels, [0; 4], 3 * levels, core),
            // Four ranges, the flag, and the rule of exact scores.
            sizes(2 * levels + 116 + 1, [4, 1, 0, 0], 3 * levels, core + score),
            // Nine ranges, the mask and the flag; presence and its order, and the order of the
            // mask; the shown components and the shown schema.
            sizes(
                2 * (levels + 10) + 591 + 9,
                [9, 8 + 7 + 7, 8, 8 + 1],
                3 * (levels + 10),
                core + address,
            ),
        ];
        for (subject, expected) in subjects(depth).iter().zip(expected) {
            assert_eq!(count(&subject.families), expected, "{}", subject.name);
        }
    }
}

#[test]
fn ranges_have_the_sizes_of_the_protocol() {
    let bits = |subject: &Subject| -> Vec<usize> { subject.ranges.iter().map(ranges::Range::bits).collect() };
    let [ownership, reputation, address] = subjects(Depth::Ten);
    assert_eq!(bits(&ownership), Vec::<usize>::new());
    assert_eq!(bits(&reputation), [20, 20, 40, 40]);
    assert_eq!(bits(&address), [32, 40, 40, 4, 4, 120, 120, 120, 120]);
}

#[test]
fn the_documentation_has_the_sizes_of_the_families() {
    let counts = DEPTHS.map(|depth| subjects(depth).map(|subject| count(&subject.families)));
    for family in Family::ALL {
        let row = PAGE
            .lines()
            .find(|line| line.starts_with(&format!("| {family:?} |")))
            .expect("the table has a row for the family");
        let size =
            |depth: usize, statement: usize| counts[depth][statement].get(&family).copied().unwrap_or(0);
        let sizes: Vec<String> = (0..3)
            .flat_map(|statement| [0, 1].map(|depth| size(depth, statement).to_string()))
            .collect();
        let sizes = format!("| {} |", sizes.join(" | "));
        assert!(
            row.contains(&sizes),
            "docs/security-circuits.md must contain {sizes} in: {row}"
        );
    }
}
