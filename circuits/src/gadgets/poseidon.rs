use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field};
use bauta_poseidon::{FULL_ROUNDS, HALF_FULL_ROUNDS, MAX_INPUTS, Parameters};

use crate::constraint_system::ConstraintSystem;

const WIDTH: &str = "parameters of width T have T elements in each row";

/// Computes `PoseidonN` of N expressions. N is 1 to 6.
///
/// Each S-box takes 3 constraints, so the hash takes 213, 240, 261, 297, 321 or 354. All other
/// operations are linear and take none. State element 0 of the first round is a constant, so its
/// S-box takes none either. After the last round, only state element 0 is computed.
pub fn poseidon<C: ConstraintSystem, const N: usize>(
    cs: &mut C,
    inputs: &[C::Expression; N],
) -> C::Expression {
    const { assert!(N >= 1 && N <= MAX_INPUTS, "Poseidon takes 1 to 6 inputs") };
    hash_of::<C, N>(cs, None, inputs)
}

/// Computes `PoseidonN` of a constant and N − 1 expressions. It takes 3 constraints less than
/// [`poseidon`], because the first S-box of the constant is a constant.
pub fn tagged_poseidon<C: ConstraintSystem, const N: usize>(
    cs: &mut C,
    tag: Fr,
    inputs: &[C::Expression],
) -> C::Expression {
    const { assert!(N >= 1 && N <= MAX_INPUTS, "Poseidon takes 1 to 6 inputs") };
    assert_eq!(inputs.len() + 1, N, "the tag is one of the inputs");
    hash_of::<C, N>(cs, Some(tag), inputs)
}

fn hash_of<C: ConstraintSystem, const N: usize>(
    cs: &mut C,
    tag: Option<Fr>,
    inputs: &[C::Expression],
) -> C::Expression {
    let parameters =
        Parameters::for_inputs(N).expect("the number of inputs is checked when this is compiled");
    match N {
        1 => permute::<C, 2>(cs, parameters, tag, inputs),
        2 => permute::<C, 3>(cs, parameters, tag, inputs),
        3 => permute::<C, 4>(cs, parameters, tag, inputs),
        4 => permute::<C, 5>(cs, parameters, tag, inputs),
        5 => permute::<C, 6>(cs, parameters, tag, inputs),
        _ => permute::<C, 7>(cs, parameters, tag, inputs),
    }
}

fn permute<C: ConstraintSystem, const T: usize>(
    cs: &mut C,
    parameters: &Parameters,
    tag: Option<Fr>,
    inputs: &[C::Expression],
) -> C::Expression {
    let mds: [&[Fr; T]; T] = std::array::from_fn(|i| row(&parameters.mds[i]));
    let mix = |cs: &C, powers: &[C::Expression; T]| mds.map(|weights| cs.weighted_sum(weights, powers));

    let constants: &[Fr; T] = row(&parameters.full_constants[0]);
    // State element 0 and the tag are constants before the first round.
    let before_inputs = 1 + usize::from(tag.is_some());
    let powers = std::array::from_fn(|i| {
        if i < before_inputs {
            let sum = constants[i] + if i == 0 { Fr::ZERO } else { tag.unwrap_or_default() };
            return cs.constant(sum.square().square() * sum);
        }
        let sum = cs.add_constant(&inputs[i - before_inputs], constants[i]);
        fifth_power(cs, &sum)
    });
    let mut state = mix(cs, &powers);
    for constants in &parameters.full_constants[1..HALF_FULL_ROUNDS] {
        let powers = full_s_boxes(cs, &state, row(constants));
        state = mix(cs, &powers);
    }

    let rounds = parameters
        .partial_constants
        .iter()
        .zip(&parameters.sparse_rows)
        .zip(&parameters.sparse_columns);
    for ((constant, weights), column) in rounds {
        let sum = cs.add_constant(&state[0], *constant);
        state[0] = fifth_power(cs, &sum);
        let first = cs.weighted_sum(row::<T>(weights), &state);
        for i in 1..T {
            state[i] = cs.add_scaled(&state[i], column[i - 1], &state[0]);
        }
        state[0] = first;
    }

    let mixed: [C::Expression; T] = std::array::from_fn(|i| {
        if i == 0 {
            return state[0].clone();
        }
        let mut weights = [Fr::ZERO; T];
        weights[1..].copy_from_slice(&parameters.last_block[i - 1]);
        cs.weighted_sum(&weights, &state)
    });
    state = mixed;
    for constants in &parameters.full_constants[HALF_FULL_ROUNDS..FULL_ROUNDS - 1] {
        let powers = full_s_boxes(cs, &state, row(constants));
        state = mix(cs, &powers);
    }
    let powers = full_s_boxes(cs, &state, row(&parameters.full_constants[FULL_ROUNDS - 1]));
    cs.weighted_sum(mds[0], &powers)
}

fn full_s_boxes<C: ConstraintSystem, const T: usize>(
    cs: &mut C,
    state: &[C::Expression; T],
    constants: &[Fr; T],
) -> [C::Expression; T] {
    std::array::from_fn(|i| {
        let sum = cs.add_constant(&state[i], constants[i]);
        fifth_power(cs, &sum)
    })
}

/// Computes x^5 in three constraints. x² does not occur in matrix B, and x³ does not occur in
/// matrix A. This removes a third of the points of the prover's multi-scalar multiplications over A
/// and B.
fn fifth_power<C: ConstraintSystem>(cs: &mut C, x: &C::Expression) -> C::Expression {
    let square = cs.multiply(x, x);
    let cube = cs.multiply(&square, x);
    cs.multiply(&square, &cube)
}

fn row<const T: usize>(row: &[Fr]) -> &[Fr; T] {
    row.try_into().expect(WIDTH)
}
