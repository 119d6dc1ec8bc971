//! Computes the values of a polynomial on the odd coset from its values on the domain.
//!
//! The domain consists of `ω^i`, and the odd coset of `ζ·ω^i` with `ζ² = ω`. The computation has
//! three steps:
//!
//! 1. The inverse transform, by decimation in frequency: natural order in, bit-reversed order out.
//! 2. Multiplication of coefficient k by `ζ^k / n`.
//! 3. The forward transform, by decimation in time: bit-reversed order in, natural order out.
//!
//! No step reorders values into or out of bit-reversed order. Stages whose distance is smaller than
//! a vector work on transposed squares of vectors, so they also add and multiply whole vectors.

use ark_bn254::Fr;
use ark_ff::{FftField, Field};
use bauta_packed_field::{Arch, PackedField, Task};

/// The constants for one domain size.
pub(crate) struct CosetTransform<A: Arch> {
    arch: A,
    size: usize,
    /// Twiddle factors of the stages that work on whole vectors, widest stage first, for the
    /// inverse and the forward transform.
    inverse: Vec<Vec<A::Fr>>,
    forward: Vec<Vec<A::Fr>>,
    /// Twiddle factors of the stages inside a vector.
    inner_inverse: Vec<Vec<A::Fr>>,
    inner_forward: Vec<Vec<A::Fr>>,
    /// `ζ^k / n`, in the order in which the coefficients occur.
    scale: Vec<A::Fr>,
}

fn powers(base: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(Fr::ONE), |power| Some(*power * base))
        .take(count)
        .collect()
}

impl<A: Arch> CosetTransform<A> {
    /// The smallest domain size for this back end.
    pub(crate) const MIN_SIZE: usize = A::WIDTH * A::WIDTH;

    /// Computes the constants. Returns `None` unless `size` is a power of two from
    /// [`MIN_SIZE`](Self::MIN_SIZE) to 2^27.
    pub(crate) fn new(arch: A, size: usize) -> Option<Self> {
        if !size.is_power_of_two() || size < Self::MIN_SIZE {
            return None;
        }
        let zeta = Fr::get_root_of_unity(2 * size as u64)?;
        let omega = powers(zeta.square(), size);
        let inverse_omega = powers(zeta.square().inverse()?, size);
        let shift = powers(zeta, size);
        let size_inverse = Fr::from(size as u64).inverse()?;

        let halves =
            || std::iter::successors(Some(size / 2), |half| Some(half / 2)).take_while(|half| *half > 0);
        let outer = |roots: &[Fr]| -> Vec<Vec<A::Fr>> {
            let stage = |half: usize| {
                let lane = |v: usize, l: usize| roots[(v * A::WIDTH + l) * (size / (2 * half))];
                (0..half / A::WIDTH)
                    .map(|v| A::Fr::from_fn(arch, |l| lane(v, l)))
                    .collect()
            };
            halves().filter(|half| *half >= A::WIDTH).map(stage).collect()
        };
        let inner = |roots: &[Fr]| -> Vec<Vec<A::Fr>> {
            let stage = |half: usize| {
                (0..half)
                    .map(|l| A::Fr::splat(arch, roots[l * (size / (2 * half))]))
                    .collect()
            };
            halves().filter(|half| *half < A::WIDTH).map(stage).collect()
        };
        let bits = size.trailing_zeros();
        let reversed = |position: usize| position.reverse_bits() >> (usize::BITS - bits);
        // In a transposed square, lane t of vector l is the former lane l of vector t.
        let scale = |v: usize| {
            let (square, l) = (v / A::WIDTH, v % A::WIDTH);
            A::Fr::from_fn(arch, |t| {
                shift[reversed((square * A::WIDTH + t) * A::WIDTH + l)] * size_inverse
            })
        };
        Some(Self {
            arch,
            size,
            inverse: outer(&inverse_omega),
            forward: outer(&omega),
            inner_inverse: inner(&inverse_omega),
            inner_forward: inner(&omega),
            scale: (0..size / A::WIDTH).map(scale).collect(),
        })
    }

    /// Returns the values on the odd coset of the polynomial that has `values` on the domain.
    /// Missing values are zero.
    pub(crate) fn to_coset(&self, values: &[Fr]) -> Vec<A::Fr> {
        self.arch.run(ToCoset {
            constants: self,
            values,
        })
    }
}

struct ToCoset<'a, A: Arch> {
    constants: &'a CosetTransform<A>,
    values: &'a [Fr],
}

