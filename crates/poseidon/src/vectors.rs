//! Computes as many hashes at once as a vector has lanes. The rounds are those of `scalar.rs`, with
//! vectors instead of elements.

use std::sync::OnceLock;

use ark_bn254::Fr;
use ark_ff::AdditiveGroup;
use bauta_packed_field::{Arch, Fused, Ifma, PackedField, Task};

use crate::{FULL_ROUNDS, HALF_FULL_ROUNDS, MAX_INPUTS, Parameters};

type Vector<A> = <A as Arch>::Fr;
type Constant<A> = <Vector<A> as PackedField<A>>::Constant;

/// [`Parameters`] in the form that vectors use.
pub(crate) struct VectorParameters<A: Arch, const T: usize> {
    full_constants: Vec<[Constant<A>; T]>,
    mds: [[Constant<A>; T]; T],
    partial: Vec<PartialRound<A, T>>,
    /// Rows of the block after the partial rounds. The first row and the first column are unused.
    last_block: [[Constant<A>; T]; T],
}

struct PartialRound<A: Arch, const T: usize> {
    constant: Constant<A>,
    row: [Constant<A>; T],
    /// The first entry is unused.
    column: [Constant<A>; T],
}

/// Returns the constants of a row, preceded by `T - elements.len()` zeros.
fn row<A: Arch, const T: usize>(elements: &[Fr]) -> [Constant<A>; T] {
    let mut row = [Vector::<A>::constant(Fr::ZERO); T];
    for (constant, element) in row[T - elements.len()..].iter_mut().zip(elements) {
        *constant = Vector::<A>::constant(*element);
    }
    row
}

impl<A: Arch, const T: usize> VectorParameters<A, T> {
    fn new() -> Self {
        let parameters = Parameters::for_inputs(T - 1).expect("T - 1 is a number of inputs");
        let mut mds = [row::<A, T>(&[]); T];
        let mut last_block = mds;
        for (target, elements) in mds.iter_mut().zip(&parameters.mds) {
            *target = row::<A, T>(elements);
        }
        for (target, elements) in last_block[1..].iter_mut().zip(&parameters.last_block) {
            *target = row::<A, T>(elements);
        }
        let rounds = parameters.partial_constants.iter();
        let rounds = rounds.zip(parameters.sparse_rows.iter().zip(&parameters.sparse_columns));
        Self {
            full_constants: parameters
                .full_constants
                .iter()
                .map(|elements| row::<A, T>(elements))
                .collect(),
            mds,
            partial: rounds
                .map(|(constant, (first_row, column))| PartialRound {
                    constant: Vector::<A>::constant(*constant),
                    row: row::<A, T>(first_row),
                    column: row::<A, T>(column),
                })
                .collect(),
            last_block,
        }
    }
}

/// A back end whose parameters are computed once.
pub(crate) trait Vectorised: Arch {
    /// Computes one hash for each group of `n` inputs. `n` is 1 to [`MAX_INPUTS`].
    fn hash_into(self, inputs: &[Fr], n: usize, hashes: &mut [Fr]);
}

macro_rules! vectorised {
    ($arch:ty, $($inputs:literal => $width:literal),*) => {
        impl Vectorised for $arch {
            fn hash_into(self, inputs: &[Fr], n: usize, hashes: &mut [Fr]) {
                match n {
                    $($inputs => {
                        static PARAMETERS: OnceLock<VectorParameters<$arch, $width>> = OnceLock::new();
                        let parameters = PARAMETERS.get_or_init(VectorParameters::new);
                        self.run(Groups { parameters, inputs, hashes });
                    })*
                    _ => unreachable!("the caller checks that there are 1 to {MAX_INPUTS} inputs"),
                }
            }
        }
    };
}
vectorised!(Ifma, 1 => 2, 2 => 3, 3 => 4, 4 => 5, 5 => 6, 6 => 7);
vectorised!(Fused, 1 => 2, 2 => 3, 3 => 4, 4 => 5, 5 => 6, 6 => 7);

