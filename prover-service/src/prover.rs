//! Where proofs are made: a bounded number at a time, on a bounded number of threads.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use axum::http::StatusCode;
use bauta_circuits::{CircuitsError, Proof};
use bauta_primitives::ProofInputs;
use bauta_service_common::Problem;
use memmap2::MmapMut;
use rand::rngs::OsRng;
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::{
    cache::Caches,
    circuits::Circuit,
    line::{Admission, Full, Line, Slot},
    metrics::{self, ActiveProof},
    recent::Recent,
    request::{LARGEST_BATCH, Task},
    settings::Settings,
    time,
};

/// How the average follows: the newest proof counts for this share.
const NEWEST_SHARE: f64 = 0.1;

/// Who asks for proofs that are measured, among API keys, which have digits alone.
const MEASURED: &str = "measured";
/// More than a proof takes besides the tables.
const WORKING_MEMORY: usize = 100_000_000;

/// Why there is no proof.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// Too many wait already.
    #[error("{waiting} requests wait for a proof already; come again in {} s", retry_after.as_secs().max(1))]
    Full {
        /// How many.
        waiting: usize,
        /// When there should be room.
        retry_after: Duration,
    },
    /// Waiting and proving took too long.
    #[error("Proof generation exceeded timeout ({limit_ms}ms)")]
    Timeout {
        /// The limit.
        limit_ms: u64,
    },
    /// The process may not have as much memory as a proof takes.
    #[error("Cannot allocate memory for proof generation")]
    Memory,
    /// The engine refused, though the inputs satisfy the statement.
    #[error(transparent)]
    Engine(#[from] CircuitsError),
    /// The proving thread panicked.
    #[error("the proving thread ended without a proof")]
    Thread,
}

impl From<ProveError> for Problem {
    fn from(error: ProveError) -> Self {
        match &error {
            ProveError::Full { retry_after, .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", error.to_string())
                    .retry_after(*retry_after)
            }
            ProveError::Timeout { .. } => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "proof_timeout", error.to_string())
            }
            ProveError::Memory => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "out_of_memory",
                error.to_string(),
            )
            .retry_after(Duration::from_secs(1)),
            ProveError::Engine(_) | ProveError::Thread => Self::internal(&error),
        }
    }
}

/// A proof and the time that it took, without waiting.
pub struct Made {
    /// The proof, verified by itself.
    pub proof: Proof,
    /// The time, of proving or of looking into the caches.
    pub proving: Duration,
    /// Whether it is of the caches.
    pub cached: bool,
}

/// How many threads make a proof.
#[derive(Clone, Copy)]
pub enum Threads {
    /// One: the most proofs a second.
    One,
    /// All: the fastest proof.
    All,
}

/// What is proved to see how long it takes.
pub struct Sample {
    /// Which circuit.
    pub circuit: Arc<Circuit>,
    /// Its inputs.
    pub inputs: ProofInputs,
}

fn prove(circuit: &Circuit, inputs: &ProofInputs, threads: Threads) -> Result<Proof, CircuitsError> {
    match threads {
        Threads::One => circuit.key.prove_on_one_thread(inputs, &mut OsRng),
        Threads::All => circuit.key.prove(inputs, &mut OsRng),
    }
}

/// Makes proofs.
pub struct Prover {
    threads: rayon::ThreadPool,
    line: Line,
    concurrent: usize,
    timeout: Duration,
    /// Moving average of proving times; none before the first proof.
    average: Arc<Mutex<Option<Duration>>>,
    generated: Arc<AtomicUsize>,
    recent: Recent,
    caches: Caches,
}

impl Prover {
    /// Starts the threads: as many as there are processors, but not more than proofs at a time.
    pub fn start(settings: &Settings, caches: Caches) -> Result<Self, rayon::ThreadPoolBuildError> {
        let concurrent = settings.max_concurrent_proofs;
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(processors.min(concurrent))
            // A panic drops the sender: whoever waits gets an error, and the thread goes on.
            .panic_handler(|_| ())
            .thread_name(|index| format!("prove-{index}"))
            .build()?;
        let waiting = settings.max_waiting_proofs;
        // Half of the line; a batch that fits into it always does.
        let of_one = waiting.div_ceil(2).max(LARGEST_BATCH).min(waiting);
        Ok(Self {
            threads,
            line: Line::new(concurrent, waiting, of_one),
            concurrent,
            timeout: Duration::from_millis(settings.proof_timeout_ms),
            average: Arc::default(),
            generated: Arc::default(),
            recent: Recent::default(),
            caches,
        })
    }

