//! Multi-scalar multiplication by fixed points.
//!
//! ```text
//!   points P_i --once--> table: 2^(w·k) · P_i for each digit k      w: window, bits per digit
//!
//!   scalars --> signed digits, sorted by |digit|  --> bucket d: all table points with digit ±d
//!           --> sum of each bucket                --> S_d        batches of affine additions (pairs.rs)
//!           --> Σ d · S_d                         --> result     rows and columns (weighted.rs)
//! ```
//!
//! As the table has the powers of two, all digits of all scalars share one set of buckets, and nothing is doubled
//! but in the very last step. Memory: the table, and for each thread one block of sums.

mod coordinate;
mod digits;
mod pairs;
mod segments;
mod weighted;

use std::ops::Range;

use ark_ec::{
    AdditiveGroup, AffineRepr, CurveGroup,
    short_weierstrass::{Affine, Projective},
};
use bauta_lanes::{Arch, Line, Words};

pub(crate) use coordinate::{Base, Coordinate, Extension};
pub(crate) use digits::digit_count;
use digits::{Buckets, sort_digits};
use pairs::{NEGATIVE, NONE, SCRATCH};
use segments::Summation;

#[cfg(feature = "files")]
use crate::files::Lines;
use crate::threads::Threads;

/// Lines of a table. Without files, they are always owned.
#[cfg(not(feature = "files"))]
type Lines = Vec<Line>;

/// Bits that a digit may have.
pub(crate) const WINDOWS: std::ops::RangeInclusive<u32> = 4..=20;

/// Lines of sums that one block may need; 2 MB, so that they stay in a core's second-level cache.
const BLOCK_LINES: usize = 32 * 1024;

/// Points with their table.
pub(crate) struct FixedBase<A, C> {
    arch: A,
    window: u32,
    points: usize,
    table: Lines,
    coordinate: std::marker::PhantomData<C>,
}

impl<A: Arch, C: Coordinate<A>> FixedBase<A, C> {
    /// Computes the table. None of the points may be infinity.
    pub(crate) fn new(arch: A, points: &[Affine<C::Curve>], window: u32, threads: Threads) -> Self {
        let digits = digit_count(window);
        let mut table = vec![Line::ZERO; points.len() * digits * C::LINES];
        let chunk = points.len().div_ceil(16).max(1);
        let jobs = points
            .chunks(chunk)
            .zip(table.chunks_mut(chunk * digits * C::LINES));
        threads.for_each(jobs.collect(), |(points, table)| {
            let mut multiples: Vec<Projective<C::Curve>> = points.iter().map(|p| p.into_group()).collect();
            for k in 0..digits {
                let affine = Projective::<C::Curve>::normalize_batch(&multiples);
                for (point, row) in affine.iter().zip(table.chunks_exact_mut(digits * C::LINES)) {
                    C::encode(point, &mut row[k * C::LINES..][..C::LINES]);
                }
                for multiple in &mut multiples {
                    for _ in 0..window {
                        multiple.double_in_place();
                    }
                }
            }
        });
        Self {
            arch,
            window,
            points: points.len(),
            table: Lines::from(table),
            coordinate: std::marker::PhantomData,
        }
    }

    /// From a table made before. None if its size is wrong.
    #[cfg(feature = "files")]
    pub(crate) fn from_table(arch: A, window: u32, points: usize, table: Lines) -> Option<Self> {
        let fits = WINDOWS.contains(&window) && table.len() == points * digit_count(window) * C::LINES;
        fits.then_some(Self {
            arch,
            window,
            points,
            table,
            coordinate: std::marker::PhantomData,
        })
    }

    #[cfg(feature = "files")]
    pub(crate) fn window(&self) -> u32 {
        self.window
    }

    #[cfg(feature = "files")]
    pub(crate) fn table(&self) -> &[Line] {
        &self.table
    }

    /// Number of points, which is the number of scalars.
    pub(crate) fn len(&self) -> usize {
        self.points
    }

    /// Size of the table in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.table[..])
    }

    /// `Σ scalar_i · point_i` for canonical scalars, one for each point.
    pub(crate) fn multiply(&self, scalars: &[Words], threads: Threads) -> Projective<C::Curve> {
        assert_eq!(scalars.len(), self.points, "one scalar for each point");
        let Buckets { references, starts } = sort_digits(scalars, self.window);
        let blocks = threads.map(blocks(&starts, BLOCK_LINES / C::LINES), |buckets| {
            self.bucket_sums(&references, &starts, buckets)
        });
        // The sums of all buckets, as the table of the next step. Bucket d is entry d - 1.
        let mut table = vec![Line::ZERO; (starts.len() - 2) * C::LINES];
        let mut sums = Vec::with_capacity(starts.len() - 1);
        sums.push(NONE);
        for (block_lines, block_sums) in blocks {
            let offset = sums.len() - 1;
            table[offset * C::LINES..][..block_lines.len()].copy_from_slice(&block_lines);
            let offset = u32::try_from(offset).expect("there are fewer than 2^30 buckets");
            sums.extend(
                block_sums
                    .iter()
                    .map(|&sum| if sum == NONE { NONE } else { sum + offset }),
            );
        }
        let mut summation = Summation::<A, C>::new(self.arch, &table);
        weighted::weighted_sum(&mut summation, sums)
    }

    /// The sum of each of a range of buckets, copied out in order, with references into that copy.
    fn bucket_sums(
        &self,
        references: &[u32],
        starts: &[usize],
        buckets: Range<usize>,
    ) -> (Vec<Line>, Vec<u32>) {
        let base = starts[buckets.start];
        let mut references = references[base..starts[buckets.end]].to_vec();
        let lists: Vec<_> = buckets.map(|d| starts[d] - base..starts[d + 1] - base).collect();
        let mut summation = Summation::<A, C>::new(self.arch, &self.table);
        let mut sums = summation.sums(&mut references, &lists);
        let mut lines = vec![Line::ZERO; sums.len() * C::LINES];
        for (slot, (sum, lines)) in (0u32..).zip(sums.iter_mut().zip(lines.chunks_exact_mut(C::LINES))) {
            if *sum != NONE {
                lines.copy_from_slice(summation.points().lines(*sum, C::LINES));
                *sum = slot | (*sum & if *sum & SCRATCH == 0 { NEGATIVE } else { 0 });
            }
        }
        (lines, sums)
    }
}

/// Ranges of buckets with about `limit` references each, together all but bucket 0.
fn blocks(starts: &[usize], limit: usize) -> Vec<Range<usize>> {
    let buckets = starts.len() - 1;
    let mut blocks = Vec::new();
    let mut first = 1;
    for d in 1..buckets {
        if starts[d + 1] - starts[first] > limit && d > first {
            blocks.push(first..d);
            first = d;
        }
    }
    blocks.push(first..buckets);
    blocks
}
