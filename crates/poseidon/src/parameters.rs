//! Round constants and matrices, brought into sparse form once per width.

use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::{Field, One, Zero};
use light_poseidon::parameters::bn254_x5::get_poseidon_parameters;

use crate::{MAX_INPUTS, PoseidonError};

/// Full rounds of every width, half of them before and half after the partial rounds.
pub const FULL_ROUNDS: usize = 8;
/// Full rounds before, and after, the partial rounds.
pub const HALF_FULL_ROUNDS: usize = FULL_ROUNDS / 2;

type Matrix = Vec<Vec<Fr>>;

/// The constants of one width t, equivalent to circomlib's.
///
/// Two rewritings of the partial rounds (Poseidon paper, appendix B) lead here from the textbook form:
///
/// * a constant added to lanes that no S-box touches moves through the linear layer to the next round, so that one
///   scalar per round stays, and the last remainder joins the first full round after them;
/// * the dense matrix M splits as M = diag(1, M') · S, where S differs from the identity in row 0 and column 0
///   alone; diag(1, M') commutes with an S-box on lane 0 and so is pushed into the next round's M, until one dense
///   block of (t - 1)² is left behind the last partial round.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameters {
    /// Lanes of the state: one more than inputs.
    pub width: usize,
    /// Constants of each of the [`FULL_ROUNDS`] full rounds, t per round.
    pub full_constants: Matrix,
    /// The dense MDS matrix of the full rounds, t x t.
    pub mds: Matrix,
    /// The constant that each partial round adds to lane 0.
    pub partial_constants: Vec<Fr>,
    /// Row 0 of each partial round's sparse matrix: t elements.
    pub sparse_rows: Matrix,
    /// Column 0 of each partial round's sparse matrix without its first element: t - 1 elements.
    pub sparse_columns: Matrix,
    /// The dense block applied to lanes 1.. after the last partial round, (t - 1) x (t - 1).
    pub last_block: Matrix,
}

impl Parameters {
    /// The constants for a number of inputs, computed at their first use.
    pub fn for_inputs(inputs: usize) -> Result<&'static Self, PoseidonError> {
        static PARAMETERS: [OnceLock<Parameters>; MAX_INPUTS] = [const { OnceLock::new() }; MAX_INPUTS];
        let slot = inputs
            .checked_sub(1)
            .and_then(|index| PARAMETERS.get(index))
            .ok_or(PoseidonError::InputCount(inputs))?;
        Ok(slot.get_or_init(|| Self::sparse(inputs + 1)))
    }

    fn sparse(width: usize) -> Self {
        let lanes = u8::try_from(width).expect("a width is at most MAX_INPUTS + 1");
        let dense = get_poseidon_parameters::<Fr>(lanes).expect("light-poseidon has the widths 2 to 13");
        assert_eq!(
            dense.full_rounds, FULL_ROUNDS,
            "circomlib uses 8 full rounds at every width"
        );
        let rounds: Matrix = dense.ark.chunks(width).map(<[Fr]>::to_vec).collect();
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

/// One scalar per partial round, and what is left to add to the first full round after them.
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

/// Rows and columns of the sparse matrices, and the dense block left behind the last round.
fn factor(mds: &Matrix, rounds: usize) -> (Matrix, Matrix, Matrix) {
    let size = mds.len() - 1;
    let below: Matrix = mds[1..].iter().map(|row| row[1..].to_vec()).collect();
    let first_column: Vec<Fr> = mds[1..].iter().map(|row| row[0]).collect();
    let mut block = identity(size);
    let (mut rows, mut columns) = (Vec::with_capacity(rounds), Vec::with_capacity(rounds));
    for _ in 0..rounds {
        // N = M · diag(1, block) = diag(1, N') · S, with N' its lower right block.
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

/// Gauss-Jordan elimination.
fn inverse(matrix: &Matrix) -> Matrix {
    const REGULAR: &str = "a submatrix of an MDS matrix is regular, and so are products of them";
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
