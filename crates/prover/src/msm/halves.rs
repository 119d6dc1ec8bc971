//! Splits scalars into two halves by the endomorphism of the curve, for points without a table.
//!
//! The map φ(x, y) = (β·x, y) multiplies every point by λ, a root of `λ² + λ + 1` modulo r. Every
//! scalar k is `k₁ + λ·k₂` with `|k₁|, |k₂| < 2^127`, so `k·P = k₁·P + k₂·φ(P)`.
//!
//! Let v₁ and v₂ be the short vectors (x, y) with `x + λ·y ≡ 0` that arkworks gives for the curve.
//! (k, 0) minus integer multiples of v₁ and v₂ is a pair `(k₁, k₂)` with the same `k₁ + λ·k₂`. The
//! multiples are the integers next to the exact, rational multiples that give (0, 0). They are
//! computed with `⌊2^256·y/r⌋` in place of `y/r`. The error before rounding is below 1/4, because k
//! is below 2^254. So k₁ and k₂ are at most 3/4 of the sum of the vectors' absolute coordinates,
//! which is below 2^127.

use ark_bn254::Fr;
use ark_ec::scalar_mul::glv::GLVConfig;
use ark_ff::PrimeField;
use bauta_packed_field::Words;

use super::{digits::Buckets, lists::Entry, points::NEGATIVE};

/// The number of bits that a half and the rounding of its last digit need.
const BITS: u32 = 128;

/// Returns the number of digits of `window` bits for a half of a scalar.
pub(super) const fn half_digit_count(window: u32) -> usize {
    BITS.div_ceil(window) as usize
}

/// A number with its sign.
#[derive(Clone, Copy)]
struct Signed {
    positive: bool,
    magnitude: u128,
}

impl Signed {
    /// Returns the number modulo 2^128.
    const fn wrapping(self) -> u128 {
        if self.positive {
            self.magnitude
        } else {
            self.magnitude.wrapping_neg()
        }
    }
}

/// The constants of a curve's decomposition.
struct Decomposition<C>(C);

impl<C: GLVConfig<ScalarField = Fr>> Decomposition<C> {
    /// The vectors v₁ and v₂.
    const VECTORS: [[Signed; 2]; 2] = {
        const fn signed((positive, integer): &(bool, ark_ff::BigInt<4>)) -> Signed {
            assert!(
                integer.0[2] == 0 && integer.0[3] == 0,
                "a coordinate is below 2^128"
            );
            Signed {
                positive: *positive,
                magnitude: integer.0[0] as u128 | (integer.0[1] as u128) << 64,
            }
        }
        let [x1, y1, x2, y2] = &C::SCALAR_DECOMP_COEFFS;
        [[signed(x1), signed(y1)], [signed(x2), signed(y2)]]
    };
    /// `⌊2^256·|y|/r⌋` for y of v₂ and of v₁. The multiples are `k·y₂/r` of v₁ and `-k·y₁/r` of v₂.
    const RATIOS: [[u64; 3]; 2] = [
        ratio(Self::VECTORS[1][1].magnitude),
        ratio(Self::VECTORS[0][1].magnitude),
    ];

    /// Returns k₁ and k₂.
    fn halves(scalar: &Words) -> [i128; 2] {
        let [v1, v2] = Self::VECTORS;
        let first = Signed {
            positive: v2[1].positive,
            magnitude: rounded(scalar, &Self::RATIOS[0]),
        };
        let second = Signed {
            positive: !v1[1].positive,
            magnitude: rounded(scalar, &Self::RATIOS[1]),
        };
        // The results fit into 127 bits and a sign, so they can be computed modulo 2^128.
        let rest = |coordinate: usize, start: u128| {
            start
                .wrapping_sub(first.wrapping().wrapping_mul(v1[coordinate].wrapping()))
                .wrapping_sub(second.wrapping().wrapping_mul(v2[coordinate].wrapping()))
                .cast_signed()
        };
        let low = u128::from(scalar[0]) | u128::from(scalar[1]) << 64;
        [rest(0, low), rest(1, 0)]
    }
}

