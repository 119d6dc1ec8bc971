//! Checks the properties that every key must have, regardless of its circuit.

use ark_bn254::{G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM};

use crate::{error::Error, pairing::same_ratio, random::multipliers, zkey::ZKey};

impl ZKey {
    /// Returns an error if anyone can forge proofs with the key, or if its copies of β, δ or B in
    /// the two groups differ.
    ///
    /// `γ = δ` is the result of a setup without contributions. In such a key, a proof of any
    /// statement can be made from any other proof, or from the key alone.
    pub fn check_sound(&self) -> Result<(), Error> {
        self.check_lengths()?;
        let refuse = |problem| Err(Error::UnsoundKey { problem });
        let g1 = [self.alpha_g1, self.beta_g1, self.delta_g1];
        let g2 = [self.beta_g2, self.gamma_g2, self.delta_g2];
        if g1.iter().any(AffineRepr::is_zero) || g2.iter().any(AffineRepr::is_zero) {
            return refuse("α, β, γ and δ must not be infinity");
        }
        let one = G1Affine::generator();
        if [self.alpha_g1, self.beta_g1]
            .iter()
            .any(|secret| *secret == one || *secret == -one)
        {
            return refuse(
                "α or β is ±1: the powers of tau have no contribution, so anyone can forge proofs",
            );
        }
        if self.ic.iter().any(AffineRepr::is_zero) {
            return refuse("a point of IC is infinity, so its public input would not be bound");
        }
        if self.gamma_g2 == self.delta_g2 || self.gamma_g2 == -self.delta_g2 {
            return refuse("γ = ±δ: anyone can forge proofs; a key needs at least one phase-2 contribution");
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
        // A constraint system without any product has no B at all.
        let no_b = b1.is_zero() && b2.is_zero();
        if !no_b && !same(b1, b2) {
            return refuse("B in G1 and B in G2 differ");
        }
        Ok(())
    }
}
