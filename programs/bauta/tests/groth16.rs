//! Tests proof verification and the checks of verifying keys.
//!
//! The discrete logarithms of the keys are known, so the tests can compute a proof for any digest.

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::{BigInteger, Field, PrimeField, UniformRand};
use bauta::{
    errors::BautaError,
    groth16::{PROOF_BYTES, VERIFYING_KEY_BYTES, check_key, verify},
};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};
use solana_bn254::prelude::alt_bn128_pairing_be;

fn big_endian(number: impl PrimeField) -> Vec<u8> {
    number.into_bigint().to_bytes_be()
}

fn g1(scalar: Fr) -> Vec<u8> {
    let point = (G1Affine::generator() * scalar).into_affine();
    point
        .xy()
        .map_or(vec![0; 64], |(x, y)| [big_endian(x), big_endian(y)].concat())
}

fn g2(scalar: Fr) -> Vec<u8> {
    let point = (G2Affine::generator() * scalar).into_affine();
    point.xy().map_or(vec![0; 128], |(x, y)| {
        [x.c1, x.c0, y.c1, y.c0].map(big_endian).concat()
    })
}

/// The discrete logarithms of a key's points.
#[derive(Clone, Copy)]
struct Logarithms {
    alpha: Fr,
    beta: Fr,
    gamma: Fr,
    delta: Fr,
    ic: [Fr; 2],
}

impl Logarithms {
    fn random(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut next = || Fr::rand(&mut rng);
        Self {
            alpha: next(),
            beta: next(),
            gamma: next(),
            delta: next(),
            ic: [next(), next()],
        }
    }

    fn key(&self) -> [u8; VERIFYING_KEY_BYTES] {
        let [gamma, delta] = [self.gamma, self.delta].map(g2);
        [
            g1(self.alpha),
            g2(self.beta),
            gamma,
            delta,
            g1(self.ic[0]),
            g1(self.ic[1]),
        ]
        .concat()
        .try_into()
        .unwrap()
    }

    fn input(&self, digest: Fr) -> Fr {
        self.ic[0] + digest * self.ic[1]
    }

    /// Computes the proof with the logarithms `a` and `b`. C follows from the equation.
    fn prove(&self, digest: Fr, a: Fr, b: Fr) -> [u8; PROOF_BYTES] {
        let c = (a * b - self.alpha * self.beta - self.input(digest) * self.gamma) / self.delta;
        proof(a, b, c)
    }
}

fn proof(a: Fr, b: Fr, c: Fr) -> [u8; PROOF_BYTES] {
    [g1(-a), g2(b), g1(c)].concat().try_into().unwrap()
}

fn bytes(digest: Fr) -> [u8; 32] {
    big_endian(digest).try_into().unwrap()
}

#[track_caller]
fn refused(result: anchor_lang::Result<()>, expected: BautaError) {
    assert_eq!(result.unwrap_err(), expected.into());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_proof_holds_only_for_its_digest(seed: u64, digest: u64, a in 1..u64::MAX, b in 1..u64::MAX) {
        let key = Logarithms::random(seed);
        let digest = Fr::from(digest);
        let proof = key.prove(digest, a.into(), b.into());
        prop_assert!(verify(&key.key(), &proof, &bytes(digest)).is_ok());
        refused(verify(&key.key(), &proof, &bytes(digest + Fr::ONE)), BautaError::ProofRefused);
        let other = Logarithms::random(seed.wrapping_add(1));
        refused(verify(&other.key(), &proof, &bytes(digest)), BautaError::ProofRefused);
    }
}

#[test]
fn a_proof_with_invalid_points_is_refused() {
    let key = Logarithms::random(1);
    let good = key.prove(Fr::from(5), Fr::from(2), Fr::from(3));
    for at in [0, 63, 64, 191, 192, 255] {
        let mut bad = good;
        bad[at] ^= 1;
        refused(
            verify(&key.key(), &bad, &bytes(Fr::from(5))),
            BautaError::ProofPointInvalid,
        );
    }
    refused(
        verify(&key.key(), &[0xff; 256], &bytes(Fr::from(5))),
        BautaError::ProofPointInvalid,
    );
    // Points at infinity are valid points, but not a proof.
    refused(
        verify(&key.key(), &[0; 256], &bytes(Fr::from(5))),
        BautaError::ProofRefused,
    );
}

