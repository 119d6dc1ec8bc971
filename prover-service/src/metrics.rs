//! The metrics of proving. Earlier systems had several names for some of them. All names are kept,
//! because operators have dashboards with each.

use std::{
    convert::Infallible,
    thread,
    time::{Duration, Instant},
};

use bauta_service_common::{Service, metric_names};
use bauta_store::{JobState, OpenJobs};
use metrics::{counter, gauge, histogram};
use procfs::process::Process;

use crate::memory::{self, Memory};

metric_names! {
    /// Requested proofs that have ended, by status: success, error, or refused because the queue
    /// was full.
    counter PROOFS = "arc_prover_proofs_total";
    /// Seconds for a proof, including the time in the queue.
    histogram PROOF_DURATION_ARC = "arc_prover_proof_duration_seconds";
    /// Proofs in progress.
    gauge ACTIVE_PROOFS = "arc_prover_active_proofs";
    /// Requests and jobs that wait for a worker slot.
    gauge QUEUE_DEPTH = "arc_prover_queue_depth";
    /// Requested proofs that have ended, by circuit, without those that a full queue refused and
    /// those that timed out while they waited.
    counter GENERATIONS = "zkp_proof_generation_total";
    /// Proofs that failed, by circuit.
    counter GENERATION_ERRORS = "zkp_proof_generation_errors_total";
    /// Seconds for a proof, including the time in the queue.
    histogram PROOF_DURATION_ZKP = "zkp_proof_generation_duration_seconds";
    /// Seconds for a proof, including the time in the queue.
    histogram PROOF_DURATION = "proof_generation_duration_seconds";
    /// Proofs verified, by circuit.
    counter VERIFICATIONS = "zkp_proof_verification_total";
    /// Verifications that failed, by circuit and cause: invalid (the client's proof) or internal
    /// (the service).
    counter VERIFICATION_FAILURES = "zkp_proof_verification_failures_total";
    /// Seconds for a verification.
    histogram VERIFICATION_DURATION = "zkp_proof_verification_duration_seconds";
    /// Seconds to load and prepare a circuit.
    gauge CIRCUIT_LOAD_TIME = "zkp_circuit_load_time_seconds";
    /// Resident memory of this process in bytes.
    gauge MEMORY_USAGE = "zkp_memory_usage_bytes";
    /// Processor time of this process as a share of all processors (0 to 100).
    gauge CPU_USAGE = "zkp_cpu_usage_percent";
    /// Instances that prove. Each process counts as 1.
    gauge ACTIVE_PROVERS = "zkp_active_provers";
    /// Workers with a recent heartbeat.
    gauge WORKERS = "bauta_prover_workers";
    /// Recommended number of workers, computed from recent arrival rates and service times.
    gauge WORKERS_RECOMMENDED = "bauta_prover_workers_recommended";
    /// Jobs in the database that have not ended, by state.
    gauge JOBS = "bauta_prover_jobs";
    /// Unix time in seconds at which the newest key of WITNESS_KEY_RING must be replaced.
    gauge WITNESS_KEY_DUE = "bauta_prover_witness_key_due_seconds";
    /// Jobs that this process ended, by state.
    counter JOBS_ENDED = "bauta_prover_jobs_ended_total";
    /// Reads from the caches and failed writes, by cache and outcome.
    counter CACHE = "bauta_prover_cache_total";
    /// 1 if Redis (REDIS_URL) is connected, otherwise 0.
    gauge REDIS_UP = "bauta_prover_redis_up";
    /// Memory in use as a share (0 to 100): of the machine or of the container, whichever is
    /// larger.
    gauge MACHINE_MEMORY = "memory_usage_percent";
}

/// Interval at which the process and the machine are measured.
const SAMPLE_INTERVAL: Duration = Duration::from_secs(5);

/// A cache, as a label.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Cache {
    /// Proofs on disk.
    ProofsDisk,
    /// Proofs in Redis.
    ProofsRedis,
    /// Results of verifications in Redis.
    Verifications,
    /// Verifying keys in Redis.
    VerifyingKeys,
}

impl Cache {
    const ALL: [Self; 4] = [
        Self::ProofsDisk,
        Self::ProofsRedis,
        Self::Verifications,
        Self::VerifyingKeys,
    ];

    /// Returns the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProofsDisk => "proofs_disk",
            Self::ProofsRedis => "proofs_redis",
            Self::Verifications => "verifications",
            Self::VerifyingKeys => "verifying_keys",
        }
    }
}

/// The outcome of an access to a cache.
#[derive(Clone, Copy)]
pub enum CacheOutcome {
    /// The cache had the entry.
    Hit,
    /// The cache didn't have the entry.
    Miss,
    /// The entry was damaged, forged or of another key. It counts as a miss.
    Damaged,
    /// The cache couldn't be read or written.
    Error,
}

