//! How fast this instance proves, measured when an operator asks: proofs of members who don't exist.
//!
//! ```text
//!   circuit types x network sizes --cases--> one slot, in turn with everybody's proofs --> times --> figures, advice
//! ```

mod advice;
mod html;
mod member;

use std::time::{Duration, Instant};

use bauta_service_common::Problem;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use self::html::html;
use self::member::Member;
use crate::{
    circuits::Circuits,
    metrics,
    prover::{Prover, Threads},
    recent::percentile,
    time,
};

/// Most members of a registry that is made up.
const LARGEST_NETWORK: u64 = 10_000;
/// Most network sizes of a run.
const MOST_SIZES: usize = 8;
/// Most measured proofs of a case.
const MOST_ITERATIONS: u32 = 200;
/// Most proofs of a case that aren't measured.
const MOST_WARMUPS: u32 = 20;
/// Most proofs of a run.
const MOST_PROOFS: u32 = 1_000;

/// What to measure.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProfileRequest {
    /// How proofs are made: each on one thread, on all, or both ways; `["default"]` if none is given.
    #[serde(default = "default_types")]
    pub circuit_types: Vec<CircuitType>,
    /// Members of the registry that is proved in, each 1 to 10,000; `[10]` if none is given.
    #[serde(default = "default_sizes")]
    pub network_sizes: Vec<u64>,
    /// Measured proofs of each case, 1 to 200.
    #[serde(default = "default_iterations")]
    pub iterations: u32,
    /// Proofs of each case before those, at most 20.
    #[serde(default = "default_warmups")]
    pub warmup_iterations: u32,
    /// Whether to say how much memory the process has after each case.
    #[serde(default)]
    pub include_memory: bool,
    /// Whether to say how much processor time the process used in each case.
    #[serde(default, rename = "includeCPU")]
    pub include_cpu: bool,
    /// Which circuit, by its id in `/circuits`; the smallest if none is given.
    pub circuit_id: Option<String>,
}

/// How a proof is made.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CircuitType {
    /// On one thread: what this service does when there are several to make.
    Default,
    /// On all threads: what it does with one alone.
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

/// What was measured.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// When it was, Unix milliseconds.
    pub timestamp: u64,
    /// Which circuit.
    pub circuit_id: String,
    /// Measured proofs of each case.
    pub iterations: u32,
    /// Proofs of each case before those.
    pub warmup_iterations: u32,
    /// Threads that proofs are made on.
    pub threads: usize,
    /// Each circuit type at each network size.
    pub cases: Vec<Case>,
    /// What the figures advise.
    pub recommendations: Vec<String>,
}

/// Figures of one case. Times are milliseconds of proving and self-verification, without waiting.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Case {
    /// How proofs were made.
    pub circuit_type: CircuitType,
    /// Members of the registry.
    pub network_size: u64,
    /// The mean.
    pub avg_ms: f64,
    /// The fastest.
    pub min_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// The median.
    pub p50_ms: f64,
    /// 95 of 100 took no longer.
    pub p95_ms: f64,
    /// 99 of 100 took no longer.
    pub p99_ms: f64,
    /// Resident memory of the process after it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Processor time of the process over the time that passed, 100 for each processor; other work of the process is in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<f64>,
}

impl ProfileRequest {
    /// Refuses what would take too long.
    pub fn check(&self) -> Result<(), Problem> {
        let refused = |field: &str, rule: String| Err(Problem::invalid(field, rule));
        if self.circuit_types.is_empty() || self.circuit_types.len() > 2 {
            return refused(
                "circuitTypes",
                "must have default, optimized or both, each once".to_owned(),
            );
        }
        if self.circuit_types.len() == 2 && self.circuit_types[0] == self.circuit_types[1] {
            return refused("circuitTypes", "must not have one twice".to_owned());
        }
        if !(1..=MOST_SIZES).contains(&self.network_sizes.len()) {
            return refused("networkSizes", format!("must have 1 to {MOST_SIZES} sizes"));
        }
        for (index, size) in self.network_sizes.iter().enumerate() {
            if !(1..=LARGEST_NETWORK).contains(size) {
                let rule = format!("must be from 1 to {LARGEST_NETWORK}");
                return refused(&format!("networkSizes[{index}]"), rule);
            }
        }
        if !(1..=MOST_ITERATIONS).contains(&self.iterations) {
            return refused("iterations", format!("must be from 1 to {MOST_ITERATIONS}"));
        }
        if self.warmup_iterations > MOST_WARMUPS {
            return refused("warmupIterations", format!("must be at most {MOST_WARMUPS}"));
        }
        let cases = u32::try_from(self.circuit_types.len() * self.network_sizes.len()).unwrap_or(u32::MAX);
        let proofs = cases.saturating_mul(self.iterations + self.warmup_iterations);
        if proofs > MOST_PROOFS {
            let rule = format!("with {cases} cases makes {proofs} proofs; a run has at most {MOST_PROOFS}");
            return refused("iterations", rule);
        }
        Ok(())
    }

    /// Measures. Every proof waits for its turn among those of others, and one at a time is made, so that nobody's waits for more than one.
    pub async fn run(&self, circuits: &Circuits, prover: &Prover) -> Result<Report, Problem> {
        let circuit = match &self.circuit_id {
            Some(id) => circuits.by_id(id)?,
            None => circuits.find("ownership", None, None)?,
        };
        let mut cases = Vec::new();
        for size in &self.network_sizes {
            let member = Member::of_network(circuit.clone(), *size).await?;
            for circuit_type in &self.circuit_types {
                cases.push(self.case(prover, &member, *size, *circuit_type).await?);
            }
        }
        Ok(Report {
            timestamp: time::milliseconds(time::now()),
            circuit_id: circuit.description.id.clone(),
            iterations: self.iterations,
            warmup_iterations: self.warmup_iterations,
            threads: prover.threads(),
            recommendations: advice::of(&cases, prover),
            cases,
        })
    }

    async fn case(
        &self,
        prover: &Prover,
        member: &Member,
        network_size: u64,
        circuit_type: CircuitType,
    ) -> Result<Case, Problem> {
        let threads = match circuit_type {
            CircuitType::Default => Threads::One,
            CircuitType::Optimized => Threads::All,
        };
        for _ in 0..self.warmup_iterations {
            prover.measure(member.sample(), threads).await?;
        }
        let failed = |error: procfs::ProcError| Problem::internal(&error);
        let (started, before) = (Instant::now(), metrics::usage().map_err(failed)?);
        let mut times = Vec::new();
        for _ in 0..self.iterations {
            times.push(prover.measure(member.sample(), threads).await?);
        }
        let (passed, after) = (started.elapsed(), metrics::usage().map_err(failed)?);
        times.sort_unstable();
        let milliseconds = time::fraction_of_milliseconds;
        let at = |hundredths| milliseconds(percentile(&times, hundredths).unwrap_or_default());
        let used = after.processor_seconds - before.processor_seconds;
        Ok(Case {
            circuit_type,
            network_size,
            avg_ms: milliseconds(times.iter().sum::<Duration>() / self.iterations),
            min_ms: at(0),
            max_ms: at(100),
            p50_ms: at(50),
            p95_ms: at(95),
            p99_ms: at(99),
            memory_bytes: self.include_memory.then_some(after.memory_bytes),
            cpu_percent: self.include_cpu.then_some(100.0 * used / passed.as_secs_f64()),
        })
    }
}
