//! Sums of many lists of points at once: in each round neighbours of every list are added in pairs, until each list is
//! a single point.

use bauta_packed_field::{Arch, Line};

use super::{
    chunk::Work,
    coordinate::Coordinate,
    pairs::{Points, SCRATCH, add_pairs},
};
use crate::erase::erase;

/// A point of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) list: u32,
    /// Of a point in the table or the scratch space.
    pub(super) reference: u32,
}

/// What fills the place of an entry.
pub(super) const NOTHING: Entry = Entry {
    list: 0,
    reference: 0,
};

/// Memory to add up lists in.
pub(super) struct Workspace<A: Arch, C: Coordinate<A>> {
    arch: A,
    /// The lists, one after another; after [`sum`](Self::sum) each is at most one point.
    pub(super) entries: Vec<Entry>,
    scratch: Vec<Line>,
    pairs: Vec<(u32, u32)>,
    work: Work<A, C>,
    /// Entries of the longest, and sums of all, that have been worked on since the last [`erase`](Self::erase).
    longest: usize,
    used: usize,
}

impl<A: Arch, C: Coordinate<A>> Workspace<A, C> {
    pub(super) fn new(arch: A) -> Self {
        Self {
            arch,
            entries: Vec::new(),
            scratch: Vec::new(),
            pairs: Vec::new(),
            work: Work::new(arch),
            longest: 0,
            used: 0,
        }
    }

    /// Adds up every list of `entries`, points of `table`. A list whose sum is infinity vanishes.
    pub(super) fn sum(&mut self, table: &[Line]) {
        self.longest = self.longest.max(self.entries.len());
        let mut used = 0;
        loop {
            let count = self.pair_neighbours(used);
            if count == 0 {
                break;
            }
            let vanished = add_pairs::<A, C>(
                self.arch,
                table,
                &mut self.scratch,
                used,
                &mut self.pairs,
                &mut self.work,
            );
            if !vanished.is_empty() {
                self.entries
                    .retain(|entry| vanished.binary_search(&entry.reference).is_err());
            }
            used += count;
            self.used = self.used.max(used);
        }
    }

    /// Takes neighbours of a list out as pairs, and puts the reference of the sum they will have in their place. Returns how
    /// many pairs there are.
    fn pair_neighbours(&mut self, used: usize) -> usize {
        let next = SCRATCH | u32::try_from(used).expect("the scratch space holds fewer than 2^30 points");
        self.pairs.resize(self.entries.len() / 2 + 1, (0, 0));
        let (entries, pairs) = (&mut self.entries[..], &mut self.pairs[..]);
        let (mut read, mut write, mut count) = (0, 0, 0u32);
        // Whether neighbours belong together is hard to foresee, so nothing here branches on it: a pair and the
        // reference of its sum are always written, and overwritten unless they count.
        while read + 1 < entries.len() {
            let (first, second) = (entries[read], entries[read + 1]);
            let together = first.list == second.list;
            pairs[count as usize] = (first.reference, second.reference);
            let sum = next + count;
            entries[write] = Entry {
                list: first.list,
                reference: if together { sum } else { first.reference },
            };
            write += 1;
            count += u32::from(together);
            read += 1 + usize::from(together);
        }
        if read < entries.len() {
            entries[write] = entries[read];
            write += 1;
        }
        self.entries.truncate(write);
        self.pairs.truncate(count as usize);
        count as usize
    }

    pub(super) fn points<'a>(&'a self, table: &'a [Line]) -> Points<'a> {
        Points {
            table,
            scratch: &self.scratch,
        }
    }

    /// Overwrites sums and references: they come from secret digits.
    pub(super) fn erase(&mut self) {
        let (entries, pairs) = (self.longest, self.longest / 2 + 1 + A::LANES);
        // Vectors are filled up with further sums, fewer than lanes.
        let dirty = (self.used + A::LANES) * C::LINES;
        let scratch = self.scratch.len().min(dirty);
        erase(&mut self.scratch[..scratch], Line::ZERO);
        self.entries.resize(entries, NOTHING);
        erase(&mut self.entries, NOTHING);
        self.entries.clear();
        self.pairs.resize(pairs, (0, 0));
        erase(&mut self.pairs, (0, 0));
        self.work.erase(self.arch, pairs);
        (self.longest, self.used) = (0, 0);
    }
}

impl<A: Arch, C: Coordinate<A>> Drop for Workspace<A, C> {
    fn drop(&mut self) {
        self.erase();
    }
}

#[cfg(test)]
impl<A: Arch, C: Coordinate<A>> Workspace<A, C> {
    pub(super) fn is_clean(&self) -> bool {
        self.scratch.iter().all(|line| *line == Line::ZERO) && self.pairs.iter().all(|pair| *pair == (0, 0))
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{G1Affine, G1Projective};
    use ark_ec::{AffineRepr, CurveGroup};
    use bauta_packed_field::Portable;

    use super::*;
    use crate::msm::Base;

    /// Multiples 1 to n of the generator as a table, with their workspace.
    fn sums(n: u32) -> (Vec<Line>, Workspace<Portable, Base<Portable>>) {
        let mut table = vec![Line::ZERO; n as usize];
        let mut point = G1Projective::default();
        for line in &mut table {
            point += G1Affine::generator();
            Base::<Portable>::encode(&point.into_affine(), std::slice::from_mut(line));
        }
        (table, Workspace::new(Portable))
    }

    #[test]
    fn each_list_becomes_its_sum_and_lists_of_infinity_vanish() {
        use crate::msm::pairs::NEGATIVE;
        let (table, mut workspace) = sums(8);
        let entry = |(list, reference)| Entry { list, reference };
        // 1+2+3; 4; 5-5; 6+6 (a doubling); 8-1.
        let lists = [
            (1, 0),
            (1, 1),
            (1, 2),
            (2, 3),
            (4, 4),
            (4, 4 | NEGATIVE),
            (7, 5),
            (7, 5),
            (9, 7),
            (9, NEGATIVE),
        ];
        workspace.entries.extend(lists.map(entry));
        workspace.sum(&table);
        let found: Vec<_> = workspace
            .entries
            .iter()
            .map(|entry| {
                (
                    entry.list,
                    workspace
                        .points(&table)
                        .decode::<Portable, Base<Portable>>(entry.reference),
                )
            })
            .collect();
        let times = |n: u64| G1Affine::generator() * ark_bn254::Fr::from(n);
        assert_eq!(
            found,
            [(1, times(6)), (2, times(4)), (7, times(12)), (9, times(7))]
        );
    }

    #[test]
    fn nothing_is_left_of_sums_and_references() {
        let (table, mut workspace) = sums(8);
        workspace
            .entries
            .extend((0..8).map(|reference| Entry { list: 1, reference }));
        workspace.sum(&table);
        assert!(workspace.scratch.iter().any(|line| *line != Line::ZERO));
        workspace.erase();
        assert!(workspace.is_clean());
    }
}