impl CacheOutcome {
    const ALL: [Self; 4] = [Self::Hit, Self::Miss, Self::Damaged, Self::Error];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Miss => "miss",
            Self::Damaged => "damaged",
            Self::Error => "error",
        }
    }
}

/// Registers the descriptions. Sets counters with fixed labels to 0, so that the first increment is
/// visible to a rate.
pub fn register() {
    describe();
    for cache in Cache::ALL {
        for outcome in CacheOutcome::ALL {
            counter!(CACHE, "cache" => cache.as_str(), "outcome" => outcome.as_str()).increment(0);
        }
    }
    for state in [JobState::Succeeded, JobState::Failed, JobState::Cancelled] {
        counter!(JOBS_ENDED, "state" => state.as_str()).increment(0);
    }
}

/// How a requested proof ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum ProofStatus {
    /// There is a proof.
    Success,
    /// The service failed.
    Error,
    /// The queue was full. Clients can cause this, so it is no error of the service.
    Refused,
}

impl ProofStatus {
    const ALL: [Self; 3] = [Self::Success, Self::Error, Self::Refused];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Refused => "refused",
        }
    }
}

/// Records a proof that ended. `duration` includes the time in the queue.
pub fn record_proof(circuit: &str, duration: Duration, status: ProofStatus) {
    counter!(PROOFS, "status" => status.as_str()).increment(1);
    if status == ProofStatus::Refused {
        return;
    }
    counter!(GENERATIONS, "circuit" => circuit.to_owned()).increment(1);
    if status == ProofStatus::Success {
        for name in [PROOF_DURATION_ARC, PROOF_DURATION_ZKP, PROOF_DURATION] {
            histogram!(name).record(duration);
        }
    } else {
        counter!(GENERATION_ERRORS, "circuit" => circuit.to_owned()).increment(1);
    }
}

/// Why a verification failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum VerificationFailure {
    /// The client's proof is invalid.
    Invalid,
    /// The service could not verify the proof.
    Internal,
}

impl VerificationFailure {
    const ALL: [Self; 2] = [Self::Invalid, Self::Internal];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Internal => "internal",
        }
    }
}

/// Records a verification.
pub fn record_verification(circuit: &str, duration: Duration, outcome: Result<(), VerificationFailure>) {
    counter!(VERIFICATIONS, "circuit" => circuit.to_owned()).increment(1);
    if let Err(cause) = outcome {
        counter!(VERIFICATION_FAILURES, "circuit" => circuit.to_owned(), "cause" => cause.as_str())
            .increment(1);
    }
    histogram!(VERIFICATION_DURATION).record(duration);
}

/// Records an access to a cache.
pub fn record_cache(cache: Cache, outcome: CacheOutcome) {
    counter!(CACHE, "cache" => cache.as_str(), "outcome" => outcome.as_str()).increment(1);
}

/// Sets whether Redis is connected.
pub fn set_redis_up(is_up: bool) {
    gauge!(REDIS_UP).set(if is_up { 1.0 } else { 0.0 });
}

/// Records the time to load a circuit. Sets the circuit's counters to 0, so that the first
/// increment is visible to an alert's rate.
pub fn record_loaded_circuit(circuit: &str, duration: Duration) {
    gauge!(CIRCUIT_LOAD_TIME, "circuit" => circuit.to_owned()).set(duration.as_secs_f64());
    for name in [GENERATIONS, GENERATION_ERRORS, VERIFICATIONS] {
        counter!(name, "circuit" => circuit.to_owned()).increment(0);
    }
    for cause in VerificationFailure::ALL {
        counter!(VERIFICATION_FAILURES, "circuit" => circuit.to_owned(), "cause" => cause.as_str())
            .increment(0);
    }
    for status in ProofStatus::ALL {
        counter!(PROOFS, "status" => status.as_str()).increment(0);
    }
    gauge!(ACTIVE_PROVERS).set(1);
    gauge!(CPU_USAGE).set(0);
    gauge!(ACTIVE_PROOFS).set(0);
    set_queue_depth(0);
}

/// Sets the number of requests and jobs that wait for a worker slot.
#[allow(clippy::cast_precision_loss, reason = "the number is below 2^53")]
pub fn set_queue_depth(waiting: usize) {
    gauge!(QUEUE_DEPTH).set(waiting as f64);
}

/// Sets the numbers of jobs that have not ended.
#[allow(clippy::cast_precision_loss, reason = "the numbers are below 2^53")]
pub fn set_open_jobs(open: OpenJobs) {
    for (state, jobs) in [("queued", open.queued), ("running", open.running)] {
        gauge!(JOBS, "state" => state).set(jobs as f64);
    }
}

