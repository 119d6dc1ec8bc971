//! Eight lanes with AVX-512 IFMA: five limbs of 52 bits in a radix-2^52 Montgomery form with R = 2^260.
//!
//! ```text
//!   modulus.rs   constants of a prime, computed when this is compiled
//!   product.rs   columns of products, and their Montgomery reduction
//!   vector.rs    the operations of `Lanes`
//!   simd.rs      instructions and memory: all unsafe code of this back end but the call below
//! ```
//!
//! # Limbs and bounds
//!
//! A vector is *normalised*: limbs 0 to 3 are below 2^52, limb 4 holds the rest. Values stay below 4p < 2^256, so limb 4 is
//! below 2^48. The multiplier reads the low 52 bits of a limb, so its inputs have to be normalised.
//!
//! Montgomery reduction of t: `(t + q·p) / R`. product.rs shows that q < R + 2^208, so the result is below `t/R + p + p/2^52`.
//! With p < 2^254, so p/R < 1/64: the product of loose inputs (< 4p) gives less than 16p²/R + p + p/2^52 < 1.26p; the sum of two
//! such products less than 1.51p. Both are reduced (< 2p). A sum of seven products of reduced values gives less than 28p²/R + p + p/2^52
//! < 1.45p.

mod modulus;
mod product;
mod simd;
mod vector;

use ark_bn254::{Fq, Fr};
pub use vector::Vector;

use crate::{Arch, Line, Task, x86};

/// Proof that this machine has AVX-512 (F, VL, IFMA, VBMI2).
#[derive(Clone, Copy, Debug)]
pub struct Ifma(());

impl Ifma {
    /// The back end, if this machine can run it.
    #[must_use]
    pub fn detect() -> Option<Self> {
        let has = std::arch::is_x86_feature_detected!("avx512f")
            && std::arch::is_x86_feature_detected!("avx512vl")
            && std::arch::is_x86_feature_detected!("avx512ifma")
            && std::arch::is_x86_feature_detected!("avx512vbmi2")
            && std::arch::is_x86_feature_detected!("bmi2")
            && std::arch::is_x86_feature_detected!("adx");
        has.then_some(Self(()))
    }
}

impl Arch for Ifma {
    const LANES: usize = 8;
    const NAME: &'static str = "avx512ifma";
    type Fq = Vector<Fq>;
    type Fr = Vector<Fr>;

    #[inline]
    fn run<T: Task<Self>>(self, task: T) -> T::Output {
        // SAFETY: `self` exists, so `detect` has found every feature that the function is compiled for.
        unsafe { run_with_features(self, task) }
    }

    #[inline(always)]
    fn prefetch(self, line: *const Line) {
        x86::prefetch(line);
    }

    #[inline(always)]
    fn prefetch_later(self, line: *const Line) {
        x86::prefetch_later(line);
    }
}

#[target_feature(enable = "avx512f,avx512vl,avx512ifma,avx512vbmi2,bmi2,adx")]
fn run_with_features<T: Task<Ifma>>(arch: Ifma, task: T) -> T::Output {
    task.run(arch)
}
