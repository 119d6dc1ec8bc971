use crate::constraint_system::ConstraintSystem;

/// Constrains `bit` to zero or one by `bit · bit = bit`. It takes one constraint.
pub fn constrain_boolean<C: ConstraintSystem>(cs: &mut C, bit: &C::Expression) {
    cs.enforce(bit, bit, bit);
}
