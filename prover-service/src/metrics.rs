//! Metrics of proving. Operators of earlier systems know some of them by several names: all are kept.

use std::{
    thread,
    time::{Duration, Instant},
};

use bauta_service_common::Service;
use bauta_store::{JobState, OpenJobs};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use procfs::{Current, Meminfo, process::Process};

/// How often the process is looked at.
const INTERVAL: Duration = Duration::from_secs(5);

/// Says what each is.
pub fn describe() {
    describe_counter!("arc_prover_proofs_total", "Proofs asked for, by how they ended");
    describe_histogram!(
        "arc_prover_proof_duration_seconds",
        "Seconds for a proof, waiting included"
    );
    describe_gauge!("arc_prover_active_proofs", "Proofs being made");
    describe_gauge!(
        "arc_prover_queue_depth",
        "Requests that wait for a proof to be begun"
    );
    describe_counter!("zkp_proof_generation_total", "Proofs asked for, by circuit");
    describe_counter!(
        "zkp_proof_generation_errors_total",
        "Proofs that failed, by circuit"
    );
    describe_histogram!(
        "zkp_proof_generation_duration_seconds",
        "Seconds for a proof, waiting included"
    );
    describe_histogram!(
        "proof_generation_duration_seconds",
        "Seconds for a proof, waiting included"
    );
    describe_counter!("zkp_proof_verification_total", "Proofs verified, by circuit");
    describe_counter!(
        "zkp_proof_verification_failures_total",
        "Proofs that don't hold, by circuit"
    );
    describe_histogram!(
        "zkp_proof_verification_duration_seconds",
        "Seconds for a verification"
    );
    describe_gauge!(
        "zkp_circuit_load_time_seconds",
        "Seconds to load and prepare a circuit"
    );
    describe_gauge!("zkp_memory_usage_bytes", "Resident memory of this process");
    describe_gauge!(
        "zkp_cpu_usage_percent",
        "Processor time of this process, of all processors' (0 to 100)"
    );
    describe_gauge!("zkp_active_provers", "Proving instances: 1 for each process");
    describe_gauge!(
        "bauta_prover_workers",
        "Workers whose heartbeat was heard of late"
    );
    describe_gauge!(
        "bauta_prover_workers_recommended",
        "Workers that there should be, by arrivals and service times of late"
    );
    describe_gauge!(
        "bauta_prover_jobs",
        "Jobs in the database that haven't ended, by state"
    );
    describe_counter!(
        "bauta_prover_jobs_ended_total",
        "Jobs that this process has ended, by how"
    );
    describe_counter!(
        "bauta_prover_cache_total",
        "Questions to the caches, by cache and outcome"
    );
    describe_gauge!("bauta_prover_redis_up", "1 if Redis (REDIS_URL) answers, else 0");
    for cache in crate::cache::NAMES {
        for outcome in Outcome::ALL {
            counter!("bauta_prover_cache_total", "cache" => cache, "outcome" => outcome.as_str())
                .increment(0);
        }
    }
    for state in [JobState::Succeeded, JobState::Failed, JobState::Cancelled] {
        counter!("bauta_prover_jobs_ended_total", "state" => state.as_str()).increment(0);
    }
    describe_gauge!("memory_usage_percent", "Memory of this machine that is in use");
}

/// A proof ended.
pub fn proof(circuit: &str, duration: Duration, success: bool) {
    let status = if success { "success" } else { "error" };
    counter!("arc_prover_proofs_total", "status" => status).increment(1);
    counter!("zkp_proof_generation_total", "circuit" => circuit.to_owned()).increment(1);
    if success {
        for name in [
            "arc_prover_proof_duration_seconds",
            "zkp_proof_generation_duration_seconds",
            "proof_generation_duration_seconds",
        ] {
            histogram!(name).record(duration);
        }
    } else {
        counter!("zkp_proof_generation_errors_total", "circuit" => circuit.to_owned()).increment(1);
    }
}

/// A verification ended.
pub fn verification(circuit: &str, duration: Duration, valid: bool) {
    counter!("zkp_proof_verification_total", "circuit" => circuit.to_owned()).increment(1);
    if !valid {
        counter!("zkp_proof_verification_failures_total", "circuit" => circuit.to_owned()).increment(1);
    }
    histogram!("zkp_proof_verification_duration_seconds").record(duration);
}

/// How a question to a cache ended.
#[derive(Clone, Copy)]
pub enum Outcome {
    /// It had what was asked for.
    Hit,
    /// It had nothing.
    Miss,
    /// What it had was of no use: damaged, planted, or of another key. As good as a miss.
    Damaged,
    /// It could not be asked, or could not keep what it was given.
    Error,
}