    /// Proves for an API key when its turn comes, which `begun` is told, or takes the proof out of the caches. A request that is dropped while it
    /// waits leaves the queue.
    pub async fn prove(
        &self,
        owner: &str,
        admission: Admission,
        task: Task,
        begun: impl FnOnce(),
    ) -> Result<Made, ProveError> {
        let (circuit_id, started) = (task.circuit.description.id.clone(), Instant::now());
        let span = tracing::info_span!("proof", circuit_id);
        let outcome = tokio::time::timeout(self.timeout, self.take_or_prove(owner, admission, task, begun))
            .instrument(span)
            .await
            .unwrap_or(Err(ProveError::Timeout {
                limit_ms: time::milliseconds(self.timeout),
            }));
        let elapsed = started.elapsed();
        let duration_ms = time::milliseconds(elapsed);
        metrics::proof(&circuit_id, elapsed, outcome.is_ok());
        self.recent.note(outcome.is_ok().then_some(elapsed));
        match &outcome {
            Ok(made) => {
                let cached = made.cached;
                tracing::info!(event = "proof_generated", circuit_id, duration_ms, cached);
            }
            Err(error) => tracing::warn!(event = "proof_failed", circuit_id, duration_ms, %error),
        }
        outcome
    }

    async fn take_or_prove(
        &self,
        owner: &str,
        admission: Admission,
        task: Task,
        begun: impl FnOnce(),
    ) -> Result<Made, ProveError> {
        let Some(place) = self.caches.place(&task) else {
            return self.prove_in_turn(owner, admission, task, begun).await;
        };
        let started = Instant::now();
        if let Some(proof) = self.caches.proof(place, &task).await {
            return Ok(Made {
                proof,
                proving: started.elapsed(),
                cached: true,
            });
        }
        let circuit = task.circuit.clone();
        let made = self.prove_in_turn(owner, admission, task, begun).await?;
        self.caches.keep(place, &circuit, &made.proof).await;
        Ok(made)
    }

    /// A slot, when its turn comes.
    async fn slot(&self, owner: &str, admission: Admission) -> Result<Slot, ProveError> {
        let slot = self.line.slot(owner, admission).await;
        slot.map_err(|Full(waiting)| ProveError::Full {
            waiting,
            retry_after: self.expected_wait(waiting),
        })
    }

    /// Measures the making of a proof, which nobody gets, when its turn comes. It counts nowhere.
    pub async fn measure(&self, sample: Arc<Sample>, threads: Threads) -> Result<Duration, ProveError> {
        let slot = self.slot(MEASURED, Admission::Request).await?;
        let (sender, receiver) = oneshot::channel();
        self.threads.spawn(move || {
            let started = Instant::now();
            let proof = prove(&sample.circuit, &sample.inputs, threads);
            let proving = started.elapsed();
            drop(slot);
            let _ = sender.send(proof.map(|_| proving));
        });
        Ok(receiver.await.map_err(|_| ProveError::Thread)??)
    }

    async fn prove_in_turn(
        &self,
        owner: &str,
        admission: Admission,
        task: Task,
        begun: impl FnOnce(),
    ) -> Result<Made, ProveError> {
        let slot = self.slot(owner, admission).await?;
        if !has_memory() {
            return Err(ProveError::Memory);
        }
        begun();
        let alone = self.line.has_one();
        let (sender, receiver) = oneshot::channel();
        let (average, generated) = (self.average.clone(), self.generated.clone());
        self.threads.spawn(move || {
            let active = ActiveProof::begin();
            let started = Instant::now();
            let threads = if alone { Threads::All } else { Threads::One };
            let proof = prove(&task.circuit, &task.inputs, threads);
            let proving = started.elapsed();
            drop((task, active, slot));
            if proof.is_ok() {
                generated.fetch_add(1, Ordering::Relaxed);
                let mut average = average.lock().unwrap_or_else(PoisonError::into_inner);
                *average = Some(average.map_or(proving, |average| {
                    average.mul_f64(1.0 - NEWEST_SHARE) + proving.mul_f64(NEWEST_SHARE)
                }));
            }
            // Whoever asked may have gone.
            let _ = sender.send(proof.map(|proof| Made {
                proof,
                proving,
                cached: false,
            }));
        });
        Ok(receiver.await.map_err(|_| ProveError::Thread)??)
    }

    /// How long a request would wait behind so many others.
    fn expected_wait(&self, waiting: usize) -> Duration {
        let rounds = u32::try_from(waiting.div_ceil(self.threads.current_num_threads())).unwrap_or(u32::MAX);
        self.average_time().unwrap_or_default().saturating_mul(rounds)
    }

    /// Threads that proofs are made on.
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Most time for waiting and proving.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Proofs at a time.
    pub fn concurrent(&self) -> usize {
        self.concurrent
    }

    /// How long a request that comes now should wait and prove; none before the first proof.
    pub fn expected(&self) -> Option<Duration> {
        let average = self.average_time()?;
        Some(self.expected_wait(self.line.waiting()) + average)
    }

    /// Moving average of proving times.
    pub fn average_time(&self) -> Option<Duration> {
        *self.average.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is kept of work that was done.
    pub fn caches(&self) -> &Caches {
        &self.caches
    }

    /// The newest proofs.
    pub fn recent(&self) -> &Recent {
        &self.recent
    }

    /// Proofs made since the start.
    pub fn generated(&self) -> usize {
        self.generated.load(Ordering::Relaxed)
    }
}

/// Whether there is memory for a proof: in the middle of one, the lack of it would end the process. Asked of the system, since what the
/// allocator gives is wiped when it is given back.
fn has_memory() -> bool {
    MmapMut::map_anon(WORKING_MEMORY).is_ok()
}
