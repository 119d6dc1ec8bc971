//! Lanes of doubles or of 64-bit integers: four with AVX2, and two with WebAssembly's SIMD or on
//! other targets.

use std::{array, hint::black_box};

#[cfg(target_arch = "x86_64")]
pub(super) use super::avx2::{Floats, Integers, LANES, is_available};
#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "relaxed-simd")
)))]
pub(super) use arrays::{Floats, Integers};
#[cfg(not(target_arch = "x86_64"))]
pub(super) use two_lanes::{LANES, is_available};
#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
pub(super) use wasm::{Floats, Integers};

/// Returns whether a multiply-add rounds once, in all lanes.
pub(super) fn round_once(mul_add: impl Fn(Floats, Floats, Floats) -> Floats) -> bool {
    // `x·y` of the integers x and y needs more than 53 bits, so the product alone is rounded.
    // Subtracting the rounded product leaves the rounding error, which is not zero.
    let cases = [
        (9_007_199_254_740_991.0, 9_007_199_254_740_991.0),
        (9_007_199_254_740_989.0, -9_007_199_254_740_987.0),
        (1_125_899_906_842_623.0, 2_251_799_813_685_247.0),
        (-2_251_799_813_685_249.0, 2_251_799_813_685_251.0),
    ];
    cases.into_iter().all(|(x, y): (f64, f64)| {
        // `black_box` keeps the compiler from computing the results itself.
        let (x, y) = (black_box(x), black_box(y));
        let product = black_box(x * y);
        let found = mul_add(
            Floats::new(array::from_fn(|lane| if lane % 2 == 0 { x } else { y })),
            Floats::new(array::from_fn(|lane| if lane % 2 == 0 { y } else { x })),
            Floats::splat(-product),
        );
        found
            .to_array()
            .into_iter()
            .all(|error| error.to_bits() == error_of(x, y).to_bits())
    })
}

/// Returns `x·y` of two integers, minus the double next to it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "the numbers are integers, and the difference is below 2^53"
)]
fn error_of(x: f64, y: f64) -> f64 {
    ((x as i128) * (y as i128) - (x * y) as i128) as f64
}

#[cfg(not(target_arch = "x86_64"))]
mod two_lanes {
    use super::{Floats, Integers};
    use crate::Words;

    /// The number of lanes.
    pub(crate) const LANES: usize = 2;

    /// Returns whether this machine has the instructions. A module or program with other ones
    /// doesn't start.
    pub(crate) const fn is_available() -> bool {
        true
    }

    impl Floats {
        /// Returns whether no lane is farther from zero than `limit`.
        #[inline(always)]
        pub(crate) fn is_within(self, limit: f64) -> bool {
            let [first, second] = self.to_array();
            first.abs() <= limit && second.abs() <= limit
        }
        /// Transposes a matrix of doubles.
        #[inline(always)]
        pub(crate) fn transposed([first, second]: [Self; LANES]) -> [Self; LANES] {
            let (first, second) = (first.to_array(), second.to_array());
            [Self::new([first[0], second[0]]), Self::new([first[1], second[1]])]
        }
    }

    impl Integers {
        /// Loads the words of each lane. Vector j of the result holds word j of every lane.
        #[inline(always)]
        pub(crate) fn load_words<'a>(row: impl Fn(usize) -> &'a Words) -> [Self; 4] {
            let (first, second) = (row(0), row(1));
            [
                Self::new([first[0], second[0]]),
                Self::new([first[1], second[1]]),
                Self::new([first[2], second[2]]),
                Self::new([first[3], second[3]]),
            ]
        }
        /// Inverts [`load_words`](Self::load_words).
        #[inline(always)]
        pub(crate) fn store_words(words: [Self; 4]) -> [Words; LANES] {
            let [w0, w1, w2, w3] = words.map(Self::to_array);
            [[w0[0], w1[0], w2[0], w3[0]], [w0[1], w1[1], w2[1], w3[1]]]
        }
    }
}

#[cfg(all(target_arch = "wasm32", target_feature = "relaxed-simd"))]
mod wasm {
    use core::arch::wasm32::{
        f64x2, f64x2_add, f64x2_extract_lane, f64x2_relaxed_madd, f64x2_splat, f64x2_sub, i64x2_add,
        i64x2_shl, i64x2_sub, u64x2, u64x2_extract_lane, u64x2_shr, u64x2_splat, v128, v128_and, v128_or,
        v128_xor,
    };

    /// Two doubles.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Floats(v128);

    /// Two integers. Arithmetic is modulo 2^64.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Integers(v128);