/// Returns `⌊2^256·y/r⌋` by long division. It is below 2^192, because y is below 2^128 and r is
/// above 2^253.
#[allow(clippy::cast_possible_truncation, reason = "one bit of the number")]
const fn ratio(y: u128) -> [u64; 3] {
    let r = Fr::MODULUS.0;
    let mut quotient = [0; 3];
    let mut rest = [0u64; 4];
    let mut bit = 128 + 256;
    while bit > 0 {
        bit -= 1;
        let next = if bit >= 256 {
            (y >> (bit - 256)) as u64 & 1
        } else {
            0
        };
        // Twice the rest is below 2^255.
        rest = [
            rest[0] << 1 | next,
            rest[1] << 1 | rest[0] >> 63,
            rest[2] << 1 | rest[1] >> 63,
            rest[3] << 1 | rest[2] >> 63,
        ];
        let mut reduced = [0; 4];
        let mut borrow = false;
        let mut i = 0;
        while i < 4 {
            let (word, first) = rest[i].overflowing_sub(r[i]);
            let (word, second) = word.overflowing_sub(borrow as u64);
            reduced[i] = word;
            borrow = first || second;
            i += 1;
        }
        if !borrow {
            rest = reduced;
            quotient[bit / 64] |= 1 << (bit % 64);
        }
    }
    quotient
}

/// Returns the integer next to `scalar · ratio / 2^256`.
#[allow(clippy::cast_possible_truncation, reason = "the low word of a sum of words")]
fn rounded(scalar: &Words, ratio: &[u64; 3]) -> u128 {
    let mut product = [0u64; 7];
    for (i, &x) in scalar.iter().enumerate() {
        let mut carry = 0;
        for (j, &y) in ratio.iter().enumerate() {
            let sum = u128::from(x) * u128::from(y) + u128::from(product[i + j]) + carry;
            product[i + j] = sum as u64;
            carry = sum >> 64;
        }
        product[i + 3] = carry as u64;
    }
    (u128::from(product[4]) | u128::from(product[5]) << 64) + u128::from(product[3] >> 63)
}

impl Buckets {
    /// Splits canonical scalars into digits of their halves and sorts them, first by the position
    /// and then by the absolute value of the digit. Point `2i` is `P_i`, and point `2i + 1` is
    /// `φ(P_i)`. The digits at position k with absolute value d are list
    /// `k · lists_per_digit(window) + d`.
    pub(super) fn sort_halves<C: GLVConfig<ScalarField = Fr>>(&mut self, scalars: &[Words], window: u32) {
        let Self {
            digits,
            entries,
            starts,
        } = self;
        let count = half_digit_count(window);
        let half = 1i32 << (window - 1);
        let lists = lists_per_digit(window);
        // Half a window at each digit except the last makes these digits nonnegative. It is
        // subtracted again.
        let offset: i128 = (1..count).map(|k| 1i128 << (k * window as usize - 1)).sum();
        let mask = (1i128 << window) - 1;
        digits.resize(2 * scalars.len() * count, 0);
        // As in `sort`, `starts[list + 2]` first counts the entries of a list.
        starts.clear();
        starts.resize(count * lists + 2, 0);
        for (scalar, digits) in scalars.iter().zip(digits.chunks_exact_mut(2 * count)) {
            let halves = Decomposition::<C>::halves(scalar);
            for (number, digits) in halves.into_iter().zip(digits.chunks_exact_mut(count)) {
                let mut rest = number + offset;
                for (k, digit) in digits.iter_mut().enumerate() {
                    #[allow(clippy::cast_possible_truncation, reason = "a digit has at most 21 bits")]
                    {
                        *digit = if k + 1 == count {
                            rest as i32
                        } else {
                            (rest & mask) as i32 - half
                        };
                    }
                    rest >>= window;
                    starts[k * lists + digit.unsigned_abs() as usize + 2] += u32::from(*digit != 0);
                }
            }
        }
        for list in 2..starts.len() {
            starts[list] += starts[list - 1];
        }
        entries.resize(starts[count * lists + 1] as usize, Entry::EMPTY);
        for (point, digits) in (0u32..).zip(digits.chunks_exact(count)) {
            for (list, &digit) in (0u32..).step_by(lists).zip(digits) {
                if digit != 0 {
                    let list = list + digit.unsigned_abs();
                    let end = &mut starts[list as usize + 1];
                    entries[*end as usize] = Entry {
                        list,
                        reference: point | (digit >> 31).cast_unsigned() & NEGATIVE,
                    };
                    *end += 1;
                }
            }
        }
        starts.truncate(count * lists + 1);
    }
}

