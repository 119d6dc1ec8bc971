//! Makes proofs: a limited number at a time, on a fixed number of threads.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use bauta_circuits::{AnyInputs, CircuitsError, Proof};
use bauta_service_common::{Admission, FairQueue, Pairings, QueueFull, WorkerSlot};
use memmap2::MmapMut;
use rand::rngs::OsRng;
use tokio::sync::oneshot;
use tracing::Instrument;

use crate::{
    cache::Caches,
    circuits::Circuit,
    memory::{Reservation, Reservations},
    metrics::{self, ActiveProof, ProofStatus},
    recent::RecentProofs,
    request::{MAX_BATCH, Task},
    settings::Settings,
    time,
};

/// Weight of the newest proof in the moving average.
const NEWEST_WEIGHT: f64 = 0.1;

/// The owner of measured proofs. It can't be an API key's prefix, which has hexadecimal digits
/// only.
const MEASUREMENT_OWNER: &str = "measured";
/// An upper bound in bytes for the memory of one proof, without the tables.
const WORKING_MEMORY: usize = 100_000_000;

/// Why a proof can't be made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The queue for worker slots is full.
    #[error(
        "the queue is full: {waiting} requests wait for a proof; retry after {} s",
        retry_after.as_secs().max(1)
    )]
    QueueFull {
        /// Number of waiting requests, of all or of this API key.
        waiting: usize,
        /// Estimated time until there is room.
        retry_after: Duration,
    },
    /// Waiting and proving exceeded the timeout.
    #[error("Proof generation exceeded timeout ({limit_ms}ms)")]
    Timeout {
        /// The timeout in milliseconds.
        limit_ms: u64,
    },
    /// The operating system refuses the memory that a proof needs.
    #[error("Cannot allocate memory for proof generation")]
    OutOfMemory,
    /// The engine failed, although the inputs satisfy the statement.
    #[error(transparent)]
    Engine(#[from] CircuitsError),
    /// The proving thread panicked.
    #[error("the proving thread ended without a proof")]
    Thread,
}

impl ProveError {
    /// Returns whether a later attempt may succeed.
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::QueueFull { .. } | Self::Timeout { .. } | Self::OutOfMemory | Self::Thread => true,
            Self::Engine(_) => false,
        }
    }
}

/// A proof with the time that it took.
pub struct TimedProof {
    /// The proof. The engine has verified it.
    pub proof: Proof,
    /// Time to prove, or to read the proof from a cache. Doesn't include the time in the queue.
    pub duration: Duration,
    /// Whether the proof is from a cache.
    pub is_cached: bool,
}

/// On whose behalf a proof is made.
#[derive(Clone, Copy)]
pub struct Requester<'a> {
    /// The prefix of the first API key. Empty for all clients without a key, which take turns for
    /// proofs as one.
    pub owner: &'a str,
    /// The name by which rate limits and pairings distinguish clients: each address without a key
    /// has its own.
    pub client: &'a str,
}

/// Returns the client's name of the API keys of this owner. The jobs of clients without a key have
/// an empty owner, and so one name.
pub fn client_of_owner(owner: &str) -> String {
    format!("key {owner}")
}

/// The number of threads for one proof.
#[derive(Clone, Copy)]
pub enum Threads {
    /// One thread, for the largest number of proofs per second.
    One,
    /// All threads, for the shortest time per proof.
    All,
}

/// The inputs of a measured proof.
pub struct Sample {
    pub circuit: Arc<Circuit>,
    /// The inputs of its statement.
    pub inputs: AnyInputs,
}

fn prove(circuit: &Circuit, inputs: &AnyInputs, threads: Threads) -> Result<Proof, CircuitsError> {
    match threads {
        Threads::One => circuit.key.prove_on_one_thread(inputs, &mut OsRng),
        Threads::All => circuit.key.prove(inputs, &mut OsRng),
    }
}

/// Makes proofs on its own threads.
pub struct Prover {
    threads: rayon::ThreadPool,
    queue: FairQueue,
    memory: Reservations,
    pairings: Pairings,
    concurrency: usize,
    timeout: Duration,
    /// Moving average of the proving times. `None` before the first proof.
    average: Arc<Mutex<Option<Duration>>>,
    generated: Arc<AtomicUsize>,
    recent: RecentProofs,
    caches: Caches,
}

