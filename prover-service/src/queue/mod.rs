//! The job queue: proofs that a worker makes later.
//!
//! ```text
//!   POST /prove {wait: false} --one transaction--> jobs: encrypted request, state, result
//!                                              \-> graphile_worker: which worker, and when
//!                                                     |
//!   worker: start_job -- decrypt, check, prove -------+--> finish_job: the first result is final,
//!                                                          and the witness is deleted
//! ```
//!
//! The queue engine, `graphile_worker`, delivers a job at least once. It locks jobs, takes over the
//! jobs of workers whose heartbeat stopped, and retries failed attempts with back-off. The `jobs`
//! table ensures that a job has one result. This module is the only one that knows the engine.
//! Every SQL statement is in the store.

mod worker;

use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bauta_service_common::{Service, spans};
use bauta_store::{Enqueued, JobRates, JobResult, JobState, NewJob, Store, StoreError};
use graphile_worker::{JobSpec, WorkerUtils};
use uuid::Uuid;

use self::worker::{AttemptError, ProveJob};
use crate::{
    audit, metrics,
    settings::Settings,
    witness_keys::{SealError, WitnessKeys},
};

/// A worker without a heartbeat for this time is dead.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(5);
/// Interval at which deadlines are checked and jobs are counted.
const HOUSEKEEPING_INTERVAL: Duration = Duration::from_secs(2);
/// Period in seconds over which arrival rates and service times are measured.
const RATE_PERIOD: u32 = 60;
/// Share of its time that a worker should be busy.
const TARGET_UTILISATION: f64 = 0.7;
/// The database schema of the queue engine.
const ENGINE_SCHEMA: &str = "graphile_worker";
/// The error code of a job whose deadline has passed.
const DEADLINE_EXCEEDED: &str = "deadline_exceeded";

/// Why an operation of the queue failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue engine failed.
    #[error("the queue engine: {0}")]
    Engine(String),
    /// An attempt of a job failed. The engine starts another attempt later.
    #[error("the attempt failed and is retried: {0}")]
    Attempt(#[source] AttemptError),
    /// The queue is full, for all or for this API key.
    #[error(
        "the queue is full: the limit is {max_queued} jobs of all API keys and {max_queued_by_owner} jobs of one; \
         retry later"
    )]
    Full {
        /// The limit for all API keys.
        max_queued: u64,
        /// The limit for one API key.
        max_queued_by_owner: u64,
    },
    /// The idempotency key belongs to another request.
    #[error("this Idempotency-Key was used for another request: use a new key for a new request")]
    KeyReused,
    /// The witness can't be encrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The job queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    store: Store,
    engine: WorkerUtils,
    keys: WitnessKeys,
    concurrency: usize,
    max_queued: u64,
    deadline: Duration,
    retention: Duration,
    throughput: Mutex<Throughput>,
}

/// Measurements of the last housekeeping, for estimates.
#[derive(Default)]
struct Throughput {
    /// Mean time of a job from start to end. `None` if no job succeeded recently.
    service_time: Option<Duration>,
    /// Number of jobs that all workers run at the same time.
    parallel_jobs: u32,
    queued: u64,
}

/// The active workers and the recommended number.
pub struct Workers {
    /// Workers with a recent heartbeat.
    pub active: Vec<ActiveWorker>,
    /// Recent rates of jobs.
    pub rates: JobRates,
    /// Recommended number of workers.
    pub recommended: usize,
}

/// A worker with a recent heartbeat. Times are Unix milliseconds of the database's clock.
pub struct ActiveWorker {
    /// The id that the queue engine gave it.
    pub id: String,
    /// Time of its start.
    pub started_at_ms: i64,
    /// Time of its last heartbeat.
    pub last_heartbeat_at_ms: i64,
}

/// Computes the recommended number of workers. By Little's law, the mean number of running jobs is
/// the arrival rate times the service time. Workers should be busy for 70 % of their time, because
/// queues grow at higher utilisation.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a recommendation, from positive numbers"
)]
fn recommended_workers(rates: &JobRates, concurrency: usize) -> usize {
    let running = rates.arrivals_per_second * rates.service_seconds;
    ((running / (concurrency as f64 * TARGET_UTILISATION)).ceil() as usize).max(1)
}

