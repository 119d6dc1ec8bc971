//! A verifying key whose secret exponents (its trapdoor) are known.
//!
//! With the trapdoor, a test computes an accepted proof for any digest without a circuit and in
//! little time. It tests the rules of the program around the pairing. Other tests use the real
//! circuit and real keys. Anyone who knows the exponents of a key can forge proofs: such a key is
//! the result of a dishonest setup.

use ark_bn254::{Fq2, Fr, G1Projective, G2Affine, G2Projective};
use ark_ec::{CurveGroup, PrimeGroup};
use ark_ff::{BigInteger, Field, PrimeField};
use bauta_primitives::Digest;

/// A verifying key, as the exponents of its points over the generators.
#[derive(Clone, Copy)]
pub struct TrapdoorKey {
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    ic: [Fr; 2],
}

impl TrapdoorKey {
    /// Creates the key with a number. Different numbers give unrelated keys.
    #[must_use]
    pub fn new(number: u64) -> Self {
        // Powers of small primes. The exponents only have to be distinct, and neither 0 nor 1.
        let exponent = |base: u64| Fr::from(base).pow([1_000_003 + number]);
        Self {
            alpha: exponent(3),
            beta: exponent(5),
            gamma: exponent(7),
            delta: exponent(11),
            ic: [exponent(13), exponent(17)],
        }
    }

    /// Returns the key in the protocol's form: 576 bytes.
    #[must_use]
    pub fn verifying_key(&self) -> [u8; 576] {
        let (p, q) = (G1Projective::generator(), G2Projective::generator());
        let mut bytes = Vec::with_capacity(576);
        bytes.extend(g1(p * self.alpha));
        for exponent in [self.beta, self.gamma, self.delta] {
            bytes.extend(g2(q * exponent));
        }
        for exponent in self.ic {
            bytes.extend(g1(p * exponent));
        }
        bytes.try_into().expect("64 + 3 * 128 + 2 * 64 bytes")
    }

    /// Creates a proof that the program accepts for this digest, in the protocol's form: 256 bytes.
    #[must_use]
    pub fn prove(&self, digest: Digest) -> [u8; 256] {
        self.prove_with(digest, 7777)
    }

    /// Creates a proof with other randomness. Proofs are malleable: one digest has many proofs.
    #[must_use]
    pub fn prove_with(&self, digest: Digest, randomness: u64) -> [u8; 256] {
        let (p, q) = (G1Projective::generator(), G2Projective::generator());
        let digest = Fr::from_be_bytes_mod_order(&digest.to_bytes());
        let (a, b) = (Fr::from(randomness), Fr::from(99_991u64));
        let l = self.ic[0] + digest * self.ic[1];
        // Solves a b = alpha beta + l gamma + c delta for c.
        let c = (a * b - self.alpha * self.beta - l * self.gamma) / self.delta;
        let mut bytes = Vec::with_capacity(256);
        bytes.extend(g1(-(p * a)));
        bytes.extend(g2(q * b));
        bytes.extend(g1(p * c));
        bytes.try_into().expect("64 + 128 + 64 bytes")
    }
}

fn be<F: PrimeField>(element: F) -> Vec<u8> {
    element.into_bigint().to_bytes_be()
}

fn g1(point: G1Projective) -> Vec<u8> {
    let point = point.into_affine();
    [be(point.x), be(point.y)].concat()
}

fn g2(point: G2Projective) -> Vec<u8> {
    let point = point.into_affine();
    [be(point.x.c1), be(point.x.c0), be(point.y.c1), be(point.y.c0)].concat()
}

/// Returns a point that is on the curve of G2 but outside its subgroup of order r, in the
/// protocol's form.
///
/// # Panics
/// Never, because nearly every point of the curve is outside the subgroup.
#[must_use]
pub fn g2_outside_subgroup() -> [u8; 128] {
    // Half of all x coordinates belong to a point.
    let point = (1u64..100)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::from(x), false))
        .find(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .expect("all but one in 2^254 points of the curve are outside the subgroup");
    g2(point.into())
        .try_into()
        .expect("four coordinates have 128 bytes")
}
