//! The chain of phase-2 contributions.
//!
//! ```text
//!   circuit hash -> [ contribution 1 ] -> [ contribution 2 ] -> ... -> [ beacon ]
//!   δ = 1            δ := δ·x₁             δ := δ·x₂                    δ := δ·x_k  = the key's δ
//! ```
//!
//! Each contribution proves that its maker knew its `x`: `p` in G2 is hashed from everything before and from
//! `s` and `x·s` in G1, so `x·p` can be made only by who knows `x`. If one contributor forgets theirs, nobody knows `δ`.

mod contribute;
mod keypair;

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use blake2::{Blake2b512, Digest};

use crate::{
    checks::same_ratio,
    encoding::{g1_plain_be, g2_plain_be},
    errors::Error,
    zkey::{Contribution, ContributionKind, ZKey},
};

/// Beacons with more iterations, as an exponent of two, are refused: verifying them would take too long. This
/// many take seconds; ceremonies use 10.
pub const MAX_BEACON_ITERATIONS_EXP: u8 = 24;

impl Contribution {
    /// BLAKE2b-512 that snarkjs shows to the contributor and in `zkey verify`: what contributors publish.
    #[must_use]
    pub fn hash(&self) -> [u8; 64] {
        let mut hasher = Blake2b512::new();
        self.update(&mut hasher);
        hasher.finalize().into()
    }

    fn update(&self, hasher: &mut Blake2b512) {
        hasher.update(g1_plain_be(&self.delta_after));
        hasher.update(g1_plain_be(&self.g1_s));
        hasher.update(g1_plain_be(&self.g1_sx));
        hasher.update(g2_plain_be(&self.g2_spx));
        hasher.update(self.transcript);
    }
}

/// What a contribution's `transcript` must be, given the hash of everything before.
fn transcript_hash(before: &Blake2b512, g1_s: &G1Affine, g1_sx: &G1Affine) -> [u8; 64] {
    before
        .clone()
        .chain_update(g1_plain_be(g1_s))
        .chain_update(g1_plain_be(g1_sx))
        .finalize()
        .into()
}

impl ZKey {
    /// Verifies the chain of contributions: each one's place in the transcript, its proof of knowledge, that it
    /// multiplied `δ` by that very secret, and beacons by making them again; that the last `δ` is the key's, in both
    /// groups; that `γ` is one. This is `snarkjs zkey verify` without the parts that need the powers of tau: those are
    /// [`check_powers`](Self::check_powers). Without them, a transcript shows nothing about A, B, C and H.
    ///
    /// A chain without contributions passes: [`check_sound`](Self::check_sound) refuses its key.
    ///
    /// Returns [`Contribution::hash`] of each, to be compared with what the contributors published.
    pub fn verify_transcript(&self) -> Result<Vec<[u8; 64]>, Error> {
        let mut hasher = Blake2b512::new_with_prefix(self.cs_hash);
        let mut delta = G1Affine::generator();
        let mut hashes = Vec::with_capacity(self.contributions.len());
        for (index, contribution) in self.contributions.iter().enumerate() {
            contribution
                .verify(&hasher, delta)
                .map_err(|problem| Error::Transcript {
                    contribution: index + 1,
                    problem,
                })?;
            contribution.update(&mut hasher);
            delta = contribution.delta_after;
            hashes.push(contribution.hash());
        }
        let end = |problem| Err(Error::TranscriptEnd { problem });
        if delta != self.delta_g1 {
            return end("the key's δ in G1 isn't the last contribution's (with none, the generator)");
        }
        if !same_ratio(
            (G1Affine::generator(), delta),
            (G2Affine::generator(), self.delta_g2),
        ) {
            return end("the key's δ in G2 isn't the last contribution's");
        }
        if self.gamma_g2 != G2Affine::generator() {
            return end("the key's γ isn't the generator of G2; phase 2 fixes γ = 1");
        }
        Ok(hashes)
    }
}

impl Contribution {
    fn verify(&self, before: &Blake2b512, delta_before: G1Affine) -> Result<(), &'static str> {
        if transcript_hash(before, &self.g1_s, &self.g1_sx) != self.transcript {
            return Err("its transcript isn't the hash of the circuit and the contributions before it");
        }
        let g2_sp = keypair::hash_to_g2(&self.transcript);
        if !same_ratio((self.g1_s, self.g1_sx), (g2_sp, self.g2_spx)) {
            return Err("its proof of knowledge is wrong: the ratios in G1 and G2 differ");
        }
        if !same_ratio((delta_before, self.delta_after), (g2_sp, self.g2_spx)) {
            return Err("its δ isn't the δ before it times its secret");
        }
        if let ContributionKind::Beacon { hash, iterations_exp } = &self.kind {
            if *iterations_exp > MAX_BEACON_ITERATIONS_EXP {
                return Err("its beacon asks for more than 2^24 iterations, which is refused");
            }
            let key = keypair::beacon_key(hash, *iterations_exp);
            if (key.g1_s, key.g1_sx) != (self.g1_s, self.g1_sx) {
                return Err("it isn't what its beacon gives");
            }
        }
        Ok(())
    }
}
