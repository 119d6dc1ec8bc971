//! Constants of a prime modulus below 2^254, computed at compile time.

use crate::integers::{
    Prime, centred, inverse_of_odd, negative_power_of_two, power_of_two, ratio, signed_limbs,
};

/// The number of bits of a limb.
pub(super) const BITS: usize = 29;
/// The number of limbs.
pub(super) const LIMBS: usize = 9;
/// The scale of [`Modulus::TOP_RATIO`], as a power of two.
pub(super) const RATIO_BITS: u32 = 38;

/// Constants of a modulus. Numbers are in signed limbs, which are at most 2^28.
pub trait Modulus: Prime {
    /// The modulus p.
    const P: [i64; LIMBS] = signed_limbs(Self::MODULUS.0, BITS);
    /// -1/p modulo 2^29.
    const INVERSE: i64 = low_bits(inverse_of_odd(Self::MODULUS.0[0]).wrapping_neg());
    /// 2^-29 mod p, with an absolute value of at most p/2.
    const FOLD: [i64; LIMBS] = signed_limbs(
        centred(negative_power_of_two(29, Self::MODULUS.0), Self::MODULUS.0),
        BITS,
    );
    /// 2^266 mod p. Montgomery multiplication by it converts arkworks's form (R = 2^256) to this
    /// back end's form (R = 2^261).
    const FROM_ARK: [i64; LIMBS] =
        signed_limbs(centred(power_of_two(266, Self::MODULUS.0), Self::MODULUS.0), BITS);
    /// `2^38 · 2^232 / p`. The product with the top limb of a number, divided by 2^38, is about the
    /// number divided by p.
    #[allow(clippy::cast_possible_truncation, reason = "it is below 2^18")]
    const TOP_RATIO: i64 = ratio(232 + RATIO_BITS, Self::MODULUS.0) as i64;
}

impl<F: Prime> Modulus for F {}

const fn low_bits(x: u64) -> i64 {
    (x & ((1 << BITS) - 1)).cast_signed()
}