/// Sets the time at which the newest key for witnesses must be replaced.
#[allow(clippy::cast_precision_loss, reason = "the time is below 2^53")]
pub fn set_witness_key_due(unix_ms: i64) {
    gauge!(WITNESS_KEY_DUE).set(unix_ms as f64 / 1000.0);
}

/// Records that this process ended a job.
pub fn record_job_end(state: &'static str) {
    counter!(JOBS_ENDED, "state" => state).increment(1);
}

/// Sets the number of active workers and the recommended number.
#[allow(clippy::cast_precision_loss, reason = "the numbers are below 2^53")]
pub fn set_workers(active: usize, recommended: u32) {
    gauge!(WORKERS).set(active as f64);
    gauge!(WORKERS_RECOMMENDED).set(recommended);
}

/// Counts a proof as in progress until it is dropped.
pub struct ActiveProof(());

impl ActiveProof {
    /// Starts to count a proof.
    pub fn start() -> Self {
        gauge!(ACTIVE_PROOFS).increment(1);
        Self(())
    }
}

impl Drop for ActiveProof {
    fn drop(&mut self) {
        gauge!(ACTIVE_PROOFS).decrement(1);
    }
}

/// Measures the process and the machine at an interval until the service shuts down.
pub fn spawn_process_sampler(service: &Service) {
    let shutdown = service.shutdown();
    service.spawn("the measurement of memory and processor", async move {
        let mut last = None;
        while !shutdown.is_cancelled() {
            // The measurement fails while the process has too many open files. Requests go on.
            match sample(last.as_ref()) {
                Ok(sample) => last = Some(sample),
                Err(error) => tracing::warn!(event = "measurement_failed", %error),
            }
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(SAMPLE_INTERVAL) => {}
            }
        }
        Ok::<_, Infallible>(())
    });
}

/// The resources that this process uses.
pub struct ResourceUsage {
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// Processor time since the start in seconds.
    pub processor_seconds: f64,
}

/// Returns the resources that this process uses.
#[allow(clippy::cast_precision_loss, reason = "the number of ticks is below 2^53")]
pub fn resource_usage() -> Result<ResourceUsage, procfs::ProcError> {
    let stat = Process::myself()?.stat()?;
    Ok(ResourceUsage {
        memory_bytes: stat.rss * procfs::page_size(),
        processor_seconds: (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64,
    })
}

/// Processor time up to a moment.
struct ProcessorSample {
    at: Instant,
    processor_seconds: f64,
}

/// Sets the gauges of the process and the machine. The processor's share is that since the last
/// sample.
#[allow(
    clippy::cast_precision_loss,
    reason = "rounding doesn't matter, and memory is below 2^53 bytes"
)]
fn sample(last: Option<&ProcessorSample>) -> Result<ProcessorSample, procfs::ProcError> {
    let usage = resource_usage()?;
    gauge!(MEMORY_USAGE).set(usage.memory_bytes as f64);
    let sample = ProcessorSample {
        at: Instant::now(),
        processor_seconds: usage.processor_seconds,
    };
    if let Some(last) = last {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        gauge!(CPU_USAGE).set(processor_percent(last, &sample, processors));
    }
    let used = memory::limits()?.into_iter().map(Memory::used_percent);
    if let Some(used) = used.max_by(f64::total_cmp) {
        gauge!(MACHINE_MEMORY).set(used);
    }
    Ok(sample)
}

/// Returns the processor time between two samples as a share of all processors, 0 to 100. Processor
/// time is counted in ticks of 10 ms, so the result of a short time can exceed 100 and is clamped.
#[allow(
    clippy::cast_precision_loss,
    reason = "the number of processors is below 2^53"
)]
fn processor_percent(last: &ProcessorSample, sample: &ProcessorSample, processors: usize) -> f64 {
    let used = sample.processor_seconds - last.processor_seconds;
    let available = sample.at.duration_since(last.at).as_secs_f64() * processors as f64;
    (100.0 * used / available.max(f64::MIN_POSITIVE)).clamp(0.0, 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_share_is_relative_to_all_processors_and_at_most_100() {
        let start = Instant::now();
        let percent = |used: f64, seconds: u64, processors: usize| {
            let last = ProcessorSample {
                at: start,
                processor_seconds: 7.0,
            };
            let sample = ProcessorSample {
                at: start + Duration::from_secs(seconds),
                processor_seconds: 7.0 + used,
            };
            processor_percent(&last, &sample, processors)
        };
        for (used, seconds, processors, expected) in [
            (0.0, 5, 2, 0.0),
            (5.0, 5, 4, 25.0),
            (10.0, 5, 2, 100.0),
            (10.02, 5, 2, 100.0),
        ] {
            let percent = percent(used, seconds, processors);
            assert!((percent - expected).abs() < 1e-9, "{percent} is not {expected}");
        }
    }
}
