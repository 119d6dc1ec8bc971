//! Multi-scalar multiplication (MSM) of fixed points.
//!
//! ```text
//!   points P_i --once--> table: 2^(w·k) · P_i for each digit k      w: window, bits per digit
//!
//!   scalars --> signed digits, sorted by |digit|  --> bucket d: all table points with digit ±d
//!           --> sum of each bucket                --> S_d        batches of affine additions
//!           --> Σ d · S_d                         --> result     rows and columns
//!
//!   digits.rs: digits, buckets      lists.rs: the added points       pairs.rs, chunk.rs: additions
//!   weighted.rs: rows and columns   points.rs: references to points  pool.rs: reused memory
//! ```
//!
//! Points without multiples ([`FixedBase::without_multiples`]) use the same steps. `halves.rs`
//! splits their scalars by the endomorphism, and there is one set of buckets for each digit
//! position.
//!
//! The table contains the multiples by powers of two, so all digits of all scalars share one set of
//! buckets, and only the last step doubles points. The memory consists of the table, the digits and
//! buckets of each multiplication, and one block of sums for each thread. What the blocks leave in
//! their memory is overwritten once, at the end of the multiplication.

mod chunk;
mod coordinate;
mod digits;
mod halves;
mod inverse;
mod lists;
mod pairs;
mod points;
mod pool;
mod weighted;

use std::ops::Range;

use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ec::{
    AdditiveGroup, AffineRepr, CurveGroup,
    short_weierstrass::{Affine, Projective},
};
use bauta_packed_field::{Arch, CacheLine, Words};

pub(crate) use coordinate::{Base, Coordinate, Extension};
use digits::Buckets;
pub(crate) use digits::digit_count;
use halves::{half_digit_count, lists_per_digit};
use lists::Workspace;
use pool::Pool;
use weighted::{Sums, SumsPart, copy_sums, weighted_sum};

#[cfg(feature = "files")]
use crate::table_memory::TableMemory;
use crate::threads::Threads;

/// The cache lines of a table. Without files, they are always owned.
#[cfg(not(feature = "files"))]
type TableMemory = Vec<CacheLine>;

/// The allowed window sizes, in bits per digit.
pub(crate) const WINDOWS: std::ops::RangeInclusive<u32> = 4..=20;

/// The number of lines of sums that one block may need. It is half a MB, which fits into a core's
/// second-level cache.
const BLOCK_LINES: usize = 8 * 1024;

/// What a table contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Contents {
    /// The multiples of the points by powers of two.
    Multiples,
    /// The points and their images under the endomorphism.
    Images,
}

/// Fixed points with their table.
pub(crate) struct FixedBase<A: Arch, C: Coordinate<A>> {
    arch: A,
    window: u32,
    points: usize,
    contents: Contents,
    table: TableMemory,
    /// Memory that a whole multiplication uses.
    multiplications: Pool<(Buckets, Sums)>,
    /// Memory that one block of a multiplication uses.
    workspaces: Pool<Workspace<A, C>>,
}

