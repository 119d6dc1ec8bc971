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

mod key_rotation;
mod worker;

use std::{
    borrow::Cow,
    fmt::Display,
    slice,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use bauta_service_common::{Service, spans};
use bauta_store::{
    Enqueued, ExpiredJob, JobConnection, JobResult, JobState, NewJob, StartedJob, Store, StoreError, Workload,
};
use graphile_worker::{JobSpec, WorkerUtils};
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

pub use self::key_rotation::rotate_keys;
use self::worker::ProveJob;
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
/// The database schema of the queue engine.
const ENGINE_SCHEMA: &str = "graphile_worker";
/// The version of that schema that this program needs.
const ENGINE_VERSION: i32 = 22;
/// The engine's priority of a job that has had no attempt.
const FIRST_ATTEMPT_PRIORITY: i16 = 0;
/// The engine's priority of a job whose attempt failed. Its turn had come before, so it runs before
/// all jobs that have had no attempt. Otherwise it would wait as long as there is a backlog.
const RETRY_PRIORITY: i16 = -1;
/// Largest time between a failed attempt and the next one.
const MAX_BACK_OFF: Duration = Duration::from_mins(1);
/// Interval at which the ended jobs of owners who have too many are deleted.
const EXCESS_INTERVAL: Duration = Duration::from_secs(10);
/// Largest number of jobs that one statement of the housekeeping ends or deletes.
const BATCH: u32 = 1_000;
/// Largest number of such statements of each kind in one housekeeping.
const MAX_BATCHES: u32 = 10;
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
    /// The engine's tables are missing or too old.
    #[error(
        "the queue engine's schema has version {found}, and this program needs {ENGINE_VERSION}: run `prover-service \
         migrate` with the database's owner"
    )]
    OldSchema {
        /// The version in the database. 0 if the tables are missing.
        found: i32,
    },
    /// The queue is full: for all, for this API key, or for all clients without one.
    #[error(
        "the queue is full: the limit is {max_queued} jobs in all, and {max_queued_by_owner} jobs of one API key or of \
         all clients without one; retry later"
    )]
    Full {
        /// The limit for all jobs.
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
    /// The database took too long to store jobs. A key for their witnesses may be destroyed
    /// afterwards.
    #[error("the database did not store the jobs within {} ms (STATEMENT_TIMEOUT_MS)", limit.as_millis())]
    Slow {
        /// The time limit of a statement of the database.
        limit: Duration,
    },
}

/// The job queue. Cheap to clone.
#[derive(Clone)]
pub struct Queue(Arc<Inner>);

struct Inner {
    stores: Stores,
    engine: WorkerUtils,
    keys: Arc<WitnessKeys>,
    /// Age at which a key of the key ring is replaced. `None` if it isn't replaced by itself.
    key_rotation: Option<Duration>,
    /// Maximum time in which the jobs of a request are stored.
    max_enqueue: Duration,
    /// The time for which a replaced key of the key ring is kept at least.
    key_grace: Duration,
    concurrency: usize,
    max_queued: u64,
    deadline: Duration,
    retention: Duration,
    max_ended: u64,
    /// Time at which no owner had too many ended jobs. `None` at the start.
    excess_deleted: Mutex<Option<Instant>>,
    /// Measured at the last housekeeping, for estimates.
    workload: Mutex<Workload>,
}

/// The active workers and what they have to do.
pub struct Workers {
    /// Workers with a recent heartbeat.
    pub active: Vec<ActiveWorker>,
    /// What they have to do.
    pub workload: Workload,
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

/// An entry of the engine's tables.
struct EngineEntry<'a> {
    /// The job's id.
    id: &'a str,
    /// The circuit's id.
    circuit: &'a str,
    /// The span of the request that created the job.
    traceparent: Option<String>,
    /// The engine doesn't start the job before this time.
    run_at: chrono::DateTime<chrono::Utc>,
    /// Jobs with a smaller number run first. Jobs with equal numbers run in the order of `run_at`.
    priority: i16,
}

/// Returns the time between a failed attempt and the next one: 1 s after the first attempt, then
/// twice as long after each further attempt, but at most a minute.
fn back_off(attempts: u16) -> Duration {
    let doublings = u32::from(attempts.saturating_sub(1)).min(16);
    Duration::from_secs(1 << doublings).min(MAX_BACK_OFF)
}

