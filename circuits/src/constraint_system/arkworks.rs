//! Passes the constraints to arkworks, so that every arkworks prover or checker can use a
//! statement.

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use ark_relations::gr1cs::{ConstraintSystemRef, LinearCombination, SynthesisError, Variable};

use super::ConstraintSystem;

/// Adds a statement's constraints to an arkworks system.
pub struct Arkworks {
    system: ConstraintSystemRef<Fr>,
    /// The first error. Every call to arkworks can fail, but gadgets do not return errors, so the
    /// error is kept until the end.
    error: Option<SynthesisError>,
}

/// A value with the linear combination of arkworks that represents it.
#[derive(Clone)]
pub struct Expression {
    value: Fr,
    combination: LinearCombination<Fr>,
}

impl Arkworks {
    /// Creates an adapter that adds constraints to `system`.
    #[must_use]
    pub fn new(system: ConstraintSystemRef<Fr>) -> Self {
        Self { system, error: None }
    }

    /// Returns the first error that arkworks reported, if any.
    pub fn finish(self) -> Result<(), SynthesisError> {
        self.error.map_or(Ok(()), Err)
    }

    fn record_error<T>(&mut self, result: Result<T, SynthesisError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }

    fn variable(&mut self, result: Result<Variable, SynthesisError>, value: Fr) -> Expression {
        let variable = self.record_error(result).unwrap_or(Variable::Zero);
        Expression {
            value,
            combination: LinearCombination::from(variable),
        }
    }
}

impl ConstraintSystem for Arkworks {
    type Expression = Expression;

    fn input(&mut self, value: Fr) -> Expression {
        let result = self.system.new_witness_variable(|| Ok(value));
        self.variable(result, value)
    }

    fn constant(&self, value: Fr) -> Expression {
        Expression {
            value,
            combination: LinearCombination::from((value, Variable::One)),
        }
    }

    fn add_constant(&self, expression: &Expression, constant: Fr) -> Expression {
        self.add(expression, &self.constant(constant))
    }

    fn add(&self, left: &Expression, right: &Expression) -> Expression {
        self.add_scaled(left, Fr::ONE, right)
    }

    fn subtract(&self, left: &Expression, right: &Expression) -> Expression {
        self.add_scaled(left, -Fr::ONE, right)
    }

    fn add_scaled(&self, left: &Expression, weight: Fr, right: &Expression) -> Expression {
        self.weighted_sum(&[Fr::ONE, weight], &[left.clone(), right.clone()])
    }

    fn weighted_sum<const N: usize>(&self, weights: &[Fr; N], expressions: &[Expression; N]) -> Expression {
        let mut value = Fr::ZERO;
        let mut combination = LinearCombination::new();
        for (weight, expression) in weights.iter().zip(expressions) {
            value += *weight * expression.value;
            combination.extend(
                expression
                    .combination
                    .iter()
                    .map(|(c, variable)| (*weight * c, *variable)),
            );
        }
        combination.compactify();
        Expression { value, combination }
    }

    fn multiply(&mut self, left: &Expression, right: &Expression) -> Expression {
        let product = self.input(left.value * right.value);
        self.enforce(left, right, &product);
        product
    }

    fn enforce(&mut self, left: &Expression, right: &Expression, product: &Expression) {
        let [a, b, c] = [left, right, product].map(|expression| expression.combination.clone());
        let result = self.system.enforce_r1cs_constraint(|| a, || b, || c);
        self.record_error(result);
    }

    fn expose(&mut self, digest: &Expression) {
        let result = self.system.new_input_variable(|| Ok(digest.value));
        let public = self.variable(result, digest.value);
        self.enforce(digest, &self.constant(Fr::ONE), &public);
    }
}
