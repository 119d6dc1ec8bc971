//! Proving keys and where they come from.
//!
//! ```text
//!   published seed --development--+
//!                                 +--> Key --to_bytes--> key file: header, .zkey
//!   .zkey, .ptau ----import-------+        <--from_bytes--
//! ```
//!
//! Both ways give the same form, and a key file says which of them it was: see [`KeyHeader`], and `file.rs` for the bytes.

mod cache;
mod development;
mod file;
mod header;
mod import;

use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand;
use ark_groth16::Groth16;
use ark_relations::gr1cs::Matrix;
use ark_std::rand::{CryptoRng, RngCore};
use bauta_iden3::{LinearCombination, R1cs, ZKey};

pub use cache::load_or_setup_development;
pub use header::{DEVELOPMENT_WARNING, KeyHeader, Provenance};

use crate::{
    CircuitsError,
    proof::{Proof, VerifyingKey},
    reduction::OddCoset,
    statement::{Inputs, Statement, assign},
};

/// A statement's proving key, ready to prove with.
pub struct Key<S> {
    statement: S,
    header: KeyHeader,
    verifying: VerifyingKey,
    zkey: ZKey,
    proving: Proving,
}

/// What arkworks' prover takes.
struct Proving {
    key: ark_groth16::ProvingKey<Bn254>,
    /// A and B; the reduction doesn't read C.
    matrices: [Matrix<Fr>; 2],
    wires: usize,
}

impl<S: Statement> Key<S> {
    fn assemble(
        statement: S,
        r1cs: &R1cs,
        provenance: Provenance,
        zkey: ZKey,
    ) -> Result<Self, CircuitsError> {
        let verifying = VerifyingKey::of(&zkey)?;
        let header = KeyHeader::of(&statement, r1cs, provenance, verifying.hash());
        let proving = Proving::new(r1cs, &zkey, &verifying);
        Ok(Self {
            statement,
            header,
            verifying,
            zkey,
            proving,
        })
    }

    /// What the key file says.
    pub fn header(&self) -> &KeyHeader {
        &self.header
    }

    /// What everybody who loads this key has to be told; a ceremony's key has none.
    pub fn warning(&self) -> Option<&'static str> {
        self.header.provenance.warning()
    }

    /// The statement that this key proves.
    pub fn statement(&self) -> &S {
        &self.statement
    }

    /// The verifying part.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// The key as snarkjs has it.
    pub fn zkey(&self) -> &ZKey {
        &self.zkey
    }

    /// Proves. Checks the inputs first, in plain code, and says which rule they break. Each proof is freshly blinded.
    pub fn prove(
        &self,
        inputs: &Inputs<S::Private>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, CircuitsError> {
        let Proving { key, matrices, wires } = &self.proving;
        let constraints = matrices[0].len();
        let assignment = assign(&self.statement, inputs, *wires, constraints)?;
        let (r, s) = (Fr::rand(rng), Fr::rand(rng));
        let proof = Groth16::<Bn254, OddCoset>::create_proof_with_reduction_and_matrices(
            key,
            r,
            s,
            matrices,
            self.zkey.n_public as usize + 1,
            constraints,
            assignment.wires(),
        )?;
        Ok(proof.into())
    }
}

impl Proving {
    fn new(r1cs: &R1cs, zkey: &ZKey, verifying_key: &VerifyingKey) -> Self {
        let matrix = |side: fn(&bauta_iden3::Constraint) -> &LinearCombination| -> Matrix<Fr> {
            r1cs.constraints
                .iter()
                .map(|constraint| {
                    side(constraint)
                        .iter()
                        .map(|(wire, c)| (*c, *wire as usize))
                        .collect()
                })
                .collect()
        };
        Self {
            key: ark_groth16::ProvingKey {
                vk: verifying_key.to_ark(),
                beta_g1: zkey.beta_g1,
                delta_g1: zkey.delta_g1,
                a_query: zkey.a.clone(),
                b_g1_query: zkey.b1.clone(),
                b_g2_query: zkey.b2.clone(),
                h_query: zkey.h.clone(),
                l_query: zkey.c.clone(),
            },
            matrices: [
                matrix(|constraint| &constraint.a),
                matrix(|constraint| &constraint.b),
            ],
            wires: r1cs.wires as usize,
        }
    }
}