/// Returns the idempotency key as the database has it. Clients without an API key have no separate
/// keys, so a client could use the key of another one, whose request would then be refused. Their
/// keys are therefore separate for each request.
fn stored_key<'a>(owner: &str, key: &'a str, request_hash: &[u8; 32]) -> Cow<'a, str> {
    if owner.is_empty() {
        // A client's key has no control characters.
        Cow::Owned(format!("{key}\u{1f}{}", hex::encode(request_hash)))
    } else {
        Cow::Borrowed(key)
    }
}

/// The database, with connections of their own for two purposes.
pub struct Stores {
    /// For requests.
    pub requests: Store,
    /// For the service's own work: jobs, housekeeping, notifications, API keys and the health
    /// check.
    pub own: Store,
}

/// A request to enqueue a job.
pub struct EnqueueRequest<'a> {
    /// The prefix of the client's first API key. Empty if the client has none.
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
    pub fn new(stores: Stores, keys: Arc<WitnessKeys>, settings: &Settings) -> Self {
        let engine = WorkerUtils::new(stores.own.pool().clone(), ENGINE_SCHEMA);
        Self(Arc::new(Inner {
            stores,
            engine,
            keys,
            key_rotation: (settings.witness_key_rotation_seconds > 0)
                .then(|| Duration::from_secs(settings.witness_key_rotation_seconds)),
            max_enqueue: max_enqueue(settings),
            key_grace: key_rotation::key_grace(settings),
            concurrency: settings.max_concurrent_proofs,
            max_queued: settings.max_queued_jobs,
            deadline: Duration::from_millis(settings.job_deadline_ms),
            retention: Duration::from_secs(settings.job_retention_seconds),
            max_ended: settings.max_ended_jobs,
            excess_deleted: Mutex::default(),
            workload: Mutex::default(),
        }))
    }

    /// Creates the engine's tables, and grants the role `bauta_prover` their use. Several processes
    /// can do this at the same time.
    pub async fn migrate(store: &Store) -> Result<(), QueueError> {
        let engine = WorkerUtils::new(store.pool().clone(), ENGINE_SCHEMA);
        engine.migrate().await.map_err(engine_error)?;
        Ok(store.grant_queue_engine(ENGINE_SCHEMA).await?)
    }

    /// Fails if the engine's tables don't have the version of this program. The service doesn't
    /// change the schema itself.
    pub async fn check_schema(&self) -> Result<(), QueueError> {
        let found = self.0.stores.own.queue_engine_version(ENGINE_SCHEMA).await?;
        match found {
            Some(found) if found >= ENGINE_VERSION => Ok(()),
            found => Err(QueueError::OldSchema {
                found: found.unwrap_or(0),
            }),
        }
    }

    /// Returns the store with the `jobs` table.
    pub fn store(&self) -> &Store {
        &self.0.stores.requests
    }

    /// Returns the store for the service's own work.
    pub fn own_store(&self) -> &Store {
        &self.0.stores.own
    }

    /// Returns the id of the owner's job with this idempotency key. `None` if there is none. Fails
    /// if the key belongs to another request.
    pub async fn find_repeated(
        &self,
        owner: &str,
        idempotency_key: &str,
        request_hash: [u8; 32],
    ) -> Result<Option<String>, QueueError> {
        let request = [(idempotency_key.to_owned(), request_hash)];
        let found = self.find_all_repeated(owner, &request).await?;
        Ok(found.and_then(|mut ids| ids.pop()))
    }

    /// Returns the ids of the owner's jobs with these idempotency keys and hashes of requests.
    /// `None` if a key has no job. Fails if a key belongs to another request.
    pub async fn find_all_repeated(
        &self,
        owner: &str,
        requests: &[(String, [u8; 32])],
    ) -> Result<Option<Vec<String>>, QueueError> {
        let keys: Vec<String> = requests
            .iter()
            .map(|(key, hash)| stored_key(owner, key, hash).into_owned())
            .collect();
        let hashes: Vec<[u8; 32]> = requests.iter().map(|(_, hash)| *hash).collect();
        let found = self
            .0
            .stores
            .requests
            .repeated_jobs(owner, &keys, &hashes)
            .await?;
        let mut ids = Vec::with_capacity(found.len());
        for job in found {
            match job {
                Some(Enqueued::Existing { id }) => ids.push(id),
                Some(_) => return Err(QueueError::KeyReused),
                None => return Ok(None),
            }
        }
        Ok(Some(ids))
    }

    /// Enqueues a job and returns its id. With the idempotency key of an existing job, returns that
    /// job's id, even if the queue is full.
    pub async fn enqueue(&self, request: &EnqueueRequest<'_>) -> Result<String, QueueError> {
        let mut ids = self.enqueue_all(slice::from_ref(request)).await?;
        Ok(ids.pop().expect("one request has one job"))
    }

    /// Enqueues all jobs or none, as [`enqueue`](Self::enqueue) does, and returns their ids.
    pub async fn enqueue_all(&self, requests: &[EnqueueRequest<'_>]) -> Result<Vec<String>, QueueError> {
        let limit = self.0.max_enqueue;
        let stored = tokio::time::timeout(limit, self.add_jobs(requests)).await;
        stored.unwrap_or(Err(QueueError::Slow { limit }))
    }

    async fn add_jobs(&self, requests: &[EnqueueRequest<'_>]) -> Result<Vec<String>, QueueError> {
        let mut transaction = self.0.stores.requests.begin_job_change().await?;
        let mut ids = Vec::with_capacity(requests.len());
        for request in requests {
            ids.push(self.add_job(&mut transaction, request).await?);
        }
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(ids)
    }

    async fn add_job(
        &self,
        connection: &mut JobConnection,
        request: &EnqueueRequest<'_>,
    ) -> Result<String, QueueError> {
        let id = Uuid::now_v7().to_string();
        let witness = self.0.keys.seal(&id, request.body)?;
        let max_queued = self.0.max_queued;
        // Neither one API key nor the clients without one can fill the queue.
        let max_queued_by_owner = max_queued.div_ceil(2);
        let idempotency_key = request
            .idempotency_key
            .map(|key| stored_key(request.owner, key, &request.request_hash));
        let job = NewJob {
            id: &id,
            owner: request.owner,
            idempotency_key: idempotency_key.as_deref(),
            request_hash: request.request_hash,
            circuit: request.circuit,
            priority: request.priority,
            witness: &witness,
            deadline_ms: i64::try_from(self.0.deadline.as_millis()).unwrap_or(i64::MAX),
            max_queued,
            max_queued_by_owner,
        };
        let turn = match Store::enqueue_job(connection, &job).await? {
            Enqueued::New { turn } => turn,
            Enqueued::Existing { id } => return Ok(id),
            Enqueued::KeyReused => return Err(QueueError::KeyReused),
            Enqueued::Full => {
                return Err(QueueError::Full {
                    max_queued,
                    max_queued_by_owner,
                });
            }
        };
        let entry = EngineEntry {
            id: &id,
            circuit: request.circuit,
            traceparent: spans::traceparent(),
            run_at: run_at(turn),
            priority: FIRST_ATTEMPT_PRIORITY,
        };
        self.add_engine_entry(connection, entry).await?;
        Ok(id)
    }

    /// Puts a job back into the queue after an attempt that failed. The next attempt starts after a
    /// back-off. It then runs before all jobs that have had no attempt.
    async fn retry(&self, job: &ProveJob, started: &StartedJob) -> Result<(), QueueError> {
        // Times in the engine's tables are those of the database's clock.
        let now = self.0.stores.own.clock_ms().await?;
        let back_off = i64::try_from(back_off(started.attempts).as_millis()).unwrap_or(i64::MAX);
        let run_at = chrono::DateTime::from_timestamp_millis(now.saturating_add(back_off));
        let mut transaction = self.0.stores.own.begin_job_change().await?;
        if Store::requeue_job(&mut transaction, &job.id).await? {
            let entry = EngineEntry {
                id: &job.id,
                circuit: &started.circuit,
                traceparent: job.traceparent.clone(),
                run_at: run_at.unwrap_or_default(),
                priority: RETRY_PRIORITY,
            };
            self.add_engine_entry(&mut transaction, entry).await?;
        }
        Ok(transaction.commit().await.map_err(StoreError::from)?)
    }

    /// Adds a job to the engine's tables. If the engine runs an attempt of the job now, that
    /// attempt's entry is the last of its own: the engine doesn't retry it.
    async fn add_engine_entry(
        &self,
        connection: &mut JobConnection,
        entry: EngineEntry<'_>,
    ) -> Result<(), QueueError> {
        let spec = JobSpec::builder()
            .run_at(entry.run_at)
            .priority(entry.priority)
            .max_attempts(i16::MAX)
            .job_key(entry.id)
            // Workers without the circuit's key forbid this flag and don't get the job.
            .flags(vec![entry.circuit.to_owned()])
            .build();
        let job = ProveJob {
            id: entry.id.to_owned(),
            traceparent: entry.traceparent,
        };
        let mut engine = self.0.engine.clone().with_executor(connection);
        engine.add_job(job, spec).await.map_err(engine_error)?;
        Ok(())
    }

    /// Estimates the time until a job in this state ends, if all queued jobs run before it. `None`
    /// if no job succeeded recently.
    pub fn expected(&self, state: JobState) -> Option<Duration> {
        let workload = *self.0.workload.lock().unwrap_or_else(PoisonError::into_inner);
        workload.expected(state)
    }

    /// Cancels a job. Returns `false` if it has ended already.
    pub async fn cancel(&self, id: &str) -> Result<bool, QueueError> {
        let mut transaction = self.0.stores.requests.begin_job_change().await?;
        let is_cancelled = Store::finish_job_in(&mut transaction, id, &JobResult::Cancelled).await?;
        if is_cancelled {
            // Otherwise workers would have to read the entries of all cancelled jobs. If a worker
            // runs the job now, the entry ends with its attempt.
            let mut engine = self.0.engine.clone().with_executor(&mut *transaction);
            engine.remove_job(id).await.map_err(engine_error)?;
        }
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(is_cancelled)
    }

    /// Returns the active workers and what they have to do.
    pub async fn workers(&self) -> Result<Workers, QueueError> {
        let rows = self.0.engine.list_active_workers(HEARTBEAT_TIMEOUT).await;
        let rows = rows.map_err(engine_error)?;
        // Heartbeats have the time of the database's clock, which can differ from this machine's.
        let now = self.0.stores.own.clock_ms().await?;
        let oldest = now - i64::try_from(HEARTBEAT_TIMEOUT.as_millis()).unwrap_or(i64::MAX);
        let workers = rows.into_iter().map(|row| ActiveWorker {
            id: row.worker_id,
            started_at_ms: row.started_at.timestamp_millis(),
            last_heartbeat_at_ms: row.last_heartbeat_at.timestamp_millis(),
        });
        let active: Vec<ActiveWorker> = workers
            .filter(|worker| worker.last_heartbeat_at_ms > oldest)
            .collect();
        let own = &self.0.stores.own;
        let (rates, open) = (own.job_rates(RATE_PERIOD).await?, own.open_jobs().await?);
        Ok(Workers {
            workload: Workload::new(active.len(), self.0.concurrency, open.queued, rates),
            active,
        })
    }

    /// Enforces deadlines, deletes old jobs, rotates keys and updates the metrics until the service
    /// shuts down. SIGHUP starts a round at once.
    pub fn spawn_housekeeping(&self, service: &Service) -> std::io::Result<()> {
        let (queue, shutdown) = (self.clone(), service.shutdown());
        let mut hangup = signal(SignalKind::hangup())?;
        service.spawn("the housekeeping of the queue", async move {
            while !shutdown.is_cancelled() {
                // If the database is unavailable, /ready reports it, and the next round tries
                // again.
                if let Err(error) = queue.run_housekeeping().await {
                    tracing::warn!(event = "housekeeping_failed", %error);
                }
                if let Err(error) = queue.maintain_keys().await {
                    tracing::warn!(event = "key_rotation_failed", %error);
                }
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(HOUSEKEEPING_INTERVAL) => {}
                    _ = hangup.recv() => tracing::info!(event = "hangup"),
                }
            }
            Ok::<_, StoreError>(())
        });
        Ok(())
    }

    async fn run_housekeeping(&self) -> Result<(), QueueError> {
        let Inner {
            stores: Stores { own: store, .. },
            deadline,
            retention,
            ..
        } = &*self.0;
        let detail = format!(
            "the job didn't end within {} ms (JOB_DEADLINE_MS)",
            deadline.as_millis()
        );
        // In batches, so that no statement holds many locks. The next round does the rest.
        for _ in 0..MAX_BATCHES {
            let expired = self.expire(&detail).await?;
            for job in &expired {
                audit::job_ended(&job.id, &job.owner, "failed", Some(DEADLINE_EXCEEDED));
            }
            if expired.len() < BATCH as usize {
                break;
            }
        }
        // The engine retries by itself only if the database failed during an attempt.
        let max_back_off = i64::try_from(MAX_BACK_OFF.as_secs()).unwrap_or(i64::MAX);
        store
            .prioritise_engine_retries(ENGINE_SCHEMA, RETRY_PRIORITY, max_back_off)
            .await?;
        let retention = i64::try_from(retention.as_secs()).unwrap_or(i64::MAX);
        for _ in 0..MAX_BATCHES {
            if store.delete_old_jobs(retention, BATCH).await? < u64::from(BATCH) {
                break;
            }
        }
        self.delete_excess().await?;
        let open = store.open_jobs().await?;
        metrics::set_open_jobs(open);
        let Workers { active, workload } = self.workers().await?;
        metrics::set_workers(active.len(), workload.recommended);
        *self.0.workload.lock().unwrap_or_else(PoisonError::into_inner) = workload;
        store.announce_workload(workload).await?;
        Ok(())
    }
}

