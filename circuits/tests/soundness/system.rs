//! A constraint system as the checks see it: the matrices and nothing of how they were made.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use bauta_iden3::{Constraint, R1cs, evaluate};

/// What a constraint is for, read off its shape and its neighbours.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Family {
    /// `bit · bit = bit`
    Boolean,
    /// `(right - left) · bit = moved`
    Swap,
    /// `x · x = x²`
    Square,
    /// `x² · x = x³`
    Cube,
    /// `x² · x³ = x^5`
    Fifth,
    /// `digest · 1 = public input`
    Expose,
}

impl Family {
    pub const ALL: [Self; 6] = [
        Self::Boolean,
        Self::Swap,
        Self::Square,
        Self::Cube,
        Self::Fifth,
        Self::Expose,
    ];
}

pub const DIGEST: u32 = 1;
const FIRST_INPUT: u32 = 2;

pub fn is_input(r1cs: &R1cs, wire: u32) -> bool {
    (FIRST_INPUT..FIRST_INPUT + r1cs.private_inputs).contains(&wire)
}

/// The family of each constraint. Panics at one that belongs to none.
pub fn families(r1cs: &R1cs) -> Vec<Family> {
    let rows = &r1cs.constraints;
    let one = vec![(0, Fr::ONE)];
    let single_input =
        |terms: &[(u32, Fr)]| matches!(terms, [(wire, c)] if *c == Fr::ONE && is_input(r1cs, *wire));
    let family = |i: usize| {
        let Constraint { a, b, c } = &rows[i];
        let before = |steps: usize| i.checked_sub(steps).map(|j| &rows[j]);
        match () {
            () if a == b && b == c && single_input(a) => Family::Boolean,
            () if b == &one && c[..] == [(DIGEST, Fr::ONE)] => Family::Expose,
            () if a == b => Family::Square,
            () if before(1)
                .is_some_and(|square| square.a == square.b && a == &square.c && b == &square.a) =>
            {
                Family::Cube
            }
            () if before(2).is_some_and(|square| square.a == square.b && a == &square.c)
                && before(1).is_some_and(|cube| b == &cube.c) =>
            {
                Family::Fifth
            }
            () if single_input(b) => Family::Swap,
            () => panic!("constraint {i} belongs to no family: {:?}", rows[i]),
        }
    };
    (0..rows.len()).map(family).collect()
}

/// The wire that each constraint forces once all wires before it are known; `None` for one that only checks.
///
/// Starts from the constant one and the inputs and goes once through the constraints: where A and B hold known wires alone
/// and C one unknown wire, that wire is forced, because its coefficient isn't zero. Panics if a constraint's
/// A or B has an unknown wire, or C several: then nothing is shown by this walk.
pub fn forced_wires(r1cs: &R1cs) -> Vec<Option<u32>> {
    let mut known = vec![false; r1cs.wires as usize];
    known[0] = true;
    for wire in FIRST_INPUT..FIRST_INPUT + r1cs.private_inputs {
        known[wire as usize] = true;
    }
    let forced = r1cs
        .constraints
        .iter()
        .enumerate()
        .map(|(i, Constraint { a, b, c })| {
            assert!(
                a.iter().chain(b).all(|(wire, _)| known[*wire as usize]),
                "constraint {i}: a factor isn't forced"
            );
            let unknown: Vec<u32> = c
                .iter()
                .map(|(wire, _)| *wire)
                .filter(|wire| !known[*wire as usize])
                .collect();
            assert!(
                unknown.len() <= 1,
                "constraint {i}: several unknown wires in its product"
            );
            let wire = unknown.first().copied();
            if let Some(wire) = wire {
                known[wire as usize] = true;
            }
            wire
        })
        .collect();
    let free = known.iter().position(|known| !known);
    assert_eq!(free, None, "a wire that no constraint forces");
    forced
}

/// Solves for the wires that constraints `from..` force, in order; everything before stays.
pub fn resolve(r1cs: &R1cs, forced: &[Option<u32>], z: &mut [Fr], from: usize) {
    for (row, wire) in r1cs.constraints.iter().zip(forced).skip(from) {
        let Some(wire) = *wire else { continue };
        let product = evaluate(&row.a, z) * evaluate(&row.b, z);
        let mut rest = product;
        let mut coefficient = Fr::ZERO;
        for (other, c) in &row.c {
            if *other == wire {
                coefficient = *c;
            } else {
                rest -= z[*other as usize] * c;
            }
        }
        z[wire as usize] = if coefficient == Fr::ONE {
            rest
        } else {
            rest * coefficient.inverse().expect("no zero coefficients")
        };
    }
}

/// A witness that breaks constraint `i` and no other: the wire it forces is one off, or the bit it checks is two, and all
/// that comes after follows from that.
pub fn break_only(r1cs: &R1cs, forced: &[Option<u32>], honest: &[Fr], i: usize) -> Vec<Fr> {
    let mut z = honest.to_vec();
    match forced[i] {
        Some(wire) => {
            z[wire as usize] += Fr::ONE;
            resolve(r1cs, forced, &mut z, i + 1);
        }
        None => {
            let [(wire, _)] = r1cs.constraints[i].c[..] else {
                panic!("constraint {i} checks more than a wire")
            };
            assert!(is_input(r1cs, wire));
            z[wire as usize] = Fr::from(2u64);
            resolve(r1cs, forced, &mut z, 0);
        }
    }
    z
}
