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
use bauta_wire::prover::{Case, CircuitType, ProfileRequest, Report};

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

const fn name_of(circuit_type: CircuitType) -> &'static str {
    match circuit_type {
        CircuitType::Default => "default",
        CircuitType::Optimized => "optimized",
    }
}

/// Checks the fields, so that a run doesn't take too long. The error has all invalid ones.
pub fn check(request: &ProfileRequest) -> Result<(), InvalidFields> {
    let mut invalid = Vec::new();
    let mut refuse = |field: &str, rule: String| invalid.push(InvalidField::new(field, rule));
    if request.circuit_types.is_empty() || request.circuit_types.len() > 2 {
        let rule = "must contain default, optimized or both, each at most once";
        refuse("circuitTypes", rule.to_owned());
    } else if request.circuit_types.len() == 2 && request.circuit_types[0] == request.circuit_types[1] {
        refuse("circuitTypes", "must not contain a type twice".to_owned());
    }
    if !(1..=MAX_NETWORK_SIZES).contains(&request.network_sizes.len()) {
        let rule = format!("must contain 1 to {MAX_NETWORK_SIZES} sizes");
        refuse("networkSizes", rule);
    }
    for (index, size) in request.network_sizes.iter().enumerate() {
        if !(1..=MAX_NETWORK_SIZE).contains(size) {
            let rule = format!("must be from 1 to {MAX_NETWORK_SIZE}");
            refuse(&format!("networkSizes[{index}]"), rule);
        }
    }
    if !(1..=MAX_ITERATIONS).contains(&request.iterations) {
        refuse("iterations", format!("must be from 1 to {MAX_ITERATIONS}"));
    }
    if request.warmup_iterations > MAX_WARMUP_ITERATIONS {
        let rule = format!("must be at most {MAX_WARMUP_ITERATIONS}");
        refuse("warmupIterations", rule);
    }
    let cases = u32::try_from(request.circuit_types.len() * request.network_sizes.len()).unwrap_or(u32::MAX);
    let iterations = request.iterations.saturating_add(request.warmup_iterations);
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
pub async fn run(
    request: &ProfileRequest,
    circuits: &Circuits,
    prover: &Prover,
) -> Result<Report, ProfileError> {
    let circuit = match &request.circuit_id {
        Some(id) => circuits.by_id(id)?,
        None => circuits.find("ownership", None, None)?,
    };
    let mut cases = Vec::new();
    for size in &request.network_sizes {
        let sample = create_sample(circuit.clone(), *size).await;
        let sample = sample.ok_or(ProfileError::Generation)?;
        for circuit_type in &request.circuit_types {
            cases.push(run_case(request, prover, &sample, *size, *circuit_type).await?);
        }
    }
    Ok(Report {
        timestamp: time::milliseconds(time::now()),
        circuit_id: circuit.description.id.clone(),
        iterations: request.iterations,
        warmup_iterations: request.warmup_iterations,
        threads: prover.threads(),
        recommendations: recommendations::recommend(&cases, prover),
        cases,
    })
}

async fn run_case(
    request: &ProfileRequest,
    prover: &Prover,
    sample: &Arc<Sample>,
    network_size: u64,
    circuit_type: CircuitType,
) -> Result<Case, ProfileError> {
    let threads = match circuit_type {
        CircuitType::Default => Threads::One,
        CircuitType::Optimized => Threads::All,
    };
    for _ in 0..request.warmup_iterations {
        prover.measure(sample.clone(), threads).await?;
    }
    let (started, usage_before) = (Instant::now(), metrics::resource_usage()?);
    let mut times = Vec::new();
    for _ in 0..request.iterations {
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
        avg_ms: milliseconds(times.iter().sum::<Duration>() / request.iterations),
        min_ms: at(0),
        max_ms: at(100),
        p50_ms: at(50),
        p95_ms: at(95),
        p99_ms: at(99),
        memory_bytes: request.include_memory.then_some(usage.memory_bytes),
        cpu_percent: request.include_cpu.then_some(cpu_percent),
    })
}
