//! References to stored points: in a fixed table, or in the scratch memory of computed sums.

use ark_ec::{AffineRepr, short_weierstrass::Projective};
use ark_ff::AdditiveGroup;
use bauta_packed_field::{Arch, CacheLine};

use super::coordinate::Coordinate;

/// The reference to the point at infinity, which is not stored.
pub(super) const NONE: u32 = u32::MAX;
/// The bit of a reference to the scratch memory. Without it, the reference is to the table.
pub(super) const SCRATCH: u32 = 1 << 31;
/// The bit of a reference that negates the table's point. It is never set together with
/// [`SCRATCH`].
pub(super) const NEGATIVE: u32 = 1 << 30;
/// The mask of the point's index in a reference.
pub(super) const INDEX: u32 = NEGATIVE - 1;

/// The memory that references refer to: a fixed table, and the sums computed so far.
#[derive(Clone, Copy)]
pub(super) struct Points<'a> {
    pub(super) table: &'a [CacheLine],
    pub(super) scratch: &'a [CacheLine],
}

impl<'a> Points<'a> {
    /// Returns the lines of a point that has `size` lines.
    #[inline(always)]
    pub(super) fn lines(&self, reference: u32, size: usize) -> &'a [CacheLine] {
        let start = (reference & INDEX) as usize * size;
        &self.memory(reference)[start..start + size]
    }

    /// Returns the address of a point's first line, for prefetching.
    #[inline(always)]
    pub(super) fn address(&self, reference: u32, size: usize) -> *const CacheLine {
        self.memory(reference)
            .as_ptr()
            .wrapping_add((reference & INDEX) as usize * size)
    }

    #[inline(always)]
    fn memory(&self, reference: u32) -> &'a [CacheLine] {
        if reference & SCRATCH == 0 {
            self.table
        } else {
            self.scratch
        }
    }

    /// Returns the point of a reference, with its sign.
    pub(super) fn decode<A: Arch, C: Coordinate<A>>(&self, reference: u32) -> Projective<C::Curve> {
        if reference == NONE {
            return Projective::ZERO;
        }
        let point = C::decode(self.lines(reference, C::LINES)).into_group();
        if reference & (NEGATIVE | SCRATCH) == NEGATIVE {
            -point
        } else {
            point
        }
    }
}
