//! The chain of phase-2 contributions.
//!
//! ```text
//!   circuit hash -> [ contribution 1 ] -> [ contribution 2 ] -> ... -> [ beacon ]
//!   δ = 1            δ := δ·x₁             δ := δ·x₂                    δ := δ·x_k  = the key's δ
//! ```
//!
//! Each contribution proves that its contributor knew the secret `x`. The point `p` in G2 is hashed
//! from everything before the contribution and from `s` and `x·s` in G1, so only someone who knows
//! `x` can compute `x·p`. If at least one contributor erases the secret, no one knows `δ`.

mod contribute;
mod keypair;

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use blake2::{Blake2b512, Digest};

use crate::{
    encoding::{g1_plain_be, g2_plain_be},
    error::Error,
    pairing::same_ratio,
    zkey::{Contribution, ContributionKind, ZKey},
};

/// The largest allowed number of a beacon's iterations, as an exponent of two. Verifying this many
/// takes seconds, and more would take too long. Ceremonies use 10.
pub const MAX_BEACON_ITERATIONS_EXP: u8 = 24;

impl Contribution {
    /// Returns the BLAKE2b-512 hash of the contribution. snarkjs shows it to the contributor and in
    /// `zkey verify`, and contributors publish it.
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

/// Returns the required `transcript` of a contribution, from the hash of everything before it.
fn transcript_hash(before: &Blake2b512, g1_s: &G1Affine, g1_sx: &G1Affine) -> [u8; 64] {
    before
        .clone()
        .chain_update(g1_plain_be(g1_s))
        .chain_update(g1_plain_be(g1_sx))
        .finalize()
        .into()
}

impl ZKey {
    /// Verifies the chain of contributions. These are the checks:
    ///
    /// * Each contribution's transcript continues the chain, and its proof of knowledge is valid.
    /// * Each contribution multiplied `δ` by the secret of its proof.
    /// * Beacons equal their recomputation.
    /// * The last `δ` is that of the key, in both groups, and `γ` is one.
    ///
    /// This is `snarkjs zkey verify` without the parts that need the powers of tau, which are in
    /// [`check_powers`](Self::check_powers). Without those parts, a transcript proves nothing about
    /// A, B, C and H. A chain without contributions passes, but [`check_sound`](Self::check_sound)
    /// refuses its key.
    ///
    /// Returns the [`Contribution::hash`] of each contribution. Compare them with the hashes that
    /// the contributors published.
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
            return end(
                "the key's δ in G1 is not that of the last contribution (without contributions: the generator)",
            );
        }
        if !same_ratio(
            (G1Affine::generator(), delta),
            (G2Affine::generator(), self.delta_g2),
        ) {
            return end("the key's δ in G2 is not that of the last contribution");
        }
        if self.gamma_g2 != G2Affine::generator() {
            return end("the key's γ is not the generator of G2; phase 2 fixes γ = 1");
        }
        Ok(hashes)
    }
}

impl Contribution {
    fn verify(&self, before: &Blake2b512, delta_before: G1Affine) -> Result<(), &'static str> {
        if transcript_hash(before, &self.g1_s, &self.g1_sx) != self.transcript {
            return Err("its transcript is not the hash of the circuit and the contributions before it");
        }
        let g2_sp = keypair::hash_to_g2(&self.transcript);
        if !same_ratio((self.g1_s, self.g1_sx), (g2_sp, self.g2_spx)) {
            return Err("its proof of knowledge is invalid: the ratios in G1 and G2 differ");
        }
        if !same_ratio((delta_before, self.delta_after), (g2_sp, self.g2_spx)) {
            return Err("its δ is not the product of the preceding δ and its secret");
        }
        if let ContributionKind::Beacon { hash, iterations_exp } = &self.kind {
            if *iterations_exp > MAX_BEACON_ITERATIONS_EXP {
                return Err("its beacon has more than 2^24 iterations, which is the limit");
            }
            let key = keypair::beacon_key(hash, *iterations_exp);
            if (key.g1_s, key.g1_sx) != (self.g1_s, self.g1_sx) {
                return Err("its points differ from those that its beacon gives");
            }
        }
        Ok(())
    }
}
