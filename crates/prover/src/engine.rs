//! The engine: a key with its tables, ready to prove.

use ark_bn254::Fr;
use ark_std::rand::{CryptoRng, RngCore};
use bauta_iden3::ZKey;
use bauta_packed_field::Portable;

use crate::{
    ProverError,
    key::{Circuit, take_apart},
    proof::{Blinding, Proof},
    tables::{Tables, Windows},
    threads::Threads,
    witness::Witness,
};

/// The arithmetic that an engine runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackEnd {
    /// Any machine.
    Portable,
    /// x86-64 with AVX-512 IFMA.
    Avx512Ifma,
}

/// Choices at preparation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Most bytes that the tables may take. Default 32 MB (32,000,000).
    pub table_budget: usize,
    /// Verify each proof before it leaves the engine. Default off; services turn it on.
    pub self_verification: bool,
    /// The back end. None, the default, is the fastest that this machine and the key allow.
    pub back_end: Option<BackEnd>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            table_budget: 32_000_000,
            self_verification: false,
            back_end: None,
        }
    }
}

impl Options {
    /// The defaults of a service, which proves for others: with self-verification.
    #[must_use]
    pub fn service() -> Self {
        Self {
            self_verification: true,
            ..Self::default()
        }
    }
}

/// A proving key prepared for fast proofs.
pub struct Engine {
    pub(crate) circuit: Circuit,
    pub(crate) tables: AnyTables,
    pub(crate) self_verification: bool,
}

pub(crate) enum AnyTables {
    Portable(Tables<Portable>),
    #[cfg(target_arch = "x86_64")]
    Ifma(Tables<bauta_packed_field::Ifma>),
}

impl Engine {
    /// Prepares a key with the default [`Options`]. Takes about a second of processor time for 4,000 constraints.
    ///
    /// The key's points are taken to be on the curve and in the subgroup, as reading a `.zkey` checks.
    pub fn prepare(key: &ZKey) -> Result<Self, ProverError> {
        Self::prepare_with(key, Options::default())
    }

    /// Prepares a key.
    pub fn prepare_with(key: &ZKey, options: Options) -> Result<Self, ProverError> {
        let (circuit, queries) = take_apart(key)?;
        let windows = Windows::choose(&queries, options.table_budget)?;
        let threads = Threads::many();
        #[cfg(target_arch = "x86_64")]
        if options.back_end != Some(BackEnd::Portable) {
            use bauta_packed_field::{Arch, Ifma};

            use crate::transform::CosetTransform;
            let large = circuit.domain_size >= CosetTransform::<Ifma>::MIN_SIZE;
            match Ifma::detect().filter(|_| large) {
                Some(arch) => {
                    let tables = Tables::new(arch, &circuit, queries, windows, threads)?;
                    return Ok(Self {
                        circuit,
                        tables: AnyTables::Ifma(tables),
                        self_verification: options.self_verification,
                    });
                }
                None if options.back_end == Some(BackEnd::Avx512Ifma) => {
                    return Err(ProverError::BackEnd(Ifma::NAME));
                }
                None => {}
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        if options.back_end == Some(BackEnd::Avx512Ifma) {
            return Err(ProverError::BackEnd("avx512ifma"));
        }
        let tables = Tables::new(Portable, &circuit, queries, windows, threads)?;
        Ok(Self {
            circuit,
            tables: AnyTables::Portable(tables),
            self_verification: options.self_verification,
        })
    }

    /// Proves, with all threads of the rayon pool that the call is made in. Every call uses fresh randomness of `rng`.
    ///
    /// An engine is shared by threads as it is (`&Engine`, `Arc<Engine>`). To choose the number of threads of a proof, call this inside a
    /// pool of that size (`ThreadPool::install`); in a pool of one thread it all runs on that thread.
    pub fn prove(
        &self,
        witness: &Witness,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, ProverError> {
        self.prove_blinded(witness, &Blinding::random(rng), Threads::many())
    }

    /// Proves many statements, each on one thread: the way to the most proofs per second. The first error, by
    /// position, is returned if any of them has one.
    pub fn prove_batch(
        &self,
        witnesses: &[Witness],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<Proof>, ProverError> {
        let jobs = witnesses
            .iter()
            .map(|witness| (witness, Blinding::random(rng)))
            .collect();
        Threads::many()
            .map(jobs, |(witness, blinding): (&Witness, Blinding)| {
                self.prove_blinded(witness, &blinding, Threads::One)
            })
            .into_iter()
            .collect()
    }

    fn prove_blinded(
        &self,
        witness: &Witness,
        blinding: &Blinding,
        threads: Threads,
    ) -> Result<Proof, ProverError> {
        let proof = match &self.tables {
            AnyTables::Portable(tables) => tables.prove(&self.circuit, witness, blinding, threads),
            #[cfg(target_arch = "x86_64")]
            AnyTables::Ifma(tables) => tables.prove(&self.circuit, witness, blinding, threads),
        }?;
        if self.self_verification && !self.verify(&proof, &witness.wires()[1..=self.circuit.public])? {
            return Err(ProverError::VerificationFailed);
        }
        Ok(proof)
    }

    /// Another, equally likely proof of the same statement. See [`Proof::rerandomize`].
    pub fn rerandomize(
        &self,
        proof: &Proof,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, ProverError> {
        proof.rerandomize(&self.circuit.verifier.delta, rng)
    }

    /// Whether a proof holds for these public inputs.
    pub fn verify(&self, proof: &Proof, public_inputs: &[Fr]) -> Result<bool, ProverError> {
        self.circuit.verifier.verify(proof, public_inputs)
    }

    /// The arithmetic that this engine runs on.
    #[must_use]
    pub fn back_end(&self) -> BackEnd {
        match &self.tables {
            AnyTables::Portable(_) => BackEnd::Portable,
            #[cfg(target_arch = "x86_64")]
            AnyTables::Ifma(_) => BackEnd::Avx512Ifma,
        }
    }

    /// Size of the tables in bytes.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        match &self.tables {
            AnyTables::Portable(tables) => tables.bytes(),
            #[cfg(target_arch = "x86_64")]
            AnyTables::Ifma(tables) => tables.bytes(),
        }
    }
}
