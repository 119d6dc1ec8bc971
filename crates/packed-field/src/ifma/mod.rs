//! The AVX-512 IFMA back end: eight lanes of five 52-bit limbs, in a radix-2^52 Montgomery form
//! with R = 2^260.
//!
//! ```text
//!   modulus.rs   constants of a prime, computed at compile time
//!   product.rs   columns of products, and their Montgomery reduction
//!   vector.rs    the operations of `PackedField`
//!   simd.rs      instructions and memory: all unsafe code of this back end except the call below
//! ```
//!
//! # Limbs and bounds
//!
//! A vector is *normalised*: limbs 0 to 3 are below 2^52, and limb 4 holds the remaining bits.
//! Values are at most 4p < 2^256, so limb 4 is below 2^48. The multiplication instructions read
//! only the low 52 bits of a limb, so their inputs must be normalised.
//!
//! Montgomery reduction of t computes `(t + Q·p) / R`. `product.rs` shows that Q < R + 2^208, so
//! the result is below t/R + p + p/2^52. Since p < 2^254, p/R < 1/64. This gives three bounds, all
//! below 2p, so all three results are reduced:
//!
//! * The product of two loose values (at most 4p): 16p²/R + p + p/2^52 < 1.26p.
//! * The sum of two such products: 32p²/R + p + p/2^52 < 1.51p.
//! * The sum of seven products of reduced values (below 2p): 28p²/R + p + p/2^52 < 1.45p.

mod modulus;
mod product;
mod simd;
mod vector;

use ark_bn254::{Fq, Fr};
pub use vector::Vector;

use crate::{Arch, CacheLine, Task, x86};

/// A token that proves that this machine has AVX-512 (F, VL, IFMA, VBMI2), BMI2 and ADX.
#[derive(Clone, Copy, Debug)]
pub struct Ifma(());

impl Ifma {
    /// Returns the back end if this machine has its instructions.
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
    const WIDTH: usize = 8;
    const NAME: &'static str = "avx512ifma";
    type Fq = Vector<Fq>;
    type Fr = Vector<Fr>;

    #[inline]
    fn run<T: Task<Self>>(self, task: T) -> T::Output {
        // SAFETY: `self` exists, so `detect` has found every feature that the function is compiled
        // for.
        unsafe { run_with_features(self, task) }
    }

    #[inline(always)]
    fn prefetch(self, line: *const CacheLine) {
        x86::prefetch(line);
    }

    #[inline(always)]
    fn prefetch_later(self, line: *const CacheLine) {
        x86::prefetch_later(line);
    }
}

#[target_feature(enable = "avx512f,avx512vl,avx512ifma,avx512vbmi2,bmi2,adx")]
fn run_with_features<T: Task<Ifma>>(arch: Ifma, task: T) -> T::Output {
    task.run(arch)
}
