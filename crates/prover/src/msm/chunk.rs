//! Adds the pairs of one chunk, a vector at a time, in two passes.
//!
//! ```text
//!   forward:   fetch P, Q --> x₂ - x₁, y₂ - y₁ --> an Addition  products of the norms of x₂ - x₁
//!              one inversion of the last product
//!   backward:  an Addition --> λ, x₃, y₃ --> sums               the inverse loses a norm each time
//! ```
//!
//! Only the forward pass reads points, in the order of the pairs. The backward pass reads the
//! additions one after another from the second-level cache. Meanwhile, the points of the next chunk
//! are prefetched.

use ark_bn254::Fq;
use ark_ff::Field;
use bauta_packed_field::{Arch, CacheLine, MAX_WIDTH, PackedField, Task};

use super::{
    coordinate::Coordinate,
    inverse::inverse,
    points::{NEGATIVE, Points, SCRATCH},
};
use crate::wipe::wipe;

/// The number of additions that share one inversion.
pub(super) const CHUNK: usize = 1024;
/// The number of independent chains of products. Several chains hide the latency of a
/// multiplication.
const CHAINS: usize = 4;
/// The distance of prefetching in the forward pass, in vectors.
const PREFETCH_DISTANCE: usize = 6;

/// The intermediate values of one vector of pairs, from the forward to the backward pass.
#[derive(Clone, Copy)]
struct Addition<A: Arch, C: Coordinate<A>> {
    /// `x₁` and `y₁`.
    first: (C, C),
    /// `x₂ - x₁`.
    dx: C,
    /// `y₂ - y₁`.
    dy: C,
    norm: C::Norm,
    /// The product of the norms of the preceding vectors of the same chain.
    prefix: A::Fq,
}

impl<A: Arch, C: Coordinate<A>> Addition<A, C> {
    fn zero(arch: A) -> Self {
        let zero = C::zero(arch);
        Self {
            first: (zero, zero),
            dx: zero,
            dy: zero,
            norm: zero.norm(),
            prefix: A::Fq::zero(arch),
        }
    }
}

/// Completes the additions of N neighbouring vectors, and removes their norms from the inverses of
/// their chains. `start` is the index of the first vector. Each loop performs one operation for all
/// vectors before the next operation, because the operations of a single vector form a chain of
/// dependent multiplications.
#[inline(always)]
fn finish_additions<A: Arch, C: Coordinate<A>, const N: usize>(
    arch: A,
    additions: &[Addition<A, C>],
    start: usize,
    inverses: &mut [A::Fq; CHAINS],
    sums: &mut [CacheLine],
) {
    let additions = &additions[start..start + N];
    let mut inverse = [A::Fq::zero(arch); N];
    let (mut slope, mut x, mut y) = ([C::zero(arch); N], [C::zero(arch); N], [C::zero(arch); N]);
    for (i, addition) in additions.iter().enumerate() {
        inverse[i] = inverses[(start + i) % CHAINS].mul(addition.prefix);
    }
    for (i, addition) in additions.iter().enumerate() {
        let inverse = &mut inverses[(start + i) % CHAINS];
        *inverse = inverse.mul(addition.dx.norm_value(addition.norm));
    }
    for (i, addition) in additions.iter().enumerate() {
        slope[i] = addition.dy.divide(addition.dx, inverse[i]);
    }
    for i in 0..N {
        x[i] = slope[i].square();
    }
    for (i, addition) in additions.iter().enumerate() {
        x[i] = x[i].sub_both_reduced(addition.first.0, addition.dx);
    }
    for (i, addition) in additions.iter().enumerate() {
        y[i] = addition.first.0.sub(x[i]).mul(slope[i]);
    }
    let size = A::WIDTH * C::LINES;
    for (i, addition) in additions.iter().enumerate() {
        C::scatter(
            x[i],
            y[i].sub_reduced(addition.first.1),
            &mut sums[(start + i) * size..][..size],
        );
    }
}

/// The buffers of one chunk. They are kept between chunks.
pub(super) struct ChunkBuffers<A: Arch, C: Coordinate<A>>(Vec<Addition<A, C>>);

impl<A: Arch, C: Coordinate<A>> ChunkBuffers<A, C> {
    pub(super) fn new(arch: A) -> Self {
        Self(vec![Addition::zero(arch); CHUNK / A::WIDTH])
    }

    /// Overwrites the values that chunks of at most `pairs` pairs have left.
    pub(super) fn wipe(&mut self, arch: A, pairs: usize) {
        let vectors = pairs.min(CHUNK).div_ceil(A::WIDTH);
        wipe(&mut self.0[..vectors], Addition::zero(arch));
    }
}

