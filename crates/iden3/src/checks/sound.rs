//! What a key must satisfy whatever its circuit.

use ark_bn254::{G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};

use super::same_ratio;
use crate::{errors::Error, random::multipliers, zkey::ZKey};

impl ZKey {
    /// Refuses a key that anybody can forge with, and one whose copies of β, δ or B in the two groups differ.
    ///
    /// `γ = δ` is what a setup without any contribution leaves: then a proof of anything follows from any
    /// proof, or from the key alone.
    pub fn check_sound(&self) -> Result<(), Error> {
        self.check_lengths()?;
        let refuse = |problem| Err(Error::UnsoundKey { problem });
        let g1 = [self.alpha_g1, self.beta_g1, self.delta_g1];
        let g2 = [self.beta_g2, self.gamma_g2, self.delta_g2];
        if g1.iter().any(AffineRepr::is_zero) || g2.iter().any(AffineRepr::is_zero) {
            return refuse("α, β, γ and δ may not be infinity");
        }
        let one = G1Affine::generator();
        if [self.alpha_g1, self.beta_g1]
            .iter()
            .any(|secret| *secret == one || *secret == -one)
        {
            return refuse(
                "α or β is ±1: nobody contributed to the powers of tau, so anybody can forge proofs",
            );
        }
        if self.ic.iter().any(AffineRepr::is_zero) {
            return refuse("a point of IC is infinity: its public input would not be bound");
        }
        if self.gamma_g2 == self.delta_g2 || self.gamma_g2 == -self.delta_g2 {
            return refuse("γ = ±δ: anybody can forge proofs; a key needs at least one phase-2 contribution");
        }
        let same = |in_g1, in_g2| same_ratio((one, in_g1), (G2Affine::generator(), in_g2));
        if !same(self.beta_g1, self.beta_g2) {
            return refuse("β in G1 and β in G2 differ");
        }
        if !same(self.delta_g1, self.delta_g2) {
            return refuse("δ in G1 and δ in G2 differ");
        }
        let rho = multipliers(self.b1.len());
        let b1 = G1Projective::msm_unchecked(&self.b1, &rho).into_affine();
        let b2 = G2Projective::msm_unchecked(&self.b2, &rho).into_affine();
        // A system without any product has no B at all.
        let no_b = b1.is_zero() && b2.is_zero();
        if !no_b && !same(b1, b2) {
            return refuse("B in G1 and B in G2 differ");
        }
        Ok(())
    }
}
