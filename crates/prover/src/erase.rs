//! Overwriting secrets.

use std::sync::atomic::{Ordering, compiler_fence};

/// Overwrites all values, whether anybody reads them again or not. As `Zeroize` does, but whole vectors at a time: a proof leaves
/// megabytes of sums behind.
pub(crate) fn erase<T: Copy>(values: &mut [T], zero: T) {
    values.fill(zero);
    std::hint::black_box(values);
    compiler_fence(Ordering::SeqCst);
}