/// The system call decodes the two highest bits of the last coordinate of a point as flags. It
/// refuses them in every other coordinate.
#[test]
fn the_pairing_call_accepts_flags_in_the_last_coordinate_of_a_point() {
    // e(P, Q) · e(−P, Q) = 1
    let [p, minus_p, q] = [g1(Fr::ONE), g1(-Fr::ONE), g2(Fr::ONE)];
    let pairs = [&p[..], &q, &minus_p, &q].concat();
    let is_one = |pairs: &[u8]| alt_bn128_pairing_be(pairs).map(|product| product[31] == 1);
    assert_eq!(is_one(&pairs), Ok(true));
    for coordinate in 0..6 {
        let with_flag = |flag: u8| {
            let mut pairs = pairs.clone();
            pairs[32 * coordinate] |= flag;
            is_one(&pairs)
        };
        // The y coordinate of P, and the imaginary part of the y coordinate of Q.
        if matches!(coordinate, 1 | 4) {
            // Ignored: the same point.
            assert_eq!(with_flag(0x80), Ok(true), "{coordinate}");
            // The point at infinity: the other pair alone is not 1.
            assert_eq!(with_flag(0x40), Ok(false), "{coordinate}");
        } else {
            assert!(with_flag(0x80).is_err(), "{coordinate}");
            assert!(with_flag(0x40).is_err(), "{coordinate}");
        }
    }
}

/// A second encoding of a key would have a circuit account of its own.
#[test]
fn a_flag_bit_in_a_coordinate_is_refused_in_keys_and_in_proofs() {
    let logarithms = Logarithms::random(3);
    let (key, digest) = (logarithms.key(), Fr::from(5));
    let proof = logarithms.prove(digest, Fr::from(2), Fr::from(3));
    for flag in [0x40, 0x80, 0xc0] {
        for coordinate in 0..VERIFYING_KEY_BYTES / 32 {
            let mut bad = key;
            bad[32 * coordinate] |= flag;
            refused(check_key(&bad), BautaError::KeyPointInvalid);
        }
        for coordinate in 0..PROOF_BYTES / 32 {
            let mut bad = proof;
            bad[32 * coordinate] |= flag;
            refused(verify(&key, &bad, &bytes(digest)), BautaError::ProofPointInvalid);
        }
    }
}

#[test]
fn an_honest_key_is_accepted() {
    for seed in 0..5 {
        check_key(&Logarithms::random(seed).key()).unwrap();
    }
}

/// A regression test for gamma = delta and similar keys.
///
/// Each forgery uses only points of the key, so a forger needs to know no logarithm.
#[test]
fn a_key_that_anyone_can_forge_with_is_refused() {
    let honest = Logarithms::random(7);
    let digest = Fr::from(5);
    for sign in [Fr::ONE, -Fr::ONE] {
        let gamma_delta = Logarithms {
            delta: sign * honest.gamma,
            ..honest
        };
        let input = gamma_delta.input(digest);
        let gamma_beta = Logarithms {
            gamma: sign * honest.beta,
            ..honest
        };
        let delta_beta = Logarithms {
            delta: sign * honest.beta,
            ..honest
        };
        for (key, forgery) in [
            (
                gamma_delta,
                proof(gamma_delta.alpha, gamma_delta.beta, -sign * input),
            ),
            (
                gamma_beta,
                proof(gamma_beta.alpha + sign * input, gamma_beta.beta, Fr::from(0)),
            ),
            (
                delta_beta,
                proof(input, delta_beta.gamma, -sign * delta_beta.alpha),
            ),
        ] {
            verify(&key.key(), &forgery, &bytes(digest)).expect("without the check, the forgery is accepted");
            refused(check_key(&key.key()), BautaError::ForgeableKey);
        }
    }
}

#[test]
fn a_key_with_a_point_at_infinity_is_refused() {
    let key = Logarithms::random(3).key();
    for range in [0..64, 64..192, 192..320, 320..448, 448..512, 512..576] {
        let mut bad = key;
        bad[range].fill(0);
        refused(check_key(&bad), BautaError::KeyPointAtInfinity);
    }
}

#[test]
fn a_key_with_a_point_off_its_curve_or_a_coordinate_of_q_is_refused() {
    let key = Logarithms::random(3).key();
    for at in [0, 63, 64, 191, 192, 319, 320, 447, 448, 511, 512, 575] {
        let mut bad = key;
        bad[at] ^= 1;
        refused(check_key(&bad), BautaError::KeyPointInvalid);
    }
    for coordinate in 0..18 {
        let mut bad = key;
        bad[32 * coordinate..32 * (coordinate + 1)].fill(0xff);
        refused(check_key(&bad), BautaError::KeyPointInvalid);
    }
}

#[test]
fn a_key_with_a_point_outside_the_subgroup_is_refused() {
    // Almost no point of the twist is in the subgroup of order r, so the first x with a y is
    // outside.
    let outside = (1..)
        .find_map(|x| G2Affine::get_point_from_x_unchecked(ark_bn254::Fq2::from(x), true))
        .filter(|point| !point.is_in_correct_subgroup_assuming_on_curve())
        .expect("the first point of the twist is outside the subgroup");
    let (x, y) = outside.xy().unwrap();
    let point = [x.c1, x.c0, y.c1, y.c0].map(big_endian).concat();
    let key = Logarithms::random(3).key();
    for at in [64, 192, 320] {
        let mut bad = key;
        bad[at..at + 128].copy_from_slice(&point);
        refused(check_key(&bad), BautaError::KeyPointInvalid);
    }
}
