//! The engine: a proving key with its precomputed tables.

use ark_bn254::Fr;
use ark_std::rand::{CryptoRng, RngCore};
use bauta_iden3::ZKey;
use bauta_packed_field::{Arch, Portable};
#[cfg(target_arch = "x86_64")]
use bauta_packed_field::{Fused, Ifma};

use crate::{
    ProverError,
    key::{Circuit, split_key},
    proof::{Blinding, Proof},
    tables::{Tables, Windows},
    threads::Threads,
    transform::CosetTransform,
    witness::Witness,
};

/// The arithmetic that an engine uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackEnd {
    /// The arithmetic for every machine.
    Portable,
    /// The arithmetic for x86-64 with AVX2, FMA and BMI2.
    Avx2,
    /// The arithmetic for x86-64 with AVX-512 IFMA.
    Avx512Ifma,
}

impl BackEnd {
    /// All back ends, the fastest first.
    pub const ALL: [Self; 3] = [Self::Avx512Ifma, Self::Avx2, Self::Portable];

    /// Returns the name for reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => Portable::NAME,
            Self::Avx2 => "avx2",
            Self::Avx512Ifma => "avx512ifma",
        }
    }

    /// Returns whether this machine has the instructions, and the back end can transform domains of
    /// this size.
    fn runs(self, domain_size: usize) -> bool {
        let smallest = match self {
            Self::Portable => Some(CosetTransform::<Portable>::MIN_SIZE),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Fused::detect().map(|_| CosetTransform::<Fused>::MIN_SIZE),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Ifma => Ifma::detect().map(|_| CosetTransform::<Ifma>::MIN_SIZE),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512Ifma => None,
        };
        smallest.is_some_and(|smallest| domain_size >= smallest)
    }

    /// Returns the fastest back end for this machine and domain.
    pub(crate) fn fastest(domain_size: usize) -> Self {
        let mut fastest_first = Self::ALL.into_iter();
        let found = fastest_first.find(|back_end| back_end.runs(domain_size));
        found.unwrap_or(Self::Portable)
    }
}

/// Options for the preparation of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The largest allowed size of the tables in bytes. The default is 32 MB (32,000,000).
    pub table_budget: usize,
    /// Whether the engine verifies each proof before it returns the proof. The default is off.
    /// Services turn it on.
    pub self_verification: bool,
    /// The back end. `None`, the default, selects the fastest one that this machine and the key
    /// allow.
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
    /// Returns the defaults for a service that makes proofs for clients. Self-verification is on.
    #[must_use]
    pub fn service() -> Self {
        Self {
            self_verification: true,
            ..Self::default()
        }
    }
}

/// A proving key that is prepared for fast proofs.
pub struct Engine {
    pub(crate) circuit: Circuit,
    pub(crate) tables: AnyTables,
    pub(crate) self_verification: bool,
}

pub(crate) enum AnyTables {
    Portable(Tables<Portable>),
    #[cfg(target_arch = "x86_64")]
    Avx2(Tables<Fused>),
    #[cfg(target_arch = "x86_64")]
    Ifma(Tables<Ifma>),
}

impl Engine {
    /// Prepares a key with the default [`Options`]. This takes about a second of processor time for
    /// 4,000 constraints.
    ///
    /// The key's points must be on the curve and in the subgroup. Reading a `.zkey` checks this;
    /// this function does not.
    pub fn prepare(key: &ZKey) -> Result<Self, ProverError> {
        Self::prepare_with(key, Options::default())
    }

