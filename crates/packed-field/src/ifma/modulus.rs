//! Constants of a prime modulus below 2^254, computed at compile time.

use ark_ff::{BigInt, Fp, MontBackend, MontConfig, PrimeField};

use crate::{
    Words,
    integers::{doubled, inverse_of_odd, power_of_two},
};

/// The mask of a limb's 52 bits.
pub(super) const LOW_52: u64 = (1 << 52) - 1;

/// Constants of a modulus.
pub trait Modulus: PrimeField<BigInt = BigInt<4>> {
    /// The modulus p in limbs.
    const P: [u64; 5] = limbs_of(Self::MODULUS.0);
    /// 2p in limbs.
    const TWO_P: [u64; 5] = limbs_of(doubled(Self::MODULUS.0));
    /// 4p in limbs.
    const FOUR_P: [u64; 5] = limbs_of(doubled(doubled(Self::MODULUS.0)));
    /// -1/p modulo 2^52.
    const INVERSE: u64 = negative_inverse(Self::MODULUS.0[0]);
    /// `(p·INVERSE + 1) / 2^52` in limbs. It is below p, because INVERSE is below 2^52.
    const SHIFTED: [u64; 5] = limbs_of(shifted(Self::MODULUS.0, Self::INVERSE));
    /// 2^264 mod p in limbs. Montgomery multiplication by it converts arkworks's form (R = 2^256)
    /// to this back end's form (R = 2^260).
    const FROM_ARK: [u64; 5] = limbs_of(power_of_two(264, Self::MODULUS.0));
}

impl<T: MontConfig<4>> Modulus for Fp<MontBackend<T, 4>, 4> {}

pub(super) const fn limbs_of(w: Words) -> [u64; 5] {
    [
        w[0] & LOW_52,
        ((w[0] >> 52) | (w[1] << 12)) & LOW_52,
        ((w[1] >> 40) | (w[2] << 24)) & LOW_52,
        ((w[2] >> 28) | (w[3] << 36)) & LOW_52,
        w[3] >> 16,
    ]
}

/// Returns -1/p modulo 2^52.
const fn negative_inverse(p: u64) -> u64 {
    inverse_of_odd(p).wrapping_neg() & LOW_52
}

/// Returns `(p·inverse + 1) / 2^52`. The division is exact, because `p·inverse` is -1 modulo 2^52.
#[allow(
    clippy::cast_possible_truncation,
    reason = "the low and high halves of a 128-bit number"
)]
const fn shifted(p: Words, inverse: u64) -> Words {
    let mut product = [0u64; 5];
    let mut carry = 1u128;
    let mut i = 0;
    while i < 4 {
        carry += p[i] as u128 * inverse as u128;
        product[i] = carry as u64;
        carry >>= 64;
        i += 1;
    }
    product[4] = carry as u64;
    let mut shifted = [0; 4];
    i = 0;
    while i < 4 {
        shifted[i] = (product[i] >> 52) | (product[i + 1] << 12);
        i += 1;
    }
    shifted
}
