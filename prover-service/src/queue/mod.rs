//! Jobs: proofs that are made later, by whichever worker is free.
//!
//! ```text
//!   POST /prove {wait: false} --one transaction--> jobs (what was asked, encrypted)
//!                                              \-> graphile_worker (who runs what when)
//!                                                     |
//!   worker: begin_job -- open, check, prove ----------+--> end_job: the first end stays, the witness goes
//! ```
//!
//! `graphile_worker` delivers a job at least once: it locks, takes back the jobs of workers whose heartbeat stopped,
//! and tries again later what failed for want of something. That a job ends once is the `jobs` table's doing.

mod worker;

use std::{
    fmt::Display,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::http::StatusCode;
use bauta_service_common::{Problem, Service, spans};
use bauta_store::{End, Enqueued, JobFlow, JobState, NewJob, Store, StoreError};
use graphile_worker::{ActiveWorkerRow, JobSpec, WorkerUtils};
use uuid::Uuid;

use self::worker::ProveJob;
use crate::{audit, metrics, seal::WitnessKeys, settings::Settings};

/// A worker that was silent for so long is dead.
const DEAD_AFTER: Duration = Duration::from_secs(5);
/// How often deadlines are looked after, and counts are taken.
const HOUSEKEEPING: Duration = Duration::from_secs(2);
/// When to come again to a full queue.
const FULL_FOR: Duration = Duration::from_secs(5);
/// Seconds over which arrivals and service times are taken.
const FLOW_SECONDS: u32 = 60;
/// Share of its time that a worker should be busy for.
const BUSY: f64 = 0.7;
/// The schema of the queue engine.
const SCHEMA: &str = "graphile_worker";

/// Why the queue can't be used.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The jobs' table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The engine.
    #[error("the queue engine: {0}")]
    Engine(String),
    /// A worker couldn't make the proof, but it or another may be able to later.
    #[error("no proof this time: {0}")]
    Later(String),
    /// There is no room.
    #[error(
        "as many jobs wait already as may: {most} of all, {most_of_one} of one API key; come again later"
    )]
    Full {
        /// Of all.
        most: u64,
        /// Of one API key.
        most_of_one: u64,
    },
    /// An idempotency key came with another request than before.
    #[error("this Idempotency-Key was given with another request before: a new request needs a new key")]
    KeyReused,
    /// The witness.
    #[error(transparent)]
    Seal(#[from] crate::seal::SealError),
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match &error {
            QueueError::Store(StoreError::Unreachable(_)) => Self::unavailable(
                "database_away",
                "the database can't be reached; try again",
                &error,
            ),
            QueueError::Full { .. } => {
                Self::new(StatusCode::TOO_MANY_REQUESTS, "queue_full", error.to_string())
                    .retry_after(FULL_FOR)
            }
            QueueError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                error.to_string(),
            ),
            _ => Self::internal(&error),
        }
    }
}

/// Where jobs go. Cheap to clone.
#[derive(Clone)]
pub struct Queue(Arc<Parts>);

struct Parts {
    store: Store,
    engine: WorkerUtils,
    keys: WitnessKeys,
    concurrent: usize,
    most_queued: u64,
    deadline: Duration,
    retention: Duration,
    pace: Mutex<Pace>,
}

/// How fast jobs went of late, by the last housekeeping.
#[derive(Default)]
struct Pace {
    /// Begin to end of one; none if none ended of late.
    service: Option<Duration>,
    /// How many are made at a time, by all workers.
    lanes: u32,
    queued: u64,
}

/// Workers that live, and how many there should be.
pub struct Workers {
    /// Those whose heartbeat was heard of late.
    pub alive: Vec<ActiveWorkerRow>,
    /// How jobs came and went of late.
    pub flow: JobFlow,
    /// How many there should be.
    pub recommended: usize,
}

/// Arrival rate times service time is how many jobs are at work on average; workers should be busy for no more than a share of
/// their time, or jobs wait.
#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a recommendation, from positive figures"
)]
fn recommended(flow: &JobFlow, concurrent: usize) -> usize {
    let at_work = flow.arrivals_per_s * flow.service_s;
    ((at_work / (concurrent as f64 * BUSY)).ceil() as usize).max(1)
}

/// A job to put into the queue.
pub struct Order<'a> {
    /// Who asks.
    pub owner: &'a str,
    /// Under this, the owner gets the same job again.
    pub idempotency_key: Option<&'a str>,
    /// The same for the same request.
    pub request_hash: [u8; 32],
    /// The circuit's id.
    pub circuit: &'a str,
    /// 1 (urgent) to 10.
    pub priority: u8,
    /// The request's body.
    pub body: &'a [u8],
}

impl Queue {
    /// The queue in this database.
    pub fn new(store: Store, keys: WitnessKeys, settings: &Settings) -> Self {
        let engine = WorkerUtils::new(store.pool().clone(), SCHEMA);
        Self(Arc::new(Parts {
            store,
            engine,
            keys,
            concurrent: settings.max_concurrent_proofs,
            most_queued: settings.max_queued_jobs,
            deadline: Duration::from_millis(settings.job_deadline_ms),
            retention: Duration::from_secs(settings.job_retention_seconds),
            pace: Mutex::default(),
        }))
    }

    /// Makes the engine's tables; once, if several processes do it in the same moment.
    pub async fn migrate(store: &Store) -> Result<(), QueueError> {
        let engine = WorkerUtils::new(store.pool().clone(), SCHEMA);
        engine.migrate().await.map_err(engine_error)
    }

