//! Sums many lists of points at once. Each round adds neighbouring points of every list in pairs,
//! until each list is a single point.

use bauta_packed_field::{Arch, CacheLine};

use super::{
    chunk::ChunkBuffers,
    coordinate::Coordinate,
    pairs::AddPairs,
    points::{Points, SCRATCH},
};
use crate::wipe::wipe;

/// A point of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) list: u32,
    /// The reference of a point in the table or in the scratch memory.
    pub(super) reference: u32,
}

impl Entry {
    /// A placeholder for unused memory.
    pub(super) const EMPTY: Self = Self {
        list: 0,
        reference: 0,
    };
}

/// The memory for summing lists.
pub(super) struct Workspace<A: Arch, C: Coordinate<A>> {
    arch: A,
    /// The lists, one after another. After [`sum`](Self::sum), each list has at most one point.
    pub(super) entries: Vec<Entry>,
    scratch: Vec<CacheLine>,
    pairs: Vec<(u32, u32)>,
    buffers: ChunkBuffers<A, C>,
    /// The largest number of entries since the last [`wipe`](Self::wipe).
    max_entries: usize,
    /// The largest number of sums in `scratch` since the last [`wipe`](Self::wipe).
    max_sums: usize,
}

impl<A: Arch, C: Coordinate<A>> Workspace<A, C> {
    pub(super) fn new(arch: A) -> Self {
        Self {
            arch,
            entries: Vec::new(),
            scratch: Vec::new(),
            pairs: Vec::new(),
            buffers: ChunkBuffers::new(arch),
            max_entries: 0,
            max_sums: 0,
        }
    }

    /// Sums every list of `entries`, which are points of `table`. A list whose sum is infinity is
    /// removed.
    pub(super) fn sum(&mut self, table: &[CacheLine]) {
        self.max_entries = self.max_entries.max(self.entries.len());
        let mut used = 0;
        loop {
            let count = self.pair_neighbours(used);
            if count == 0 {
                break;
            }
            let infinities = AddPairs {
                arch: self.arch,
                table,
                scratch: &mut self.scratch,
                used,
                pairs: &mut self.pairs,
                buffers: &mut self.buffers,
            }
            .run();
            if !infinities.is_empty() {
                self.entries
                    .retain(|entry| infinities.binary_search(&entry.reference).is_err());
            }
            used += count;
            self.max_sums = self.max_sums.max(used);
        }
    }

    /// Moves neighbours of a list to `pairs`, and replaces them by the reference that their sum
    /// will have. Returns the number of pairs.
    fn pair_neighbours(&mut self, used: usize) -> usize {
        let next = SCRATCH | u32::try_from(used).expect("the scratch memory holds fewer than 2^30 points");
        self.pairs.resize(self.entries.len() / 2 + 1, (0, 0));
        let (entries, pairs) = (&mut self.entries[..], &mut self.pairs[..]);
        let (mut read, mut write, mut count) = (0, 0, 0u32);
        // Whether neighbours belong to the same list is hard to predict, so the loop does not
        // branch on it. It always writes a pair and the reference of its sum, and overwrites them
        // if the neighbours belong to different lists.
        while read + 1 < entries.len() {
            let (first, second) = (entries[read], entries[read + 1]);
            let same_list = first.list == second.list;
            pairs[count as usize] = (first.reference, second.reference);
            let sum = next + count;
            entries[write] = Entry {
                list: first.list,
                reference: if same_list { sum } else { first.reference },
            };
            write += 1;
            count += u32::from(same_list);
            read += 1 + usize::from(same_list);
        }
        if read < entries.len() {
            entries[write] = entries[read];
            write += 1;
        }
        self.entries.truncate(write);
        self.pairs.truncate(count as usize);
        count as usize
    }

    pub(super) fn points<'a>(&'a self, table: &'a [CacheLine]) -> Points<'a> {
        Points {
            table,
            scratch: &self.scratch,
        }
    }

    /// Overwrites sums and references, because they are computed from secret digits.
    pub(super) fn wipe(&mut self) {
        let (entries, pairs) = (self.max_entries, self.max_entries / 2 + 1 + A::WIDTH);
        // Pairs are padded to whole vectors, which adds fewer than WIDTH sums.
        let dirty = (self.max_sums + A::WIDTH) * C::LINES;
        let scratch = self.scratch.len().min(dirty);
        wipe(&mut self.scratch[..scratch], CacheLine::ZERO);
        self.entries.resize(entries, Entry::EMPTY);
        wipe(&mut self.entries, Entry::EMPTY);
        self.entries.clear();
        self.pairs.resize(pairs, (0, 0));
        wipe(&mut self.pairs, (0, 0));
        self.buffers.wipe(self.arch, pairs);
        (self.max_entries, self.max_sums) = (0, 0);
    }
}

impl<A: Arch, C: Coordinate<A>> Drop for Workspace<A, C> {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
impl<A: Arch, C: Coordinate<A>> Workspace<A, C> {
    pub(super) fn is_wiped(&self) -> bool {
        self.scratch.iter().all(|line| *line == CacheLine::ZERO)
            && self.pairs.iter().all(|pair| *pair == (0, 0))
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{G1Affine, G1Projective};
    use ark_ec::{AffineRepr, CurveGroup};
    use bauta_packed_field::Portable;

    use super::*;
    use crate::msm::Base;

    /// Returns the multiples 1 to n of the generator as a table, and a workspace.
    fn table_and_workspace(n: u32) -> (Vec<CacheLine>, Workspace<Portable, Base<Portable>>) {
        let mut table = vec![CacheLine::ZERO; n as usize];
        let mut point = G1Projective::default();
        for line in &mut table {
            point += G1Affine::generator();
            Base::<Portable>::encode(&point.into_affine(), std::slice::from_mut(line));
        }
        (table, Workspace::new(Portable))
    }

    #[test]
    fn each_list_becomes_its_sum_and_lists_that_sum_to_infinity_are_removed() {
        use crate::msm::points::NEGATIVE;
        let (table, mut workspace) = table_and_workspace(8);
        let entry = |(list, reference)| Entry { list, reference };
        // The lists are 1+2+3; 4; 5-5; 6+6 (a doubling); 8-1.
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
    fn wiping_overwrites_all_sums_and_references() {
        let (table, mut workspace) = table_and_workspace(8);
        workspace
            .entries
            .extend((0..8).map(|reference| Entry { list: 1, reference }));
        workspace.sum(&table);
        assert!(workspace.scratch.iter().any(|line| *line != CacheLine::ZERO));
        workspace.wipe();
        assert!(workspace.is_wiped());
    }
}
