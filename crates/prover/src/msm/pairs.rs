//! Additions of many pairs of affine points with one inversion for all: `λ = (y₂ - y₁)/(x₂ - x₁)`,
//! `x₃ = λ² - x₁ - x₂`, `y₃ = λ(x₁ - x₃) - y₁`, the denominators inverted together (Montgomery's trick).
//!
//! A pair with `x₁ = x₂` (equal or opposite points) has no such λ. It makes the product of all denominators zero, so
//! it can't go unnoticed; the whole chunk is then added by arkworks's complete formulas. Infinity isn't stored at
//! all: a sum that is infinity becomes the reference [`NONE`].

use ark_ec::{AffineRepr, CurveGroup, short_weierstrass::Projective};
use ark_ff::{AdditiveGroup, Field, batch_inversion};
use bauta_lanes::{Arch, Lanes, Line, MAX_LANES, Task};

use super::coordinate::Coordinate;
use crate::erase::erase;

/// No point: infinity.
pub(super) const NONE: u32 = u32::MAX;
/// The reference is to the scratch space; without it, to the table.
pub(super) const SCRATCH: u32 = 1 << 31;
/// The table's point is to be negated. Never together with [`SCRATCH`].
pub(super) const NEGATIVE: u32 = 1 << 30;
/// The rest of a reference: the point's index.
pub(super) const INDEX: u32 = NEGATIVE - 1;

