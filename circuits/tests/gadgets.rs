//! Tests each gadget by itself: its result and its number of constraints.

use ark_bn254::Fr;
use ark_ff::{PrimeField, UniformRand};
use bauta_circuits::{
    constraint_system::{Assignment, ConstraintSystem, Matrices},
    gadgets::{Level, poseidon},
};
use bauta_primitives::{FieldElement, tree::parent};
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore, SeedableRng},
};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn element(rng: &mut impl RngCore) -> FieldElement {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    FieldElement::from_hash(bytes)
}

/// Returns the number of constraints of Poseidon of N inputs, its result by the gadget and its
/// result by ordinary code.
fn poseidon_of<const N: usize>(inputs: [Fr; N]) -> (usize, Fr, Fr) {
    let mut matrices = Matrices::default();
    let wires = inputs.map(|value| matrices.input(value));
    let out = poseidon(&mut matrices, &wires);
    matrices.expose(&out);

    let mut assignment = Assignment::with_capacity(0, 0);
    let values = inputs.map(|value| assignment.input(value));
    let by_gadget = poseidon(&mut assignment, &values);
    // One constraint exposes the result.
    (
        matrices.into_r1cs().constraints.len() - 1,
        by_gadget,
        bauta_poseidon::hash_array(&inputs),
    )
}

#[test]
fn poseidon_computes_the_hash_with_three_constraints_for_each_s_box() {
    let rng = &mut rng(31);
    let results = [
        poseidon_of::<1>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<2>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<3>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<4>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<5>(std::array::from_fn(|_| Fr::rand(rng))),
        poseidon_of::<6>(std::array::from_fn(|_| Fr::rand(rng))),
    ];
    for (_, by_gadget, by_hash_function) in results {
        assert_eq!(by_gadget, by_hash_function);
    }
    assert_eq!(
        results.map(|(constraints, ..)| constraints),
        [213, 240, 261, 297, 321, 354]
    );
}

#[test]
fn a_level_computes_the_parent_for_each_of_the_four_positions() {
    let rng = &mut rng(32);
    let child = element(rng);
    let siblings = std::array::from_fn(|_| element(rng));
    let ark = |bytes: [u8; 32]| Fr::from_be_bytes_mod_order(&bytes);
    for position in 0..4 {
        let mut assignment = Assignment::with_capacity(0, 0);
        let wire = assignment.input(ark(child.to_bytes()));
        let level = Level::input(&mut assignment, position, &siblings);
        let result = level.parent(&mut assignment, &wire);
        assert_eq!(
            result,
            ark(parent(child, position, &siblings).to_bytes()),
            "position {position}"
        );
    }

    let mut matrices = Matrices::default();
    let wire = matrices.input(Fr::from(0u64));
    let level = Level::input(&mut matrices, 0, &siblings);
    let result = level.parent(&mut matrices, &wire);
    matrices.expose(&result);
    assert_eq!(matrices.into_r1cs().constraints.len() - 1, 302);
}
