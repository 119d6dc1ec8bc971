//! Additions of many pairs of affine points with one inversion for all: `λ = (y₂ - y₁)/(x₂ - x₁)`,
//! `x₃ = λ² - x₁ - x₂`, `y₃ = λ(x₁ - x₃) - y₁`, the denominators inverted together (Montgomery's trick).
//!
//! A pair with `x₁ = x₂` (equal or opposite points) has no such λ. It makes the product of all denominators zero, so
//! it can't go unnoticed; the whole chunk is then added by arkworks's complete formulas. Infinity isn't stored at
//! all: a sum that is infinity becomes the reference [`NONE`].

use ark_ec::{AffineRepr, CurveGroup, short_weierstrass::Projective};
use ark_ff::AdditiveGroup;
use bauta_packed_field::{Arch, Line};

use super::{
    chunk::{AddChunk, CHUNK, Work},
    coordinate::Coordinate,
};

/// No point: infinity.
pub(super) const NONE: u32 = u32::MAX;
/// The reference is to the scratch space; without it, to the table.
pub(super) const SCRATCH: u32 = 1 << 31;
/// The table's point is to be negated. Never together with [`SCRATCH`].
pub(super) const NEGATIVE: u32 = 1 << 30;
/// The rest of a reference: the point's index.
pub(super) const INDEX: u32 = NEGATIVE - 1;

/// Points to read: a fixed table, and sums computed before.
#[derive(Clone, Copy)]
pub(super) struct Points<'a> {
    pub(super) table: &'a [Line],
    pub(super) scratch: &'a [Line],
}

impl<'a> Points<'a> {
    /// The lines of a point of `size` lines.
    #[inline(always)]
    pub(super) fn lines(&self, reference: u32, size: usize) -> &'a [Line] {
        let from = if reference & SCRATCH == 0 {
            self.table
        } else {
            self.scratch
        };
        let start = (reference & INDEX) as usize * size;
        &from[start..start + size]
    }

    /// Where a point's lines are, to be fetched.
    #[inline(always)]
    pub(super) fn address(&self, reference: u32, size: usize) -> *const Line {
        let from = if reference & SCRATCH == 0 {
            self.table
        } else {
            self.scratch
        };
        from.as_ptr().wrapping_add((reference & INDEX) as usize * size)
    }

    pub(super) fn decode<A: Arch, C: Coordinate<A>>(&self, reference: u32) -> Projective<C::Curve> {
        if reference == NONE {
            return Projective::ZERO;
        }
        let point = C::decode(self.lines(reference, C::LINES)).into_group();
        if reference & (NEGATIVE | SCRATCH) == NEGATIVE {
            -point
        } else {
            point
        }
    }
}

/// Adds every pair; the sum of pair i becomes point `used + i` of `scratch`. No reference in `pairs` may be [`NONE`]. `pairs` is left
/// padded to whole vectors. Returns the references of sums that are infinity, ascending, of which there hardly ever are any.
pub(super) fn add_pairs<A: Arch, C: Coordinate<A>>(
    arch: A,
    table: &[Line],
    scratch: &mut Vec<Line>,
    used: usize,
    pairs: &mut Vec<(u32, u32)>,
    work: &mut Work<A, C>,
) -> Vec<u32> {
    let mut vanished = Vec::new();
    let Some(&last) = pairs.last() else {
        return vanished;
    };
    let count = pairs.len();
    pairs.resize(count.next_multiple_of(A::LANES), last);
    let needed = (used + pairs.len()) * C::LINES;
    if scratch.len() < needed {
        scratch.resize(needed, Line::ZERO);
    }
    let mut first = used;
    let mut chunks = pairs.chunks(CHUNK).peekable();
    while let Some(chunk) = chunks.next() {
        let (old, new) = scratch.split_at_mut(first * C::LINES);
        let points = Points { table, scratch: old };
        let regular = arch.run(AddChunk {
            points,
            pairs: chunk,
            upcoming: chunks.peek().copied().unwrap_or(&[]),
            sums: new,
            work,
        });
        if !regular {
            let real = &chunk[..chunk.len().min(used + count - first)];
            for infinity in add_exceptional::<A, C>(points, real, new) {
                vanished.push(u32::try_from(first + infinity).expect("fewer than 2^30 points") | SCRATCH);
            }
        }
        first += chunk.len();
    }
    vanished
}

/// The same by complete formulas, for a chunk that has a pair with equal x coordinates. Returns the positions of sums that are
/// infinity, which aren't stored.
#[cold]
fn add_exceptional<A: Arch, C: Coordinate<A>>(
    points: Points<'_>,
    pairs: &[(u32, u32)],
    sums: &mut [Line],
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
