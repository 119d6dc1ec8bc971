//! A statement at one depth, with a witness for each of its constraints that violates this
//! constraint alone.

use std::collections::BTreeMap;

use ark_bn254::Fr;
use bauta_circuits::statement::{Statement, assign, r1cs};
use bauta_iden3::{Constraint, R1cs, evaluate};
use bauta_primitives::ProofInputs;
use rayon::prelude::*;

use super::{
    ranges::{Range, ranges},
    system::{DIGEST, Family, Solver, families},
};

/// A change of inputs that breaks one rule, with the name of the attack. The bits of all ranges are
/// chosen afterwards. Position bits need no change here.
pub type Attack = (&'static str, fn(&mut [Fr]));

/// A statement with its constraint system and the witness of valid inputs.
pub struct Subject {
    pub name: &'static str,
    pub r1cs: R1cs,
    pub families: Vec<Family>,
    pub ranges: Vec<Range>,
    pub honest: Vec<Fr>,
    pub solver: Solver,
    /// For each constraint that only checks inputs, a witness that violates it.
    checks: BTreeMap<usize, Vec<Fr>>,
}

impl Subject {
    /// Creates a subject without attacks.
    pub fn new<S: Statement>(statement: &S, inputs: &ProofInputs<S::Private>) -> Self {
        let r1cs = r1cs(statement);
        let assignment = assign(statement, inputs, r1cs.wires as usize, r1cs.constraints.len()).unwrap();
        let honest = assignment.wires().to_vec();
        r1cs.is_satisfied(&honest).unwrap();
        let families = families(&r1cs);
        Self {
            name: S::NAME,
            ranges: ranges(&r1cs, &families),
            solver: Solver::new(&r1cs, honest.clone()),
            families,
            r1cs,
            honest,
            checks: BTreeMap::new(),
        }
    }

    /// Adds witnesses for all constraints that only check inputs. Panics if an attack violates no
    /// constraint or several, or if no attack violates one of these constraints.
    pub fn with_attacks(mut self, attacks: &[Attack]) -> Self {
        let bits = self.position_bits();
        let positions = bits.into_iter().map(|bit| {
            let mut z = self.honest.clone();
            z[bit] = Fr::from(2u64);
            ("a position bit of 2", z)
        });
        let own = attacks.iter().flat_map(|(name, change)| {
            let mut z = self.honest.clone();
            change(&mut z);
            self.with_bits(name, z).into_iter().map(|z| (*name, z))
        });
        let inputs: Vec<(&str, Vec<Fr>)> = positions.chain(own).collect();
        let checks = inputs
            .into_par_iter()
            .map(|(name, z)| self.violated_alone(name, z));
        self.checks = checks.collect::<Vec<_>>().into_iter().collect();
        for i in 0..self.families.len() {
            let is_covered = !self.solver.is_check(i) || self.checks.contains_key(&i);
            let (name, family) = (self.name, self.families[i]);
            assert!(
                is_covered,
                "{name}: no attack violates constraint {i}, {family:?}"
            );
        }
        self
    }

    /// Returns a witness that violates constraint `i` and no other.
    pub fn violate_only(&self, i: usize) -> Vec<Fr> {
        let checked = self.checks.get(&i).cloned();
        checked.unwrap_or_else(|| self.solver.increase(i))
    }

    /// Returns the bits of positions: those that a swap uses.
    fn position_bits(&self) -> Vec<usize> {
        let rows = self.r1cs.constraints.iter().zip(&self.families);
        let swaps = rows.filter(|(_, family)| **family == Family::Swap);
        let mut bits: Vec<usize> = swaps.map(|(row, _)| row.b[0].0 as usize).collect();
        bits.dedup();
        bits
    }

    /// Chooses the bits of all ranges. If a number is out of its range, returns a choice for each
    /// constraint of the range.
    fn with_bits(&self, name: &str, mut z: Vec<Fr>) -> Vec<Vec<Fr>> {
        for range in &self.ranges {
            range.set_bits(&mut z);
        }
        let broken: Vec<&Range> = self.ranges.iter().filter(|range| !range.holds(&z)).collect();
        match broken[..] {
            [] => vec![z],
            [range] => range.forgeries(&z).collect(),
            _ => panic!("{}: {name}: several numbers are out of their ranges", self.name),
        }
    }

    /// Computes the wires that follow from inputs. Returns the only constraint that they violate,
    /// and the witness.
    fn violated_alone(&self, name: &str, inputs: Vec<Fr>) -> (usize, Vec<Fr>) {
        let z = self.solver.with_inputs(inputs);
        // The wires that constraints determine are computed from these constraints.
        let violated: Vec<usize> = (0..self.families.len())
            .filter(|i| {
                let Constraint { a, b, c } = &self.r1cs.constraints[*i];
                self.solver.is_check(*i) && evaluate(a, &z) * evaluate(b, &z) != evaluate(c, &z)
            })
            .collect();
        let [i] = violated[..] else {
            panic!("{}: {name}: it violates {violated:?}", self.name);
        };
        assert_ne!(
            z[DIGEST as usize], self.honest[DIGEST as usize],
            "{}: {name}: the digest is the same",
            self.name
        );
        (i, z)
    }
}

/// Returns all constraints that a witness violates.
pub fn violated(r1cs: &R1cs, z: &[Fr]) -> Vec<usize> {
    let rows = r1cs.evaluations(z).unwrap();
    let products = rows.a.iter().zip(&rows.b).map(|(a, b)| *a * b);
    products
        .zip(&rows.c)
        .enumerate()
        .filter_map(|(i, (product, c))| (product != *c).then_some(i))
        .collect()
}
