//! The constraint system from the viewpoint of the checks: only its matrices, independent of the
//! code that made them.

use std::collections::HashMap;

use ark_bn254::Fr;
use ark_ff::Field;
use bauta_iden3::{Constraint, LinearCombination, R1cs, evaluate};

/// The purpose of a constraint, determined from its form and its neighbours.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Family {
    /// The constraint `bit · bit = bit`.
    Boolean,
    /// The constraint `highest · highest = highest`, where the highest bit of a range is what the
    /// number leaves of the other bits.
    Highest,
    /// The constraint `value · flag = 0` or `value · (1 - flag) = 0`.
    Rule,
    /// The constraint `value · inverse = presence`.
    Inverse,
    /// The constraint `value · bit = selected`.
    Select,
    /// The constraint `(right - left) · bit = moved`.
    Swap,
    /// The constraint `x · x = x²`.
    Square,
    /// The constraint `x² · x = x³`.
    Cube,
    /// The constraint `x² · x³ = x^5`.
    Fifth,
    /// The constraint `digest · 1 = public input`.
    Expose,
}

impl Family {
    pub const ALL: [Self; 10] = [
        Self::Boolean,
        Self::Highest,
        Self::Rule,
        Self::Inverse,
        Self::Select,
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

/// Returns the family of each constraint. Panics if a constraint belongs to none.
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
            () if a == b && b == c => Family::Highest,
            () if c.is_empty() => Family::Rule,
            () if single_input(a) && single_input(b) && single_input(c) => Family::Inverse,
            () if single_input(a) && single_input(b) && a != b => Family::Select,
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

/// Returns, for each constraint, the wire that it determines once all wires before it are known.
/// `None` means that the constraint only checks wires.
///
/// Starts from the constant one and the inputs and goes once through the constraints. If A and B
/// contain only known wires and C contains one unknown wire, this wire is determined, because its
/// coefficient is not zero. Panics if A or B of a constraint contains an unknown wire, or C
/// contains several, because then this method proves nothing.
pub fn determined_wires(r1cs: &R1cs) -> Vec<Option<u32>> {
    let mut known = vec![false; r1cs.wires as usize];
    known[0] = true;
    for wire in FIRST_INPUT..FIRST_INPUT + r1cs.private_inputs {
        known[wire as usize] = true;
    }
    let determined = r1cs
        .constraints
        .iter()
        .enumerate()
        .map(|(i, Constraint { a, b, c })| {
            assert!(
                a.iter().chain(b).all(|(wire, _)| known[*wire as usize]),
                "constraint {i}: a factor contains an unknown wire"
            );
            let unknown: Vec<u32> = c
                .iter()
                .map(|(wire, _)| *wire)
                .filter(|wire| !known[*wire as usize])
                .collect();
            assert!(
                unknown.len() <= 1,
                "constraint {i}: its product contains several unknown wires"
            );
            let wire = unknown.first().copied();
            if let Some(wire) = wire {
                known[wire as usize] = true;
            }
            wire
        })
        .collect();
    let free = known.iter().position(|known| !known);
    assert_eq!(free, None, "no constraint determines this wire");
    determined
}

/// A constraint system that is prepared for solving it many times. Equal linear combinations are
/// evaluated only once.
pub struct Solver {
    combinations: Vec<LinearCombination>,
    /// The row that first uses each combination. At that row, all its wires are known and no longer
    /// change.
    first_use: Vec<usize>,
    rows: Vec<Row>,
    honest: Vec<Fr>,
    honest_values: Vec<Fr>,
}

struct Row {
    a: usize,
    b: usize,
    determined: Option<u32>,
}

impl Solver {
    pub fn new(r1cs: &R1cs, honest: Vec<Fr>) -> Self {
        let mut solver = Self {
            combinations: Vec::new(),
            first_use: Vec::new(),
            rows: Vec::new(),
            honest,
            honest_values: Vec::new(),
        };
        let mut known = HashMap::new();
        for (i, (row, determined)) in r1cs.constraints.iter().zip(determined_wires(r1cs)).enumerate() {
            if determined.is_some() {
                assert!(
                    matches!(row.c[..], [(_, coefficient)] if coefficient == Fr::ONE),
                    "constraint {i}: its product is not a single wire"
                );
            } else {
                let mut wires = row.a.iter().chain(&row.b).chain(&row.c);
                assert!(
                    wires.all(|(wire, _)| *wire == 0 || is_input(r1cs, *wire)),
                    "constraint {i} checks a wire that is not an input"
                );
            }
            let mut intern = |terms: &LinearCombination| {
                *known.entry(terms.clone()).or_insert_with(|| {
                    solver.combinations.push(terms.clone());
                    solver.first_use.push(i);
                    solver.combinations.len() - 1
                })
            };
            let (a, b) = (intern(&row.a), intern(&row.b));
            solver.rows.push(Row { a, b, determined });
        }
        solver.honest_values = solver
            .combinations
            .iter()
            .map(|terms| evaluate(terms, &solver.honest))
            .collect();
        solver
    }

    /// Returns whether the constraint only checks inputs.
    pub fn is_check(&self, i: usize) -> bool {
        self.rows[i].determined.is_none()
    }

    /// Returns a witness that violates constraint `i`, which determines a wire, and no other. The
    /// wire is increased by one. Everything after it is computed from this value.
    pub fn increase(&self, i: usize) -> Vec<Fr> {
        let mut z = self.honest.clone();
        let wire = self.rows[i].determined.expect("the constraint determines a wire");
        z[wire as usize] += Fr::ONE;
        self.solve(&mut z, i + 1);
        z
    }

    /// Returns a witness with other inputs. Everything else is computed from them.
    pub fn with_inputs(&self, mut z: Vec<Fr>) -> Vec<Fr> {
        self.solve(&mut z, 0);
        z
    }

    /// Computes the wires that the constraints from `from` on determine, in order. All wires before
    /// them keep their values.
    fn solve(&self, z: &mut [Fr], from: usize) {
        let mut values = self.honest_values.clone();
        for (i, row) in self.rows.iter().enumerate().skip(from) {
            for id in [row.a, row.b] {
                if self.first_use[id] == i {
                    values[id] = evaluate(&self.combinations[id], z);
                }
            }
            if let Some(wire) = row.determined {
                z[wire as usize] = values[row.a] * values[row.b];
            }
        }
    }
}
