//! The additions of one chunk, a vector at a time.
//!
//! ```text
//!   forth:  fetch P, Q --> x₂ - x₁, y₂ - y₁ --> a Step      running products of the norms of x₂ - x₁
//!           one inversion of the last product
//!   back:   a Step --> λ, x₃, y₃ --> sums                   the product's inverse shrinks by a norm each time
//! ```
//!
//! Points are only read on the way forth, in whatever order they come; the way back reads steps one after another, from the second-level
//! cache, while the next chunk's points are fetched.

use ark_bn254::Fq;
use ark_ff::Field;
use bauta_packed_field::{Arch, Lanes, Line, MAX_LANES, Task};

use super::{
    coordinate::Coordinate,
    inverse::inverse,
    pairs::{NEGATIVE, Points, SCRATCH},
};
use crate::erase::erase;

/// Additions that share an inversion.
pub(super) const CHUNK: usize = 1024;
/// Independent chains of products: hides the latency of a multiplication.
const CHAINS: usize = 4;
/// Vectors that a prefetch runs ahead.
const AHEAD: usize = 6;

/// What the way back needs of a vector of pairs.
#[derive(Clone, Copy)]
struct Step<A: Arch, C: Coordinate<A>> {
    /// `x₁` and `y₁`.
    from: (C, C),
    /// `x₂ - x₁` and `y₂ - y₁`.
    run: C,
    rise: C,
    norm: C::Norm,
    /// Product of the norms of the chain's vectors before this one.
    before: A::Fq,
}

impl<A: Arch, C: Coordinate<A>> Step<A, C> {
    fn zero(arch: A) -> Self {
        let zero = C::zero(arch);
        Self {
            from: (zero, zero),
            run: zero,
            rise: zero,
            norm: zero.norm(),
            before: A::Fq::zero(arch),
        }
    }
}

/// Adds some neighbouring vectors, the first being vector `first`, and leaves their norms out of their chains' inverses. Each line is done for
/// all of them before the next, since one alone is a chain of dependent multiplications.
#[inline(always)]
fn add_neighbours<A: Arch, C: Coordinate<A>, const N: usize>(
    arch: A,
    steps: &[Step<A, C>],
    first: usize,
    inverses: &mut [A::Fq; CHAINS],
    sums: &mut [Line],
) {
    let steps = &steps[first..first + N];
    let mut inverse = [A::Fq::zero(arch); N];
    let (mut slope, mut x, mut y) = ([C::zero(arch); N], [C::zero(arch); N], [C::zero(arch); N]);
    for (i, step) in steps.iter().enumerate() {
        inverse[i] = inverses[(first + i) % CHAINS].mul(step.before);
    }
    for (i, step) in steps.iter().enumerate() {
        let inverse = &mut inverses[(first + i) % CHAINS];
        *inverse = inverse.mul(step.run.norm_value(step.norm));
    }
    for (i, step) in steps.iter().enumerate() {
        slope[i] = step.rise.divide(step.run, inverse[i]);
    }
    for i in 0..N {
        x[i] = slope[i].square();
    }
    for (i, step) in steps.iter().enumerate() {
        x[i] = x[i].sub_both_reduced(step.from.0, step.run);
    }
    for (i, step) in steps.iter().enumerate() {
        y[i] = step.from.0.sub(x[i]).mul(slope[i]);
    }
    let size = A::LANES * C::LINES;
    for (i, step) in steps.iter().enumerate() {
        C::scatter(
            x[i],
            y[i].sub_reduced(step.from.1),
            &mut sums[(first + i) * size..][..size],
        );
    }
}

/// Buffers of one chunk, kept between chunks.
pub(super) struct Work<A: Arch, C: Coordinate<A>>(Vec<Step<A, C>>);

impl<A: Arch, C: Coordinate<A>> Work<A, C> {
    pub(super) fn new(arch: A) -> Self {
        Self(vec![Step::zero(arch); CHUNK / A::LANES])
    }

    /// Overwrites what chunks of at most so many pairs left.
    pub(super) fn erase(&mut self, arch: A, pairs: usize) {
        let vectors = pairs.min(CHUNK).div_ceil(A::LANES);
        erase(&mut self.0[..vectors], Step::zero(arch));
    }
}

/// Adds at most [`CHUNK`] pairs, whole vectors, into `sums`. False, with `sums` undefined, when a denominator is zero.
pub(super) struct AddChunk<'a, A: Arch, C: Coordinate<A>> {
    pub(super) points: Points<'a>,
    pub(super) pairs: &'a [(u32, u32)],
    /// The next chunk's pairs: they are fetched into the second-level cache while this chunk is computed.
    pub(super) upcoming: &'a [(u32, u32)],
    pub(super) sums: &'a mut [Line],
    pub(super) work: &'a mut Work<A, C>,
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
        let steps = &mut work.0[..vectors];

        // Vector v belongs to chain v mod CHAINS.
        let mut products = [A::Fq::splat(arch, Fq::ONE); CHAINS];
        for (v, (step, refs)) in steps.iter_mut().zip(pairs.chunks_exact(A::LANES)).enumerate() {
            let ahead = pairs.len().min((v + AHEAD) * A::LANES);
            let next = &pairs[ahead..pairs.len().min(ahead + A::LANES)];
            for_lines::<A, C>(&points, next, |line| arch.prefetch(line));
            let p: (C, C) = fetch(arch, &points, |lane| refs[lane].0);
            let q: (C, C) = fetch(arch, &points, |lane| refs[lane].1);
            let run = q.0.sub(p.0);
            let norm = run.norm();
            let product = &mut products[v % CHAINS];
            *step = Step {
                from: p,
                run,
                rise: q.1.sub(p.1),
                norm,
                before: *product,
            };
            *product = product.mul(run.norm_value(norm));
        }
        let Some(mut inverses) = invert(arch, products) else {
            return false;
        };

        let mut v = vectors;
        while v >= C::TOGETHER {
            v -= C::TOGETHER;
            let later = upcoming.len().min((v + C::TOGETHER) * A::LANES);
            let later = &upcoming[later.min(v * A::LANES)..later];
            for_lines::<A, C>(&points, later, |line| arch.prefetch_later(line));
            if C::TOGETHER == 2 {
                add_neighbours::<A, C, 2>(arch, steps, v, &mut inverses, sums);
            } else {
                add_neighbours::<A, C, 1>(arch, steps, v, &mut inverses, sums);
            }
        }
        if v == 1 {
            add_neighbours::<A, C, 1>(arch, steps, 0, &mut inverses, sums);
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

/// One vector of points, with their signs.
#[inline(always)]
fn fetch<A: Arch, C: Coordinate<A>>(
    arch: A,
    points: &Points<'_>,
    reference: impl Fn(usize) -> u32,
) -> (C, C) {
    let mut x = [&Line::ZERO; MAX_LANES];
    let mut y = [&Line::ZERO; MAX_LANES];
    let mut signs = 0;
    for lane in 0..A::LANES {
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
    let mut elements: [Fq; MAX_LANES] = product.to_elements();
    let lanes = &mut elements[..A::LANES];
    let mut before = [Fq::ONE; MAX_LANES];
    let mut product = Fq::ONE;
    for (lane, before) in lanes.iter().zip(&mut before) {
        *before = product;
        product *= lane;
    }
    let mut inverse = inverse(product)?;
    for (lane, before) in lanes.iter_mut().zip(before).rev() {
        let inverse_lane = inverse * before;
        inverse *= *lane;
        *lane = inverse_lane;
    }
    Some(A::Fq::load(arch, lanes))
}
