//! Field elements and points as the iden3 formats write them.
//!
//! The files hold the Montgomery form, little-endian; what is hashed in transcripts is the plain form, big-endian.
//! Infinity is all zero in both.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, short_weierstrass::Affine, short_weierstrass::SWCurveConfig};
use ark_ff::{BigInt, BigInteger, Fp, FpConfig, PrimeField};

use crate::{
    container::Cursor,
    errors::{Error, Modulus, Place},
};

/// Bytes of a field element.
pub(crate) const FIELD_BYTES: usize = 32;
/// Bytes of a point in G1.
pub(crate) const G1_BYTES: usize = 64;
/// Bytes of a point in G2.
pub(crate) const G2_BYTES: usize = 128;

/// 32 little-endian bytes as an integer.
pub(crate) fn integer(bytes: [u8; FIELD_BYTES]) -> BigInt<4> {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
    }
    BigInt::new(limbs)
}

/// An integer as 32 little-endian bytes.
pub(crate) fn integer_bytes(integer: &BigInt<4>) -> [u8; FIELD_BYTES] {
    let mut bytes = [0; FIELD_BYTES];
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(integer.0) {
        chunk.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

/// Size and value of a field's modulus, as headers begin.
pub(crate) fn modulus_header(modulus: &BigInt<4>) -> [u8; 36] {
    let mut header = [0; 36];
    // 32, little-endian
    header[0] = 32;
    header[4..].copy_from_slice(&integer_bytes(modulus));
    header
}

/// A point that may or may not be infinity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Infinity {
    Allowed,
    Refused,
}

impl Cursor<'_> {
    /// The size and value of a field's modulus, which must be BN254's.
    pub(crate) fn modulus(&mut self, modulus: Modulus) -> Result<(), Error> {
        let place = self.place();
        if self.u32()? as usize != FIELD_BYTES {
            return Err(Error::Modulus { place, modulus });
        }
        let expected = match modulus {
            Modulus::Q => Fq::MODULUS,
            Modulus::R => Fr::MODULUS,
        };
        if integer(self.array()?) == expected {
            Ok(())
        } else {
            Err(Error::Modulus { place, modulus })
        }
    }

    fn canonical(&mut self, modulus: Modulus, bound: &BigInt<4>) -> Result<BigInt<4>, Error> {
        let value = integer(self.array()?);
        if value < *bound {
            Ok(value)
        } else {
            Err(Error::NotCanonical {
                place: self.place(),
                modulus,
            })
        }
    }

    /// A scalar in plain form.
    pub(crate) fn fr(&mut self) -> Result<Fr, Error> {
        let value = self.canonical(Modulus::R, &Fr::MODULUS)?;
        Ok(Fr::from_bigint(value).expect("below the modulus"))
    }

    /// A scalar stored as `v · 2^512 mod r`.
    pub(crate) fn fr_montgomery_twice(&mut self) -> Result<Fr, Error> {
        let once = Fr::new_unchecked(self.canonical(Modulus::R, &Fr::MODULUS)?);
        Ok(Fr::new_unchecked(once.into_bigint()))
    }

    fn fq(&mut self) -> Result<Fq, Error> {
        Ok(Fq::new_unchecked(self.canonical(Modulus::Q, &Fq::MODULUS)?))
    }

    fn fq2(&mut self) -> Result<Fq2, Error> {
        Ok(Fq2::new(self.fq()?, self.fq()?))
    }

    /// A point in G1, on the curve and therefore in the group of order r.
    pub(crate) fn g1(&mut self, infinity: Infinity) -> Result<G1Affine, Error> {
        let (x, y) = (self.fq()?, self.fq()?);
        on_curve(self.place(), x, y, infinity)
    }

    /// A point of G2's curve: whether it is in the subgroup isn't checked yet.
    pub(crate) fn g2_on_curve(&mut self, infinity: Infinity) -> Result<G2Affine, Error> {
        let (x, y) = (self.fq2()?, self.fq2()?);
        on_curve(self.place(), x, y, infinity)
    }

    /// A point in G2, in the subgroup.
    pub(crate) fn g2(&mut self, infinity: Infinity) -> Result<G2Affine, Error> {
        let point = self.g2_on_curve(infinity)?;
        in_subgroup(self.place(), point)
    }
}

/// The point `(x, y)`, which must lie on the curve; `(0, 0)` stands for infinity.
pub(crate) fn on_curve<P: SWCurveConfig>(
    place: Place,
    x: P::BaseField,
    y: P::BaseField,
    infinity: Infinity,
) -> Result<Affine<P>, Error> {
    use ark_ff::Zero;
    if x.is_zero() && y.is_zero() {
        return match infinity {
            Infinity::Allowed => Ok(Affine::identity()),
            Infinity::Refused => Err(Error::Infinity { place }),
        };
    }
    let point = Affine::new_unchecked(x, y);
    if point.is_on_curve() {
        Ok(point)
    } else {
        Err(Error::NotOnCurve { place })
    }
}

/// The point, which lies on G2's curve and must be in the subgroup.
pub(crate) fn in_subgroup(place: Place, point: G2Affine) -> Result<G2Affine, Error> {
    if point.is_in_correct_subgroup_assuming_on_curve() {
        Ok(point)
    } else {
        Err(Error::NotInSubgroup { place })
    }
}

/// The integer that arkworks keeps: the Montgomery form.
fn montgomery<C: FpConfig<4>>(element: &Fp<C, 4>) -> [u8; FIELD_BYTES] {
    integer_bytes(&element.0)
}

/// `v · 2^512 mod r`.
pub(crate) fn fr_montgomery_twice(value: &Fr) -> [u8; FIELD_BYTES] {
    montgomery(&Fr::from_bigint(value.0).expect("arkworks keeps it below the modulus"))
}

/// A scalar in plain form, little-endian.
pub(crate) fn fr_plain(value: &Fr) -> [u8; FIELD_BYTES] {
    integer_bytes(&value.into_bigint())
}

/// A point in G1 as files hold it.
pub(crate) fn g1_montgomery(point: &G1Affine) -> [u8; G1_BYTES] {
    let (x, y) = point.xy().unwrap_or_default();
    join([montgomery(&x), montgomery(&y)])
}

/// A point in G2 as files hold it.
pub(crate) fn g2_montgomery(point: &G2Affine) -> [u8; G2_BYTES] {
    let (x, y) = point.xy().unwrap_or_default();
    join([x.c0, x.c1, y.c0, y.c1].map(|coordinate| montgomery(&coordinate)))
}

fn plain_be(element: &Fq) -> [u8; FIELD_BYTES] {
    element
        .into_bigint()
        .to_bytes_be()
        .try_into()
        .expect("four limbs are 32 bytes")
}

/// A point in G1 as transcripts hash it: x, y.
pub(crate) fn g1_plain_be(point: &G1Affine) -> [u8; G1_BYTES] {
    let (x, y) = point.xy().unwrap_or_default();
    join([plain_be(&x), plain_be(&y)])
}

/// A point in G2 as transcripts hash it: x.c1, x.c0, y.c1, y.c0.
pub(crate) fn g2_plain_be(point: &G2Affine) -> [u8; G2_BYTES] {
    let (x, y) = point.xy().unwrap_or_default();
    join([x.c1, x.c0, y.c1, y.c0].map(|coordinate| plain_be(&coordinate)))
}

fn join<const N: usize, const M: usize>(parts: [[u8; FIELD_BYTES]; N]) -> [u8; M] {
    parts
        .concat()
        .try_into()
        .expect("the caller's sizes match: N parts of 32 bytes")
}
