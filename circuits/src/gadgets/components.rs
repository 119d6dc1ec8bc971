use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};

use super::constrain_boolean;
use crate::constraint_system::ConstraintSystem;

/// Expressions of which the first are present, which means not zero, and the others are absent.
pub struct Components<E, const N: usize> {
    values: [E; N],
    inverses: [E; N],
    present: [E; N],
}

impl<E: Clone, const N: usize> Components<E, N> {
    /// Creates 3·N inputs: the values, their inverses (0 for an absent value), and whether they are
    /// present.
    pub fn input<C: ConstraintSystem<Expression = E>>(cs: &mut C, values: [u128; N]) -> Self {
        let values = values.map(Fr::from);
        Self {
            values: values.map(|value| cs.input(value)),
            inverses: values.map(|value| cs.input(value.inverse().unwrap_or_default())),
            present: values.map(|value| cs.input(Fr::from(value != Fr::ZERO))),
        }
    }

    /// Returns the values.
    pub fn values(&self) -> &[E; N] {
        &self.values
    }

    /// Constrains presence to 1 for a value that is not zero and to 0 for zero, and forbids a
    /// present value after an absent one. It takes 3·N − 1 constraints.
    ///
    /// Presence is the product of value and inverse, so it is 0 for zero. For other values its
    /// complement is 0. It needs no constraint of its own that it is 0 or 1.
    pub fn constrain<C: ConstraintSystem<Expression = E>>(&self, cs: &mut C) {
        for ((value, inverse), present) in self.values.iter().zip(&self.inverses).zip(&self.present) {
            cs.enforce(value, inverse, present);
            constrain_implies(cs, value, present);
        }
        constrain_without_gap(cs, &self.present);
    }

    /// Returns the number of present values.
    pub fn count<C: ConstraintSystem<Expression = E>>(&self, cs: &C) -> E {
        let zero = cs.constant(Fr::ZERO);
        self.present
            .iter()
            .fold(zero, |count, present| cs.add(&count, present))
    }
}

/// Bits that select the first of N values.
pub struct PrefixMask<E, const N: usize> {
    bits: [E; N],
}

impl<E: Clone, const N: usize> PrefixMask<E, N> {
    /// Creates N inputs. The first `length` are 1.
    pub fn input<C: ConstraintSystem<Expression = E>>(cs: &mut C, length: usize) -> Self {
        Self {
            bits: std::array::from_fn(|i| cs.input(Fr::from(i < length))),
        }
    }

    /// Constrains the bits to 0 or 1 and forbids a 1 after a 0. Returns the selected values, and 0
    /// for the others. It takes 3·N − 1 constraints.
    ///
    /// A bit may be 1 for an absent value. It selects 0, as a bit that is 0 does.
    pub fn select<C: ConstraintSystem<Expression = E>>(&self, cs: &mut C, values: &[E; N]) -> [E; N] {
        for bit in &self.bits {
            constrain_boolean(cs, bit);
        }
        constrain_without_gap(cs, &self.bits);
        std::array::from_fn(|i| cs.multiply(&values[i], &self.bits[i]))
    }
}

/// Constrains each flag to be 1 if the next one is not 0.
fn constrain_without_gap<C: ConstraintSystem, const N: usize>(cs: &mut C, flags: &[C::Expression; N]) {
    for pair in flags.windows(2) {
        constrain_implies(cs, &pair[1], &pair[0]);
    }
}

/// Constrains `flag` to 1 if `value` is not zero, by `value · (1 − flag) = 0`.
fn constrain_implies<C: ConstraintSystem>(cs: &mut C, value: &C::Expression, flag: &C::Expression) {
    let (one, zero) = (cs.constant(Fr::ONE), cs.constant(Fr::ZERO));
    let complement = cs.subtract(&one, flag);
    cs.enforce(value, &complement, &zero);
}