impl Prover {
    /// Starts one thread for each processor, but not more than proofs may run at the same time.
    pub fn start(settings: &Settings, caches: Caches) -> Result<Self, rayon::ThreadPoolBuildError> {
        let concurrency = settings.max_concurrent_proofs;
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let threads = rayon::ThreadPoolBuilder::new()
            .num_threads(processors.min(concurrency))
            // A panic drops the sender: the request gets an error, and the thread continues.
            .panic_handler(|_| ())
            .thread_name(|index| format!("prove-{index}"))
            .build()?;
        let max_waiting = settings.max_waiting_proofs;
        // Half of the queue. A batch that fits into the queue fits into this share.
        let max_waiting_per_owner = max_waiting.div_ceil(2).max(MAX_BATCH).min(max_waiting);
        Ok(Self {
            threads,
            queue: FairQueue::new(
                concurrency,
                max_waiting,
                max_waiting_per_owner,
                metrics::set_queue_depth,
            ),
            memory: Reservations::default(),
            pairings: Pairings::default(),
            concurrency,
            timeout: Duration::from_millis(settings.proof_timeout_ms),
            average: Arc::default(),
            generated: Arc::default(),
            recent: RecentProofs::default(),
            caches,
        })
    }

    /// Returns a proof of the task, from a cache or a new one. Waits for a worker slot on behalf of
    /// the requester, and calls `on_start` when the proof starts. Dropping the future leaves the
    /// queue.
    pub async fn prove(
        &self,
        requester: Requester<'_>,
        admission: Admission,
        task: Task,
        on_start: impl FnOnce(),
    ) -> Result<TimedProof, ProveError> {
        let (circuit_id, started) = (task.circuit.description.id.clone(), Instant::now());
        let span = tracing::info_span!("proof", circuit_id);
        let has_started = AtomicBool::new(false);
        let on_start = || {
            has_started.store(true, Ordering::Relaxed);
            on_start();
        };
        let outcome = tokio::time::timeout(
            self.timeout,
            self.read_or_prove(requester, admission, task, on_start),
        )
        .instrument(span)
        .await
        .unwrap_or(Err(ProveError::Timeout {
            limit_ms: time::milliseconds(self.timeout),
        }));
        let elapsed = started.elapsed();
        let duration_ms = time::milliseconds(elapsed);
        let status = match &outcome {
            Ok(_) => ProofStatus::Success,
            Err(ProveError::QueueFull { .. }) => ProofStatus::Refused,
            // It waited for a worker slot: clients sent too much.
            Err(ProveError::Timeout { .. }) if !has_started.load(Ordering::Relaxed) => ProofStatus::Refused,
            Err(_) => ProofStatus::Error,
        };
        metrics::record_proof(&circuit_id, elapsed, status);
        if status != ProofStatus::Refused {
            self.recent.record(outcome.is_ok().then_some(elapsed));
        }
        match &outcome {
            Ok(proof) => {
                let cached = proof.is_cached;
                tracing::info!(event = "proof_generated", circuit_id, duration_ms, cached);
            }
            Err(error) => tracing::warn!(event = "proof_failed", circuit_id, duration_ms, %error),
        }
        outcome
    }

    async fn read_or_prove(
        &self,
        Requester { owner, client }: Requester<'_>,
        admission: Admission,
        task: Task,
        on_start: impl FnOnce(),
    ) -> Result<TimedProof, ProveError> {
        let Some(key) = self.caches.key(&task) else {
            return self.queue_and_prove(owner, admission, task, on_start).await;
        };
        let started = Instant::now();
        if let Some(proof) = self.caches.proof(key, &task, self.pairings.of(client)).await {
            return Ok(TimedProof {
                proof,
                duration: started.elapsed(),
                is_cached: true,
            });
        }
        let circuit = task.circuit.clone();
        let proof = self.queue_and_prove(owner, admission, task, on_start).await?;
        self.caches.put_proof(key, &circuit, &proof.proof).await;
        Ok(proof)
    }

    async fn acquire_worker_slot(&self, owner: &str, admission: Admission) -> Result<WorkerSlot, ProveError> {
        let worker_slot = self.queue.acquire(owner, admission).await;
        worker_slot.map_err(|QueueFull { waiting }| ProveError::QueueFull {
            waiting,
            retry_after: self.expected_wait(waiting),
        })
    }

