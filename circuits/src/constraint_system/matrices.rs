//! Records the constraints.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use bauta_iden3::{Constraint, LinearCombination, R1cs};

use super::ConstraintSystem;

/// The wire of the digest. It is the first wire after the constant one.
const DIGEST: u32 = 1;

/// Builds the [`R1cs`] of a statement. It ignores all values.
pub struct Matrices {
    inputs: u32,
    wires: u32,
    constraints: Vec<Constraint>,
    exposed: bool,
}

impl Default for Matrices {
    fn default() -> Self {
        // These are the constant one and the digest.
        Self {
            inputs: 0,
            wires: 2,
            constraints: Vec::new(),
            exposed: false,
        }
    }
}

impl Matrices {
    /// Returns the complete system.
    ///
    /// # Panics
    ///
    /// Panics if the statement has not exposed its digest, which is an error in the statement's
    /// code.
    #[must_use]
    pub fn into_r1cs(self) -> R1cs {
        assert!(self.exposed, "a statement must expose its digest");
        R1cs {
            public_outputs: 1,
            public_inputs: 0,
            private_inputs: self.inputs,
            wires: self.wires,
            constraints: self.constraints,
        }
    }

    fn next_wire(&mut self) -> u32 {
        let wire = self.wires;
        self.wires = wire
            .checked_add(1)
            .expect("a statement has fewer than 2^32 wires");
        wire
    }
}

impl ConstraintSystem for Matrices {
    type Expression = LinearCombination;

    fn input(&mut self, _value: Fr) -> LinearCombination {
        assert!(
            self.constraints.is_empty(),
            "all inputs must come before the first constraint"
        );
        self.inputs += 1;
        vec![(self.next_wire(), Fr::ONE)]
    }

    fn constant(&self, value: Fr) -> LinearCombination {
        collect(vec![(0, value)])
    }

    fn add_constant(&self, expression: &LinearCombination, constant: Fr) -> LinearCombination {
        self.add(expression, &self.constant(constant))
    }

    fn add(&self, left: &LinearCombination, right: &LinearCombination) -> LinearCombination {
        self.add_scaled(left, Fr::ONE, right)
    }

    fn subtract(&self, left: &LinearCombination, right: &LinearCombination) -> LinearCombination {
        self.add_scaled(left, -Fr::ONE, right)
    }

    fn add_scaled(
        &self,
        left: &LinearCombination,
        weight: Fr,
        right: &LinearCombination,
    ) -> LinearCombination {
        self.weighted_sum(&[Fr::ONE, weight], &[left.clone(), right.clone()])
    }

    fn weighted_sum<const N: usize>(
        &self,
        weights: &[Fr; N],
        expressions: &[LinearCombination; N],
    ) -> LinearCombination {
        let scaled = |(weight, expression): (&Fr, &LinearCombination)| -> LinearCombination {
            expression
                .iter()
                .map(|(wire, coefficient)| (*wire, *weight * coefficient))
                .collect()
        };
        collect(weights.iter().zip(expressions).flat_map(scaled).collect())
    }

    fn multiply(&mut self, left: &LinearCombination, right: &LinearCombination) -> LinearCombination {
        let product = vec![(self.next_wire(), Fr::ONE)];
        self.enforce(left, right, &product);
        product
    }

    fn enforce(&mut self, left: &LinearCombination, right: &LinearCombination, product: &LinearCombination) {
        self.constraints.push(Constraint {
            a: left.clone(),
            b: right.clone(),
            c: product.clone(),
        });
    }

    fn expose(&mut self, digest: &LinearCombination) {
        assert!(!self.exposed, "a statement must have only one public input");
        self.exposed = true;
        self.enforce(digest, &self.constant(Fr::ONE), &vec![(DIGEST, Fr::ONE)]);
    }
}

/// Converts terms to a [`LinearCombination`]: sorted, each wire once, without zeros.
fn collect(mut terms: LinearCombination) -> LinearCombination {
    terms.sort_unstable_by_key(|(wire, _)| *wire);
    terms.dedup_by(|later, earlier| {
        let same = later.0 == earlier.0;
        if same {
            earlier.1 += later.1;
        }
        same
    });
    terms.retain(|(_, coefficient)| *coefficient != Fr::ZERO);
    terms
}