struct Groups<'a, A: Arch, const T: usize> {
    parameters: &'a VectorParameters<A, T>,
    inputs: &'a [Fr],
    hashes: &'a mut [Fr],
}

impl<A: Arch, const T: usize> Task<A> for Groups<'_, A, T> {
    type Output = ();

    #[inline(always)]
    fn run(self, arch: A) {
        let n = T - 1;
        for (inputs, hashes) in self
            .inputs
            .chunks(n * A::WIDTH)
            .zip(self.hashes.chunks_mut(A::WIDTH))
        {
            let mut state = [Vector::<A>::zero(arch); T];
            for (input, vector) in state[1..].iter_mut().enumerate() {
                *vector = Vector::<A>::from_fn(arch, |lane| {
                    inputs.get(lane * n + input).copied().unwrap_or_default()
                });
            }
            let elements = permute(arch, self.parameters, state).to_elements();
            hashes.copy_from_slice(&elements[..hashes.len()]);
        }
    }
}

#[inline(always)]
fn permute<A: Arch, const T: usize>(
    arch: A,
    parameters: &VectorParameters<A, T>,
    mut state: [Vector<A>; T],
) -> Vector<A> {
    for constants in &parameters.full_constants[..HALF_FULL_ROUNDS] {
        state = full_round(arch, &state, constants, &parameters.mds);
    }
    for round in &parameters.partial {
        state[0] = fifth_power::<A>(state[0].add(Vector::<A>::broadcast(arch, &round.constant)));
        let first = product(arch, &round.row, &state);
        let power = state[0];
        for (element, factor) in state.iter_mut().zip(&round.column).skip(1) {
            *element = element.add_reduced(power.mul(Vector::<A>::broadcast(arch, factor)));
        }
        state[0] = first;
    }
    let mut before = state;
    before[0] = Vector::<A>::zero(arch);
    for (element, row) in state.iter_mut().zip(&parameters.last_block).skip(1) {
        *element = product(arch, row, &before);
    }
    for constants in &parameters.full_constants[HALF_FULL_ROUNDS..FULL_ROUNDS - 1] {
        state = full_round(arch, &state, constants, &parameters.mds);
    }
    // Only state element 0 is the result, so the last round needs only one row of the matrix.
    for (element, constant) in state.iter_mut().zip(&parameters.full_constants[FULL_ROUNDS - 1]) {
        *element = fifth_power::<A>(element.add(Vector::<A>::broadcast(arch, constant)));
    }
    product(arch, &parameters.mds[0], &state)
}

#[inline(always)]
fn full_round<A: Arch, const T: usize>(
    arch: A,
    state: &[Vector<A>; T],
    constants: &[Constant<A>; T],
    mds: &[[Constant<A>; T]; T],
) -> [Vector<A>; T] {
    let mut powers = *state;
    for (element, constant) in powers.iter_mut().zip(constants) {
        *element = fifth_power::<A>(element.add(Vector::<A>::broadcast(arch, constant)));
    }
    let mut next = powers;
    for (element, row) in next.iter_mut().zip(mds) {
        *element = product(arch, row, &powers);
    }
    next
}

/// Returns the fifth power of a loose value, reduced.
#[inline(always)]
fn fifth_power<A: Arch>(x: Vector<A>) -> Vector<A> {
    x.square().square().mul(x)
}

#[inline(always)]
fn product<A: Arch, const T: usize>(arch: A, row: &[Constant<A>; T], state: &[Vector<A>; T]) -> Vector<A> {
    let mut factors = [Vector::<A>::zero(arch); T];
    for (factor, constant) in factors.iter_mut().zip(row) {
        *factor = Vector::<A>::broadcast(arch, constant);
    }
    Vector::<A>::dot(&factors, state)
}