/// Adds at most [`CHUNK`] pairs, in whole vectors, and writes the sums to `sums`. Returns false if
/// a denominator is zero. The contents of `sums` are then undefined.
pub(super) struct AddChunk<'a, A: Arch, C: Coordinate<A>> {
    pub(super) points: Points<'a>,
    pub(super) pairs: &'a [(u32, u32)],
    /// The pairs of the next chunk. Their points are prefetched into the second-level cache while
    /// this chunk is computed.
    pub(super) next_pairs: &'a [(u32, u32)],
    pub(super) sums: &'a mut [CacheLine],
    pub(super) buffers: &'a mut ChunkBuffers<A, C>,
}

impl<A: Arch, C: Coordinate<A>> Task<A> for AddChunk<'_, A, C> {
    type Output = bool;

    #[inline(always)]
    fn run(self, arch: A) -> bool {
        let Self {
            points,
            pairs,
            next_pairs,
            sums,
            buffers,
        } = self;
        let vectors = pairs.len() / A::WIDTH;
        let additions = &mut buffers.0[..vectors];

        // Vector v belongs to chain v mod CHAINS.
        let mut products = [A::Fq::splat(arch, Fq::ONE); CHAINS];
        for (v, (addition, refs)) in additions.iter_mut().zip(pairs.chunks_exact(A::WIDTH)).enumerate() {
            let next_start = pairs.len().min((v + PREFETCH_DISTANCE) * A::WIDTH);
            let next = &pairs[next_start..pairs.len().min(next_start + A::WIDTH)];
            for_lines::<A, C>(&points, next, |line| arch.prefetch(line));
            let p: (C, C) = fetch(arch, &points, |lane| refs[lane].0);
            let q: (C, C) = fetch(arch, &points, |lane| refs[lane].1);
            let dx = q.0.sub(p.0);
            let norm = dx.norm();
            let product = &mut products[v % CHAINS];
            *addition = Addition {
                first: p,
                dx,
                dy: q.1.sub(p.1),
                norm,
                prefix: *product,
            };
            *product = product.mul(dx.norm_value(norm));
        }
        let Some(mut inverses) = invert(arch, products) else {
            return false;
        };

        let mut v = vectors;
        while v >= C::VECTORS_AT_ONCE {
            v -= C::VECTORS_AT_ONCE;
            let later = next_pairs.len().min((v + C::VECTORS_AT_ONCE) * A::WIDTH);
            let later = &next_pairs[later.min(v * A::WIDTH)..later];
            for_lines::<A, C>(&points, later, |line| arch.prefetch_later(line));
            if C::VECTORS_AT_ONCE == 2 {
                finish_additions::<A, C, 2>(arch, additions, v, &mut inverses, sums);
            } else {
                finish_additions::<A, C, 1>(arch, additions, v, &mut inverses, sums);
            }
        }
        if v == 1 {
            finish_additions::<A, C, 1>(arch, additions, 0, &mut inverses, sums);
        }
        true
    }
}

/// Calls `visit` with the address of every line of the points of some pairs.
#[inline(always)]
fn for_lines<A: Arch, C: Coordinate<A>>(
    points: &Points<'_>,
    pairs: &[(u32, u32)],
    visit: impl Fn(*const CacheLine),
) {
    for &(p, q) in pairs {
        let (p, q) = (points.address(p, C::LINES), points.address(q, C::LINES));
        for line in 0..C::LINES {
            visit(p.wrapping_add(line));
            visit(q.wrapping_add(line));
        }
    }
}

/// Reads one vector of points, with their signs.
#[inline(always)]
fn fetch<A: Arch, C: Coordinate<A>>(
    arch: A,
    points: &Points<'_>,
    reference: impl Fn(usize) -> u32,
) -> (C, C) {
    let mut x = [&CacheLine::ZERO; MAX_WIDTH];
    let mut y = [&CacheLine::ZERO; MAX_WIDTH];
    let mut signs = 0;
    for lane in 0..A::WIDTH {
        let reference = reference(lane);
        let lines = points.lines(reference, C::LINES);
        (x[lane], y[lane]) = (&lines[0], &lines[C::LINES - 1]);
        signs |= u8::from(reference & (NEGATIVE | SCRATCH) == NEGATIVE) << lane;
    }
    (
        C::gather_x(arch, |lane| x[lane]),
        C::gather_y(arch, |lane| y[lane]).negate_where(signs),
    )
}

/// Inverts all lanes of all chains with a single inversion. Returns `None` if any lane is zero.
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
    let mut elements: [Fq; MAX_WIDTH] = product.to_elements();
    let lanes = &mut elements[..A::WIDTH];
    let mut prefixes = [Fq::ONE; MAX_WIDTH];
    let mut product = Fq::ONE;
    for (lane, prefix) in lanes.iter().zip(&mut prefixes) {
        *prefix = product;
        product *= lane;
    }
    let mut inverse = inverse(product)?;
    for (lane, prefix) in lanes.iter_mut().zip(prefixes).rev() {
        let inverse_lane = inverse * prefix;
        inverse *= *lane;
        *lane = inverse_lane;
    }
    Some(A::Fq::load(arch, lanes))
}
