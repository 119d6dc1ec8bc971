//! Measures the engine alone, used in the same way as by the service.

use std::time::{Duration, Instant};

use anyhow::Result;
use ark_std::rand::{SeedableRng, rngs::StdRng};
use bauta_circuits::{
    Ownership, constraint_system::Assignment, keys::Key, load_or_setup_development, statement,
};
use bauta_primitives::{ProofInputs, tree::Depth};
use bauta_prover::{Engine, Options};
use rayon::iter::{IntoParallelIterator, ParallelIterator};

/// Number of proofs in one call.
const BATCH: u32 = 32;

/// An engine with self-verification, and the inputs of its proofs.
pub struct StandaloneEngine {
    engine: Engine,
    key: Key<Ownership>,
    inputs: ProofInputs,
}

/// The result of one measurement.
pub struct Rate {
    /// Proofs per second, from the inputs.
    pub per_s: f64,
    /// Processor time per proof in milliseconds.
    pub cpu_ms: f64,
}

impl StandaloneEngine {
    /// Prepares the engine.
    pub fn new(inputs: ProofInputs) -> Result<Self> {
        let key = load_or_setup_development(&Ownership::new(Depth::Ten))?;
        let engine = Engine::prepare_with(key.zkey(), Options::service())?;
        Ok(Self { engine, key, inputs })
    }

    /// Runs `prove_batch` with self-verification repeatedly for the duration of `window`. The time
    /// includes the computation of the witnesses.
    pub fn rate(&self, window: Duration) -> Result<Rate> {
        let r1cs = statement::r1cs(self.key.statement());
        let (wires, constraints) = (r1cs.wires as usize, r1cs.constraints.len());
        let assign = |_| statement::assign(self.key.statement(), &self.inputs, wires, constraints);
        let (started, cpu) = (Instant::now(), super::cpu_s());
        let mut proofs = 0.0;
        while started.elapsed() < window {
            let witnesses: Result<Vec<_>, _> = (0..BATCH)
                .into_par_iter()
                .map(|number| assign(number).map(Assignment::into_witness))
                .collect();
            self.engine
                .prove_batch(&witnesses?, &mut StdRng::from_entropy())?;
            proofs += f64::from(BATCH);
        }
        Ok(Rate {
            per_s: proofs / started.elapsed().as_secs_f64(),
            cpu_ms: 1e3 * (super::cpu_s() - cpu) / proofs,
        })
    }
}
