//! Computes one hash at a time, with ordinary field arithmetic.

use ark_bn254::Fr;
use ark_ff::{Field, Zero};

use crate::{FULL_ROUNDS, HALF_FULL_ROUNDS, MAX_INPUTS, Parameters, PoseidonError};

/// Returns `PoseidonN` of N inputs.
///
/// # Errors
///
/// Returns [`PoseidonError::InputCount`] if N is not in 1 to [`MAX_INPUTS`].
pub fn hash(inputs: &[Fr]) -> Result<Fr, PoseidonError> {
    let parameters = Parameters::for_inputs(inputs.len())?;
    Ok(match inputs.len() {
        1 => permute::<2>(parameters, inputs),
        2 => permute::<3>(parameters, inputs),
        3 => permute::<4>(parameters, inputs),
        4 => permute::<5>(parameters, inputs),
        5 => permute::<6>(parameters, inputs),
        _ => permute::<7>(parameters, inputs),
    })
}

/// Returns `PoseidonN` of an array. A wrong number of inputs is a compile-time error.
#[must_use]
pub fn hash_array<const N: usize>(inputs: &[Fr; N]) -> Fr {
    const { assert!(N >= 1 && N <= MAX_INPUTS, "Poseidon takes 1 to 6 inputs") };
    hash(inputs).expect("the number of inputs is checked at compile time")
}

/// Returns state element 0 after the permutation. `T` is the width of `parameters`, which is one
/// more than the number of inputs.
fn permute<const T: usize>(parameters: &Parameters, inputs: &[Fr]) -> Fr {
    let mut state = [Fr::zero(); T];
    state[1..].copy_from_slice(inputs);
    for constants in &parameters.full_constants[..HALF_FULL_ROUNDS] {
        state = full_round(&state, constants, &parameters.mds);
    }
    let rounds = parameters
        .partial_constants
        .iter()
        .zip(&parameters.sparse_rows)
        .zip(&parameters.sparse_columns);
    for ((constant, row), column) in rounds {
        state[0] = fifth_power(state[0] + constant);
        let first = product(row, &state);
        for i in 1..T {
            state[i] += state[0] * column[i - 1];
        }
        state[0] = first;
    }
    let before = state;
    for (element, row) in state[1..].iter_mut().zip(&parameters.last_block) {
        *element = row
            .iter()
            .zip(&before[1..])
            .map(|(factor, value)| *factor * value)
            .sum();
    }
    for constants in &parameters.full_constants[HALF_FULL_ROUNDS..FULL_ROUNDS - 1] {
        state = full_round(&state, constants, &parameters.mds);
    }
    // Only state element 0 is the result, so the last round needs only one row of the matrix.
    let powers = fifth_powers(&state, &parameters.full_constants[FULL_ROUNDS - 1]);
    product(&parameters.mds[0], &powers)
}

fn full_round<const T: usize>(state: &[Fr; T], constants: &[Fr], mds: &[Vec<Fr>]) -> [Fr; T] {
    let powers = fifth_powers(state, constants);
    std::array::from_fn(|i| product(&mds[i], &powers))
}

fn fifth_powers<const T: usize>(state: &[Fr; T], constants: &[Fr]) -> [Fr; T] {
    std::array::from_fn(|i| fifth_power(state[i] + constants[i]))
}

fn fifth_power(x: Fr) -> Fr {
    x.square().square() * x
}

fn product<const T: usize>(row: &[Fr], state: &[Fr; T]) -> Fr {
    let row = row.try_into().expect("a row has as many elements as the state");
    Fr::sum_of_products::<T>(row, state)
}
