//! Whether a key is sound, belongs to a constraint system, and comes from given powers of tau.
//!
//! | check | needs | shows |
//! |---|---|---|
//! | [`ZKey::check_sound`] | the key | nobody can forge by `γ = ±δ`; β, δ and B are the same in both groups |
//! | [`ZKey::check_circuit`] | the constraint system | counts, matrices A and B, which wires each matrix uses |
//! | [`ZKey::verify_transcript`] | the key | the chain of contributions leads to the key's δ |
//! | [`ZKey::check_powers`] | constraint system and `.ptau` | every point of the key is the right one, and so is the circuit hash |
//!
//! Only the last looks at the **values** of the points A, B, C, H and IC, and so at matrix C. A key whose `.ptau` isn't at hand may
//! be for other constraints with the same A and B. What nothing here shows: that the powers of tau come from their ceremony
//! (`snarkjs powersoftau verify`, or the published hash of the file), and that one contributor was honest.

mod circuit;
mod powers;
mod sound;

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::{AffineRepr, pairing::Pairing};
use ark_ff::One;

#[cfg(doc)]
use crate::ZKey;

pub(crate) use powers::{circuit_hash, domain};

/// Whether two pairs of points have the same, nonzero ratio: `x` and `x·k` in G1, `y` and `y·k` in G2.
pub(crate) fn same_ratio(g1: (G1Affine, G1Affine), g2: (G2Affine, G2Affine)) -> bool {
    let infinite = g1.0.is_zero() || g1.1.is_zero() || g2.0.is_zero() || g2.1.is_zero();
    !infinite && Bn254::multi_pairing([g1.0, -g1.1], [g2.1, g2.0]).0.is_one()
}