    /// The table of jobs.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Puts a job in, and returns its id. The same idempotency key returns the same job, even when there is no room for another one.
    pub async fn enqueue(&self, order: &Order<'_>) -> Result<String, QueueError> {
        let id = Uuid::now_v7().to_string();
        let witness = self.0.keys.seal(&id, order.body)?;
        let most = self.0.most_queued;
        // One key leaves room for others. Those without one share it all.
        let most_of_one = most.div_ceil(2);
        let mut transaction = self.0.store.pool().begin().await.map_err(StoreError::from)?;
        let job = NewJob {
            id: &id,
            owner: order.owner,
            idempotency_key: order.idempotency_key,
            request_hash: order.request_hash,
            circuit: order.circuit,
            priority: order.priority,
            witness: &witness,
            deadline_ms: i64::try_from(self.0.deadline.as_millis()).unwrap_or(i64::MAX),
            most_waiting: most,
            most_of_owner: if order.owner.is_empty() { most } else { most_of_one },
        };
        let turn = match Store::enqueue_job(&mut transaction, &job).await? {
            Enqueued::New { turn } => turn,
            Enqueued::Known { id } => return Ok(id),
            Enqueued::Another => return Err(QueueError::KeyReused),
            Enqueued::Full => return Err(QueueError::Full { most, most_of_one }),
        };
        let spec = JobSpec::builder()
            .run_at(time_of_turn(turn))
            .max_attempts(i16::MAX)
            .job_key(id.as_str())
            // Workers without its key leave it alone.
            .flags(vec![order.circuit.to_owned()])
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

    /// How long a job in this state should still take, if all that wait go before it. None if there is nothing to go by.
    pub fn expected(&self, state: JobState) -> Option<Duration> {
        let pace = self.0.pace.lock().unwrap_or_else(PoisonError::into_inner);
        let rounds = match state {
            JobState::Queued => pace.queued.div_ceil(u64::from(pace.lanes.max(1))) + 1,
            _ => 1,
        };
        Some(
            pace.service?
                .saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX)),
        )
    }

    /// Takes a job back. False if it had ended.
    pub async fn cancel(&self, id: &str) -> Result<bool, QueueError> {
        // The engine still delivers it; the worker then finds that it has ended.
        Ok(self.0.store.end_job(id, &End::Cancelled).await?)
    }

    /// Workers that live, and how many there should be.
    pub async fn workers(&self) -> Result<Workers, QueueError> {
        let workers = self.0.engine.list_active_workers(DEAD_AFTER).await;
        let mut workers = workers.map_err(engine_error)?;
        // By the database's clock, as they were written: this machine's may be another.
        let now: i64 = sqlx::query_scalar("SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint")
            .fetch_one(self.0.store.pool())
            .await
            .map_err(StoreError::from)?;
        let dead = now - i64::try_from(DEAD_AFTER.as_millis()).unwrap_or(i64::MAX);
        workers.retain(|worker| worker.last_heartbeat_at.timestamp_millis() > dead);
        let flow = self.0.store.job_flow(FLOW_SECONDS).await?;
        Ok(Workers {
            recommended: recommended(&flow, self.0.concurrent),
            flow,
            alive: workers,
        })
    }

    /// Looks after deadlines, old jobs and the counts that metrics show, until the service ends.
    pub fn keep_house(&self, service: &Service) {
        let (queue, shutdown) = (self.clone(), service.shutdown());
        service.spawn("the queue's housekeeping", async move {
            while !shutdown.is_cancelled() {
                // The database may be away for a while: /ready says so.
                if let Err(error) = queue.tidy().await {
                    tracing::warn!(event = "housekeeping_failed", %error);
                }
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(HOUSEKEEPING) => {}
                }
            }
            Ok::<_, StoreError>(())
        });
    }

    async fn tidy(&self) -> Result<(), QueueError> {
        let Parts {
            store,
            deadline,
            retention,
            ..
        } = &*self.0;
        let detail = format!(
            "the job didn't end within {} ms (JOB_DEADLINE_MS)",
            deadline.as_millis()
        );
        for (id, owner) in store.expire_jobs("deadline_exceeded", &detail).await? {
            audit::job_ended(&id, &owner, "failed", Some("deadline_exceeded"));
        }
        store
            .forget_jobs(i64::try_from(retention.as_secs()).unwrap_or(i64::MAX))
            .await?;
        let open = store.open_jobs().await?;
        metrics::open_jobs(open);
        let workers = self.workers().await?;
        metrics::workers(workers.alive.len(), workers.recommended);
        let lanes = workers.alive.len().saturating_mul(self.0.concurrent);
        *self.0.pace.lock().unwrap_or_else(PoisonError::into_inner) = Pace {
            service: (workers.flow.service_s > 0.0).then(|| Duration::from_secs_f64(workers.flow.service_s)),
            lanes: u32::try_from(lanes).unwrap_or(u32::MAX),
            queued: open.queued,
        };
        Ok(())
    }
}

fn engine_error(error: impl Display) -> QueueError {
    QueueError::Engine(error.to_string())
}

/// Turns as the engine has them: times, all of them long past, the smaller first.
fn time_of_turn(turn: u64) -> chrono::DateTime<chrono::Utc> {
    let turn = i64::try_from(turn).unwrap_or(i64::MAX).min(1 << 50);
    chrono::DateTime::from_timestamp_micros(turn).unwrap_or(chrono::DateTime::UNIX_EPOCH)
}
