//! Montgomery multiplication on whole columns.
//!
//! A product of two numbers of five limbs is first summed up in columns, column k of weight 2^(52k), and then reduced from the lowest
//! column on. Each of the multiplier's results is added to the column it belongs to; low and high halves are collected apart, so that
//! chains of dependent additions stay short.
//!
//! # Reduction
//!
//! Step k makes column k zero modulo 2^52 by adding a multiple of p and carries the rest into column k + 1.
//!
//! * Steps 0 to 2: let `q` be the low 52 bits of column k, and `p' = INVERSE·p = 2^52·SHIFTED - 1`. Adding `q·p'` takes `q` away from column k
//!   and adds `q·SHIFTED` at column k + 1. That is 10 multiplications, and the next step waits for one of them.
//! * Steps 3 and 4: `q` is the low 52 bits of `column k · INVERSE`, and `q·p` is added: 11 multiplications, and the next step waits
//!   for two.
//!
//! p' is 52 bits longer than p, so the first form can't be used in the last two steps without making the result larger. What is added in all
//! is `p·Q` with `Q < INVERSE·2^156 + (2^52 - 1)·(2^156 + 2^208) < 2^208 + 2^260`.
//!
//! A column collects, of each of at most seven products, at most five halves in either sum, each below 2^52, five more of the
//! reduction, and one carry: below 2^59.

use core::arch::x86_64::__m512i;

use super::{
    modulus::Modulus,
    simd::{constant, high, low, plus, right, zero},
};

/// Sums of products, not reduced. Column k is `low[k] + high[k - 1]`.
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
                self.low[i + j] = low(self.low[i + j], x, y);
                self.high[i + j] = high(self.high[i + j], x, y);
            }
        }
        self
    }

    /// `a²`: each product of different limbs once, doubled, then the squares of limbs.
    #[inline(always)]
    pub(super) fn square(a: &[__m512i; 5]) -> Self {
        let mut columns = Self::zero();
        for i in 0..5 {
            for j in i + 1..5 {
                columns.low[i + j] = low(columns.low[i + j], a[i], a[j]);
                columns.high[i + j] = high(columns.high[i + j], a[i], a[j]);
            }
        }
        for k in 1..8 {
            columns.low[k] = plus(columns.low[k], columns.low[k]);
            columns.high[k] = plus(columns.high[k], columns.high[k]);
        }
        for (i, &x) in a.iter().enumerate() {
            columns.low[2 * i] = low(columns.low[2 * i], x, x);
            columns.high[2 * i] = high(columns.high[2 * i], x, x);
        }
        columns
    }

    /// Five limbs of `(columns + Q·p) / R`, not normalised.
    #[inline(always)]
    pub(super) fn reduce<F: Modulus>(self) -> [__m512i; 5] {
        let Self {
            low: mut lows,
            high: mut highs,
        } = self;
        let mut column = lows[0];
        for k in 0..3 {
            for j in 0..5 {
                lows[k + 1 + j] = low(lows[k + 1 + j], column, constant(F::SHIFTED[j]));
                highs[k + 1 + j] = high(highs[k + 1 + j], column, constant(F::SHIFTED[j]));
            }
            column = plus(lows[k + 1], plus(highs[k], right::<52>(column)));
        }
        for k in 3..5 {
            let q = low(zero(), column, constant(F::INVERSE));
            column = low(column, q, constant(F::P[0]));
            highs[k] = high(highs[k], q, constant(F::P[0]));
            for j in 1..5 {
                lows[k + j] = low(lows[k + j], q, constant(F::P[j]));
                highs[k + j] = high(highs[k + j], q, constant(F::P[j]));
            }
            column = plus(lows[k + 1], plus(highs[k], right::<52>(column)));
        }
        [
            column,
            plus(lows[6], highs[5]),
            plus(lows[7], highs[6]),
            plus(lows[8], highs[7]),
            highs[8],
        ]
    }
}
