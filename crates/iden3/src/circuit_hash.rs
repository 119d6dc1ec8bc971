//! The circuit hash, with which the transcript of a key begins.

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use blake2::{Blake2b512, Digest};

use crate::{
    encoding::{g1_plain_be, g2_plain_be},
    zkey::ZKey,
};

/// Returns the circuit hash: BLAKE2b-512 of the key before the first contribution, where
/// `γ = δ = 1`.
///
/// `initial` must contain C for `δ = 1`. `powers` are the points `(τ^(i+n) - τ^i)·G` for
/// `i < n - 1`, which are hashed in place of H. The order is header, IC, H, C, A, B1, B2. Each list
/// is preceded by its length (u32, big-endian).
pub(crate) fn circuit_hash(initial: &ZKey, powers: &[G1Affine]) -> [u8; 64] {
    let mut hasher = Blake2b512::new();
    let length = |n: usize| {
        u32::try_from(n)
            .expect("lists have at most 2^32 - 1 points")
            .to_be_bytes()
    };
    let (g1, g2) = (G1Affine::generator(), G2Affine::generator());
    hasher.update(g1_plain_be(&initial.alpha_g1));
    hasher.update(g1_plain_be(&initial.beta_g1));
    hasher.update(g2_plain_be(&initial.beta_g2));
    hasher.update(g2_plain_be(&g2));
    hasher.update(g1_plain_be(&g1));
    hasher.update(g2_plain_be(&g2));
    let lists = [
        (initial.ic.len(), &initial.ic[..]),
        (initial.h.len() - 1, powers),
        (initial.c.len(), &initial.c),
        (initial.a.len(), &initial.a),
        (initial.b1.len(), &initial.b1),
    ];
    for (count, points) in lists {
        hasher.update(length(count));
        for point in points {
            hasher.update(g1_plain_be(point));
        }
    }
    hasher.update(length(initial.b2.len()));
    for point in &initial.b2 {
        hasher.update(g2_plain_be(point));
    }
    hasher.finalize().into()
}