impl<A: Arch> Task<A> for ToCoset<'_, A> {
    type Output = Vec<A::Fr>;

    #[inline(always)]
    fn run(self, arch: A) -> Vec<A::Fr> {
        let constants = self.constants;
        let count = constants.size / A::WIDTH;
        let mut vectors = Vec::with_capacity(count);
        for chunk in self.values.chunks(A::WIDTH) {
            vectors.push(A::Fr::load(arch, chunk));
        }
        vectors.resize(count, A::Fr::zero(arch));

        for twiddles in &constants.inverse {
            inverse_stage::<A>(&mut vectors, twiddles);
        }
        for (square, scale) in vectors
            .chunks_exact_mut(A::WIDTH)
            .zip(constants.scale.chunks_exact(A::WIDTH))
        {
            A::Fr::transpose(arch, square);
            for twiddles in &constants.inner_inverse {
                inverse_stage::<A>(square, twiddles);
            }
            for (vector, factor) in square.iter_mut().zip(scale) {
                *vector = vector.mul(*factor);
            }
            for twiddles in constants.inner_forward.iter().rev() {
                forward_stage::<A>(square, twiddles);
            }
            A::Fr::transpose(arch, square);
        }
        for twiddles in constants.forward.iter().rev() {
            forward_stage::<A>(&mut vectors, twiddles);
        }
        vectors
    }
}

/// Maps `(x, y)` to `(x + y, (x - y)·w)`. The distance of x and y is the number of twiddle factors.
#[inline(always)]
fn inverse_stage<A: Arch>(vectors: &mut [A::Fr], twiddles: &[A::Fr]) {
    for block in vectors.chunks_exact_mut(2 * twiddles.len()) {
        let (low, high) = block.split_at_mut(twiddles.len());
        for ((x, y), twiddle) in low.iter_mut().zip(high).zip(twiddles) {
            let difference = x.sub(*y);
            *x = x.add_reduced(*y);
            *y = difference.mul(*twiddle);
        }
    }
}

/// Maps `(x, y)` to `(x + y·w, x - y·w)`. The distance of x and y is the number of twiddle factors.
#[inline(always)]
fn forward_stage<A: Arch>(vectors: &mut [A::Fr], twiddles: &[A::Fr]) {
    for block in vectors.chunks_exact_mut(2 * twiddles.len()) {
        let (low, high) = block.split_at_mut(twiddles.len());
        for ((x, y), twiddle) in low.iter_mut().zip(high).zip(twiddles) {
            let product = y.mul(*twiddle);
            *y = x.sub_reduced(product);
            *x = x.add_reduced(product);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ark_ff::{AdditiveGroup, UniformRand};
    use bauta_packed_field::Portable;

    /// Returns the value at `x` of the polynomial that has `values` on the domain, by Lagrange's
    /// formula.
    fn interpolate(values: &[Fr], x: Fr) -> Fr {
        let n = values.len();
        let omega = Fr::get_root_of_unity(n as u64).unwrap();
        let vanishing = x.pow([n as u64]) - Fr::ONE;
        let scale = vanishing / Fr::from(n as u64);
        powers(omega, n)
            .into_iter()
            .zip(values)
            .map(|(node, value)| *value * node * scale / (x - node))
            .fold(Fr::ZERO, |sum, term| sum + term)
    }

    fn agrees_with_interpolation<A: Arch>(arch: A, size: usize) {
        let mut rng = ark_std::test_rng();
        let mut values: Vec<Fr> = (0..size - 3).map(|_| Fr::rand(&mut rng)).collect();
        let transformed: Vec<Fr> = CosetTransform::new(arch, size)
            .unwrap()
            .to_coset(&values)
            .into_iter()
            .flat_map(|vector| vector.to_elements().into_iter().take(A::WIDTH))
            .collect();
        values.resize(size, Fr::ZERO);
        let zeta = Fr::get_root_of_unity(2 * size as u64).unwrap();
        for (i, value) in transformed.iter().enumerate() {
            assert_eq!(
                *value,
                interpolate(&values, zeta.pow([2 * i as u64 + 1])),
                "size {size}, point {i}"
            );
        }
    }

    #[test]
    fn the_transform_gives_the_polynomials_values_on_the_odd_coset() {
        for size in [4, 8, 64, 128, 256] {
            agrees_with_interpolation(Portable, size);
        }
        if let Some(fused) = bauta_packed_field::Fused::detect_for_test() {
            for size in [16, 64, 128, 256] {
                agrees_with_interpolation(fused, size);
            }
        }
        #[cfg(target_arch = "x86_64")]
        if let Some(ifma) = bauta_packed_field::Ifma::detect() {
            for size in [64, 128, 256] {
                agrees_with_interpolation(ifma, size);
            }
        }
    }

    #[test]
    fn sizes_that_are_not_a_domain_size_are_refused() {
        assert!(CosetTransform::new(Portable, 0).is_none());
        assert!(CosetTransform::new(Portable, 12).is_none());
        assert!(CosetTransform::new(Portable, 1 << 28).is_none());
    }
}
