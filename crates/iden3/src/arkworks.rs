//! Conversion of keys and constraint systems to the types of `ark-groth16`, which is an independent
//! prover and verifier.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective};
use ark_ec::CurveGroup;
use ark_ff::{AdditiveGroup, FftField, Field};
use ark_groth16::{ProvingKey, VerifyingKey};
use ark_poly::EvaluationDomain;

use crate::{
    domain::domain,
    r1cs::{LinearCombination, R1cs},
    zkey::ZKey,
};

impl ZKey {
    /// Returns the verifying key.
    #[must_use]
    pub fn to_ark_verifying_key(&self) -> VerifyingKey<Bn254> {
        VerifyingKey {
            alpha_g1: self.alpha_g1,
            beta_g2: self.beta_g2,
            gamma_g2: self.gamma_g2,
            delta_g2: self.delta_g2,
            gamma_abc_g1: self.ic.clone(),
        }
    }

    /// Returns the proving key, for `ark-groth16`'s own (libsnark's) reduction with
    /// [`R1cs::to_ark_matrices`].
    ///
    /// All lists are the same except H, which is in another basis: `ark-groth16` uses `τ^i·Z(τ)/δ`
    /// for `i < n - 1`, with `Z = X^n - 1`. The polynomial `X^i·Z` is zero at the domain's points
    /// and `-2·ζ^((2k+1)i)` at the odd ones. It is therefore `-2·ζ^i·Σ_k ω^(ik)·H_k`, an FFT over
    /// the points of H. The conversion takes `n/2·log₂ n` scalar multiplications. It is meant for
    /// reference, not for speed.
    #[must_use]
    pub fn to_ark_proving_key(&self) -> ProvingKey<Bn254> {
        ProvingKey {
            vk: self.to_ark_verifying_key(),
            beta_g1: self.beta_g1,
            delta_g1: self.delta_g1,
            a_query: self.a.clone(),
            b_g1_query: self.b1.clone(),
            b_g2_query: self.b2.clone(),
            h_query: powers_of_tau(&self.h),
            l_query: self.c.clone(),
        }
    }
}

/// Converts H from the Lagrange form of the odd coset to `τ^i·Z(τ)/δ`.
fn powers_of_tau(h: &[G1Affine]) -> Vec<G1Affine> {
    let n = h.len();
    let lagrange: Vec<G1Projective> = h.iter().map(|point| (*point).into()).collect();
    let zeta = Fr::get_root_of_unity(2 * n as u64).expect("domains have at most 2^27 points");
    let mut factor = -Fr::ONE.double();
    let mut powers = domain(n).fft(&lagrange);
    powers.truncate(n - 1);
    for power in &mut powers {
        *power *= factor;
        factor *= zeta;
    }
    G1Projective::normalize_batch(&powers)
}

/// A matrix in the form of `ark-relations`: the list of `(coefficient, wire)` of each row.
pub type ArkMatrix = Vec<Vec<(Fr, usize)>>;

impl R1cs {
    /// Returns the matrices A, B and C for
    /// `ark_groth16::Groth16::create_proof_with_reduction_and_matrices`. The number of inputs for
    /// that function is `n_public() + 1`.
    #[must_use]
    pub fn to_ark_matrices(&self) -> [ArkMatrix; 3] {
        let row = |terms: &LinearCombination| -> Vec<(Fr, usize)> {
            terms
                .iter()
                .map(|(wire, coefficient)| (*coefficient, *wire as usize))
                .collect()
        };
        [
            self.constraints
                .iter()
                .map(|constraint| row(&constraint.a))
                .collect(),
            self.constraints
                .iter()
                .map(|constraint| row(&constraint.b))
                .collect(),
            self.constraints
                .iter()
                .map(|constraint| row(&constraint.c))
                .collect(),
        ]
    }
}
