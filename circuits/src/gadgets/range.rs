use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use super::constrain_boolean;
use crate::constraint_system::ConstraintSystem;

/// The bits of an expression that is constrained to be below a power of two.
///
/// All bits except the highest are inputs. The highest is what the expression leaves of them,
/// divided by its weight, so it needs no wire:
///
/// ```text
///   expression = low[0] + 2 · low[1] + .. + 2^(n−1) · highest,  all n bits are 0 or 1
/// ```
pub struct Range<E> {
    low: Vec<E>,
}

impl<E: Clone> Range<E> {
    /// Creates the inputs: all bits of `value` except the highest of `bits` bits. Higher bits of
    /// `value` are ignored; no witness of a value with higher bits satisfies the constraints.
    ///
    /// # Panics
    ///
    /// Panics if `bits` is not 1 to 128.
    pub fn input<C: ConstraintSystem<Expression = E>>(cs: &mut C, value: u128, bits: usize) -> Self {
        assert!((1..=128).contains(&bits), "a range has 1 to 128 bits");
        let low = (0..bits - 1).map(|bit| cs.input(Fr::from(value >> bit & 1)));
        Self { low: low.collect() }
    }

    /// Constrains `0 ≤ expression < 2^n`. It takes n constraints.
    pub fn constrain<C: ConstraintSystem<Expression = E>>(&self, cs: &mut C, expression: &E) {
        let (mut weight, mut rest) = (Fr::ONE, expression.clone());
        for bit in &self.low {
            constrain_boolean(cs, bit);
            rest = cs.add_scaled(&rest, -weight, bit);
            weight.double_in_place();
        }
        let inverse = weight.inverse().expect("a power of two is not zero");
        let highest = cs.add_scaled(&cs.constant(Fr::ZERO), inverse, &rest);
        constrain_boolean(cs, &highest);
    }

    /// Constrains `lower ≤ upper` where `upper − lower` is below 2^n. It takes n constraints.
    pub fn constrain_order<C: ConstraintSystem<Expression = E>>(&self, cs: &mut C, lower: &E, upper: &E) {
        let difference = cs.subtract(upper, lower);
        self.constrain(cs, &difference);
    }
}
