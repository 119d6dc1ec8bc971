//! Integers of four words at compile time, and their signed limbs.

use ark_ff::{BigInt, Fp, MontBackend, MontConfig, PrimeField};

use crate::Words;

/// Returns `2w`.
pub(crate) const fn doubled(w: Words) -> Words {
    [
        w[0] << 1,
        (w[1] << 1) | (w[0] >> 63),
        (w[2] << 1) | (w[1] >> 63),
        (w[3] << 1) | (w[2] >> 63),
    ]
}

/// Returns `x - y`, or `None` if it is negative.
pub(crate) const fn checked_difference(x: Words, y: Words) -> Option<Words> {
    let (difference, borrow) = difference(x, y);
    if borrow { None } else { Some(difference) }
}

/// Returns `x - y` modulo 2^256, and whether it is negative.
pub(crate) const fn difference(x: Words, y: Words) -> (Words, bool) {
    let mut difference = [0; 4];
    let mut borrow = false;
    let mut i = 0;
    while i < 4 {
        let (word, first) = x[i].overflowing_sub(y[i]);
        let (word, second) = word.overflowing_sub(borrow as u64);
        difference[i] = word;
        borrow = first || second;
        i += 1;
    }
    (difference, borrow)
}

/// Returns `x + y` modulo 2^256.
pub(crate) const fn sum(x: Words, y: Words) -> Words {
    let mut sum = [0; 4];
    let mut carry = false;
    let mut i = 0;
    while i < 4 {
        let (word, first) = x[i].overflowing_add(y[i]);
        let (word, second) = word.overflowing_add(carry as u64);
        sum[i] = word;
        carry = first || second;
        i += 1;
    }
    sum
}

/// Returns `2x mod p` for x below p. p is below 2^255.
pub(crate) const fn doubled_mod(x: Words, p: Words) -> Words {
    let twice = doubled(x);
    match checked_difference(twice, p) {
        Some(reduced) => reduced,
        None => twice,
    }
}

/// Returns `2^exponent mod p`.
pub(crate) const fn power_of_two(exponent: u32, p: Words) -> Words {
    let mut power = [1, 0, 0, 0];
    let mut step = 0;
    while step < exponent {
        power = doubled_mod(power, p);
        step += 1;
    }
    power
}

/// Returns `x/2 mod p` for x below p. If x is odd, x + p is even and below 2^256.
pub(crate) const fn halved_mod(x: Words, p: Words) -> Words {
    let even = if x[0] & 1 == 1 { sum(x, p) } else { x };
    [
        (even[0] >> 1) | (even[1] << 63),
        (even[1] >> 1) | (even[2] << 63),
        (even[2] >> 1) | (even[3] << 63),
        even[3] >> 1,
    ]
}

/// Returns `2^-exponent mod p`.
pub(crate) const fn negative_power_of_two(exponent: u32, p: Words) -> Words {
    let mut power = [1, 0, 0, 0];
    let mut step = 0;
    while step < exponent {
        power = halved_mod(power, p);
        step += 1;
    }
    power
}

/// Returns x or x - p, whichever has the smaller absolute value, in two's complement. x is below
/// p.
pub(crate) const fn centred(x: Words, p: Words) -> Words {
    match checked_difference(p, doubled(x)) {
        Some(_) => x,
        None => difference(x, p).0,
    }
}

/// Returns x or x + p, whichever is from 0 to p - 1. x is in two's complement, at least -2p and
/// below 2p.
pub(crate) const fn canonical(mut x: Words, p: Words) -> Words {
    while x[3] >> 63 == 1 {
        x = sum(x, p);
    }
    while let Some(reduced) = checked_difference(x, p) {
        x = reduced;
    }
    x
}

/// Splits a number in two's complement into N limbs of `bits` bits. Every limb except the last is
/// from `-2^(bits-1)` to `2^(bits-1) - 1`. The last limb holds the remaining bits.
#[allow(clippy::cast_possible_wrap, reason = "numbers in two's complement")]
pub(crate) const fn signed_limbs<const N: usize>(w: Words, bits: usize) -> [i64; N] {
    let mut limbs = [0; N];
    let mut carry = 0;
    let mut i = 0;
    while i + 1 < N {
        let (word, shift) = (i * bits / 64, i * bits % 64);
        let mut field = w[word] >> shift;
        if shift + bits > 64 {
            field |= w[word + 1] << (64 - shift);
        }
        let limb = (field & ((1 << bits) - 1)) as i64 + carry;
        carry = (limb >= 1 << (bits - 1)) as i64;
        limbs[i] = limb - (carry << bits);
        i += 1;
    }
    limbs[i] = ((w[3] as i64) >> (i * bits - 192)) + carry;
    limbs
}

