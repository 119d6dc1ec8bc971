//! Proving keys and their sources.
//!
//! ```text
//!   published seed --development--+
//!                                 +--> Key --to_bytes--> key file: header, .zkey
//!   .zkey, .ptau ----import-------+        <--from_bytes--
//! ```
//!
//! Both sources give a key of the same form. The [`KeyHeader`] of a key file records the source.
//! `file.rs` describes the bytes.

mod any;
mod atomic_write;
mod cache;
mod development;
mod file;
mod header;
mod import;

use std::{fs, path::Path, sync::OnceLock};

use ark_std::rand::{CryptoRng, RngCore};
use bauta_iden3::{R1cs, ZKey};
use bauta_primitives::ProofInputs;
use bauta_prover::{Engine, Options, ProverError, TableSource};

pub use any::{AnyInputs, AnyKey};
pub use cache::load_or_setup_development;
pub use header::{DEVELOPMENT_WARNING, KeyHeader, Provenance};

use self::atomic_write::atomic_write;
use crate::{
    CircuitsError,
    proof::{Proof, VerifyingKey},
    statement::{Statement, assign, assign_parallel},
};

/// A statement's proving key.
pub struct Key<S> {
    statement: S,
    header: KeyHeader,
    verifying: VerifyingKey,
    zkey: ZKey,
    wires: usize,
    constraints: usize,
    /// Prepared by [`Key::prepare`] or by the first proof. A process that only verifies does not
    /// need it.
    engine: OnceLock<Engine>,
}

/// Bytes of tables for each constraint of a large circuit. The smallest tables take about 4,000.
const TABLE_BYTES: usize = 5_400;

/// Returns the options with a table budget that is large enough for a circuit of this size. The
/// default budget is kept for circuits of up to about 6,000 constraints.
#[must_use]
pub fn with_table_budget(options: Options, constraints: usize) -> Options {
    Options {
        table_budget: options.table_budget.max(constraints * TABLE_BYTES),
        ..options
    }
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

    /// Returns the header of the key file.
    pub fn header(&self) -> &KeyHeader {
        &self.header
    }

    /// Returns the warning that must be shown to everyone who loads this key. A key from a ceremony
    /// has none.
    pub fn warning(&self) -> Option<&'static str> {
        self.header.provenance.warning()
    }

    /// Returns the statement that this key proves.
    pub fn statement(&self) -> &S {
        &self.statement
    }

    /// Returns the verifying key.
    pub fn verifying_key(&self) -> &VerifyingKey {
        &self.verifying
    }

    /// Returns the key in the form of snarkjs.
    pub fn zkey(&self) -> &ZKey {
        &self.zkey
    }

    /// Makes a proof. Checks the inputs first, in ordinary code, and returns an error with the
    /// violated rule. Each proof has new blinding factors.
    pub fn prove(
        &self,
        inputs: &ProofInputs<S::Private>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, CircuitsError> {
        let assignment = assign_parallel(&self.statement, inputs, self.wires, self.constraints)?;
        let proof = self.engine()?.prove(&assignment.into_witness(), rng)?;
        let bauta_prover::Proof { a, b, c } = proof;
        Ok(ark_groth16::Proof { a, b, c }.into())
    }

    /// Makes a proof on one thread, even if the caller's pool has more. If there are more proofs to
    /// make than threads, this gives the most proofs per second.
    pub fn prove_on_one_thread(
        &self,
        inputs: &ProofInputs<S::Private>,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, CircuitsError> {
        let assignment = assign(&self.statement, inputs, self.wires, self.constraints)?;
        let proofs = self.engine()?.prove_batch(&[assignment.into_witness()], rng)?;
        let bauta_prover::Proof { a, b, c } = proofs[0];
        Ok(ark_groth16::Proof { a, b, c }.into())
    }

    /// Returns another proof of the same digest, with the same distribution, without using the
    /// inputs. It is valid if and only if `proof` is. Given both proofs, it is impossible to
    /// determine that one was made from the other.
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

    /// Prepares the proving engine. Otherwise the first proof prepares it, which takes about a
    /// second of processor time.
    pub fn prepare(&self) -> Result<(), CircuitsError> {
        self.engine().map(|_| ())
    }

    /// Prepares the proving engine from the `.zkey` file at this path and the tables beside it.
    /// Missing files are written. With existing tables, this takes milliseconds. The files must be
    /// trusted: anyone who can write them can cause proofs that reveal witnesses.
    pub fn prepare_from(&self, file: &Path, options: Options) -> Result<TableSource, CircuitsError> {
        let zkey = self.zkey.to_bytes()?;
        // If the file contains another key, it is replaced. Its tables are replaced as well,
        // because they contain the hash of their key.
        if fs::read(file).ok().as_deref() != Some(zkey.as_slice()) {
            atomic_write(file, &zkey).map_err(|error| ProverError::Read(file.to_owned(), error))?;
        }
        let (engine, source) = Engine::open(file, with_table_budget(options, self.constraints))?;
        let _ = self.engine.set(engine);
        Ok(source)
    }

    fn engine(&self) -> Result<&Engine, CircuitsError> {
        if let Some(engine) = self.engine.get() {
            return Ok(engine);
        }
        let options = with_table_budget(Options::default(), self.constraints);
        let engine = Engine::prepare_with(&self.zkey, options)?;
        Ok(self.engine.get_or_init(|| engine))
    }
}
