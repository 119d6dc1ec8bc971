//! Computes one witness. An expression is only its value.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use bauta_primitives::Digest;
use bauta_prover::Witness;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::ConstraintSystem;
use crate::field::from_ark;

/// The wires of one witness, with the rows `A·z` and `B·z` that a prover needs. It contains no
/// linear combinations.
///
/// It contains the prover's secrets. It is overwritten with zeros when it is dropped, and it has no
/// `Debug`. It does not check the constraints: if an input violates one, no valid proof can be made
/// from the assignment.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Assignment {
    wires: Vec<Fr>,
    a: Vec<Fr>,
    b: Vec<Fr>,
}

impl Assignment {
    /// Creates an empty assignment with capacity for the given numbers of wires and constraints. A
    /// vector that grows would leave copies of secrets in memory.
    #[must_use]
    pub fn with_capacity(wires: usize, constraints: usize) -> Self {
        let mut all = Vec::with_capacity(wires);
        // These are the constant one and the digest, which is computed last.
        all.extend([Fr::ONE, Fr::ZERO]);
        Self {
            wires: all,
            a: Vec::with_capacity(constraints),
            b: Vec::with_capacity(constraints),
        }
    }

    /// Returns the values of all wires: the constant one, the digest, the inputs, the other wires.
    #[must_use]
    pub fn wires(&self) -> &[Fr] {
        &self.wires
    }

    /// Returns `A·z` for each constraint.
    #[must_use]
    pub fn a(&self) -> &[Fr] {
        &self.a
    }

    /// Returns `B·z` for each constraint.
    #[must_use]
    pub fn b(&self) -> &[Fr] {
        &self.b
    }

    /// Moves the values into a witness of the proving engine, which overwrites them when it is
    /// dropped.
    #[must_use]
    pub fn into_witness(mut self) -> Witness {
        let [wires, a, b] = [&mut self.wires, &mut self.a, &mut self.b].map(std::mem::take);
        Witness::with_rows(wires, a, b)
    }

    /// Returns the public input.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::new(from_ark(self.wires[1]))
    }

    fn row(&mut self, a: Fr, b: Fr) {
        self.a.push(a);
        self.b.push(b);
    }
}

impl ConstraintSystem for Assignment {
    type Expression = Fr;

    fn input(&mut self, value: Fr) -> Fr {
        self.wires.push(value);
        value
    }

    fn constant(&self, value: Fr) -> Fr {
        value
    }

    fn add_constant(&self, expression: &Fr, constant: Fr) -> Fr {
        *expression + constant
    }

    fn add(&self, left: &Fr, right: &Fr) -> Fr {
        *left + right
    }

    fn subtract(&self, left: &Fr, right: &Fr) -> Fr {
        *left - right
    }

    fn add_scaled(&self, left: &Fr, weight: Fr, right: &Fr) -> Fr {
        *left + weight * right
    }

    fn weighted_sum<const N: usize>(&self, weights: &[Fr; N], expressions: &[Fr; N]) -> Fr {
        Fr::sum_of_products(weights, expressions)
    }

    fn multiply(&mut self, left: &Fr, right: &Fr) -> Fr {
        let product = *left * right;
        self.row(*left, *right);
        self.input(product)
    }

    fn enforce(&mut self, left: &Fr, right: &Fr, _product: &Fr) {
        self.row(*left, *right);
    }

    fn expose(&mut self, digest: &Fr) {
        self.row(*digest, Fr::ONE);
        self.wires[1] = *digest;
    }
}
