//! The encoding of field elements and points in the iden3 formats.
//!
//! The files contain the Montgomery form, little-endian. Transcripts hash the canonical form,
//! big-endian. In both, the point at infinity is all zeros.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, short_weierstrass::Affine, short_weierstrass::SWCurveConfig};
use ark_ff::{BigInt, BigInteger, Fp, FpConfig, PrimeField};

use crate::{
    container::Cursor,
    error::{Error, Location, Modulus},
    subgroup,
};

/// Size of a field element in bytes.
pub(crate) const FIELD_BYTES: usize = 32;
/// Size of a point in G1 in bytes.
pub(crate) const G1_BYTES: usize = 64;
/// Size of a point in G2 in bytes.
pub(crate) const G2_BYTES: usize = 128;

/// Converts 32 little-endian bytes to an integer.
pub(crate) fn integer(bytes: [u8; FIELD_BYTES]) -> BigInt<4> {
    let mut limbs = [0; 4];
    for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
        *limb = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
    }
    BigInt::new(limbs)
}

/// Converts an integer to 32 little-endian bytes.
pub(crate) fn integer_bytes(integer: &BigInt<4>) -> [u8; FIELD_BYTES] {
    let mut bytes = [0; FIELD_BYTES];
    for (chunk, limb) in bytes.chunks_exact_mut(8).zip(integer.0) {
        chunk.copy_from_slice(&limb.to_le_bytes());
    }
    bytes
}

/// Returns the size and the value of a field's modulus, with which headers begin.
pub(crate) fn modulus_header(modulus: &BigInt<4>) -> [u8; 36] {
    let mut header = [0; 36];
    // The size is 32, little-endian.
    header[0] = 32;
    header[4..].copy_from_slice(&integer_bytes(modulus));
    header
}

/// Whether a point may be the point at infinity.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Infinity {
    Allowed,
    Refused,
}

impl Cursor<'_> {
    /// Reads the size and the value of a field's modulus. They must be those of BN254.
    pub(crate) fn modulus(&mut self, modulus: Modulus) -> Result<(), Error> {
        let location = self.location();
        if self.u32()? as usize != FIELD_BYTES {
            return Err(Error::Modulus { location, modulus });
        }
        let expected = match modulus {
            Modulus::Q => Fq::MODULUS,
            Modulus::R => Fr::MODULUS,
        };
        if integer(self.array()?) == expected {
            Ok(())
        } else {
            Err(Error::Modulus { location, modulus })
        }
    }

    fn canonical(&mut self, modulus: Modulus, bound: &BigInt<4>) -> Result<BigInt<4>, Error> {
        let value = integer(self.array()?);
        if value < *bound {
            Ok(value)
        } else {
            Err(Error::NotCanonical {
                location: self.location(),
                modulus,
            })
        }
    }

    /// Reads a scalar in canonical form.
    pub(crate) fn fr(&mut self) -> Result<Fr, Error> {
        let value = self.canonical(Modulus::R, &Fr::MODULUS)?;
        Ok(Fr::from_bigint(value).expect("below the modulus"))
    }

    /// Reads a scalar that is stored as `v · 2^512 mod r`.
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

    /// Reads a point in G1. It must be on the curve, and is therefore in the group of order r.
    pub(crate) fn g1(&mut self, infinity: Infinity) -> Result<G1Affine, Error> {
        let (x, y) = (self.fq()?, self.fq()?);
        on_curve(self.location(), x, y, infinity)
    }

    /// Reads a point on G2's curve. Does not check that it is in the subgroup.
    pub(crate) fn g2_on_curve(&mut self, infinity: Infinity) -> Result<G2Affine, Error> {
        let (x, y) = (self.fq2()?, self.fq2()?);
        on_curve(self.location(), x, y, infinity)
    }

    /// Reads a point in G2 and checks that it is in the subgroup.
    pub(crate) fn g2(&mut self, infinity: Infinity) -> Result<G2Affine, Error> {
        let point = self.g2_on_curve(infinity)?;
        in_subgroup(self.location(), point)
    }
}

/// Returns the point `(x, y)`, which must be on the curve. `(0, 0)` stands for infinity.
pub(crate) fn on_curve<P: SWCurveConfig>(
    location: Location,
    x: P::BaseField,
    y: P::BaseField,
    infinity: Infinity,
) -> Result<Affine<P>, Error> {
    use ark_ff::Zero;
    if x.is_zero() && y.is_zero() {
        return match infinity {
            Infinity::Allowed => Ok(Affine::identity()),
            Infinity::Refused => Err(Error::Infinity { location }),
        };
    }
    let point = Affine::new_unchecked(x, y);
    if point.is_on_curve() {
        Ok(point)
    } else {
        Err(Error::NotOnCurve { location })
    }
}

/// Returns the point, which must be on G2's curve, if it is in the subgroup.
pub(crate) fn in_subgroup(location: Location, point: G2Affine) -> Result<G2Affine, Error> {
    if subgroup::contains(&point) {
        Ok(point)
    } else {
        Err(Error::NotInSubgroup { location })
    }
}

/// Encodes the Montgomery form, which arkworks stores.
fn montgomery<C: FpConfig<4>>(element: &Fp<C, 4>) -> [u8; FIELD_BYTES] {
    integer_bytes(&element.0)
}

/// Encodes `v · 2^512 mod r`.
pub(crate) fn fr_montgomery_twice(value: &Fr) -> [u8; FIELD_BYTES] {
    montgomery(&Fr::from_bigint(value.0).expect("arkworks stores integers below the modulus"))
}

/// Encodes a scalar in canonical form, little-endian.
pub(crate) fn fr_plain(value: &Fr) -> [u8; FIELD_BYTES] {
    integer_bytes(&value.into_bigint())
}

/// Encodes a point in G1 for files.
pub(crate) fn g1_montgomery(point: &G1Affine) -> [u8; G1_BYTES] {
    let (x, y) = point.xy().unwrap_or_default();
    join([montgomery(&x), montgomery(&y)])
}

/// Encodes a point in G2 for files.
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

/// Encodes a point in G1 for transcripts: x, y.
pub(crate) fn g1_plain_be(point: &G1Affine) -> [u8; G1_BYTES] {
    let (x, y) = point.xy().unwrap_or_default();
    join([plain_be(&x), plain_be(&y)])
}

/// Encodes a point in G2 for transcripts: x.c1, x.c0, y.c1, y.c0.
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
