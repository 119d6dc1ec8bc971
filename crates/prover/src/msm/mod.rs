//! Multi-scalar multiplication by fixed points.
//!
//! ```text
//!   points P_i --once--> table: 2^(w·k) · P_i for each digit k      w: window, bits per digit
//!
//!   scalars --> signed digits, sorted by |digit|  --> bucket d: all table points with digit ±d
//!           --> sum of each bucket                --> S_d        batches of affine additions (pairs.rs, chunk.rs)
//!           --> Σ d · S_d                         --> result     rows and columns (weighted.rs)
//!
//!   lists.rs: which points are added to which      pool.rs: memory kept from one proof to the next
//! ```
//!
//! As the table has the powers of two, all digits of all scalars share one set of buckets, and nothing is doubled
//! but in the very last step. Memory: the table, digits and buckets of each multiplication, and for each thread one block of sums. What blocks
//! leave in it is overwritten once, when the multiplication is done.

mod chunk;
mod coordinate;
mod digits;
mod inverse;
mod lists;
mod pairs;
mod pool;
mod weighted;

use std::ops::Range;

use ark_ec::{
    AdditiveGroup, AffineRepr, CurveGroup,
    short_weierstrass::{Affine, Projective},
};
use bauta_packed_field::{Arch, Line, Words};

pub(crate) use coordinate::{Base, Coordinate, Extension};
use digits::Buckets;
pub(crate) use digits::digit_count;
use lists::Workspace;
use pool::Pool;
use weighted::{Sums, copy_sums, weighted_sum};

#[cfg(feature = "files")]
use crate::files::Lines;
use crate::threads::Threads;

/// Lines of a table. Without files, they are always owned.
#[cfg(not(feature = "files"))]
type Lines = Vec<Line>;

/// Bits that a digit may have.
pub(crate) const WINDOWS: std::ops::RangeInclusive<u32> = 4..=20;

/// Lines of sums that one block may need; half a MB, so that they stay in a core's second-level cache.
const BLOCK_LINES: usize = 8 * 1024;

/// Points with their table.
pub(crate) struct FixedBase<A: Arch, C: Coordinate<A>> {
    arch: A,
    window: u32,
    points: usize,
    table: Lines,
    /// Used by a whole multiplication, and by one block of it.
    outer: Pool<(Buckets, Sums)>,
    inner: Pool<Workspace<A, C>>,
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
            outer: Pool::new(),
            inner: Pool::new(),
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
            outer: Pool::new(),
            inner: Pool::new(),
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

    /// Size of the table in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.table[..])
    }

    /// `Σ scalar_i · point_i` for canonical scalars, one for each point.
    pub(crate) fn multiply(&self, scalars: &[Words], threads: Threads) -> Projective<C::Curve> {
        assert_eq!(scalars.len(), self.points, "one scalar for each point");
        self.outer.with(Default::default, |(buckets, sums)| {
            buckets.sort(scalars, self.window);
            sums.reset(buckets.starts.len() - 1, C::LINES);
            self.bucket_sums(buckets, sums, threads);
            let result = weighted_sum(self.arch, &self.inner, &sums.lines, &sums.sums, threads);
            buckets.erase();
            sums.erase();
            self.inner.for_each_free(Workspace::erase);
            result
        })
    }

    /// The sum of each bucket.
    fn bucket_sums(&self, buckets: &Buckets, sums: &mut Sums, threads: Threads) {
        // Bucket 0 stays empty.
        let (mut lines, mut sums) = (&mut sums.lines[C::LINES..], &mut sums.sums[1..]);
        let mut jobs = Vec::new();
        for block in blocks(&buckets.starts, BLOCK_LINES / C::LINES) {
            let (block_lines, rest) = lines.split_at_mut(block.len() * C::LINES);
            let (block_sums, other) = sums.split_at_mut(block.len());
            (lines, sums) = (rest, other);
            jobs.push((block, block_lines, block_sums));
        }
        threads.for_each(jobs, |(block, lines, sums)| {
            let work = |workspace: &mut Workspace<A, C>| {
                workspace.entries.clear();
                let range = buckets.starts[block.start] as usize..buckets.starts[block.end] as usize;
                workspace.entries.extend_from_slice(&buckets.entries[range]);
                workspace.sum(&self.table);
                copy_sums(workspace, &self.table, block.start, lines, sums, block.start);
            };
            self.inner.with(|| Workspace::new(self.arch), work);
        });
    }
}

/// Ranges of buckets with about `limit` references each, together all but bucket 0.
fn blocks(starts: &[u32], limit: usize) -> Vec<Range<usize>> {
    let buckets = starts.len() - 1;
    let mut blocks = Vec::new();
    let mut first = 1;
    for d in 1..buckets {
        if (starts[d + 1] - starts[first]) as usize > limit && d > first {
            blocks.push(first..d);
            first = d;
        }
    }
    blocks.push(first..buckets);
    blocks
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fr, G1Affine};
    use ark_ff::{PrimeField, UniformRand};
    use bauta_packed_field::Portable;

    use super::*;

    #[test]
    fn a_multiplication_leaves_nothing_of_its_scalars() {
        let rng = &mut ark_std::test_rng();
        let points: Vec<_> = (0..40).map(|_| G1Affine::rand(rng)).collect();
        let base = FixedBase::<_, Base<_>>::new(Portable, &points, 7, Threads::One);
        for count in [40, 3] {
            let mut scalars = vec![[0; 4]; 40];
            scalars[..count].fill_with(|| Fr::rand(rng).into_bigint().0);
            let sum = base.multiply(&scalars, Threads::One);
            assert_ne!(sum, Projective::ZERO);
            let mut seen = 0;
            base.inner.for_each_free(|workspace| {
                assert!(workspace.is_clean());
                seen += 1;
            });
            base.outer.for_each_free(|(buckets, sums)| {
                assert!(buckets.is_clean() && sums.is_clean());
                seen += 1;
            });
            assert_eq!(seen, 2);
        }
    }
}