/// Additions that share an inversion.
const CHUNK: usize = 4096;
/// Independent chains of products: hides the latency of a multiplication.
const CHAINS: usize = 4;
/// Vectors that a prefetch runs ahead.
const AHEAD: usize = 6;

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
    fn address(&self, reference: u32, size: usize) -> *const Line {
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

/// Buffers of one chunk, kept between chunks.
pub(super) struct Work<A: Arch, C: Coordinate<A>> {
    denominators: Vec<C::Denominator>,
    norms: Vec<A::Fq>,
    prefixes: Vec<A::Fq>,
}

impl<A: Arch, C: Coordinate<A>> Work<A, C> {
    pub(super) fn new(arch: A) -> Self {
        let vectors = CHUNK / A::LANES;
        Self {
            denominators: vec![C::zero(arch).denominator(); vectors],
            norms: vec![A::Fq::zero(arch); vectors],
            prefixes: vec![A::Fq::zero(arch); vectors],
        }
    }

    /// Overwrites what chunks of at most so many pairs left.
    pub(super) fn erase(&mut self, arch: A, pairs: usize) {
        let vectors = pairs.min(CHUNK).div_ceil(A::LANES);
        erase(&mut self.denominators[..vectors], C::zero(arch).denominator());
        erase(&mut self.norms[..vectors], A::Fq::zero(arch));
        erase(&mut self.prefixes[..vectors], A::Fq::zero(arch));
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

/// Adds at most [`CHUNK`] pairs, whole vectors, into `sums`. False, with `sums` undefined, when a denominator is zero.
struct AddChunk<'a, A: Arch, C: Coordinate<A>> {
    points: Points<'a>,
    pairs: &'a [(u32, u32)],
    /// The next chunk's pairs: they are fetched into the second-level cache while this chunk is computed.
    upcoming: &'a [(u32, u32)],
    sums: &'a mut [Line],
    work: &'a mut Work<A, C>,
}

impl<A: Arch, C: Coordinate<A>> Task<A> for AddChunk<'_, A, C> {
    type Output = bool;

    #[inline(always)]
    fn run(self, arch: A) -> bool {
        let Self {
            points,
            pairs,
            upcoming,
            sums,
            work,
        } = self;
        let vectors = pairs.len() / A::LANES;
        let group = |v: usize| &pairs[v * A::LANES..][..A::LANES];

        // Prefix products of the denominators' norms, in CHAINS chains: vector v belongs to chain v mod CHAINS.
        let mut products = [A::Fq::splat(arch, ark_bn254::Fq::ONE); CHAINS];
        let slots = work
            .denominators
            .iter_mut()
            .zip(&mut work.norms)
            .zip(&mut work.prefixes);
        for (v, ((denominator, norm), prefix)) in slots.take(vectors).enumerate() {
            if v + AHEAD < vectors {
                for_lines::<A, C>(&points, group(v + AHEAD), |line| arch.prefetch(line));
            }
            let refs = group(v);
            let x1: C = Side::new::<A, C>(&points, |lane| refs[lane].0).x(arch);
            let x2: C = Side::new::<A, C>(&points, |lane| refs[lane].1).x(arch);
            let difference = x2.sub(x1);
            *denominator = difference.denominator();
            *norm = difference.norm();
            *prefix = products[v % CHAINS];
            products[v % CHAINS] = products[v % CHAINS].mul(*norm);
        }
        let Some(mut inverses) = invert(arch, products) else {
            return false;
        };

        // Backwards: `inverses[c]` is the inverse of the product of chain c's norms up to the present vector. Two vectors
        // at a time, since one alone is a chain of dependent multiplications.
        let mut v = vectors;
        while v >= 2 {
            v -= 2;
            let (one, two) = (v, v + 1);
            if v >= AHEAD {
                let next = &pairs[(one - AHEAD) * A::LANES..][..2 * A::LANES];
                for_lines::<A, C>(&points, next, |line| arch.prefetch(line));
            }
            let later = upcoming.len().min((v + 2) * A::LANES);
            let later = &upcoming[later.min(v * A::LANES)..later];
            for_lines::<A, C>(&points, later, |line| arch.prefetch_later(line));
            let (chain1, chain2) = (one % CHAINS, two % CHAINS);
            let inverse1 = inverses[chain1].mul(work.prefixes[one]);
            let inverse2 = inverses[chain2].mul(work.prefixes[two]);
            inverses[chain1] = inverses[chain1].mul(work.norms[one]);
            inverses[chain2] = inverses[chain2].mul(work.norms[two]);
            let (p1, q1) = operands::<A, C>(arch, &points, group(one));
            let (p2, q2) = operands::<A, C>(arch, &points, group(two));
            let slope1 = q1.1.sub(p1.1).divide(work.denominators[one], inverse1);
            let slope2 = q2.1.sub(p2.1).divide(work.denominators[two], inverse2);
            let square1 = slope1.square();
            let square2 = slope2.square();
            let x1 = square1.sub_sub_reduced(p1.0, q1.0);
            let x2 = square2.sub_sub_reduced(p2.0, q2.0);
            let y1 = p1.0.sub(x1).mul(slope1);
            let y2 = p2.0.sub(x2).mul(slope2);
            let size = A::LANES * C::LINES;
            C::scatter(x1, y1.sub_reduced(p1.1), &mut sums[one * size..][..size]);
            C::scatter(x2, y2.sub_reduced(p2.1), &mut sums[two * size..][..size]);
        }
        if v == 1 {
            let inverse = inverses[0].mul(work.prefixes[0]);
            let (p, q) = operands::<A, C>(arch, &points, group(0));
            let slope = q.1.sub(p.1).divide(work.denominators[0], inverse);
            let x = slope.square().sub_sub_reduced(p.0, q.0);
            let y = p.0.sub(x).mul(slope).sub_reduced(p.1);
            C::scatter(x, y, &mut sums[..A::LANES * C::LINES]);
        }
        true
    }
}

/// Visits the addresses of all lines of the points of some pairs.
#[inline(always)]
fn for_lines<A: Arch, C: Coordinate<A>>(
    points: &Points<'_>,
    pairs: &[(u32, u32)],
    visit: impl Fn(*const Line),
) {
    for &(p, q) in pairs {
        let (p, q) = (points.address(p, C::LINES), points.address(q, C::LINES));
        for line in 0..C::LINES {
            visit(p.wrapping_add(line));
            visit(q.wrapping_add(line));
        }
    }
}

/// Lines of one vector of points: the first and the last of each, with x and y.
#[derive(Clone, Copy)]
struct Side<'a> {
    x: [&'a Line; MAX_LANES],
    y: [&'a Line; MAX_LANES],
    /// One bit for each lane whose point is to be negated.
    signs: u8,
}

impl<'a> Side<'a> {
    #[inline(always)]
    fn new<A: Arch, C: Coordinate<A>>(points: &Points<'a>, reference: impl Fn(usize) -> u32) -> Self {
        let mut side = Self {
            x: [&Line::ZERO; MAX_LANES],
            y: [&Line::ZERO; MAX_LANES],
            signs: 0,
        };
        for lane in 0..A::LANES {
            let reference = reference(lane);
            let lines = points.lines(reference, C::LINES);
            (side.x[lane], side.y[lane]) = (&lines[0], &lines[C::LINES - 1]);
            side.signs |= u8::from(reference & (NEGATIVE | SCRATCH) == NEGATIVE) << lane;
        }
        side
    }

    #[inline(always)]
    fn x<A: Arch, C: Coordinate<A>>(&self, arch: A) -> C {
        C::gather_x(arch, |lane| self.x[lane])
    }

    #[inline(always)]
    fn y<A: Arch, C: Coordinate<A>>(&self, arch: A) -> C {
        C::gather_y(arch, |lane| self.y[lane]).negate_where(self.signs)
    }
}

type Vectors<C> = (C, C);

/// Both points of each pair of a vector, with their signs.
#[inline(always)]
fn operands<A: Arch, C: Coordinate<A>>(
    arch: A,
    points: &Points<'_>,
    refs: &[(u32, u32)],
) -> (Vectors<C>, Vectors<C>) {
    let p = Side::new::<A, C>(points, |lane| refs[lane].0);
    let q = Side::new::<A, C>(points, |lane| refs[lane].1);
    ((p.x(arch), p.y(arch)), (q.x(arch), q.y(arch)))
}

/// Inverses of all lanes of all chains with a single inversion. None if any of them is zero.
#[inline(always)]
fn invert<A: Arch>(arch: A, chains: [A::Fq; CHAINS]) -> Option<[A::Fq; CHAINS]> {
    let [a, b, c, d] = chains;
    let (ab, cd) = (a.mul(b), c.mul(d));
    let inverse = invert_lanes(arch, ab.mul(cd))?;
    let (inverse_ab, inverse_cd) = (inverse.mul(cd), inverse.mul(ab));
    Some([
        inverse_ab.mul(b),
        inverse_ab.mul(a),
        inverse_cd.mul(d),
        inverse_cd.mul(c),
    ])
}

#[inline(always)]
fn invert_lanes<A: Arch>(arch: A, product: A::Fq) -> Option<A::Fq> {
    let mut elements: [ark_bn254::Fq; MAX_LANES] = product.to_elements();
    let lanes = &mut elements[..A::LANES];
    if lanes.contains(&ark_bn254::Fq::ZERO) {
        return None;
    }
    batch_inversion(lanes);
    Some(A::Fq::load(arch, lanes))
}
