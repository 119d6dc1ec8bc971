//! Montgomery multiplication on whole columns.
//!
//! The product of two numbers of five limbs is first summed in columns. Column k has the weight
//! 2^(52k). Then the columns are reduced, beginning with the lowest. Each result of a
//! multiplication instruction is added to its column. The low and the high halves have separate
//! sums, which keeps chains of dependent additions short.
//!
//! # Reduction
//!
//! Step k makes column k zero modulo 2^52 by adding a multiple of p. It then carries the rest of
//! column k into column k + 1.
//!
//! * Steps 0 to 2: let `q` be the low 52 bits of column k, and let
//!   `p' = INVERSE·p = 2^52·SHIFTED - 1`. Adding `q·p'` subtracts `q` from column k and adds
//!   `q·SHIFTED` at column k + 1. This takes 10 multiplications, and the next step depends on one
//!   of them.
//! * Steps 3 and 4: let `q` be the low 52 bits of `column k · INVERSE`. The step adds `q·p`. This
//!   takes 11 multiplications, and the next step depends on two of them.
//!
//! p' is 52 bits longer than p, so the first form in the last two steps would make the result
//! larger. In total, the steps add `Q·p` with
//! `Q < INVERSE·2^156 + (2^52 - 1)·(2^156 + 2^208) < 2^208 + 2^260`.
//!
//! A column has two sums. Each sum collects at most five halves from each of at most seven
//! products, each half below 2^52, five more halves from the reduction, and one carry. A column is
//! therefore below 2^59.

use core::arch::x86_64::__m512i;

use super::{
    modulus::Modulus,
    simd::{add, madd_high, madd_low, shift_right, splat, zero},
};

/// Sums of products before reduction. Column k is `low[k] + high[k - 1]`.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    low: [__m512i; 9],
    high: [__m512i; 9],
}

impl Columns {
    #[inline(always)]
    pub(super) fn zero() -> Self {
        Self {
            low: [zero(); 9],
            high: [zero(); 9],
        }
    }

    /// Adds `a · b`.
    #[inline(always)]
    pub(super) fn add_product(mut self, a: &[__m512i; 5], b: &[__m512i; 5]) -> Self {
        for (i, &x) in a.iter().enumerate() {
            for (j, &y) in b.iter().enumerate() {
                self.low[i + j] = madd_low(self.low[i + j], x, y);
                self.high[i + j] = madd_high(self.high[i + j], x, y);
            }
        }
        self
    }

    /// Returns `a²`. Each product of two different limbs is computed once and doubled. Then the
    /// squares of the limbs are added.
    #[inline(always)]
    pub(super) fn square(a: &[__m512i; 5]) -> Self {
        let mut columns = Self::zero();
        for i in 0..5 {
            for j in i + 1..5 {
                columns.low[i + j] = madd_low(columns.low[i + j], a[i], a[j]);
                columns.high[i + j] = madd_high(columns.high[i + j], a[i], a[j]);
            }
        }
        for k in 1..8 {
            columns.low[k] = add(columns.low[k], columns.low[k]);
            columns.high[k] = add(columns.high[k], columns.high[k]);
        }
        for (i, &x) in a.iter().enumerate() {
            columns.low[2 * i] = madd_low(columns.low[2 * i], x, x);
            columns.high[2 * i] = madd_high(columns.high[2 * i], x, x);
        }
        columns
    }

    /// Returns the five limbs of `(columns + Q·p) / R`, not normalised.
    #[inline(always)]
    pub(super) fn reduce<F: Modulus>(self) -> [__m512i; 5] {
        let Self {
            low: mut lows,
            high: mut highs,
        } = self;
        let mut column = lows[0];
        for k in 0..3 {
            for j in 0..5 {
                lows[k + 1 + j] = madd_low(lows[k + 1 + j], column, splat(F::SHIFTED[j]));
                highs[k + 1 + j] = madd_high(highs[k + 1 + j], column, splat(F::SHIFTED[j]));
            }
            column = add(lows[k + 1], add(highs[k], shift_right::<52>(column)));
        }
        for k in 3..5 {
            let q = madd_low(zero(), column, splat(F::INVERSE));
            column = madd_low(column, q, splat(F::P[0]));
            highs[k] = madd_high(highs[k], q, splat(F::P[0]));
            for j in 1..5 {
                lows[k + j] = madd_low(lows[k + j], q, splat(F::P[j]));
                highs[k + j] = madd_high(highs[k + j], q, splat(F::P[j]));
            }
            column = add(lows[k + 1], add(highs[k], shift_right::<52>(column)));
        }
        [
            column,
            add(lows[6], highs[5]),
            add(lows[7], highs[6]),
            add(lows[8], highs[7]),
            highs[8],
        ]
    }
}
