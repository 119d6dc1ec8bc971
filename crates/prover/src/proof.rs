//! Proofs and their verification.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{AffineRepr, CurveGroup, pairing::Pairing};
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_std::rand::{CryptoRng, RngCore};
use zeroize::Zeroize;

use crate::ProverError;

/// The two random factors of a proof. Each pair is used once.
pub(crate) struct Blinding {
    /// The factor r₁. It is not zero.
    pub(crate) scale: Fr,
    /// The factor r₂.
    pub(crate) shift: Fr,
}

impl Blinding {
    /// Draws new factors, in the same order as arkworks's `rerandomize_proof`.
    pub(crate) fn random(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        loop {
            let (scale, shift) = (Fr::rand(rng), Fr::rand(rng));
            if scale != Fr::ZERO {
                return Self { scale, shift };
            }
        }
    }

    /// Returns `1/r₁`.
    pub(crate) fn inverse(&self) -> Fr {
        self.scale.inverse().expect("r₁ is not zero")
    }
}

impl Drop for Blinding {
    fn drop(&mut self) {
        self.scale.zeroize();
        self.shift.zeroize();
    }
}

/// A Groth16 proof as in the paper: `e(A, B) = e(α, β) · e(Σ x_i·IC_i, γ) · e(C, δ)`. The fields
/// are those of `ark_groth16::Proof<Bn254>`. A is not negated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The point A in G1.
    pub a: G1Affine,
    /// The point B in G2.
    pub b: G2Affine,
    /// The point C in G1.
    pub c: G1Affine,
}

impl Proof {
    /// Returns another proof of the same statement: `(A/r₁, r₁·(B + r₂·δ), C + r₂·A)` with new
    /// random factors. It is valid if and only if this proof is (docs/prover.md, step 3).
    ///
    /// The result has the same distribution as any other proof of the statement. Given both proofs,
    /// it is impossible to determine whether one was made from the other or from a witness.
    /// Re-randomisation does not need the witness, so anyone can do it: never use the bytes of a
    /// proof to distinguish verifications.
    ///
    /// `delta` is δ of the verifying key in G2. This takes about a millisecond.
    ///
    /// # Errors
    ///
    /// Returns [`ProverError::Infinity`] if a part of the proof is the point at infinity.
    pub fn rerandomize(
        &self,
        delta: &G2Affine,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Self, ProverError> {
        self.blind_again(delta, &Blinding::random(rng))
    }

    fn blind_again(&self, delta: &G2Affine, blinding: &Blinding) -> Result<Self, ProverError> {
        Self {
            a: (self.a * blinding.inverse()).into_affine(),
            b: ((self.b + *delta * blinding.shift) * blinding.scale).into_affine(),
            c: (self.a * blinding.shift + self.c).into_affine(),
        }
        .without_infinity()
    }

    /// Returns the proof, or an error if a part of it is infinity.
    pub(crate) fn without_infinity(self) -> Result<Self, ProverError> {
        if self.a.is_zero() || self.b.is_zero() || self.c.is_zero() {
            return Err(ProverError::Infinity);
        }
        Ok(self)
    }
}

/// The part of a key that verification needs.
#[derive(Clone, Debug)]
pub struct Verifier {
    /// The point α in G1.
    pub alpha: G1Affine,
    /// The point β in G2.
    pub beta: G2Affine,
    /// The point γ in G2.
    pub gamma: G2Affine,
    /// The point δ in G2.
    pub delta: G2Affine,
    /// One point for the constant one, and one for each public input. There is at least one.
    pub ic: Vec<G1Affine>,
}

impl Verifier {
    /// Returns whether a proof is valid for these public inputs. All points must be on the curve
    /// and in the subgroup.
    ///
    /// # Errors
    ///
    /// Returns [`ProverError::PublicInputs`] if there is another number of public inputs.
    pub fn verify(&self, proof: &Proof, public_inputs: &[Fr]) -> Result<bool, ProverError> {
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
