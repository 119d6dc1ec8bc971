//! Overwrites secrets in memory.

use std::sync::atomic::{Ordering, compiler_fence};

/// Overwrites all values, even if no code reads them afterwards. It serves the same purpose as
/// `Zeroize`, but writes whole vectors at a time, because a proof leaves megabytes of intermediate
/// sums in memory.
pub(crate) fn wipe<T: Copy>(values: &mut [T], zero: T) {
    values.fill(zero);
    std::hint::black_box(values);
    compiler_fence(Ordering::SeqCst);
}
