//! Computes `Σ d · S_d` over the sums of the buckets, with about two additions for each bucket.
//!
//! Write d = 2^k · i + j. Then `Σ d · S_d = 2^k · Σ i · R_i + Σ j · C_j`, where `R_i` is the sum of
//! row i and `C_j` is the sum of column j. These are two sums of the same kind over far fewer
//! points. The step is repeated until few points remain, and a running sum completes the
//! computation.

use ark_ec::{AdditiveGroup, short_weierstrass::Projective};
use bauta_packed_field::{Arch, CacheLine};

use super::{
    coordinate::Coordinate,
    lists::{Entry, Workspace},
    points::{NEGATIVE, NONE, Points, SCRATCH},
    pool::Pool,
};
use crate::{threads::Threads, wipe::wipe};

/// The largest number of points for which a running sum is cheaper than splitting.
const SPLIT: usize = 24;
/// The smallest number of points for which rows and columns may run on different threads.
const PARALLEL: usize = 1024;

/// The sums of one problem. `references[d]` is `S_d` as a reference into `lines`, or [`NONE`].
#[derive(Default)]
pub(super) struct Sums {
    pub(super) lines: Vec<CacheLine>,
    pub(super) references: Vec<u32>,
}

/// A part of [`Sums`] that one thread fills. Its first sum is that of list `first`.
pub(super) struct SumsPart<'a> {
    pub(super) first: usize,
    pub(super) lines: &'a mut [CacheLine],
    pub(super) references: &'a mut [u32],
}

impl Sums {
    /// Resets to `count` sums, each infinity. A point has `lines` lines.
    pub(super) fn reset(&mut self, count: usize, lines: usize) {
        self.lines.resize(count * lines, CacheLine::ZERO);
        self.references.clear();
        self.references.resize(count, NONE);
    }

    pub(super) fn wipe(&mut self) {
        wipe(&mut self.lines, CacheLine::ZERO);
        wipe(&mut self.references, 0);
    }
}

impl Drop for Sums {
    fn drop(&mut self) {
        self.wipe();
    }
}

/// Copies the sum of each list in a workspace to its position in `target`.
pub(super) fn copy_sums<A: Arch, C: Coordinate<A>>(
    workspace: &Workspace<A, C>,
    table: &[CacheLine],
    target: SumsPart<'_>,
) {
    let SumsPart {
        first,
        lines,
        references,
    } = target;
    let points = workspace.points(table);
    for &Entry { list, reference } in &workspace.entries {
        let position = list as usize - first;
        lines[position * C::LINES..][..C::LINES].copy_from_slice(points.lines(reference, C::LINES));
        let sign = if reference & SCRATCH == 0 {
            reference & NEGATIVE
        } else {
            0
        };
        // The number of the list is the index of its sum in the whole `Sums`.
        references[position] = list | sign;
    }
}

/// Returns `Σ d · sums[d]`. `sums` contains references into `lines`.
pub(super) fn weighted_sum<A: Arch, C: Coordinate<A>>(
    arch: A,
    workspaces: &Pool<Workspace<A, C>>,
    lines: &[CacheLine],
    sums: &[u32],
    threads: Threads,
) -> Projective<C::Curve> {
    if sums.len() <= SPLIT {
        let points = Points {
            table: lines,
            scratch: &[],
        };
        return running_sum::<A, C>(points, sums);
    }
    let shift = sums.len().next_power_of_two().trailing_zeros() / 2;
    let columns = 1 << shift;
    let rows = sums.len().div_ceil(columns);
    // Row 0 and column 0 have weight zero and stay empty. Column j is list `rows + j`.
    let push = |entries: &mut Vec<Entry>, list: usize, references: &mut dyn Iterator<Item = &u32>| {
        let list = u32::try_from(list).expect("there are fewer than 2^30 buckets");
        let present = references.filter(|&&reference| reference != NONE);
        entries.extend(present.map(|&reference| Entry { list, reference }));
    };
    let push_rows = |entries: &mut Vec<Entry>| {
        for (row, references) in sums.chunks(columns).enumerate().skip(1) {
            push(entries, row, &mut references.iter());
        }
    };
    let push_columns = |entries: &mut Vec<Entry>| {
        for column in 1..columns {
            let mut references = sums.iter().skip(column).step_by(columns);
            push(entries, rows + column, &mut references);
        }
    };
    let mut next = Sums::default();
    next.reset(rows + columns, C::LINES);
    let (row_lines, column_lines) = next.lines.split_at_mut(rows * C::LINES);
    let (row_references, column_references) = next.references.split_at_mut(rows);
    let fill = |push: &(dyn Fn(&mut Vec<Entry>) + Sync), target: SumsPart<'_>| {
        workspaces.with(
            || Workspace::new(arch),
            |workspace| {
                workspace.entries.clear();
                push(&mut workspace.entries);
                workspace.sum(lines);
                copy_sums(workspace, lines, target);
            },
        );
    };
    if sums.len() >= PARALLEL {
        let row_target = SumsPart {
            first: 0,
            lines: row_lines,
            references: row_references,
        };
        let column_target = SumsPart {
            first: rows,
            lines: column_lines,
            references: column_references,
        };
        threads.join(
            || fill(&push_rows, row_target),
            || fill(&push_columns, column_target),
        );
    } else {
        let push_both = |entries: &mut Vec<Entry>| {
            push_rows(entries);
            push_columns(entries);
        };
        let target = SumsPart {
            first: 0,
            lines: &mut next.lines,
            references: &mut next.references,
        };
        fill(&push_both, target);
    }
    let sum_of = |references| weighted_sum(arch, workspaces, &next.lines, references, threads);
    let (mut high, low) = threads.join(
        || sum_of(&next.references[..rows]),
        || sum_of(&next.references[rows..]),
    );
    for _ in 0..shift {
        high.double_in_place();
    }
    high + low
}

/// Returns `Σ d · S_d`, by running sums from the largest d.
fn running_sum<A: Arch, C: Coordinate<A>>(points: Points<'_>, sums: &[u32]) -> Projective<C::Curve> {
    let mut running = Projective::<C::Curve>::ZERO;
    let mut total = Projective::<C::Curve>::ZERO;
    for &sum in sums[1..].iter().rev() {
        running += points.decode::<A, C>(sum);
        total += running;
    }
    total
}

#[cfg(test)]
impl Sums {
    pub(super) fn is_wiped(&self) -> bool {
        self.lines.iter().all(|line| *line == CacheLine::ZERO) && self.references.iter().all(|sum| *sum == 0)
    }
}
