//! The pseudo-random points and scalars of the transcript, derived exactly as in snarkjs.
//!
//! The generator is `ChaCha20` with a zero nonce. Its key is 8 words, which are read big-endian
//! from a hash. A field element is 256 bits of the generator, truncated to 254 bits. If it is not
//! below the modulus, it is drawn again. The number is interpreted as the **Montgomery form** of
//! the element. A point has the first drawn x for which the curve equation has a solution. The sign
//! of y is drawn after each x. In G2 the point is then multiplied by the cofactor.

use ark_bn254::{Fq2, Fr, G1Affine, G2Affine, g1, g2};
use ark_ec::{AffineRepr, short_weierstrass::Affine, short_weierstrass::SWCurveConfig};
use ark_ff::{BigInt, Field, Fp, MontBackend, MontConfig};
use rand::{RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};

/// The points of a beacon's proof of knowledge. Anyone can recompute them.
pub(super) struct BeaconKey {
    pub(super) g1_s: G1Affine,
    pub(super) g1_sx: G1Affine,
}

/// Returns the generator that is seeded by a hash.
fn rng(hash: &[u8; 32]) -> ChaCha20Rng {
    let mut seed = *hash;
    // rand_chacha reads the words of the key little-endian.
    seed.chunks_exact_mut(4).for_each(<[u8]>::reverse);
    ChaCha20Rng::from_seed(seed)
}

fn field<C: MontConfig<4>>(rng: &mut impl RngCore) -> Fp<MontBackend<C, 4>, 4> {
    loop {
        let mut limbs = [0; 4].map(|_: u64| {
            let high = u64::from(rng.next_u32());
            high << 32 | u64::from(rng.next_u32())
        });
        limbs[3] &= u64::MAX >> 2;
        let value = BigInt::new(limbs);
        if value < C::MODULUS {
            return Fp::new_unchecked(value);
        }
    }
}

/// Draws a point on the curve. It need not be in the subgroup.
fn point<P: SWCurveConfig, R: RngCore>(rng: &mut R, draw: fn(&mut R) -> P::BaseField) -> Affine<P> {
    loop {
        let x = draw(rng);
        let negative = rng.next_u32() & 1 == 1;
        if let Some(y) = (x.square() * x + P::COEFF_B).sqrt() {
            // "Negative" means the larger of the two values. arkworks orders Fq2 by c1 first, as
            // snarkjs does.
            let y = if (y > -y) == negative { y } else { -y };
            return Affine::new_unchecked(x, y);
        }
    }
}

/// Returns the point of G2 to which a contribution's transcript is hashed.
pub(super) fn hash_to_g2(transcript: &[u8; 64]) -> G2Affine {
    let hash = transcript[..32].try_into().expect("the first half of 64 bytes");
    let draw = |rng: &mut ChaCha20Rng| Fq2::new(field(rng), field(rng));
    point::<g2::Config, _>(&mut rng(&hash), draw).mul_by_cofactor()
}

/// Returns the points that a beacon's contribution must contain. The beacon's value, hashed
/// `2^iterations_exp` times, is the seed of all of them.
pub(super) fn beacon_key(value: &[u8], iterations_exp: u8) -> BeaconKey {
    let mut hash: [u8; 32] = Sha256::digest(value).into();
    for _ in 1..1_u64 << iterations_exp {
        hash = Sha256::digest(hash).into();
    }
    let mut rng = rng(&hash);
    let x: Fr = field(&mut rng);
    let g1_s = point::<g1::Config, _>(&mut rng, field::<ark_bn254::FqConfig>);
    BeaconKey {
        g1_s,
        g1_sx: (g1_s * x).into(),
    }
}
