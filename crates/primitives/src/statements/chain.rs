use crate::{FieldElement, hash_to_field, poseidon};

/// The number of elements that each hash of a chain adds after the first.
const STEP: usize = 5;

/// Returns the tag of a hash: `hash_to_field(name)`. It is the first input of the hash, so a hash
/// for one purpose is never a hash for another. `name` ends in a version, for example
/// `bauta/score/1`.
#[must_use]
pub fn tag(name: &'static str) -> FieldElement {
    hash_to_field(name, [])
}

/// Hashes a tag and further elements: `Poseidon6` of the first six, then `Poseidon6` of the
/// previous hash and the next five. Missing elements are zero, so the caller must fix the number of
/// elements.
#[must_use]
pub fn chain(tag: FieldElement, elements: &[FieldElement]) -> FieldElement {
    let mut steps = elements.chunks(STEP);
    let first = steps.next().unwrap_or_default();
    steps.fold(step(tag, first), step)
}

fn step(previous: FieldElement, elements: &[FieldElement]) -> FieldElement {
    let mut inputs = [FieldElement::ZERO; 1 + STEP];
    inputs[0] = previous;
    inputs[1..=elements.len()].copy_from_slice(elements);
    poseidon::hash(inputs)
}
