//! `Σ d · S_d` over the buckets' sums, with about two additions for each bucket.
//!
//! Write d = 2^k · i + j. Then `Σ d · S_d = 2^k · Σ i · R_i + Σ j · C_j`, where `R_i` is the sum of row i and `C_j` that of
//! column j: two sums of the same kind over far fewer points. Done again until few are left for a running sum.

use ark_ec::{AdditiveGroup, short_weierstrass::Projective};
use bauta_lanes::Arch;

use super::{
    coordinate::Coordinate,
    pairs::{NONE, Points},
    segments::Summation,
};

/// Points from which on splitting is cheaper than a running sum.
const SPLIT: usize = 24;

/// `Σ d · sums[d]`. References are to the summation's table.
pub(super) fn weighted_sum<A: Arch, C: Coordinate<A>>(
    summation: &mut Summation<'_, A, C>,
    sums: Vec<u32>,
) -> Projective<C::Curve> {
    // Problems of one level; each splits into two of the next, so that all share their batches.
    let mut problems = vec![sums];
    let mut shifts = Vec::new();
    while problems.iter().any(|problem| problem.len() > SPLIT) {
        let longest = problems
            .iter()
            .map(Vec::len)
            .max()
            .expect("there is at least one problem");
        let shift = longest.next_power_of_two().trailing_zeros() / 2;
        problems = split(summation, &problems, shift);
        shifts.push(shift);
    }
    let points = summation.points();
    let mut values: Vec<_> = problems
        .iter()
        .map(|problem| running_sum::<A, C>(points, problem))
        .collect();
    for shift in shifts.into_iter().rev() {
        values = values
            .chunks_exact(2)
            .map(|pair| {
                let mut high = pair[0];
                for _ in 0..shift {
                    high.double_in_place();
                }
                high + pair[1]
            })
            .collect();
    }
    values[0]
}

/// Rows, then columns, of each problem.
fn split<A: Arch, C: Coordinate<A>>(
    summation: &mut Summation<'_, A, C>,
    problems: &[Vec<u32>],
    shift: u32,
) -> Vec<Vec<u32>> {
    let columns = 1usize << shift;
    let mut references = Vec::new();
    let mut lists = Vec::new();
    let mut sizes = Vec::new();
    let mut push = |list: &mut dyn Iterator<Item = &u32>| {
        let start = references.len();
        references.extend(list.filter(|&&reference| reference != NONE));
        lists.push(start..references.len());
    };
    for problem in problems {
        // Row 0 and column 0 have weight zero; they keep their place but are left empty.
        push(&mut [].iter());
        for row in problem.chunks(columns).skip(1) {
            push(&mut row.iter());
        }
        push(&mut [].iter());
        for column in 1..columns {
            push(&mut problem.iter().skip(column).step_by(columns));
        }
        sizes.extend([problem.len().div_ceil(columns), columns]);
    }
    let mut sums = summation.sums(&mut references, &lists).into_iter();
    sizes
        .into_iter()
        .map(|size| sums.by_ref().take(size).collect())
        .collect()
}

/// `Σ d · S_d` by running sums from the top.
fn running_sum<A: Arch, C: Coordinate<A>>(points: Points<'_>, sums: &[u32]) -> Projective<C::Curve> {
    let mut running = Projective::<C::Curve>::ZERO;
    let mut total = Projective::<C::Curve>::ZERO;
    for &sum in sums[1..].iter().rev() {
        running += points.decode::<A, C>(sum);
        total += running;
    }
    total
}
