//! Constants of a prime modulus below 2^254, computed at compile time.

use crate::integers::{
    Prime, centred, inverse_of_odd, negative_power_of_two, power_of_two, ratio, signed_limbs,
};

/// The number of bits of a limb.
pub(super) const BITS: usize = 51;

/// Returns `2^exponent`.
pub(super) const fn power(exponent: u64) -> f64 {
    f64::from_bits((1023 + exponent) << 52)
}

/// Constants of a modulus. Numbers are in signed limbs, which are at most 2^50.
pub trait Modulus: Prime {
    /// The modulus p.
    const P: [f64; 5] = floats(signed_limbs(Self::MODULUS.0, BITS));
    /// -p.
    const MINUS_P: [f64; 5] = negated(Self::P);
    /// -1/p modulo 2^51, from -2^50 to 2^50 - 1.
    const INVERSE: f64 = signed_low(inverse_of_odd(Self::MODULUS.0[0]).wrapping_neg());
    /// 2^-51 mod p, with an absolute value of at most p/2.
    const FOLD: [f64; 5] = floats(signed_limbs(
        centred(negative_power_of_two(51, Self::MODULUS.0), Self::MODULUS.0),
        BITS,
    ));
    /// 2^254 mod p. Montgomery multiplication by it converts arkworks's form (R = 2^256) to this
    /// back end's form (R = 2^255).
    const FROM_ARK: [f64; 5] = floats(signed_limbs(
        centred(power_of_two(254, Self::MODULUS.0), Self::MODULUS.0),
        BITS,
    ));
    /// 2^204 / p. The product with the top limb of a number is about the number divided by p.
    const TOP_RATIO: f64 = ratio(204, Self::MODULUS.0);
}

impl<F: Prime> Modulus for F {}

/// Converts limbs to doubles. They are below 2^53, so this is exact.
#[allow(clippy::cast_precision_loss, reason = "limbs are below 2^53")]
pub(super) const fn floats(limbs: [i64; 5]) -> [f64; 5] {
    [
        limbs[0] as f64,
        limbs[1] as f64,
        limbs[2] as f64,
        limbs[3] as f64,
        limbs[4] as f64,
    ]
}

const fn negated(limbs: [f64; 5]) -> [f64; 5] {
    [-limbs[0], -limbs[1], -limbs[2], -limbs[3], -limbs[4]]
}

/// Returns the low 51 bits as a signed number.
#[allow(clippy::cast_precision_loss, reason = "the number has 51 bits")]
const fn signed_low(x: u64) -> f64 {
    ((x << 13).cast_signed() >> 13) as f64
}
