//! light-poseidon's hash with circomlib's parameters.

use ark_bn254::Fr;
use light_poseidon::{
    Poseidon, PoseidonBytesHasher, PoseidonHasher, PoseidonParameters,
    parameters::bn254_x5::get_poseidon_parameters,
};

/// Hashes each group of `arity` elements.
///
/// # Panics
///
/// Panics if `arity` is not 1 to 12, or if the last group is smaller than the others.
#[must_use]
pub fn hash_groups(elements: &[Fr], arity: usize) -> Vec<Fr> {
    let mut hasher = hasher(arity);
    elements
        .chunks(arity)
        .map(|group| hasher.hash(group).expect("a whole group"))
        .collect()
}

/// Hashes each group of `arity` elements, which have 32 bytes each, big-endian.
///
/// # Panics
///
/// Panics if `arity` is not 1 to 12, if the last group is smaller than the others, or if an element
/// is not below the modulus.
#[must_use]
pub fn hash_groups_of_bytes(elements: &[[u8; 32]], arity: usize) -> Vec<[u8; 32]> {
    let mut hasher = hasher(arity);
    elements
        .chunks(arity)
        .map(|group| {
            let group: Vec<&[u8]> = group.iter().map(<[u8; 32]>::as_slice).collect();
            hasher.hash_bytes_be(&group).expect("elements below the modulus")
        })
        .collect()
}

fn hasher(arity: usize) -> Poseidon<Fr> {
    Poseidon::<Fr>::new_circom(arity).expect("1 to 12 inputs")
}

/// Returns the constants for a state of this many elements.
///
/// # Panics
///
/// Panics if light-poseidon has no parameters for this width.
#[must_use]
pub fn parameters(width: u8) -> PoseidonParameters<Fr> {
    get_poseidon_parameters(width).expect("2 to 13 state elements")
}
