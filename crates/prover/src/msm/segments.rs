//! Sums of many lists of points at once: in each round neighbours of every list are added in pairs, until each list is
//! a single point.

use std::ops::Range;

use bauta_lanes::{Arch, Line};
use zeroize::Zeroize;

use super::{
    coordinate::Coordinate,
    pairs::{NONE, Points, Work, add_pairs},
};

/// Adds up lists of points of one table.
pub(super) struct Summation<'a, A: Arch, C: Coordinate<A>> {
    arch: A,
    table: &'a [Line],
    scratch: Vec<Line>,
    used: usize,
    pairs: Vec<(u32, u32)>,
    results: Vec<u32>,
    work: Work<A, C>,
}

impl<'a, A: Arch, C: Coordinate<A>> Summation<'a, A, C> {
    pub(super) fn new(arch: A, table: &'a [Line]) -> Self {
        Self {
            arch,
            table,
            scratch: Vec::new(),
            used: 0,
            pairs: Vec::new(),
            results: Vec::new(),
            work: Work::new(arch),
        }
    }

    /// The sum of each list: `lists` are ranges of `references`, which is overwritten. Returns one reference for each
    /// list, [`NONE`] for an empty list or a sum of infinity.
    pub(super) fn sums(&mut self, references: &mut [u32], lists: &[Range<usize>]) -> Vec<u32> {
        let mut lengths: Vec<usize> = lists.iter().map(Range::len).collect();
        let mut active: Vec<usize> = (0..lists.len()).filter(|&list| lengths[list] > 1).collect();
        while !active.is_empty() {
            self.pairs.clear();
            for &list in &active {
                let neighbours = references[lists[list].start..][..lengths[list]].chunks_exact(2);
                self.pairs.extend(neighbours.map(|pair| (pair[0], pair[1])));
            }
            add_pairs::<A, C>(
                self.arch,
                self.table,
                &mut self.scratch,
                &mut self.used,
                &mut self.pairs,
                &mut self.results,
                &mut self.work,
            );
            let mut results = self.results.iter().copied();
            for &list in &active {
                let references = &mut references[lists[list].start..][..lengths[list]];
                let odd = (references.len() % 2 == 1).then(|| references[references.len() - 1]);
                let sums = results.by_ref().take(references.len() / 2);
                let mut length = 0;
                // Sums come out no faster than their pairs went in, so nothing unread is overwritten.
                for sum in sums.chain(odd).filter(|&sum| sum != NONE) {
                    references[length] = sum;
                    length += 1;
                }
                lengths[list] = length;
            }
            active.retain(|&list| lengths[list] > 1);
        }
        lists
            .iter()
            .zip(lengths)
            .map(|(list, length)| if length == 1 { references[list.start] } else { NONE })
            .collect()
    }

    pub(super) fn points(&self) -> Points<'_> {
        Points {
            table: self.table,
            scratch: &self.scratch,
        }
    }
}

/// Sums of points chosen by secret digits are secret too.
impl<A: Arch, C: Coordinate<A>> Drop for Summation<'_, A, C> {
    fn drop(&mut self) {
        for line in &mut self.scratch {
            line.0.zeroize();
        }
    }
}