    impl Floats {
        #[inline(always)]
        pub(crate) fn new(lanes: [f64; 2]) -> Self {
            Self(f64x2(lanes[0], lanes[1]))
        }
        #[inline(always)]
        pub(crate) fn splat(x: f64) -> Self {
            Self(f64x2_splat(x))
        }
        #[inline(always)]
        pub(crate) fn to_array(self) -> [f64; 2] {
            [f64x2_extract_lane::<0>(self.0), f64x2_extract_lane::<1>(self.0)]
        }
        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(f64x2_add(self.0, other.0))
        }
        #[inline(always)]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(f64x2_sub(self.0, other.0))
        }
        #[inline(always)]
        pub(crate) fn mul_add(self, factor: Self, term: Self) -> Self {
            Self(f64x2_relaxed_madd(self.0, factor.0, term.0))
        }
        #[inline(always)]
        pub(crate) fn bits(self) -> Integers {
            Integers(self.0)
        }
    }

    impl Integers {
        #[inline(always)]
        pub(crate) fn new(lanes: [u64; 2]) -> Self {
            Self(u64x2(lanes[0], lanes[1]))
        }
        #[inline(always)]
        pub(crate) fn splat(x: u64) -> Self {
            Self(u64x2_splat(x))
        }
        #[inline(always)]
        pub(crate) fn to_array(self) -> [u64; 2] {
            [u64x2_extract_lane::<0>(self.0), u64x2_extract_lane::<1>(self.0)]
        }
        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(i64x2_add(self.0, other.0))
        }
        #[inline(always)]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(i64x2_sub(self.0, other.0))
        }
        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(v128_and(self.0, other.0))
        }
        #[inline(always)]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(v128_or(self.0, other.0))
        }
        #[inline(always)]
        pub(crate) fn xor(self, other: Self) -> Self {
            Self(v128_xor(self.0, other.0))
        }
        #[inline(always)]
        pub(crate) fn shift_left<const BITS: i32>(self) -> Self {
            Self(i64x2_shl(self.0, BITS.cast_unsigned()))
        }
        #[inline(always)]
        pub(crate) fn shift_right<const BITS: i32>(self) -> Self {
            Self(u64x2_shr(self.0, BITS.cast_unsigned()))
        }
        /// Returns the doubles that have these bits.
        #[inline(always)]
        pub(crate) fn floats(self) -> Floats {
            Floats(self.0)
        }
    }
}

#[cfg(not(any(
    target_arch = "x86_64",
    all(target_arch = "wasm32", target_feature = "relaxed-simd")
)))]
mod arrays {
    /// Two doubles.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Floats([f64; 2]);

    /// Two integers. Arithmetic is modulo 2^64.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Integers([u64; 2]);

    #[inline(always)]
    fn both<T: Copy, R>(x: [T; 2], y: [T; 2], operation: impl Fn(T, T) -> R) -> [R; 2] {
        [operation(x[0], y[0]), operation(x[1], y[1])]
    }

    impl Floats {
        #[inline(always)]
        pub(crate) fn new(lanes: [f64; 2]) -> Self {
            Self(lanes)
        }
        #[inline(always)]
        pub(crate) fn splat(x: f64) -> Self {
            Self([x; 2])
        }
        #[inline(always)]
        pub(crate) fn to_array(self) -> [f64; 2] {
            self.0
        }
        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(both(self.0, other.0, |x, y| x + y))
        }
        #[inline(always)]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(both(self.0, other.0, |x, y| x - y))
        }
        #[inline(always)]
        pub(crate) fn mul_add(self, factor: Self, term: Self) -> Self {
            Self([
                self.0[0].mul_add(factor.0[0], term.0[0]),
                self.0[1].mul_add(factor.0[1], term.0[1]),
            ])
        }
        #[inline(always)]
        pub(crate) fn bits(self) -> Integers {
            Integers(self.0.map(f64::to_bits))
        }
    }

    impl Integers {
        #[inline(always)]
        pub(crate) fn new(lanes: [u64; 2]) -> Self {
            Self(lanes)
        }
        #[inline(always)]
        pub(crate) fn splat(x: u64) -> Self {
            Self([x; 2])
        }
        #[inline(always)]
        pub(crate) fn to_array(self) -> [u64; 2] {
            self.0
        }
        #[inline(always)]
        pub(crate) fn add(self, other: Self) -> Self {
            Self(both(self.0, other.0, u64::wrapping_add))
        }
        #[inline(always)]
        pub(crate) fn sub(self, other: Self) -> Self {
            Self(both(self.0, other.0, u64::wrapping_sub))
        }
        #[inline(always)]
        pub(crate) fn and(self, other: Self) -> Self {
            Self(both(self.0, other.0, |x, y| x & y))
        }
        #[inline(always)]
        pub(crate) fn or(self, other: Self) -> Self {
            Self(both(self.0, other.0, |x, y| x | y))
        }
        #[inline(always)]
        pub(crate) fn xor(self, other: Self) -> Self {
            Self(both(self.0, other.0, |x, y| x ^ y))
        }
        #[inline(always)]
        pub(crate) fn shift_left<const BITS: i32>(self) -> Self {
            Self(self.0.map(|x| x << BITS))
        }
        #[inline(always)]
        pub(crate) fn shift_right<const BITS: i32>(self) -> Self {
            Self(self.0.map(|x| x >> BITS))
        }
        /// Returns the doubles that have these bits.
        #[inline(always)]
        pub(crate) fn floats(self) -> Floats {
            Floats(self.0.map(f64::from_bits))
        }
    }
}