    /// Waits for a worker slot and measures the time of a proof. The proof is discarded and counts
    /// in no metric.
    pub async fn measure(&self, sample: Arc<Sample>, threads: Threads) -> Result<Duration, ProveError> {
        let worker_slot = self
            .acquire_worker_slot(MEASUREMENT_OWNER, Admission::Request)
            .await?;
        let memory = self.reserve_memory().await?;
        let (sender, receiver) = oneshot::channel();
        self.threads.spawn(move || {
            let started = Instant::now();
            let proof = prove(&sample.circuit, &sample.inputs, threads);
            let duration = started.elapsed();
            drop((memory, worker_slot));
            let _ = sender.send(proof.map(|_| duration));
        });
        Ok(receiver.await.map_err(|_| ProveError::Thread)??)
    }

    async fn queue_and_prove(
        &self,
        owner: &str,
        admission: Admission,
        task: Task,
        on_start: impl FnOnce(),
    ) -> Result<TimedProof, ProveError> {
        let worker_slot = self.acquire_worker_slot(owner, admission).await?;
        let memory = self.reserve_memory().await?;
        on_start();
        let threads = if self.queue.has_one_user() {
            Threads::All
        } else {
            Threads::One
        };
        let (sender, receiver) = oneshot::channel();
        let (average, generated) = (self.average.clone(), self.generated.clone());
        self.threads.spawn(move || {
            let active = ActiveProof::start();
            let started = Instant::now();
            let proof = prove(&task.circuit, &task.inputs, threads);
            let duration = started.elapsed();
            drop((task, active, memory, worker_slot));
            if proof.is_ok() {
                generated.fetch_add(1, Ordering::Relaxed);
                let mut average = average.lock().unwrap_or_else(PoisonError::into_inner);
                *average = Some(average.map_or(duration, |average| {
                    average.mul_f64(1.0 - NEWEST_WEIGHT) + duration.mul_f64(NEWEST_WEIGHT)
                }));
            }
            // The request may have been dropped. Then nothing receives the proof.
            let _ = sender.send(proof.map(|proof| TimedProof {
                proof,
                duration,
                is_cached: false,
            }));
        });
        Ok(receiver.await.map_err(|_| ProveError::Thread)??)
    }

    /// Reserves the memory of a proof. Running out of memory during a proof would end the process.
    /// The check maps memory from the operating system directly, because the global allocator wipes
    /// what it frees, which would cost time. Mapped memory that isn't used doesn't count for the
    /// limit of a container, so that limit is read.
    async fn reserve_memory(&self) -> Result<Reservation, ProveError> {
        let reservation = self.memory.reserve(WORKING_MEMORY as u64).await;
        let is_mapped = MmapMut::map_anon(WORKING_MEMORY).is_ok();
        reservation.filter(|_| is_mapped).ok_or(ProveError::OutOfMemory)
    }

    /// Estimates how long a request waits behind `waiting` others.
    fn expected_wait(&self, waiting: usize) -> Duration {
        let rounds = u32::try_from(waiting.div_ceil(self.threads.current_num_threads())).unwrap_or(u32::MAX);
        self.average_time().unwrap_or_default().saturating_mul(rounds)
    }

    /// Returns the number of proving threads.
    pub fn threads(&self) -> usize {
        self.threads.current_num_threads()
    }

    /// Returns the timeout for waiting and proving.
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Returns the number of proofs that may run at the same time.
    pub fn concurrency(&self) -> usize {
        self.concurrency
    }

    /// Estimates the time for a new request, including the time in the queue. `None` before the
    /// first proof.
    pub fn expected(&self) -> Option<Duration> {
        let average = self.average_time()?;
        Some(self.expected_wait(self.queue.waiting()) + average)
    }

    /// Returns the moving average of the proving times. `None` before the first proof.
    pub fn average_time(&self) -> Option<Duration> {
        *self.average.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn caches(&self) -> &Caches {
        &self.caches
    }

    /// Returns the queue for pairings outside of proofs.
    pub fn pairings(&self) -> &Pairings {
        &self.pairings
    }

    /// Returns the most recent proofs.
    pub fn recent(&self) -> &RecentProofs {
        &self.recent
    }

    /// Returns the number of proofs made since the start, without proofs from caches.
    pub fn generated(&self) -> usize {
        self.generated.load(Ordering::Relaxed)
    }
}
