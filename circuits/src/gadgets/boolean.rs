use crate::constraint_system::ConstraintSystem;

/// `bit · bit = bit`: zero or one, and nothing else. One constraint.
pub fn constrain_boolean<C: ConstraintSystem>(cs: &mut C, bit: &C::Expression) {
    cs.enforce(bit, bit, bit);
}