    /// Prepares a key with the given options.
    pub fn prepare_with(key: &ZKey, options: Options) -> Result<Self, ProverError> {
        let (circuit, queries) = split_key(key)?;
        let windows = Windows::choose(&queries, options.table_budget)?;
        let threads = Threads::many();
        let back_end = match options.back_end {
            None => BackEnd::fastest(circuit.domain_size),
            Some(back_end) if back_end.runs(circuit.domain_size) => back_end,
            Some(back_end) => return Err(ProverError::BackEnd(back_end.name())),
        };
        let tables = match back_end {
            #[cfg(target_arch = "x86_64")]
            BackEnd::Avx512Ifma => {
                let arch = Ifma::detect().ok_or(ProverError::BackEnd(back_end.name()))?;
                AnyTables::Ifma(Tables::new(arch, &circuit, queries, windows, threads)?)
            }
            #[cfg(target_arch = "x86_64")]
            BackEnd::Avx2 => {
                let arch = Fused::detect().ok_or(ProverError::BackEnd(back_end.name()))?;
                AnyTables::Avx2(Tables::new(arch, &circuit, queries, windows, threads)?)
            }
            _ => AnyTables::Portable(Tables::new(Portable, &circuit, queries, windows, threads)?),
        };
        Ok(Self {
            circuit,
            tables,
            self_verification: options.self_verification,
        })
    }

    /// Makes a proof, on all threads of the rayon pool in which the call is made. Every call draws
    /// new randomness from `rng`.
    ///
    /// Threads can share an engine without a lock (`&Engine`, `Arc<Engine>`). To choose the number
    /// of threads of a proof, call this inside a pool of that size (`ThreadPool::install`). In a
    /// pool of one thread, the whole proof runs on that thread.
    pub fn prove(
        &self,
        witness: &Witness,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, ProverError> {
        self.prove_blinded(witness, &Blinding::random(rng), Threads::many())
    }

    /// Makes many proofs, each on one thread. This gives the most proofs per second. If any proof
    /// fails, returns the error of the first one by position.
    pub fn prove_batch(
        &self,
        witnesses: &[Witness],
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Vec<Proof>, ProverError> {
        self.prove_all(
            witnesses
                .iter()
                .map(|witness| (witness, Blinding::random(rng)))
                .collect(),
        )
    }

    fn prove_all(&self, jobs: Vec<(&Witness, Blinding)>) -> Result<Vec<Proof>, ProverError> {
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
            AnyTables::Avx2(tables) => tables.prove(&self.circuit, witness, blinding, threads),
            #[cfg(target_arch = "x86_64")]
            AnyTables::Ifma(tables) => tables.prove(&self.circuit, witness, blinding, threads),
        }?;
        if self.self_verification && !self.verify(&proof, &witness.wires()[1..=self.circuit.public])? {
            return Err(ProverError::VerificationFailed);
        }
        Ok(proof)
    }

    /// Returns another proof of the same statement, with the same distribution. See
    /// [`Proof::rerandomize`].
    pub fn rerandomize(
        &self,
        proof: &Proof,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<Proof, ProverError> {
        proof.rerandomize(&self.circuit.verifier.delta, rng)
    }

    /// Returns whether a proof is valid for these public inputs.
    pub fn verify(&self, proof: &Proof, public_inputs: &[Fr]) -> Result<bool, ProverError> {
        self.circuit.verifier.verify(proof, public_inputs)
    }

    /// Returns the back end of this engine.
    #[must_use]
    pub fn back_end(&self) -> BackEnd {
        match &self.tables {
            AnyTables::Portable(_) => BackEnd::Portable,
            #[cfg(target_arch = "x86_64")]
            AnyTables::Avx2(_) => BackEnd::Avx2,
            #[cfg(target_arch = "x86_64")]
            AnyTables::Ifma(_) => BackEnd::Avx512Ifma,
        }
    }

    /// Returns the size of the tables in bytes.
    #[must_use]
    pub fn table_bytes(&self) -> usize {
        match &self.tables {
            AnyTables::Portable(tables) => tables.bytes(),
            #[cfg(target_arch = "x86_64")]
            AnyTables::Avx2(tables) => tables.bytes(),
            #[cfg(target_arch = "x86_64")]
            AnyTables::Ifma(tables) => tables.bytes(),
        }
    }
}