/// A request to enqueue a job.
pub struct EnqueueRequest<'a> {
    /// The prefix of the owner's API key. Empty if no key is required.
    pub owner: &'a str,
    /// A repeated request of the owner with this key returns the first job.
    pub idempotency_key: Option<&'a str>,
    /// A hash of the request. Equal requests have equal hashes.
    pub request_hash: [u8; 32],
    /// The circuit's id.
    pub circuit: &'a str,
    /// 1 (most urgent) to 10.
    pub priority: u8,
    /// The request's body. It is encrypted before it is stored.
    pub body: &'a [u8],
}

impl Queue {
    /// Creates the queue in this database.
    pub fn new(store: Store, keys: WitnessKeys, settings: &Settings) -> Self {
        let engine = WorkerUtils::new(store.pool().clone(), ENGINE_SCHEMA);
        Self(Arc::new(Inner {
            store,
            engine,
            keys,
            concurrency: settings.max_concurrent_proofs,
            max_queued: settings.max_queued_jobs,
            deadline: Duration::from_millis(settings.job_deadline_ms),
            retention: Duration::from_secs(settings.job_retention_seconds),
            throughput: Mutex::default(),
        }))
    }

    /// Creates the engine's tables. Several processes can do this at the same time.
    pub async fn migrate(store: &Store) -> Result<(), QueueError> {
        let engine = WorkerUtils::new(store.pool().clone(), ENGINE_SCHEMA);
        engine.migrate().await.map_err(engine_error)
    }

    /// Returns the store with the `jobs` table.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Enqueues a job and returns its id. With the idempotency key of an existing job, returns that
    /// job's id, also if the queue is full.
    pub async fn enqueue(&self, request: &EnqueueRequest<'_>) -> Result<String, QueueError> {
        let id = Uuid::now_v7().to_string();
        let witness = self.0.keys.seal(&id, request.body)?;
        let max_queued = self.0.max_queued;
        // One API key can't fill the queue. Requests without a key share the whole queue.
        let half = max_queued.div_ceil(2);
        let max_queued_by_owner = if request.owner.is_empty() {
            max_queued
        } else {
            half
        };
        let mut transaction = self.0.store.begin_enqueue().await?;
        let job = NewJob {
            id: &id,
            owner: request.owner,
            idempotency_key: request.idempotency_key,
            request_hash: request.request_hash,
            circuit: request.circuit,
            priority: request.priority,
            witness: &witness,
            deadline_ms: i64::try_from(self.0.deadline.as_millis()).unwrap_or(i64::MAX),
            max_queued,
            max_queued_by_owner,
        };
        let turn = match Store::enqueue_job(&mut transaction, &job).await? {
            Enqueued::New { turn } => turn,
            Enqueued::Existing { id } => return Ok(id),
            Enqueued::KeyReused => return Err(QueueError::KeyReused),
            Enqueued::Full => {
                return Err(QueueError::Full {
                    max_queued,
                    max_queued_by_owner: half,
                });
            }
        };
        let spec = JobSpec::builder()
            .run_at(run_at(turn))
            .max_attempts(i16::MAX)
            .job_key(id.as_str())
            // Workers without the circuit's key forbid this flag and don't get the job.
            .flags(vec![request.circuit.to_owned()])
            .build();
        self.0
            .engine
            .clone()
            .with_executor(&mut *transaction)
            .add_job(
                ProveJob {
                    id: id.clone(),
                    traceparent: spans::traceparent(),
                },
                spec,
            )
            .await
            .map_err(engine_error)?;
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(id)
    }

    /// Estimates the time until a job in this state ends, if all queued jobs run before it. `None`
    /// if no job succeeded recently.
    pub fn expected(&self, state: JobState) -> Option<Duration> {
        let throughput = self.0.throughput.lock().unwrap_or_else(PoisonError::into_inner);
        let rounds = match state {
            JobState::Queued => {
                throughput
                    .queued
                    .div_ceil(u64::from(throughput.parallel_jobs.max(1)))
                    + 1
            }
            _ => 1,
        };
        let rounds = u32::try_from(rounds).unwrap_or(u32::MAX);
        Some(throughput.service_time?.saturating_mul(rounds))
    }

