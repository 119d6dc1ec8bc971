//! Comparison of ratios in the two groups by a pairing.

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::{AffineRepr, pairing::Pairing};
use ark_ff::One;

/// Returns whether two pairs of points have the same nonzero ratio: `x` and `x·k` in G1, `y` and
/// `y·k` in G2.
pub(crate) fn same_ratio(g1: (G1Affine, G1Affine), g2: (G2Affine, G2Affine)) -> bool {
    let infinite = g1.0.is_zero() || g1.1.is_zero() || g2.0.is_zero() || g2.1.is_zero();
    !infinite && Bn254::multi_pairing([g1.0, -g1.1], [g2.1, g2.0]).0.is_one()
}
