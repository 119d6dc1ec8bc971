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

use std::{fs, path::Path, sync::OnceLock};

use ark_std::rand::{CryptoRng, RngCore};
use bauta_iden3::{R1cs, ZKey};
use bauta_prover::{Engine, Options, ProverError, TableSource};

pub use cache::load_or_setup_development;
pub use header::{DEVELOPMENT_WARNING, KeyHeader, Provenance};

use crate::{
    CircuitsError,
    proof::{Proof, VerifyingKey},
    statement::{Inputs, Statement, assign, assign_parallel},
};

/// A statement's proving key, ready to prove with.
pub struct Key<S> {
    statement: S,
    header: KeyHeader,
    verifying: VerifyingKey,
    zkey: ZKey,
    wires: usize,
    constraints: usize,
    /// Prepared by [`Key::prepare`] or the first proof: whoever only verifies needs none.
    engine: OnceLock<Engine>,
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
        Ok(Self {
            statement,
            header,
            verifying,
            zkey,
            wires: r1cs.wires as usize,
            constraints: r1cs.constraints.len(),
            engine: OnceLock::new(),
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
        let assignment = assign_parallel(&self.statement, inputs, self.wires, self.constraints)?;
        let proof = self.engine()?.prove(&assignment.into_witness(), rng)?;
        let bauta_prover::Proof { a, b, c } = proof;
        Ok(ark_groth16::Proof { a, b, c }.into())
    }

    /// The same with one thread, whatever the size of the pool that the call is made in: the way to the most proofs per
    /// second when there are more proofs to make than threads.
    pub fn prove_on_one_thread(
        &self,
        inputs: &Inputs<S::Private>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, CircuitsError> {
        let assignment = assign(&self.statement, inputs, self.wires, self.constraints)?;
        let proofs = self.engine()?.prove_batch(&[assignment.into_witness()], rng)?;
        let bauta_prover::Proof { a, b, c } = proofs[0];
        Ok(ark_groth16::Proof { a, b, c }.into())
    }

    /// Another, equally likely proof of the same digest, made without the inputs: whoever sees both can't tell that one comes from the
    /// other. It holds exactly when this one does.
    pub fn rerandomize(
        &self,
        proof: &Proof,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, CircuitsError> {
        let ark_groth16::Proof { a, b, c } = proof.to_ark();
        let proof = self
            .engine()?
            .rerandomize(&bauta_prover::Proof { a, b, c }, rng)?;
        let bauta_prover::Proof { a, b, c } = proof;
        Ok(ark_groth16::Proof { a, b, c }.into())
    }

    /// Prepares the proving engine, which otherwise the first proof does: about a second of processor time.
    pub fn prepare(&self) -> Result<(), CircuitsError> {
        self.engine().map(|_| ())
    }

    /// Prepares the proving engine from the key's `.zkey` in this file, with the tables that lie beside it; both are written if they
    /// aren't there. With tables it takes milliseconds. Whoever can write these files can make proofs that show witnesses.
    pub fn prepare_from(&self, file: &Path, options: Options) -> Result<TableSource, CircuitsError> {
        let zkey = self.zkey.to_bytes()?;
        // Another key's file is replaced, and its tables with it: they name the key that they are for.
        if fs::read(file).ok().as_deref() != Some(zkey.as_slice()) {
            cache::write(file, &zkey).map_err(|error| ProverError::Read(file.to_owned(), error))?;
        }
        let (engine, source) = Engine::open(file, options)?;
        let _ = self.engine.set(engine);
        Ok(source)
    }

    fn engine(&self) -> Result<&Engine, CircuitsError> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let engine = Engine::prepare(&self.zkey)?;
        Ok(self.engine.get_or_init(|| engine))
    }
}
