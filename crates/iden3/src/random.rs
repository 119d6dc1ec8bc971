//! Random scalars.

use ark_bn254::Fr;
use ark_ff::{UniformRand, Zero};
use rand::{CryptoRng, RngCore};

/// Draws a uniformly distributed scalar other than zero.
pub(crate) fn nonzero_scalar(rng: &mut (impl RngCore + CryptoRng)) -> Fr {
    loop {
        let scalar = Fr::rand(rng);
        if !scalar.is_zero() {
            return scalar;
        }
    }
}

/// Returns random multipliers, with which many equations are checked as one random sum. A wrong
/// equation passes with probability 2^-128.
pub(crate) fn multipliers(count: usize) -> Vec<Fr> {
    let mut rng = rand::thread_rng();
    (0..count).map(|_| Fr::from(u128::rand(&mut rng))).collect()
}
