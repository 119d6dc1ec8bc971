//! Measures the proving time of this instance with generated members, when an operator requests it.
//!
//! ```text
//!   circuit types x network sizes --cases--> one worker slot --> times --> recommendations
//! ```

mod html;
mod member;
mod recommendations;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_service_common::{InvalidField, InvalidFields};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::html::html;
use self::member::create_sample;
use crate::{
    circuits::{CircuitError, Circuits},
    metrics,
    prover::{ProveError, Prover, Sample, Threads},
    recent::percentile,
    time,
};

/// Largest number of members of a generated registry.
const MAX_NETWORK_SIZE: u64 = 10_000;
/// Largest number of network sizes in a run.
const MAX_NETWORK_SIZES: usize = 8;
/// Largest number of measured proofs for each case.
const MAX_ITERATIONS: u32 = 200;
/// Largest number of warm-up proofs for each case.
const MAX_WARMUP_ITERATIONS: u32 = 20;
/// Largest number of proofs in a run.
const MAX_PROOFS: u32 = 1_000;

/// Why a measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The requested circuit can't be used.
    #[error(transparent)]
    Circuit(#[from] CircuitError),
    /// A proof failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
    /// The resources of the process can't be read.
    #[error("can't read the resources of this process: {0}")]
    Resources(#[from] procfs::ProcError),
    /// The generation of a member panicked.
    #[error("the generation of a member panicked")]
    Generation,
}

/// What to measure.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProfileRequest {
    /// How proofs are made: on one thread, on all threads, or both. By default `["default"]`.
    #[serde(default = "default_types")]
    pub circuit_types: Vec<CircuitType>,
    /// Numbers of members of the generated registries, each from 1 to 10,000. By default `[10]`.
    #[serde(default = "default_sizes")]
    pub network_sizes: Vec<u64>,
    /// Measured proofs for each case, from 1 to 200. By default 10.
    #[serde(default = "default_iterations")]
    pub iterations: u32,
    /// Proofs for each case before the measured ones, at most 20. By default 1.
    #[serde(default = "default_warmups")]
    pub warmup_iterations: u32,
    /// Whether the report contains the memory of the process after each case.
    #[serde(default)]
    pub include_memory: bool,
    /// Whether the report contains the processor time of the process during each case.
    #[serde(default, rename = "includeCPU")]
    pub include_cpu: bool,
    /// The circuit's id, as `/circuits` lists it. By default the circuit with the smallest depth.
    pub circuit_id: Option<String>,
}

/// How a proof is made.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CircuitType {
    /// On one thread, as when several proofs run at the same time.
    Default,
    /// On all threads, as when no other proof runs.
    Optimized,
}

impl CircuitType {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Optimized => "optimized",
        }
    }
}

fn default_types() -> Vec<CircuitType> {
    vec![CircuitType::Default]
}

fn default_sizes() -> Vec<u64> {
    vec![10]
}

const fn default_iterations() -> u32 {
    10
}

const fn default_warmups() -> u32 {
    1
}

/// The results of a measurement.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Time of the measurement in Unix milliseconds.
    pub timestamp: u64,
    /// The circuit's id.
    pub circuit_id: String,
    /// Measured proofs for each case.
    pub iterations: u32,
    /// Proofs for each case before the measured ones.
    pub warmup_iterations: u32,
    /// Number of proving threads.
    pub threads: usize,
    /// One case for each circuit type and network size.
    pub cases: Vec<Case>,
    /// Recommendations that follow from the measurements.
    pub recommendations: Vec<String>,
}

/// The measurements of one case. Times are milliseconds of proving and self-verification, without
/// the time in the queue.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// How the proofs were made.
    pub circuit_type: CircuitType,
    /// Number of members of the registry.
    pub network_size: u64,
    /// Mean.
    pub avg_ms: f64,
    /// Minimum.
    pub min_ms: f64,
    /// Maximum.
    pub max_ms: f64,
    /// Median.
    pub p50_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Resident memory of the process after the case, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Processor time of the process divided by the elapsed time. 100 is one processor. It includes
    /// other work of the process.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
}

