use ark_bn254::Fr;
use ark_ff::AdditiveGroup;

use super::{poseidon, tagged_poseidon};
use crate::constraint_system::ConstraintSystem;

/// The number of expressions that each hash adds.
const STEP: usize = 5;

/// Hashes a tag and further expressions: `Poseidon6` of the first six, then `Poseidon6` of the
/// previous hash and the next five, with zeros at the end. It takes 351 constraints, and 354 for
/// each five expressions after the first five.
pub fn chain<C: ConstraintSystem>(cs: &mut C, tag: Fr, elements: &[C::Expression]) -> C::Expression {
    let (first, rest) = elements.split_at(elements.len().min(STEP));
    let first = padded(cs, first);
    let mut hash = tagged_poseidon::<C, 6>(cs, tag, &first);
    for step in rest.chunks(STEP) {
        let [a, b, c, d, e] = padded(cs, step);
        hash = poseidon(cs, &[hash, a, b, c, d, e]);
    }
    hash
}

fn padded<C: ConstraintSystem>(cs: &C, elements: &[C::Expression]) -> [C::Expression; STEP] {
    std::array::from_fn(|i| {
        let element = elements.get(i).cloned();
        element.unwrap_or_else(|| cs.constant(Fr::ZERO))
    })
}