/// Returns the number of lists of one digit position, including the empty one of digit 0. The last
/// digit of a half can be `2^(window-1)`, and the others `-2^(window-1)`.
pub(super) const fn lists_per_digit(window: u32) -> usize {
    (1 << (window - 1)) + 1
}

#[cfg(test)]
mod tests {
    use ark_bn254::{g1, g2};
    use ark_ff::{BigInt, Field};
    use proptest::prelude::*;

    use super::*;

    fn field(x: i128) -> Fr {
        let magnitude = Fr::from(x.unsigned_abs());
        if x < 0 { -magnitude } else { magnitude }
    }

    fn decomposition_is_right<C: GLVConfig<ScalarField = Fr>>(scalar: Fr) {
        let [k1, k2] = Decomposition::<C>::halves(&scalar.into_bigint().0);
        assert_eq!(field(k1) + C::LAMBDA * field(k2), scalar);
        for half in [k1, k2] {
            assert!(half.unsigned_abs() < 1 << 127, "{half}");
        }
    }

    fn scalar() -> impl Strategy<Value = Fr> {
        let word = prop_oneof![Just(0), Just(u64::MAX), any::<u64>()];
        prop_oneof![
            prop::array::uniform4(word)
                .prop_map(|w| Fr::from_le_bytes_mod_order(&w.map(u64::to_le_bytes).concat())),
            any::<u64>().prop_map(|x| -Fr::from(x)),
            (any::<u64>(), any::<bool>()).prop_map(|(x, negative)| {
                let near =
                    Fr::from(x % 8) + Fr::from_bigint(BigInt(Fr::MODULUS_MINUS_ONE_DIV_TWO.0)).unwrap();
                if negative { -near } else { near }
            }),
            Just(<g1::Config as GLVConfig>::LAMBDA),
            Just(-<g2::Config as GLVConfig>::LAMBDA),
        ]
    }

    proptest! {
        #[test]
        fn halves_are_short_and_give_the_scalar(scalar in scalar()) {
            decomposition_is_right::<g1::Config>(scalar);
            decomposition_is_right::<g2::Config>(scalar);
        }

        #[test]
        fn digits_of_halves_add_up_to_their_scalar(
            scalars in prop::collection::vec(scalar(), 1..12),
            window in 4u32..=16,
        ) {
            let integers: Vec<Words> = scalars.iter().map(|scalar| scalar.into_bigint().0).collect();
            let mut buckets = Buckets::default();
            buckets.sort_halves::<g1::Config>(&[[1; 4]; 3], window);
            buckets.sort_halves::<g1::Config>(&integers, window);
            let Buckets { entries, starts, .. } = buckets;
            let lists = lists_per_digit(window);
            prop_assert_eq!(starts.len(), half_digit_count(window) * lists + 1);
            let mut found = vec![Fr::from(0u64); scalars.len()];
            for (list, range) in starts.windows(2).enumerate() {
                let value = Fr::from((list % lists) as u64)
                    * Fr::from(2u64).pow([u64::from(window) * (list / lists) as u64]);
                for entry in &entries[range[0] as usize..range[1] as usize] {
                    prop_assert!(entry.list as usize == list && list % lists > 0);
                    let point = (entry.reference & !NEGATIVE) as usize;
                    let factor = if point % 2 == 1 { g1::Config::LAMBDA } else { Fr::from(1u64) };
                    let term = value * factor;
                    found[point / 2] += if entry.reference & NEGATIVE == 0 { term } else { -term };
                }
            }
            prop_assert_eq!(found, scalars);
        }
    }
}
