//! Makes contributions to a key.

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr, CurveGroup};
use ark_ff::Field;
use blake2::{Blake2b512, Digest};
use rand::{CryptoRng, RngCore};
use rayon::prelude::*;
use zeroize::Zeroizing;

use super::{keypair::hash_to_g2, transcript_hash};
use crate::{
    random::nonzero_scalar,
    zkey::{Contribution, ContributionKind, ZKey},
};

impl ZKey {
    /// Multiplies `δ` by a new secret from `rng`, and appends the proof to the transcript, as
    /// `snarkjs zkey contribute` does. The secret is erased. Returns the contribution's hash.
    pub fn contribute(&mut self, name: &str, rng: &mut (impl RngCore + CryptoRng)) -> [u8; 64] {
        let secret = Zeroizing::new(nonzero_scalar(rng));
        self.contribute_scalars(name, &secret, nonzero_scalar(rng))
    }

    /// Multiplies `δ` by the secret. The proof of knowledge starts from `nonce` times the generator.
    fn contribute_scalars(&mut self, name: &str, secret: &Fr, nonce: Fr) -> [u8; 64] {
        let mut hasher = Blake2b512::new_with_prefix(self.cs_hash);
        for earlier in &self.contributions {
            earlier.update(&mut hasher);
        }
        let g1_s: G1Affine = (G1Affine::generator() * nonce).into();
        let g1_sx: G1Affine = (g1_s * secret).into();
        let transcript = transcript_hash(&hasher, &g1_s, &g1_sx);
        let g2_spx = (hash_to_g2(&transcript) * secret).into();

        self.delta_g1 = (self.delta_g1 * secret).into();
        self.delta_g2 = (self.delta_g2 * secret).into();
        let inverse = Zeroizing::new(secret.inverse().expect("the secret is not zero"));
        multiply(&mut self.c, &inverse);
        multiply(&mut self.h, &inverse);

        let contribution = Contribution {
            delta_after: self.delta_g1,
            g1_s,
            g1_sx,
            g2_spx,
            transcript,
            name: Some(name.to_owned()),
            kind: ContributionKind::Entropy,
        };
        let hash = contribution.hash();
        self.contributions.push(contribution);
        hash
    }
}

fn multiply(points: &mut Vec<G1Affine>, scalar: &Fr) {
    let products: Vec<G1Projective> = points.par_iter().map(|point| *point * scalar).collect();
    *points = G1Projective::normalize_batch(&products);
}
