//! ark-groth16's prover and verifier for BN254.

use ark_bn254::{Bn254, Fr};
use ark_groth16::{Groth16, Proof, ProvingKey, VerifyingKey};
use ark_snark::SNARK;

/// Makes a proof with the blinding factors `r` and `s`. The first wires, `1` among them, are
/// public.
///
/// # Panics
///
/// Panics if the domain of the constraints does not exist.
#[must_use]
pub fn prove(
    key: &ProvingKey<Bn254>,
    [r, s]: [Fr; 2],
    matrices: &[Vec<Vec<(Fr, usize)>>],
    public: usize,
    wires: &[Fr],
) -> Proof<Bn254> {
    let constraints = matrices[0].len();
    Groth16::<Bn254>::create_proof_with_reduction_and_matrices(
        key,
        r,
        s,
        matrices,
        public,
        constraints,
        wires,
    )
    .expect("the domain exists")
}

/// Returns whether a proof is valid for these public inputs.
///
/// # Panics
///
/// Panics if the key has another number of public inputs.
#[must_use]
pub fn verifies(key: &VerifyingKey<Bn254>, public: &[Fr], proof: &Proof<Bn254>) -> bool {
    Groth16::<Bn254>::verify(key, public, proof).expect("the key has as many inputs")
}