impl Queue {
    /// Fails jobs whose deadline has passed, and removes their entries from the engine's queue.
    /// Otherwise these entries, which have the earliest turns, would stay until a worker reads
    /// them.
    async fn expire(&self, detail: &str) -> Result<Vec<ExpiredJob>, QueueError> {
        let mut transaction = self.0.stores.own.begin_job_change().await?;
        let expired = Store::expire_jobs(&mut transaction, DEADLINE_EXCEEDED, detail, BATCH).await?;
        if !expired.is_empty() {
            let ids: Vec<&str> = expired.iter().map(|job| job.id.as_str()).collect();
            Store::remove_engine_entries(&mut transaction, ENGINE_SCHEMA, &ids).await?;
        }
        transaction.commit().await.map_err(StoreError::from)?;
        Ok(expired)
    }

    /// Deletes the ended jobs of owners who have too many. Looks at all owners first, and then only
    /// at those of whom a job has ended since.
    async fn delete_excess(&self) -> Result<(), QueueError> {
        let Inner {
            stores: Stores { own: store, .. },
            max_ended,
            excess_deleted,
            ..
        } = &*self.0;
        let (now, last) = (
            Instant::now(),
            *excess_deleted.lock().unwrap_or_else(PoisonError::into_inner),
        );
        let since = last.map(|last| now.duration_since(last));
        if since.is_some_and(|since| since < EXCESS_INTERVAL) {
            return Ok(());
        }
        // Twice the interval, because other transactions end jobs at the same time.
        let within = since.map(|since| since.saturating_add(EXCESS_INTERVAL).as_secs());
        let within = within.map(|seconds| i64::try_from(seconds).unwrap_or(i64::MAX));
        for _ in 0..MAX_BATCHES {
            if store.delete_excess_jobs(*max_ended, BATCH, within).await? < u64::from(BATCH) {
                *excess_deleted.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
                break;
            }
        }
        Ok(())
    }
}

fn engine_error(error: impl Display) -> QueueError {
    QueueError::Engine(error.to_string())
}

/// Returns the maximum time in which the jobs of a request are stored.
const fn max_enqueue(settings: &Settings) -> Duration {
    Duration::from_millis(settings.statement_timeout_ms)
}

/// Converts a turn to the time from which the engine may run the job. The engine runs jobs in the
/// order of this time. All these times are in the past, near 1970.
fn run_at(turn: u64) -> chrono::DateTime<chrono::Utc> {
    let turn = i64::try_from(turn).unwrap_or(i64::MAX).min(1 << 50);
    chrono::DateTime::from_timestamp_micros(turn).unwrap_or(chrono::DateTime::UNIX_EPOCH)
}
