//! The back end of fused multiply-adds: lanes of five 51-bit limbs in `f64`, in a radix-2^51
//! Montgomery form with R = 2^255. It is made for instructions that multiply and add several
//! doubles at once, on machines where products of 64-bit integers are one at a time or slow: AVX2
//! with FMA (four lanes), and WebAssembly with relaxed SIMD (two lanes, `f64x2.relaxed_madd`).
//!
//! ```text
//!   modulus.rs   constants of a prime, computed at compile time
//!   product.rs   columns of products, their Montgomery reduction, and carries
//!   vector.rs    the operations of `PackedField`
//!   lanes.rs     two lanes: of WebAssembly, or arrays on other targets
//!   avx2.rs      four lanes on x86-64: all unsafe code of this back end except the call of a task
//! ```
//!
//! # A product of two limbs
//!
//! For integers a and b with `|a·b| <= 2^102`, `1.5·2^103 + a·b` is from 2^103 to 2^104. Doubles in
//! this range are the multiples of 2^51. One multiply-add therefore rounds a·b to a multiple
//! h·2^51. A second multiply-add computes the exact rest `l = a·b - h·2^51`, from -2^50 to 2^50, on
//! top of `1.5·2^52`. The bits of the two results, read as integers, are constants plus h and plus
//! l. The columns of a product are sums of such integers, and the constants are subtracted once for
//! each column.
//!
//! **This is correct only if a multiply-add rounds once.** WebAssembly allows an engine to round
//! the product and the sum separately. [`Fused::detect`] computes multiply-adds whose two results
//! differ, and returns `None` if any of them was rounded twice. The caller then uses
//! [`Limbs29`](crate::Limbs29). An engine must choose the same way each time, so one check is
//! enough. On other targets, multiply-adds always round once.
//!
//! # Limbs and bounds
//!
//! Limbs are signed. A limb of a *reduced* vector is from -2^50 to 2^50 - 1, and its value is from
//! -0.51p to 0.51p. Sums, differences and negatives of reduced vectors are not carried, so a limb
//! of a *loose* vector is from -2^51 to 2^51, and its value is from -1.02p to 1.02p. Therefore:
//!
//! * A product of two limbs is at most 2^102. This is the bound of the last section. The sum of
//!   three reduced vectors would exceed it.
//! * A column of the sum of two products has at most 10 low parts of 2^50 and 10 high parts of
//!   2^51. The reduction adds at most 6 products with a limb of at most 2^50 each. The sum is below
//!   2^56. It is kept positive by the constant 2^60.
//! * Montgomery reduction of t first replaces the low four columns: a column's signed low part u,
//!   at most 2^50, is multiplied by `2^-51 mod p`, which is at most p/2. Then it adds q·p with `|q|
//!   <= 2^50` and divides by 2^51. The result is at most `|t|/R + p/4 + p/2` plus less than
//!   2^-40·p. Since p < 0.379·R, the sum of two products of loose values gives `t <= 2.09p²` and a
//!   result below 1.55p. The sum of seven products of reduced values gives `t <= 1.83p²`.
//! * At the end, k·p is subtracted for the integer k next to the quotient of the top column and the
//!   top of p. The quotient is at most 2, and its error is below 2^-40. The result is at most
//!   0.5p + 2^-39·p.
//!
//! Builds with debug assertions check the limbs of all operands of products.

#[cfg(target_arch = "x86_64")]
mod avx2;
mod lanes;
mod modulus;
mod product;
mod vector;

use ark_bn254::{Fq, Fr};
use lanes::Floats;
pub use vector::Vector;

#[cfg(target_arch = "x86_64")]
use crate::CacheLine;
use crate::{Arch, Task};

/// A token that proves that this machine has the instructions, and that multiply-adds round once.
#[derive(Clone, Copy, Debug)]
pub struct Fused(());

impl Fused {
    /// Returns the back end if this machine has its instructions (on x86-64: AVX2, FMA and BMI2),
    /// and if multiply-adds round once.
    #[must_use]
    pub fn detect() -> Option<Self> {
        (lanes::is_available() && lanes::round_once(Floats::mul_add)).then_some(Self(()))
    }

    /// Returns the back end for a test. Prints a line if this machine lacks it, and the test skips
    /// its part.
    ///
    /// # Panics
    /// If this machine lacks the back end and `BAUTA_REQUIRE_AVX2` is 1. A machine that must test
    /// this back end sets the variable.
    #[doc(hidden)]
    #[must_use]
    pub fn detect_for_test() -> Option<Self> {
        let is_required = std::env::var_os("BAUTA_REQUIRE_AVX2").is_some_and(|value| value == "1");
        Self::or_skip(Self::detect(), is_required)
    }

    fn or_skip(found: Option<Self>, is_required: bool) -> Option<Self> {
        if found.is_none() {
            assert!(
                !is_required,
                "BAUTA_REQUIRE_AVX2 is 1, but this machine lacks AVX2, FMA or BMI2"
            );
            println!("skipped: this machine lacks AVX2, FMA or BMI2");
        }
        found
    }
}

impl Arch for Fused {
    const WIDTH: usize = lanes::LANES;
    const NAME: &'static str = if cfg!(target_arch = "x86_64") {
        "avx2"
    } else {
        "fused"
    };
    type Fq = Vector<Fq>;
    type Fr = Vector<Fr>;

    #[inline]
    fn run<T: Task<Self>>(self, task: T) -> T::Output {
        // SAFETY: `self` exists, so `detect` has found every feature that the function is compiled
        // for.
        #[cfg(target_arch = "x86_64")]
        return unsafe { crate::x86::run_with_avx2(self, task) };
        #[cfg(not(target_arch = "x86_64"))]
        task.run(self)
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn prefetch(self, line: *const CacheLine) {
        crate::x86::prefetch(line);
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn prefetch_later(self, line: *const CacheLine) {
        crate::x86::prefetch_later(line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_skip_a_machine_without_the_back_end_unless_it_is_required() {
        assert!(Fused::or_skip(None, false).is_none());
        assert!(Fused::or_skip(Some(Fused(())), true).is_some());
    }

    #[test]
    #[should_panic(expected = "BAUTA_REQUIRE_AVX2")]
    fn tests_fail_on_a_machine_without_a_required_back_end() {
        let _ = Fused::or_skip(None, true);
    }

    #[test]
    fn multiply_adds_that_round_twice_in_any_lane_are_detected() {
        if Fused::detect_for_test().is_none() {
            return;
        }
        let twice = |a: Floats, b: Floats, c: Floats| {
            let (a, b, c) = (a.to_array(), b.to_array(), c.to_array());
            Floats::new(std::array::from_fn(|lane| a[lane] * b[lane] + c[lane]))
        };
        assert!(!lanes::round_once(twice));
        for lane in 0..lanes::LANES {
            let one_lane = |a: Floats, b: Floats, c: Floats| {
                let (once, twice) = (a.mul_add(b, c).to_array(), twice(a, b, c).to_array());
                Floats::new(std::array::from_fn(
                    |i| if i == lane { twice[i] } else { once[i] },
                ))
            };
            assert!(!lanes::round_once(one_lane));
        }
    }
}