    /// Cancels a job. Returns `false` if it has ended already.
    pub async fn cancel(&self, id: &str) -> Result<bool, QueueError> {
        // The engine still delivers the job. The worker then finds that it has ended.
        Ok(self.0.store.finish_job(id, &JobResult::Cancelled).await?)
    }

    /// Returns the active workers and the recommended number.
    pub async fn workers(&self) -> Result<Workers, QueueError> {
        let rows = self.0.engine.list_active_workers(HEARTBEAT_TIMEOUT).await;
        let rows = rows.map_err(engine_error)?;
        // Heartbeats have the time of the database's clock, which can differ from this machine's.
        let now = self.0.store.clock_ms().await?;
        let oldest = now - i64::try_from(HEARTBEAT_TIMEOUT.as_millis()).unwrap_or(i64::MAX);
        let workers = rows.into_iter().map(|row| ActiveWorker {
            id: row.worker_id,
            started_at_ms: row.started_at.timestamp_millis(),
            last_heartbeat_at_ms: row.last_heartbeat_at.timestamp_millis(),
        });
        let rates = self.0.store.job_rates(RATE_PERIOD).await?;
        Ok(Workers {
            active: workers
                .filter(|worker| worker.last_heartbeat_at_ms > oldest)
                .collect(),
            recommended: recommended_workers(&rates, self.0.concurrency),
            rates,
        })
    }

    /// Enforces deadlines, deletes old jobs and updates the metrics until the service shuts down.
    pub fn spawn_housekeeping(&self, service: &Service) {
        let (queue, shutdown) = (self.clone(), service.shutdown());
        service.spawn("the housekeeping of the queue", async move {
            while !shutdown.is_cancelled() {
                // If the database is unavailable, /ready reports it, and the next round tries
                // again.
                if let Err(error) = queue.run_housekeeping().await {
                    tracing::warn!(event = "housekeeping_failed", %error);
                }
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(HOUSEKEEPING_INTERVAL) => {}
                }
            }
            Ok::<_, StoreError>(())
        });
    }

    async fn run_housekeeping(&self) -> Result<(), QueueError> {
        let Inner {
            store,
            deadline,
            retention,
            ..
        } = &*self.0;
        let detail = format!(
            "the job didn't end within {} ms (JOB_DEADLINE_MS)",
            deadline.as_millis()
        );
        for job in store.expire_jobs(DEADLINE_EXCEEDED, &detail).await? {
            audit::job_ended(&job.id, &job.owner, "failed", Some(DEADLINE_EXCEEDED));
        }
        store
            .delete_ended_jobs(i64::try_from(retention.as_secs()).unwrap_or(i64::MAX))
            .await?;
        let open = store.open_jobs().await?;
        metrics::set_open_jobs(open);
        let Workers {
            active,
            rates,
            recommended,
        } = self.workers().await?;
        metrics::set_workers(active.len(), recommended);
        let parallel_jobs = active.len().saturating_mul(self.0.concurrency);
        let service_time = Duration::from_secs_f64(rates.service_seconds.max(0.0));
        *self.0.throughput.lock().unwrap_or_else(PoisonError::into_inner) = Throughput {
            service_time: (service_time > Duration::ZERO).then_some(service_time),
            parallel_jobs: u32::try_from(parallel_jobs).unwrap_or(u32::MAX),
            queued: open.queued,
        };
        Ok(())
    }
}

fn engine_error(error: impl Display) -> QueueError {
    QueueError::Engine(error.to_string())
}

/// Converts a turn to the time from which the engine may run the job. The engine runs jobs in the
/// order of this time. All these times are in the past, near 1970.
fn run_at(turn: u64) -> chrono::DateTime<chrono::Utc> {
    let turn = i64::try_from(turn).unwrap_or(i64::MAX).min(1 << 50);
    chrono::DateTime::from_timestamp_micros(turn).unwrap_or(chrono::DateTime::UNIX_EPOCH)
}
