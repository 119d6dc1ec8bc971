//! `Σ d · S_d` over the buckets' sums, with about two additions for each bucket.
//!
//! Write d = 2^k · i + j. Then `Σ d · S_d = 2^k · Σ i · R_i + Σ j · C_j`, where `R_i` is the sum of row i and `C_j` that of
//! column j: two sums of the same kind over far fewer points. Done again until few are left for a running sum.

use ark_ec::{AdditiveGroup, short_weierstrass::Projective};
use bauta_packed_field::{Arch, Line};

use super::{
    coordinate::Coordinate,
    lists::{Entry, Workspace},
    pairs::{NEGATIVE, NONE, Points, SCRATCH},
    pool::Pool,
};
use crate::{erase::erase, threads::Threads};

/// Points from which on splitting is cheaper than a running sum.
const SPLIT: usize = 24;
/// Points from which on rows and columns may go to different threads.
const PARALLEL: usize = 1024;

/// Sums of one problem: `sums[d]` is `S_d` as a reference into `lines`, or [`NONE`].
#[derive(Default)]
pub(super) struct Sums {
    pub(super) lines: Vec<Line>,
    pub(super) sums: Vec<u32>,
}

impl Sums {
    /// As many sums, each infinity.
    pub(super) fn reset(&mut self, count: usize, lines: usize) {
        self.lines.resize(count * lines, Line::ZERO);
        self.sums.clear();
        self.sums.resize(count, NONE);
    }

    pub(super) fn erase(&mut self) {
        erase(&mut self.lines, Line::ZERO);
        erase(&mut self.sums, 0);
    }
}

impl Drop for Sums {
    fn drop(&mut self) {
        self.erase();
    }
}

/// Copies each list's sum to its place: that of list `first + i` to place i of `lines` and `sums`. The references are into lines that begin
/// `offset` points before these.
pub(super) fn copy_sums<A: Arch, C: Coordinate<A>>(
    workspace: &Workspace<A, C>,
    table: &[Line],
    first: usize,
    lines: &mut [Line],
    sums: &mut [u32],
    offset: usize,
) {
    let points = workspace.points(table);
    for &Entry { list, reference } in &workspace.entries {
        let slot = list as usize - first;
        lines[slot * C::LINES..][..C::LINES].copy_from_slice(points.lines(reference, C::LINES));
        let sign = if reference & SCRATCH == 0 {
            reference & NEGATIVE
        } else {
            0
        };
        sums[slot] = u32::try_from(offset + slot).expect("there are fewer than 2^30 buckets") | sign;
    }
}

/// `Σ d · sums[d]`, with references into `lines`.
pub(super) fn weighted_sum<A: Arch, C: Coordinate<A>>(
    arch: A,
    workspaces: &Pool<Workspace<A, C>>,
    lines: &[Line],
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
    let (row_sums, column_sums) = next.sums.split_at_mut(rows);
    let fill = |push: &(dyn Fn(&mut Vec<Entry>) + Sync), first, into: &mut [Line], refs: &mut [u32]| {
        workspaces.with(
            || Workspace::new(arch),
            |workspace| {
                workspace.entries.clear();
                push(&mut workspace.entries);
                workspace.sum(lines);
                copy_sums(workspace, lines, first, into, refs, first);
            },
        );
    };
    if sums.len() >= PARALLEL {
        threads.join(
            || fill(&push_rows, 0, row_lines, row_sums),
            || fill(&push_columns, rows, column_lines, column_sums),
        );
    } else {
        let push_both = |entries: &mut Vec<Entry>| {
            push_rows(entries);
            push_columns(entries);
        };
        fill(&push_both, 0, &mut next.lines, &mut next.sums);
    }
    let of = |sums| weighted_sum(arch, workspaces, &next.lines, sums, threads);
    let (mut high, low) = threads.join(|| of(&next.sums[..rows]), || of(&next.sums[rows..]));
    for _ in 0..shift {
        high.double_in_place();
    }
    high + low
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

#[cfg(test)]
impl Sums {
    pub(super) fn is_clean(&self) -> bool {
        self.lines.iter().all(|line| *line == Line::ZERO) && self.sums.iter().all(|sum| *sum == 0)
    }
}
