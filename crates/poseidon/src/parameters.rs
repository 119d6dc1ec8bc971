//! Round constants and matrices. They are converted to the sparse form once for each width.

use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};

use crate::{MAX_INPUTS, PoseidonError, grain};

/// The number of full rounds, at every width. Half of them come before the partial rounds and half
/// after.
pub const FULL_ROUNDS: usize = 8;
/// The number of full rounds before the partial rounds, and after them.
pub const HALF_FULL_ROUNDS: usize = FULL_ROUNDS / 2;

type Matrix = Vec<Vec<Fr>>;

/// The constants for a state of t elements (the width), equivalent to circomlib's constants.
///
/// The textbook form is rewritten in two steps (Poseidon paper, appendix B):
///
/// * A constant that is added to state elements without an S-box moves through the linear layer to
///   the next round. One scalar per round remains. What is left after the last partial round is
///   added to the constants of the first full round after it.
/// * The dense matrix M is factored as M = diag(1, M') · S, where S differs from the identity only
///   in row 0 and column 0. diag(1, M') commutes with an S-box on state element 0, so it is moved
///   into the next round's M. After the last partial round, one dense block of (t - 1)² elements
///   remains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// The number t of state elements. It is one more than the number of inputs.
    pub width: usize,
    /// The constants of the [`FULL_ROUNDS`] full rounds, t for each round.
    pub full_constants: Matrix,
    /// The dense MDS matrix of the full rounds, t x t.
    pub mds: Matrix,
    /// The constant that each partial round adds to state element 0.
    pub partial_constants: Vec<Fr>,
    /// Row 0 of each partial round's sparse matrix, with t elements.
    pub sparse_rows: Matrix,
    /// Column 0 of each partial round's sparse matrix without its first element, with t - 1
    /// elements.
    pub sparse_columns: Matrix,
    /// The dense block, (t - 1) x (t - 1). It is applied to all state elements except element 0
    /// after the last partial round.
    pub last_block: Matrix,
}

impl Parameters {
    /// Returns the constants for a number of inputs. They are computed at their first use.
    pub fn for_inputs(inputs: usize) -> Result<&'static Self, PoseidonError> {
        static PARAMETERS: [OnceLock<Parameters>; MAX_INPUTS] = [const { OnceLock::new() }; MAX_INPUTS];
        let parameters = inputs
            .checked_sub(1)
            .and_then(|index| PARAMETERS.get(index))
            .ok_or(PoseidonError::InputCount(inputs))?;
        Ok(parameters.get_or_init(|| Self::sparse(inputs + 1)))
    }

    fn sparse(width: usize) -> Self {
        let dense = grain::generate(width, FULL_ROUNDS).expect("a width is from 2 to MAX_INPUTS + 1");
        let rounds = dense.constants;
        let (first, rest) = rounds.split_at(HALF_FULL_ROUNDS);
        let (partial, second) = rest.split_at(dense.partial_rounds);

        let (partial_constants, carry) = scalar_constants(partial, &dense.mds);
        let mut full_constants = [first, second].concat();
        for (constant, carried) in full_constants[HALF_FULL_ROUNDS].iter_mut().zip(carry) {
            *constant += carried;
        }
        let (sparse_rows, sparse_columns, last_block) = factor(&dense.mds, dense.partial_rounds);
        Self {
            width,
            full_constants,
            mds: dense.mds,
            partial_constants,
            sparse_rows,
            sparse_columns,
            last_block,
        }
    }
}

/// Returns one scalar for each partial round, and the remainder to add to the first full round
/// after them.
fn scalar_constants(rounds: &[Vec<Fr>], mds: &Matrix) -> (Vec<Fr>, Vec<Fr>) {
    let width = mds.len();
    let mut carry = vec![Fr::zero(); width];
    let mut scalars = Vec::with_capacity(rounds.len());
    for round in rounds {
        let sum: Vec<Fr> = round
            .iter()
            .zip(&carry)
            .map(|(constant, carried)| *constant + carried)
            .collect();
        scalars.push(sum[0]);
        carry = mds.iter().map(|row| dot(&row[1..], &sum[1..])).collect();
    }
    (scalars, carry)
}

/// Returns the rows and the columns of the sparse matrices, and the dense block that remains after
/// the last round.
fn factor(mds: &Matrix, rounds: usize) -> (Matrix, Matrix, Matrix) {
    let size = mds.len() - 1;
    let below: Matrix = mds[1..].iter().map(|row| row[1..].to_vec()).collect();
    let first_column: Vec<Fr> = mds[1..].iter().map(|row| row[0]).collect();
    let mut block = identity(size);
    let (mut rows, mut columns) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for _ in 0..rounds {
        // N = M · diag(1, block) = diag(1, N') · S, where N' is the lower right block of N.
        let mut row = vec![mds[0][0]];
        row.extend((0..size).map(|j| (0..size).map(|k| mds[0][k + 1] * block[k][j]).sum::<Fr>()));
        let next = product(&below, &block);
        columns.push(
            inverse(&next)
                .iter()
                .map(|line| dot(line, &first_column))
                .collect(),
        );
        rows.push(row);
        block = next;
    }
    (rows, columns, block)
}

fn dot(left: &[Fr], right: &[Fr]) -> Fr {
    left.iter().zip(right).map(|(a, b)| *a * b).sum()
}

fn identity(size: usize) -> Matrix {
    (0..size)
        .map(|i| {
            (0..size)
                .map(|j| if i == j { Fr::one() } else { Fr::zero() })
                .collect()
        })
        .collect()
}

fn product(left: &Matrix, right: &Matrix) -> Matrix {
    let size = left.len();
    left.iter()
        .map(|row| {
            (0..size)
                .map(|j| (0..size).map(|k| row[k] * right[k][j]).sum())
                .collect()
        })
        .collect()
}

/// Inverts a matrix by Gauss-Jordan elimination.
fn inverse(matrix: &Matrix) -> Matrix {
    const REGULAR: &str = "submatrices of an MDS matrix are regular, and so are their products";
    let size = matrix.len();
    let mut rows: Matrix = matrix
        .iter()
        .zip(identity(size))
        .map(|(row, unit)| [row.as_slice(), &unit].concat())
        .collect();
    for i in 0..size {
        let pivot = (i..size).find(|&k| !rows[k][i].is_zero()).expect(REGULAR);
        rows.swap(i, pivot);
        let scale = rows[i][i].inverse().expect(REGULAR);
        rows[i].iter_mut().for_each(|value| *value *= scale);
        let line = rows[i].clone();
        for (k, row) in rows.iter_mut().enumerate() {
            let factor = row[i];
            if k != i {
                row.iter_mut()
                    .zip(&line)
                    .for_each(|(value, pivot)| *value -= factor * pivot);
            }
        }
    }
    rows.into_iter().map(|row| row[size..].to_vec()).collect()
}
