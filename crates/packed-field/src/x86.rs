//! Additions to the other back ends for x86-64: prefetch hints, long multiplication (BMI2, ADX) if
//! the machine has it, and the function for multiply-adds (AVX2, FMA).
//!
//! Unsafe code here consists of the hints, which accept any address, and of calls of functions that
//! are compiled for detected instructions.

use core::arch::x86_64::{_MM_HINT_T0, _MM_HINT_T1, _mm_prefetch};

use crate::{Arch, CacheLine, Fused, Task};

/// Hints that a line will be read soon.
#[inline(always)]
pub(crate) fn prefetch(line: *const CacheLine) {
    // SAFETY: a prefetch of any address is without effect on the program.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.cast()) }
}

/// Hints that a line will be read later. Loads it only into the second-level cache.
#[inline(always)]
pub(crate) fn prefetch_later(line: *const CacheLine) {
    // SAFETY: a prefetch of any address is without effect on the program.
    unsafe { _mm_prefetch::<_MM_HINT_T1>(line.cast()) }
}

/// Runs a task with the fastest multiplication that this machine has.
#[inline]
pub(crate) fn run<A: Arch, T: Task<A>>(arch: A, task: T) -> T::Output {
    if std::arch::is_x86_feature_detected!("bmi2") && std::arch::is_x86_feature_detected!("adx") {
        // SAFETY: both features were detected.
        unsafe { run_with_bmi2(arch, task) }
    } else {
        task.run(arch)
    }
}

#[target_feature(enable = "bmi2,adx")]
fn run_with_bmi2<A: Arch, T: Task<A>>(arch: A, task: T) -> T::Output {
    task.run(arch)
}

/// Runs a task of the back end of fused multiply-adds.
#[target_feature(enable = "avx2,fma,bmi2")]
pub(crate) fn run_with_avx2<T: Task<Fused>>(arch: Fused, task: T) -> T::Output {
    task.run(arch)
}
