//! Computes one witness, and nothing else: an expression is its value.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use bauta_primitives::Digest;
use bauta_prover::Witness;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::ConstraintSystem;
use crate::field::from_ark;

/// The wires of one witness with the rows `A·z` and `B·z` that a prover needs, without any linear combination.
///
/// It holds the secrets of whoever proves: wiped when dropped, no `Debug`. Doesn't check the constraints; an input
/// that breaks one gives an assignment that no proof comes from.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Assignment {
    wires: Vec<Fr>,
    a: Vec<Fr>,
    b: Vec<Fr>,
}

impl Assignment {
    /// An empty one with room for a known number of wires and constraints, so that no copy of a secret is left
    /// behind by a growing vector.
    #[must_use]
    pub fn with_capacity(wires: usize, constraints: usize) -> Self {
        let mut all = Vec::with_capacity(wires);
        // the constant one, and the digest that comes last
        all.extend([Fr::ONE, Fr::ZERO]);
        Self {
            wires: all,
            a: Vec::with_capacity(constraints),
            b: Vec::with_capacity(constraints),
        }
    }

    /// Values of all wires: the constant one, the digest, the inputs, the rest.
    #[must_use]
    pub fn wires(&self) -> &[Fr] {
        &self.wires
    }

    /// `A·z` of each constraint.
    #[must_use]
    pub fn a(&self) -> &[Fr] {
        &self.a
    }

    /// `B·z` of each constraint.
    #[must_use]
    pub fn b(&self) -> &[Fr] {
        &self.b
    }

    /// Hands the values over to the proving engine, which wipes them in its turn.
    #[must_use]
    pub fn into_witness(mut self) -> Witness {
        let [wires, a, b] = [&mut self.wires, &mut self.a, &mut self.b].map(std::mem::take);
        Witness::with_rows(wires, a, b)
    }

    /// The public input.
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