impl<A: Arch, C: Coordinate<A>> FixedBase<A, C> {
    /// Computes the table. None of the points may be infinity.
    pub(crate) fn new(arch: A, points: &[Affine<C::Curve>], window: u32, threads: Threads) -> Self {
        let digits = digit_count(window);
        let mut table = vec![CacheLine::ZERO; points.len() * digits * C::LINES];
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
            contents: Contents::Multiples,
            table: TableMemory::from(table),
            multiplications: Pool::new(),
            workspaces: Pool::new(),
        }
    }

    /// Stores the points without multiples. This takes no time, but multiplications have about 1.3
    /// times as many additions. None of the points may be infinity.
    pub(crate) fn without_multiples(arch: A, points: &[Affine<C::Curve>]) -> Self {
        let mut table = vec![CacheLine::ZERO; 2 * points.len() * C::LINES];
        for (point, lines) in points.iter().zip(table.chunks_exact_mut(2 * C::LINES)) {
            let (first, image) = lines.split_at_mut(C::LINES);
            C::encode(point, first);
            C::encode(&C::Curve::endomorphism_affine(point), image);
        }
        // A bucket costs two additions.
        let additions =
            |window: &u32| half_digit_count(*window) * (2 * points.len() + 2 * lists_per_digit(*window));
        Self {
            arch,
            window: WINDOWS
                .min_by_key(additions)
                .expect("there are windows to choose from"),
            points: points.len(),
            contents: Contents::Images,
            table: TableMemory::from(table),
            multiplications: Pool::new(),
            workspaces: Pool::new(),
        }
    }

    /// Uses an existing table. Returns `None` if its size or its window is invalid.
    #[cfg(feature = "files")]
    pub(crate) fn from_table(arch: A, window: u32, points: usize, table: TableMemory) -> Option<Self> {
        let fits = WINDOWS.contains(&window) && table.len() == points * digit_count(window) * C::LINES;
        fits.then_some(Self {
            arch,
            window,
            points,
            contents: Contents::Multiples,
            table,
            multiplications: Pool::new(),
            workspaces: Pool::new(),
        })
    }

    #[cfg(feature = "files")]
    pub(crate) fn window(&self) -> u32 {
        self.window
    }

    #[cfg(feature = "files")]
    pub(crate) fn table(&self) -> &[CacheLine] {
        &self.table
    }

    /// Returns the size of the table in bytes.
    pub(crate) fn bytes(&self) -> usize {
        size_of_val(&self.table[..])
    }

    /// Returns `Σ scalar_i · point_i`. There must be one canonical scalar for each point.
    pub(crate) fn multiply(&self, scalars: &[Words], threads: Threads) -> Projective<C::Curve> {
        assert_eq!(
            scalars.len(),
            self.points,
            "there must be one scalar for each point"
        );
        self.multiplications.with(Default::default, |(buckets, sums)| {
            match self.contents {
                Contents::Multiples => buckets.sort(scalars, self.window),
                Contents::Images => buckets.sort_halves::<C::Curve>(scalars, self.window),
            }
            sums.reset(buckets.starts.len() - 1, C::LINES);
            self.bucket_sums(buckets, sums, threads);
            let weighted =
                |references| weighted_sum(self.arch, &self.workspaces, &sums.lines, references, threads);
            let result = match self.contents {
                Contents::Multiples => weighted(&sums.references),
                // One sum for each digit position, the highest first.
                Contents::Images => sums.references.chunks(lists_per_digit(self.window)).rev().fold(
                    Projective::ZERO,
                    |mut sum, digit| {
                        for _ in 0..self.window {
                            sum.double_in_place();
                        }
                        sum + weighted(digit)
                    },
                ),
            };
            buckets.wipe();
            sums.wipe();
            self.workspaces.for_each_idle(Workspace::wipe);
            result
        })
    }

    /// Computes the sum of each bucket.
    fn bucket_sums(&self, buckets: &Buckets, sums: &mut Sums, threads: Threads) {
        // Bucket 0 is empty and has no sum.
        let (mut lines, mut references) = (&mut sums.lines[C::LINES..], &mut sums.references[1..]);
        let mut jobs = Vec::new();
        for block in blocks(&buckets.starts, BLOCK_LINES / C::LINES) {
            let (block_lines, rest_lines) = lines.split_at_mut(block.len() * C::LINES);
            let (block_references, rest_references) = references.split_at_mut(block.len());
            (lines, references) = (rest_lines, rest_references);
            let target = SumsPart {
                first: block.start,
                lines: block_lines,
                references: block_references,
            };
            jobs.push((block, target));
        }
        threads.for_each(jobs, |(block, target)| {
            let work = |workspace: &mut Workspace<A, C>| {
                workspace.entries.clear();
                let range = buckets.starts[block.start] as usize..buckets.starts[block.end] as usize;
                workspace.entries.extend_from_slice(&buckets.entries[range]);
                workspace.sum(&self.table);
                copy_sums(workspace, &self.table, target);
            };
            self.workspaces.with(|| Workspace::new(self.arch), work);
        });
    }
}

/// Divides the buckets, except bucket 0, into ranges with about `limit` references each.
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
    fn a_multiplication_overwrites_everything_that_depends_on_its_scalars() {
        let rng = &mut ark_std::test_rng();
        let points: Vec<_> = (0..40).map(|_| G1Affine::rand(rng)).collect();
        let base = FixedBase::<_, Base<_>>::new(Portable, &points, 7, Threads::One);
        for count in [40, 3] {
            let mut scalars = vec![[0; 4]; 40];
            scalars[..count].fill_with(|| Fr::rand(rng).into_bigint().0);
            let sum = base.multiply(&scalars, Threads::One);
            assert_ne!(sum, Projective::ZERO);
            let mut seen = 0;
            base.workspaces.for_each_idle(|workspace| {
                assert!(workspace.is_wiped());
                seen += 1;
            });
            base.multiplications.for_each_idle(|(buckets, sums)| {
                assert!(buckets.is_wiped() && sums.is_wiped());
                seen += 1;
            });
            assert_eq!(seen, 2);
        }
    }
}
