//! What x86-64 adds to the portable back end: hints to fetch memory, and long multiplication (BMI2, ADX) where the machine has it.
//!
//! All unsafe code outside of the IFMA back end is here: hints, which may have any address, and the call of a function compiled for
//! instructions that were found.

use core::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

use crate::{Line, Portable, Task};

/// Hints that a line will be read soon.
#[inline(always)]
pub(crate) fn prefetch(line: *const Line) {
    // SAFETY: a prefetch of any address is without effect on the program.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) }
}

/// The same, into the second-level cache alone.
#[inline(always)]
pub(crate) fn prefetch_later(line: *const Line) {
    // SAFETY: a prefetch of any address is without effect on the program.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) }
}

/// Runs a task with the multiplication that this machine has.
#[inline]
pub(crate) fn run<T: Task<Portable>>(task: T) -> T::Output {
    if std::arch::is_x86_feature_detected!("bmi2") && std::arch::is_x86_feature_detected!("adx") {
        // SAFETY: both features were found.
        unsafe { run_with_bmi2(task) }
    } else {
        task.run(Portable)
    }
}

#[target_feature(enable = "bmi2,adx")]
fn run_with_bmi2<T: Task<Portable>>(task: T) -> T::Output {
    task.run(Portable)
}
