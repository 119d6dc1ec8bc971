//! Adds many pairs of affine points with one inversion for each chunk of pairs:
//! `λ = (y₂ - y₁)/(x₂ - x₁)`, `x₃ = λ² - x₁ - x₂`, `y₃ = λ(x₁ - x₃) - y₁`. The denominators are
//! inverted together (Montgomery's trick).
//!
//! A pair with `x₁ = x₂` (equal or opposite points) has no such λ. It makes the product of all
//! denominators zero, so it is always detected. The whole chunk is then added by arkworks's
//! complete formulas. The point at infinity is not stored: the references of sums that are infinity
//! are returned to the caller.

use ark_ec::{AffineRepr, CurveGroup, short_weierstrass::Projective};
use bauta_packed_field::{Arch, CacheLine};

use super::{
    chunk::{AddChunk, CHUNK, ChunkBuffers},
    coordinate::Coordinate,
    points::{Points, SCRATCH},
};

/// The addition of many pairs of points. The sum of pair i becomes point `used + i` of `scratch`.
pub(super) struct AddPairs<'a, A: Arch, C: Coordinate<A>> {
    pub(super) arch: A,
    pub(super) table: &'a [CacheLine],
    /// Memory for sums. It grows if it is too small.
    pub(super) scratch: &'a mut Vec<CacheLine>,
    /// The number of sums that `scratch` already holds.
    pub(super) used: usize,
    /// The references of the points to add. None may be [`NONE`](super::points::NONE). The vector
    /// is padded to whole SIMD vectors.
    pub(super) pairs: &'a mut Vec<(u32, u32)>,
    pub(super) buffers: &'a mut ChunkBuffers<A, C>,
}

impl<A: Arch, C: Coordinate<A>> AddPairs<'_, A, C> {
    /// Adds the pairs. Returns the references of sums that are infinity, ascending. There are
    /// almost never any.
    pub(super) fn run(self) -> Vec<u32> {
        let Self {
            arch,
            table,
            scratch,
            used,
            pairs,
            buffers,
        } = self;
        let mut infinities = Vec::new();
        let Some(&last) = pairs.last() else {
            return infinities;
        };
        let count = pairs.len();
        pairs.resize(count.next_multiple_of(A::WIDTH), last);
        let needed = (used + pairs.len()) * C::LINES;
        if scratch.len() < needed {
            scratch.resize(needed, CacheLine::ZERO);
        }
        let mut first = used;
        let mut chunks = pairs.chunks(CHUNK).peekable();
        while let Some(chunk) = chunks.next() {
            let (old, new) = scratch.split_at_mut(first * C::LINES);
            let points = Points { table, scratch: old };
            let regular = arch.run(AddChunk {
                points,
                pairs: chunk,
                next_pairs: chunks.peek().copied().unwrap_or(&[]),
                sums: &mut *new,
                buffers: &mut *buffers,
            });
            if !regular {
                let real = &chunk[..chunk.len().min(used + count - first)];
                for infinity in add_exceptional::<A, C>(points, real, new) {
                    infinities
                        .push(u32::try_from(first + infinity).expect("fewer than 2^30 points") | SCRATCH);
                }
            }
            first += chunk.len();
        }
        infinities
    }
}

/// Adds a chunk that contains a pair with equal x coordinates, by complete formulas. Returns the
/// positions of sums that are infinity. These sums are not stored.
#[cold]
fn add_exceptional<A: Arch, C: Coordinate<A>>(
    points: Points<'_>,
    pairs: &[(u32, u32)],
    sums: &mut [CacheLine],
) -> Vec<usize> {
    let added: Vec<_> = pairs
        .iter()
        .map(|&(p, q)| points.decode::<A, C>(p) + points.decode::<A, C>(q))
        .collect();
    let affine = Projective::<C::Curve>::normalize_batch(&added);
    let mut infinities = Vec::new();
    for (i, (sum, lines)) in affine.iter().zip(sums.chunks_mut(C::LINES)).enumerate() {
        if sum.is_zero() {
            infinities.push(i);
        } else {
            C::encode(sum, lines);
        }
    }
    infinities
}
