//! Proofs and their verification.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};

use crate::ProverError;

/// A Groth16 proof as in the paper: `e(A, B) = e(α, β) · e(Σ x_i·IC_i, γ) · e(C, δ)`. The fields are those of
/// `ark_groth16::Proof<Bn254>`; A isn't negated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// A, in G1.
    pub a: G1Affine,
    /// B, in G2.
    pub b: G2Affine,
    /// C, in G1.
    pub c: G1Affine,
}

/// The part of a key that a verifier needs.
#[derive(Clone, Debug)]
pub(crate) struct Verifier {
    pub(crate) alpha: G1Affine,
    pub(crate) beta: G2Affine,
    pub(crate) gamma: G2Affine,
    pub(crate) delta: G2Affine,
    pub(crate) ic: Vec<G1Affine>,
}

impl Verifier {
    pub(crate) fn verify(&self, proof: &Proof, public_inputs: &[Fr]) -> Result<bool, ProverError> {
        if public_inputs.len() + 1 != self.ic.len() {
            return Err(ProverError::PublicInputs {
                expected: self.ic.len() - 1,
                found: public_inputs.len(),
            });
        }
        let mut inputs: G1Projective = self.ic[0].into_group();
        for (input, point) in public_inputs.iter().zip(&self.ic[1..]) {
            inputs += *point * input;
        }
        // e(-A, B) · e(α, β) · e(inputs, γ) · e(C, δ) = 1, with one final exponentiation.
        let product = Bn254::multi_pairing(
            [-proof.a, self.alpha, inputs.into_affine(), proof.c],
            [proof.b, self.beta, self.gamma, self.delta],
        );
        Ok(product.0 == <Bn254 as Pairing>::TargetField::from(1u64))
    }
}