impl Outcome {
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

/// A cache was asked.
pub fn cache(cache: &'static str, outcome: Outcome) {
    counter!("bauta_prover_cache_total", "cache" => cache, "outcome" => outcome.as_str()).increment(1);
}

/// Whether Redis answers.
pub fn redis_up(up: bool) {
    gauge!("bauta_prover_redis_up").set(if up { 1.0 } else { 0.0 });
}

/// A circuit is ready.
pub fn circuit_loaded(circuit: &str, duration: Duration) {
    gauge!("zkp_circuit_load_time_seconds", "circuit" => circuit.to_owned()).set(duration.as_secs_f64());
    // The families exist from the start, so that an alert's rate has a zero to begin at.
    counter!("zkp_proof_generation_total", "circuit" => circuit.to_owned()).increment(0);
    counter!("zkp_proof_generation_errors_total", "circuit" => circuit.to_owned()).increment(0);
    counter!("zkp_proof_verification_total", "circuit" => circuit.to_owned()).increment(0);
    counter!("zkp_proof_verification_failures_total", "circuit" => circuit.to_owned()).increment(0);
    for status in ["success", "error"] {
        counter!("arc_prover_proofs_total", "status" => status).increment(0);
    }
    gauge!("zkp_active_provers").set(1);
    gauge!("zkp_cpu_usage_percent").set(0);
    gauge!("arc_prover_active_proofs").set(0);
    queue_depth(0);
}

/// Requests that wait.
#[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 requests waiting")]
pub fn queue_depth(waiting: usize) {
    gauge!("arc_prover_queue_depth").set(waiting as f64);
}

/// Jobs that haven't ended.
#[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 jobs")]
pub fn open_jobs(open: OpenJobs) {
    for (state, jobs) in [("queued", open.queued), ("running", open.running)] {
        gauge!("bauta_prover_jobs", "state" => state).set(jobs as f64);
    }
}

/// This process ended a job.
pub fn job_ended(state: &'static str) {
    counter!("bauta_prover_jobs_ended_total", "state" => state).increment(1);
}

/// Workers of the queue.
#[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 workers")]
pub fn workers(alive: usize, recommended: usize) {
    gauge!("bauta_prover_workers").set(alive as f64);
    gauge!("bauta_prover_workers_recommended").set(recommended as f64);
}

/// A proof that is being made, until this is dropped.
pub struct ActiveProof(());

impl ActiveProof {
    /// Begins one.
    pub fn begin() -> Self {
        gauge!("arc_prover_active_proofs").increment(1);
        Self(())
    }
}

impl Drop for ActiveProof {
    fn drop(&mut self) {
        gauge!("arc_prover_active_proofs").decrement(1);
    }
}

/// Keeps the figures about process and machine up to date.
pub fn watch_process(service: &Service) {
    let shutdown = service.shutdown();
    service.spawn("the watch over memory and processor", async move {
        let mut last = None;
        while !shutdown.is_cancelled() {
            last = look(last)?;
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = tokio::time::sleep(INTERVAL) => {}
            }
        }
        Ok::<_, procfs::ProcError>(())
    });
}

/// What this process uses.
pub struct Usage {
    /// Resident memory.
    pub memory_bytes: u64,
    /// Processor time since the start.
    pub processor_seconds: f64,
}

/// What this process uses now.
#[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 ticks")]
pub fn usage() -> Result<Usage, procfs::ProcError> {
    let stat = Process::myself()?.stat()?;
    Ok(Usage {
        memory_bytes: stat.rss * procfs::page_size(),
        processor_seconds: (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64,
    })
}

/// Processor seconds up to a moment.
struct Look {
    at: Instant,
    processor_seconds: f64,
}

/// Takes the last look, gives this one.
#[allow(
    clippy::cast_precision_loss,
    reason = "shown figures, of memory below 2^53 bytes"
)]
fn look(last: Option<Look>) -> Result<Option<Look>, procfs::ProcError> {
    let usage = usage()?;
    gauge!("zkp_memory_usage_bytes").set(usage.memory_bytes as f64);
    let look = Look {
        at: Instant::now(),
        processor_seconds: usage.processor_seconds,
    };
    if let Some(last) = last {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        gauge!("zkp_cpu_usage_percent").set(processor_percent(&last, &look, processors));
    }
    let memory = Meminfo::current()?;
    if let Some(available) = memory.mem_available {
        let share = 1.0 - available as f64 / memory.mem_total as f64;
        gauge!("memory_usage_percent").set(100.0 * share);
    }
    Ok(Some(look))
}

/// Share of what all processors could give between two looks, 0 to 100. Ticks are counted in hundredths of a second, so that a short
/// time could seem to hold more than there is.
#[allow(clippy::cast_precision_loss, reason = "nobody has 2^53 processors")]
fn processor_percent(last: &Look, look: &Look, processors: usize) -> f64 {
    let used = look.processor_seconds - last.processor_seconds;
    let there = look.at.duration_since(last.at).as_secs_f64() * processors as f64;
    (100.0 * used / there.max(f64::MIN_POSITIVE)).clamp(0.0, 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_processors_busy_are_a_hundred_percent_and_one_of_four_is_twenty_five() {
        let begin = Instant::now();
        let percent = |used: f64, seconds: u64, processors: usize| {
            let last = Look {
                at: begin,
                processor_seconds: 7.0,
            };
            let look = Look {
                at: begin + Duration::from_secs(seconds),
                processor_seconds: 7.0 + used,
            };
            processor_percent(&last, &look, processors)
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