/// Returns the number, in two's complement, that has the given limbs of `bits` bits. Limbs may be
/// negative and longer than `bits` bits, but the number must be from -2^255 to 2^255 - 1.
#[allow(
    clippy::cast_sign_loss,
    clippy::cast_possible_truncation,
    reason = "numbers in two's complement"
)]
pub(crate) const fn words_of<const N: usize>(limbs: [i64; N], bits: usize) -> Words {
    let mut words = [0; 4];
    // `pending` holds the bits from `position` on that are not yet in `words`.
    let (mut pending, mut position, mut word) = (0i128, 0, 0);
    let mut i = 0;
    while i < N {
        pending += (limbs[i] as i128) << (i * bits - position);
        while word < 4 && (i + 1) * bits >= position + 64 {
            words[word] = pending as u64;
            pending >>= 64;
            position += 64;
            word += 1;
        }
        i += 1;
    }
    if word < 4 {
        words[word] = pending as u64;
    }
    words
}

/// Returns `2^exponent / p`. The exponent is from 192 to 319.
#[allow(clippy::cast_precision_loss, reason = "an approximation")]
pub(crate) const fn ratio(exponent: u32, p: Words) -> f64 {
    let two_64 = (1u128 << 64) as f64;
    // p / 2^192.
    let high = p[3] as f64 + (p[2] as f64 + p[1] as f64 / two_64) / two_64;
    (1u128 << (exponent - 192)) as f64 / high
}

/// Returns the inverse of an odd p modulo 2^64 by Newton's iteration. Each step doubles the number
/// of correct bits.
pub(crate) const fn inverse_of_odd(p: u64) -> u64 {
    let mut inverse = 1u64;
    let mut step = 0;
    while step < 6 {
        inverse = inverse.wrapping_mul(2u64.wrapping_sub(p.wrapping_mul(inverse)));
        step += 1;
    }
    inverse
}

/// A prime field with a modulus below 2^254, and the conversion of its elements between Montgomery
/// forms.
pub trait Prime: PrimeField<BigInt = BigInt<4>> {
    /// Returns the integer in arkworks's Montgomery form (R = 2^256).
    fn montgomery(self) -> Words;
    /// Returns the element with this integer in arkworks's Montgomery form. It must be below p.
    fn from_montgomery(words: Words) -> Self;
}

impl<T: MontConfig<4>> Prime for Fp<MontBackend<T, 4>, 4> {
    #[inline(always)]
    fn montgomery(self) -> Words {
        self.0.0
    }
    #[inline(always)]
    fn from_montgomery(words: Words) -> Self {
        Self::new_unchecked(BigInt(words))
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::Fq;
    use ark_ff::Field;
    use proptest::prelude::*;

    use super::*;

    const P: Words = Fq::MODULUS.0;

    proptest! {
        #[test]
        fn limbs_and_words_are_the_same_number(w: Words) {
            let x = canonical([w[0], w[1], w[2], w[3] >> 3], P);
            for number in [x, centred(x, P)] {
                prop_assert_eq!(words_of(signed_limbs::<5>(number, 51), 51), number);
                prop_assert_eq!(words_of(signed_limbs::<9>(number, 29), 29), number);
            }
            prop_assert_eq!(canonical(centred(x, P), P), x);
        }

        #[test]
        fn limbs_have_their_number_of_bits(w: Words) {
            let limbs = signed_limbs::<5>(w, 51);
            prop_assert!(limbs[..4].iter().all(|limb| (-(1 << 50)..1 << 50).contains(limb)));
            let limbs = signed_limbs::<9>(w, 29);
            prop_assert!(limbs[..8].iter().all(|limb| (-(1 << 28)..1 << 28).contains(limb)));
        }
    }

    #[test]
    fn powers_of_two_and_their_inverses_agree_with_arkworks() {
        let two = Fq::from(2u64);
        let power = Fq::from_bigint(BigInt(power_of_two(300, P))).unwrap();
        assert_eq!(power, two.pow([300]));
        let inverse = Fq::from_bigint(BigInt(negative_power_of_two(300, P))).unwrap();
        assert_eq!(inverse * power, Fq::ONE);
    }
}