impl ProfileRequest {
    /// Checks the fields, so that a run doesn't take too long. The error has all invalid ones.
    pub fn check(&self) -> Result<(), InvalidFields> {
        let mut invalid = Vec::new();
        let mut refuse = |field: &str, rule: String| invalid.push(InvalidField::new(field, rule));
        if self.circuit_types.is_empty() || self.circuit_types.len() > 2 {
            let rule = "must contain default, optimized or both, each at most once";
            refuse("circuitTypes", rule.to_owned());
        } else if self.circuit_types.len() == 2 && self.circuit_types[0] == self.circuit_types[1] {
            refuse("circuitTypes", "must not contain a type twice".to_owned());
        }
        if !(1..=MAX_NETWORK_SIZES).contains(&self.network_sizes.len()) {
            let rule = format!("must contain 1 to {MAX_NETWORK_SIZES} sizes");
            refuse("networkSizes", rule);
        }
        for (index, size) in self.network_sizes.iter().enumerate() {
            if !(1..=MAX_NETWORK_SIZE).contains(size) {
                let rule = format!("must be from 1 to {MAX_NETWORK_SIZE}");
                refuse(&format!("networkSizes[{index}]"), rule);
            }
        }
        if !(1..=MAX_ITERATIONS).contains(&self.iterations) {
            refuse("iterations", format!("must be from 1 to {MAX_ITERATIONS}"));
        }
        if self.warmup_iterations > MAX_WARMUP_ITERATIONS {
            let rule = format!("must be at most {MAX_WARMUP_ITERATIONS}");
            refuse("warmupIterations", rule);
        }
        let cases = u32::try_from(self.circuit_types.len() * self.network_sizes.len()).unwrap_or(u32::MAX);
        let iterations = self.iterations.saturating_add(self.warmup_iterations);
        let proofs = cases.saturating_mul(iterations);
        // The number of proofs is known only if the other fields follow their rules.
        if invalid.is_empty() && proofs > MAX_PROOFS {
            let rule = format!("with {cases} cases makes {proofs} proofs; a run has at most {MAX_PROOFS}");
            invalid.push(InvalidField::new("iterations", rule));
        }
        InvalidFields::of(invalid).map_or(Ok(()), Err)
    }

    /// Runs the measurement. It makes one proof at a time, and each proof waits for a worker slot
    /// together with other requests. So another request waits for at most one measured proof.
    pub async fn run(&self, circuits: &Circuits, prover: &Prover) -> Result<Report, ProfileError> {
        let circuit = match &self.circuit_id {
            Some(id) => circuits.by_id(id)?,
            None => circuits.find("ownership", None, None)?,
        };
        let mut cases = Vec::new();
        for size in &self.network_sizes {
            let sample = create_sample(circuit.clone(), *size).await;
            let sample = sample.ok_or(ProfileError::Generation)?;
            for circuit_type in &self.circuit_types {
                cases.push(self.run_case(prover, &sample, *size, *circuit_type).await?);
            }
        }
        Ok(Report {
            timestamp: time::milliseconds(time::now()),
            circuit_id: circuit.description.id.clone(),
            iterations: self.iterations,
            warmup_iterations: self.warmup_iterations,
            threads: prover.threads(),
            recommendations: recommendations::recommend(&cases, prover),
            cases,
        })
    }

    async fn run_case(
        &self,
        prover: &Prover,
        sample: &Arc<Sample>,
        network_size: u64,
        circuit_type: CircuitType,
    ) -> Result<Case, ProfileError> {
        let threads = match circuit_type {
            CircuitType::Default => Threads::One,
            CircuitType::Optimized => Threads::All,
        };
        for _ in 0..self.warmup_iterations {
            prover.measure(sample.clone(), threads).await?;
        }
        let (started, usage_before) = (Instant::now(), metrics::resource_usage()?);
        let mut times = Vec::new();
        for _ in 0..self.iterations {
            times.push(prover.measure(sample.clone(), threads).await?);
        }
        let (elapsed, usage) = (started.elapsed(), metrics::resource_usage()?);
        times.sort_unstable();
        let milliseconds = time::fraction_of_milliseconds;
        let at = |percent| milliseconds(percentile(&times, percent).unwrap_or_default());
        let processor_seconds = usage.processor_seconds - usage_before.processor_seconds;
        let cpu_percent = 100.0 * processor_seconds / elapsed.as_secs_f64();
        Ok(Case {
            circuit_type,
            network_size,
            avg_ms: milliseconds(times.iter().sum::<Duration>() / self.iterations),
            min_ms: at(0),
            max_ms: at(100),
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
            memory_bytes: self.include_memory.then_some(usage.memory_bytes),
            cpu_percent: self.include_cpu.then_some(cpu_percent),
        })
    }
}
