//! Computes eight hashes at once. The rounds are those of `scalar.rs`, with vectors instead of
//! elements.

use std::sync::OnceLock;

use ark_bn254::Fr;
use bauta_packed_field::{Arch, Ifma, PackedField, Task};

use crate::{FULL_ROUNDS, HALF_FULL_ROUNDS, MAX_INPUTS, Parameters};

type Vector = <Ifma as Arch>::Fr;
type Constant = <Vector as PackedField<Ifma>>::Constant;

/// [`Parameters`] in the form that vectors use.
struct VectorParameters<const T: usize> {
    full_constants: Vec<[Constant; T]>,
    mds: [[Constant; T]; T],
    partial: Vec<PartialRound<T>>,
    /// Rows of the block after the partial rounds. The first row and the first column are unused.
    last_block: [[Constant; T]; T],
}

struct PartialRound<const T: usize> {
    constant: Constant,
    row: [Constant; T],
    /// The first entry is unused.
    column: [Constant; T],
}

fn prepare(elements: &[Fr]) -> Vec<Constant> {
    elements
        .iter()
        .map(|element| Vector::constant(*element))
        .collect()
}

/// Returns the constants of a row, preceded by `T - elements.len()` zeros.
fn row<const T: usize>(elements: &[Fr]) -> [Constant; T] {
    let mut row = [[0; 5]; T];
    row[T - elements.len()..].copy_from_slice(&prepare(elements));
    row
}

impl<const T: usize> VectorParameters<T> {
    fn new() -> Self {
        let parameters = Parameters::for_inputs(T - 1).expect("T - 1 is a number of inputs");
        let mut mds = [[[0; 5]; T]; T];
        let mut last_block = mds;
        for (target, elements) in mds.iter_mut().zip(&parameters.mds) {
            *target = row(elements);
        }
        for (target, elements) in last_block[1..].iter_mut().zip(&parameters.last_block) {
            *target = row(elements);
        }
        let rounds = parameters.partial_constants.iter();
        let rounds = rounds.zip(parameters.sparse_rows.iter().zip(&parameters.sparse_columns));
        Self {
            full_constants: parameters
                .full_constants
                .iter()
                .map(|elements| row(elements))
                .collect(),
            mds,
            partial: rounds
                .map(|(constant, (first_row, column))| PartialRound {
                    constant: Vector::constant(*constant),
                    row: row(first_row),
                    column: row(column),
                })
                .collect(),
            last_block,
        }
    }
}

/// Computes one hash for each group of `n` inputs. `n` is 1 to [`MAX_INPUTS`].
pub(crate) fn hash_into(arch: Ifma, inputs: &[Fr], n: usize, hashes: &mut [Fr]) {
    macro_rules! widths {
        ($($inputs:literal => $width:literal),*) => {
            match n {
                $($inputs => {
                    static PARAMETERS: OnceLock<VectorParameters<$width>> = OnceLock::new();
                    let parameters = PARAMETERS.get_or_init(VectorParameters::new);
                    arch.run(Groups { parameters, inputs, hashes });
                })*
                _ => unreachable!("the caller checks that there are 1 to {MAX_INPUTS} inputs"),
            }
        };
    }
    widths!(1 => 2, 2 => 3, 3 => 4, 4 => 5, 5 => 6, 6 => 7);
}

struct Groups<'a, const T: usize> {
    parameters: &'a VectorParameters<T>,
    inputs: &'a [Fr],
    hashes: &'a mut [Fr],
}

impl<const T: usize> Task<Ifma> for Groups<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run(self, arch: Ifma) {
        let n = T - 1;
        for (inputs, hashes) in self
            .inputs
            .chunks(n * Ifma::WIDTH)
            .zip(self.hashes.chunks_mut(Ifma::WIDTH))
        {
            let mut state = [Vector::zero(arch); T];
            for (input, vector) in state[1..].iter_mut().enumerate() {
                *vector = Vector::from_fn(arch, |lane| {
                    inputs.get(lane * n + input).copied().unwrap_or_default()
                });
            }
            let elements = permute(arch, self.parameters, state).to_elements();
            hashes.copy_from_slice(&elements[..hashes.len()]);
        }
    }
}

#[inline(always)]
fn permute<const T: usize>(arch: Ifma, parameters: &VectorParameters<T>, mut state: [Vector; T]) -> Vector {
    for constants in &parameters.full_constants[..HALF_FULL_ROUNDS] {
        state = full_round(arch, &state, constants, &parameters.mds);
    }
    for round in &parameters.partial {
        state[0] = fifth_power(state[0].add(Vector::broadcast(arch, &round.constant)));
        let first = product(arch, &round.row, &state);
        let power = state[0];
        for (element, factor) in state.iter_mut().zip(&round.column).skip(1) {
            *element = element.add_reduced(power.mul(Vector::broadcast(arch, factor)));
        }
        state[0] = first;
    }
    let mut before = state;
    before[0] = Vector::zero(arch);
    for (element, row) in state.iter_mut().zip(&parameters.last_block).skip(1) {
        *element = product(arch, row, &before);
    }
    for constants in &parameters.full_constants[HALF_FULL_ROUNDS..FULL_ROUNDS - 1] {
        state = full_round(arch, &state, constants, &parameters.mds);
    }
    // Only state element 0 is the result, so the last round needs only one row of the matrix.
    for (element, constant) in state.iter_mut().zip(&parameters.full_constants[FULL_ROUNDS - 1]) {
        *element = fifth_power(element.add(Vector::broadcast(arch, constant)));
    }
    product(arch, &parameters.mds[0], &state)
}

#[inline(always)]
fn full_round<const T: usize>(
    arch: Ifma,
    state: &[Vector; T],
    constants: &[Constant; T],
    mds: &[[Constant; T]; T],
) -> [Vector; T] {
    let mut powers = *state;
    for (element, constant) in powers.iter_mut().zip(constants) {
        *element = fifth_power(element.add(Vector::broadcast(arch, constant)));
    }
    let mut next = powers;
    for (element, row) in next.iter_mut().zip(mds) {
        *element = product(arch, row, &powers);
    }
    next
}

/// Returns the fifth power of a loose value, reduced.
#[inline(always)]
fn fifth_power(x: Vector) -> Vector {
    x.square().square().mul(x)
}

#[inline(always)]
fn product<const T: usize>(arch: Ifma, row: &[Constant; T], state: &[Vector; T]) -> Vector {
    let mut factors = [Vector::zero(arch); T];
    for (factor, constant) in factors.iter_mut().zip(row) {
        *factor = Vector::broadcast(arch, constant);
    }
    Vector::dot(&factors, state)
}
