//! Groth16 verification over BN254 with one public input, with the `alt_bn128` system calls.
//! Section 5 of the protocol specifies the byte forms.

use crate::errors::{BautaError, refused, require};
use anchor_lang::prelude::*;
use solana_bn254::prelude::{alt_bn128_g1_addition_be, alt_bn128_g1_multiplication_be, alt_bn128_pairing_be};

/// Length of a G1 point in bytes.
const G1: usize = 64;
/// Length of a G2 point in bytes.
const G2: usize = 128;
/// Length of a proof in bytes: −A, B, C.
pub const PROOF_BYTES: usize = G1 + G2 + G1;
/// Length of a verifying key in bytes: alpha, beta, gamma, delta, IC0, IC1.
pub const VERIFYING_KEY_BYTES: usize = G1 + 3 * G2 + 2 * G1;
/// The ends of the points of a verifying key.
const BETA_END: usize = G1 + G2;
const GAMMA_END: usize = BETA_END + G2;
const DELTA_END: usize = GAMMA_END + G2;
const IC0_END: usize = DELTA_END + G1;
/// Length of a coordinate in bytes.
const COORDINATE: usize = 32;
/// Length of a pair of points in the input of the pairing call.
const PAIR: usize = G1 + G2;

/// The modulus q of the base field, big-endian. Every coordinate is below it.
const Q: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97,
    0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47,
];

/// The points of a verifying key, borrowed from its bytes.
struct KeyPoints<'a> {
    /// alpha ‖ beta, the form that the pairing call takes.
    alpha_beta: &'a [u8],
    beta: &'a [u8],
    gamma: &'a [u8],
    delta: &'a [u8],
    ic0: &'a [u8],
    ic1: &'a [u8],
}

impl<'a> KeyPoints<'a> {
    fn of(key: &'a [u8; VERIFYING_KEY_BYTES]) -> Self {
        Self {
            alpha_beta: &key[..BETA_END],
            beta: &key[G1..BETA_END],
            gamma: &key[BETA_END..GAMMA_END],
            delta: &key[GAMMA_END..DELTA_END],
            ic0: &key[DELTA_END..IC0_END],
            ic1: &key[IC0_END..],
        }
    }
}

/// Verifies a proof: e(−A, B) · e(alpha, beta) · e(IC0 + digest·IC1, gamma) · e(C, delta) must be
/// 1.
///
/// # Errors
/// `ProofPointInvalid` if a point of the proof is invalid, and `ProofRefused` if the product is not
/// 1.
pub fn verify(key: &[u8; VERIFYING_KEY_BYTES], proof: &[u8; PROOF_BYTES], digest: &[u8; 32]) -> Result<()> {
    let key = KeyPoints::of(key);
    require!(has_canonical_coordinates(proof), BautaError::ProofPointInvalid);
    let mut scaled = [0; G1 + COORDINATE];
    scaled[..G1].copy_from_slice(key.ic1);
    scaled[G1..].copy_from_slice(digest);
    let mut sum = [0; 2 * G1];
    sum[..G1].copy_from_slice(key.ic0);
    // `check_key` checked the points when the key was registered.
    sum[G1..].copy_from_slice(
        &alt_bn128_g1_multiplication_be(&scaled).map_err(|_| refused(BautaError::KeyPointInvalid))?,
    );
    let input = alt_bn128_g1_addition_be(&sum).map_err(|_| refused(BautaError::KeyPointInvalid))?;

    let mut pairs = [0; 4 * PAIR];
    pairs[..PAIR].copy_from_slice(&proof[..PAIR]);
    pairs[PAIR..2 * PAIR].copy_from_slice(key.alpha_beta);
    pairs[2 * PAIR..2 * PAIR + G1].copy_from_slice(&input);
    pairs[2 * PAIR + G1..3 * PAIR].copy_from_slice(key.gamma);
    pairs[3 * PAIR..3 * PAIR + G1].copy_from_slice(&proof[PAIR..]);
    pairs[3 * PAIR + G1..].copy_from_slice(key.delta);
    let product = alt_bn128_pairing_be(&pairs).map_err(|_| refused(BautaError::ProofPointInvalid))?;
    require!(product[31] == 1, BautaError::ProofRefused);
    Ok(())
}

/// Checks a verifying key before it is registered.
///
/// The function refuses:
///
/// * A key in which two of beta, gamma and delta are equal up to sign, because anyone could forge
///   proofs. gamma = ±delta is the result of a setup without a phase-2 contribution: C = −(IC0 +
///   digest·IC1) cancels the third pairing. With gamma = ±beta, A absorbs IC0 + digest·IC1 and C is
///   the point at infinity. With delta = ±beta, C = ∓alpha cancels the second pairing, and A and B
///   cancel the third.
/// * A key with a point at infinity. With IC1 at infinity, the equation would not depend on the
///   digest.
/// * A key with a coordinate that is not below q. This function checks it, because the system calls
///   don't check the two highest bits of a point's last coordinate: see
///   `has_canonical_coordinates`. One key would have several encodings, and each would have a
///   circuit account of its own. A retired key could then be registered again.
/// * A key with a point that is not on its curve or is outside its subgroup. The pairing call
///   checks each point.
pub fn check_key(key: &[u8; VERIFYING_KEY_BYTES]) -> Result<()> {
    let points = KeyPoints::of(key);
    let alpha = &key[..G1];
    for point in [
        alpha,
        points.beta,
        points.gamma,
        points.delta,
        points.ic0,
        points.ic1,
    ] {
        require!(
            point.iter().any(|byte| *byte != 0),
            BautaError::KeyPointAtInfinity
        );
    }
    require!(has_canonical_coordinates(key), BautaError::KeyPointInvalid);
    // Points with the same x coordinate are equal up to sign.
    let [beta, gamma, delta] = [points.beta, points.gamma, points.delta].map(|point| &point[..G2 / 2]);
    require!(
        beta != gamma && gamma != delta && delta != beta,
        BautaError::ForgeableKey
    );
    let pairs = [
        points.alpha_beta,
        points.ic0,
        points.gamma,
        points.ic1,
        points.delta,
    ]
    .concat();
    alt_bn128_pairing_be(&pairs).map_err(|_| refused(BautaError::KeyPointInvalid))?;
    Ok(())
}

/// Returns `true` if every coordinate of the points is below q.
///
/// The decoder of the system calls takes the two highest bits of a point's last coordinate as
/// flags. With 0x40 it reads the point at infinity and does not check the coordinates. It ignores
/// 0x80. Both bits make a coordinate larger than q, so this check refuses them.
fn has_canonical_coordinates(points: &[u8]) -> bool {
    points
        .chunks_exact(COORDINATE)
        .all(|coordinate| *coordinate < Q[..])
}

/// Computes `vk_hash`: the SHA-256 hash of the key's bytes.
#[must_use]
pub fn key_hash(key: &[u8; VERIFYING_KEY_BYTES]) -> [u8; 32] {
    bauta_primitives::sha256(key)
}
