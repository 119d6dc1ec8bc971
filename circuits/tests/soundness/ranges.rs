//! Finds the ranges of a constraint system in its matrices, and chooses their bits.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, BigInteger, Field, PrimeField};
use bauta_iden3::{LinearCombination, R1cs, evaluate};

use super::system::Family;

/// The constraints that restrict a number to n bits: n − 1 of family `Boolean`, and one of family
/// `Highest`.
pub struct Range {
    /// The bits except the highest, from the lowest on: the wire of each.
    low: Vec<u32>,
    /// The number.
    number: LinearCombination,
}

/// Returns the ranges of a system in the order of their constraints.
pub fn ranges(r1cs: &R1cs, families: &[Family]) -> Vec<Range> {
    let half = Fr::from(2u64).inverse().unwrap();
    let range = |highest: usize| {
        let mut number = r1cs.constraints[highest].a.clone();
        let (mut low, mut weight, mut scale) = (Vec::new(), -half, Fr::ONE);
        // The constraints of the low bits come before that of the highest, which contains their
        // wires with the weights -1/2, -1/4 and so on.
        for row in (0..highest).rev() {
            let wire = r1cs.constraints[row].a[0].0;
            let found = number.iter().position(|term| *term == (wire, weight));
            let (Family::Boolean, Some(found)) = (families[row], found) else {
                break;
            };
            number.remove(found);
            low.insert(0, wire);
            (weight, scale) = (weight * half, scale.double());
        }
        for (_, coefficient) in &mut number {
            *coefficient *= scale;
        }
        Range { low, number }
    };
    (0..families.len())
        .filter(|row| families[*row] == Family::Highest)
        .map(range)
        .collect()
}

impl Range {
    /// Returns the number of bits.
    pub fn bits(&self) -> usize {
        self.low.len() + 1
    }

    fn value(&self, z: &[Fr]) -> Fr {
        evaluate(&self.number, z)
    }

    /// Returns whether the number has at most n bits.
    pub fn holds(&self, z: &[Fr]) -> bool {
        self.value(z).into_bigint().num_bits() as usize <= self.bits()
    }

    /// Sets the low bits to those of the number.
    pub fn set_bits(&self, z: &mut [Fr]) {
        let value = self.value(z).into_bigint();
        for (bit, wire) in self.low.iter().enumerate() {
            z[*wire as usize] = Fr::from(value.get_bit(bit));
        }
    }

    /// Returns, for each constraint of the range, witnesses whose bits violate it alone: for each
    /// low bit one in which this bit is the number divided by the bit's weight and all others are
    /// 0, and one in which all low bits are 0.
    pub fn forgeries<'a>(&'a self, z: &'a [Fr]) -> impl Iterator<Item = Vec<Fr>> + 'a {
        let mut zeros = z.to_vec();
        for wire in &self.low {
            zeros[*wire as usize] = Fr::ZERO;
        }
        let half = Fr::from(2u64).inverse().unwrap();
        let mut value = self.value(z);
        let mut forgeries = vec![zeros.clone()];
        for wire in &self.low {
            let mut forged = zeros.clone();
            forged[*wire as usize] = value;
            forgeries.push(forged);
            value *= half;
        }
        forgeries.into_iter()
    }
}
