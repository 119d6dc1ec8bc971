//! One hash at a time, in plain field arithmetic.

use ark_bn254::Fr;
use ark_ff::{Field, Zero};

use crate::{FULL_ROUNDS, HALF_FULL_ROUNDS, MAX_INPUTS, Parameters, PoseidonError};

/// `PoseidonN` of N inputs, 1 to [`MAX_INPUTS`].
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

/// `PoseidonN` of an array; a wrong number of inputs doesn't compile.
#[must_use]
pub fn hash_array<const N: usize>(inputs: &[Fr; N]) -> Fr {
    const { assert!(N >= 1 && N <= MAX_INPUTS, "Poseidon takes 1 to 6 inputs") };
    hash(inputs).expect("the number of inputs is checked when this is compiled")
}

/// Lane 0 of the permuted state; `T` is the width of `parameters`, and one more than inputs.
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
        for lane in 1..T {
            state[lane] += state[0] * column[lane - 1];
        }
        state[0] = first;
    }
    let lanes = state;
    for (lane, row) in state[1..].iter_mut().zip(&parameters.last_block) {
        *lane = row
            .iter()
            .zip(&lanes[1..])
            .map(|(factor, value)| *factor * value)
            .sum();
    }
    for constants in &parameters.full_constants[HALF_FULL_ROUNDS..FULL_ROUNDS - 1] {
        state = full_round(&state, constants, &parameters.mds);
    }
    // Lane 0 alone is the result, so the last round needs one row.
    let powers = fifth_powers(&state, &parameters.full_constants[FULL_ROUNDS - 1]);
    product(&parameters.mds[0], &powers)
}

fn full_round<const T: usize>(state: &[Fr; T], constants: &[Fr], mds: &[Vec<Fr>]) -> [Fr; T] {
    let powers = fifth_powers(state, constants);
    std::array::from_fn(|lane| product(&mds[lane], &powers))
}

fn fifth_powers<const T: usize>(state: &[Fr; T], constants: &[Fr]) -> [Fr; T] {
    std::array::from_fn(|lane| fifth_power(state[lane] + constants[lane]))
}

fn fifth_power(x: Fr) -> Fr {
    x.square().square() * x
}

fn product<const T: usize>(row: &[Fr], state: &[Fr; T]) -> Fr {
    let row = row.try_into().expect("a row has one element for each lane");
    Fr::sum_of_products::<T>(row, state)
}
