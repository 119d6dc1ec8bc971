//! The worker, which runs jobs.

use std::{fmt, sync::Arc, time::Duration};

use bauta_service_common::{Admission, JsonError, Service, from_json, spans};
use bauta_store::{JobResult, StartedJob};
use bauta_wire::prover::ProveAnswer;
use graphile_worker::{
    IntoTaskHandlerResult, JobRecovery, JobRecoveryResult, TaskHandler, WorkerContext, WorkerOptions,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{ENGINE_SCHEMA, HEARTBEAT_TIMEOUT, Queue, QueueError, engine_error, run_at};
use crate::{
    audit,
    circuits::Circuits,
    proof::prove,
    prover::{ProveError, Prover, Requester, client_of_owner},
    request::{ProveRequest, RequestError},
    time,
    witness_keys::SealError,
};

/// Interval of heartbeats, and of the search for workers without one.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);
/// Time that running jobs have to end when the service shuts down.
const SHUTDOWN_GRACE_PERIOD: Duration = Duration::from_secs(20);
/// Largest number of attempts of a job. An attempt whose worker died counts.
const MAX_ATTEMPTS: u16 = 10;
/// The channel on which the engine notifies its workers of a new job.
const ENGINE_CHANNEL: &str = "jobs:insert";

/// Why an attempt of a job has no proof.
#[derive(Debug, thiserror::Error)]
enum AttemptError {
    /// The job had too many attempts.
    #[error("none of {MAX_ATTEMPTS} attempts ended")]
    TooManyAttempts,
    /// The witness can't be decrypted.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The decrypted request isn't a request of this version.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The request can't be proved.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// The proof failed.
    #[error(transparent)]
    Prove(#[from] ProveError),
}

impl AttemptError {
    /// Returns whether a later attempt, maybe of another worker, may succeed.
    const fn is_retryable(&self) -> bool {
        match self {
            Self::TooManyAttempts => false,
            // The instance that accepted the request could read it. If it was of a newer version,
            // another worker may be too.
            Self::Json(_) => true,
            // During a rotation of keys, another worker may have the key already.
            Self::Seal(error) => matches!(error, SealError::UnknownKey { .. } | SealError::Ring(_)),
            Self::Request(error) => error.is_retryable(),
            Self::Prove(error) => error.is_retryable(),
        }
    }

    /// Returns the stable error code of the failed job.
    const fn code(&self) -> &'static str {
        match self {
            Self::TooManyAttempts => "too_many_attempts",
            Self::Seal(_) => "witness_unreadable",
            Self::Json(error) => error.code(),
            Self::Request(error) => error.code(),
            Self::Prove(_) => "proof_failed",
        }
    }
}

impl Queue {
    /// Runs jobs until the service shuts down. Jobs that run at that time are finished. If the
    /// database is unavailable, the worker waits until it is available again.
    pub async fn spawn_worker(
        &self,
        circuits: Arc<Circuits>,
        prover: Arc<Prover>,
        service: &Service,
    ) -> Result<(), QueueError> {
        let worker = Worker {
            queue: self.clone(),
            circuits,
            prover,
        };
        let shutdown = service.shutdown();
        let mut engine = Some(worker.start_engine(&shutdown).await?);
        service.spawn("the worker", async move {
            while let Some(running) = engine {
                let Err(error) = running.run().await else { break };
                tracing::warn!(event = "worker_disconnected", %error);
                engine = worker.restart_engine(&shutdown).await;
            }
            Ok::<_, QueueError>(())
        });
        Ok(())
    }
}

/// The engine's payload of a job.
#[derive(Serialize, Deserialize)]
pub(super) struct ProveJob {
    pub(super) id: String,
    /// The span of the request that created the job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) traceparent: Option<String>,
}

/// The state of a worker.
#[derive(Clone)]
struct Worker {
    queue: Queue,
    circuits: Arc<Circuits>,
    prover: Arc<Prover>,
}

impl fmt::Debug for Worker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Worker")
    }
}

impl TaskHandler for ProveJob {
    const IDENTIFIER: &'static str = "prove";

    async fn run(self, context: WorkerContext) -> impl IntoTaskHandlerResult {
        match context.get_ext::<Worker>() {
            Some(worker) => worker.run(&self).await.map_err(|error| error.to_string()),
            None => Err("the worker's state is missing".to_owned()),
        }
    }
}

impl Worker {
    /// Starts the engine, which fetches jobs from the database.
    async fn start_engine(
        &self,
        shutdown: &CancellationToken,
    ) -> Result<graphile_worker::Worker, QueueError> {
        let shutdown = shutdown.clone();
        let missing = self.circuits.missing();
        let options = missing.iter().fold(WorkerOptions::default(), |options, circuit| {
            options.add_forbidden_flag(circuit)
        });
        options
            .schema(ENGINE_SCHEMA)
            .pg_pool(self.queue.own_store().pool().clone())
            .concurrency(self.prover.concurrency())
            .poll_interval(Duration::from_secs(1))
            .heartbeat_interval(HEARTBEAT_INTERVAL)
            .sweep_interval(HEARTBEAT_INTERVAL)
            .sweep_threshold(HEARTBEAT_TIMEOUT)
            .recovery_delay(Duration::ZERO)
            // The jobs of a dead worker run next, whatever their turn was.
            .on(JobRecovery, |_| async {
                JobRecoveryResult::Reschedule {
                    run_at: run_at(0),
                    attempts: None,
                }
            })
            .listen_os_shutdown_signals(false)
            .shutdown_signal(async move { shutdown.cancelled().await })
            .shutdown_grace_period(SHUTDOWN_GRACE_PERIOD)
            .add_extension(self.clone())
            .define_job::<ProveJob>()
            .init()
            .await
            .map_err(engine_error)
    }

    /// Starts the engine as soon as the database is available. `None` if the service shuts down
    /// before.
    async fn restart_engine(&self, shutdown: &CancellationToken) -> Option<graphile_worker::Worker> {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return None,
                () = tokio::time::sleep(HEARTBEAT_INTERVAL) => {}
            }
            if let Ok(engine) = self.start_engine(shutdown).await {
                tracing::info!(event = "worker_reconnected");
                return Some(engine);
            }
        }
    }

    /// Runs an attempt of a job. After an error, which only the database can cause, the engine
    /// starts another attempt later. The housekeeping gives that attempt the priority of a retry.
    async fn run(&self, job: &ProveJob) -> Result<(), QueueError> {
        let id = job.id.as_str();
        let store = self.queue.own_store();
        let Some(started) = store.start_job(id).await? else {
            return self.wake_workers().await;
        };
        // The job's log lines have its id in the field in which a request's lines have theirs.
        let span = tracing::info_span!(target: bauta_service_common::AUDIT, "job", request_id = id);
        spans::set_parent(&span, job.traceparent.as_deref());
        let outcome = self.run_attempt(job, started).instrument(span).await;
        self.wake_workers().await?;
        outcome
    }

    /// Notifies the engine's workers if a job is queued. The engine fetches one job for each
    /// notification and free worker slot, and then waits for the next notification or for its
    /// timer. Without this call, the next job would wait for the timer.
    async fn wake_workers(&self) -> Result<(), QueueError> {
        let store = self.queue.own_store();
        Ok(store.notify_if_jobs_queued(ENGINE_CHANNEL).await?)
    }

    async fn run_attempt(&self, entry: &ProveJob, job: StartedJob) -> Result<(), QueueError> {
        let (id, store) = (entry.id.as_str(), self.queue.own_store());
        let outcome = if job.attempts > MAX_ATTEMPTS {
            Err(AttemptError::TooManyAttempts)
        } else {
            self.prove(id, &job).await
        };
        match outcome {
            Ok(answer) => {
                let answer = serde_json::to_string(&answer).expect("an answer has only strings and numbers");
                if store.finish_job(id, &JobResult::Succeeded(&answer)).await? {
                    audit::job_ended(id, &job.owner, "succeeded", None);
                }
                Ok(())
            }
            // The last attempt has its own error, which says more than that there were many
            // attempts.
            Err(error) if error.is_retryable() && job.attempts < MAX_ATTEMPTS => {
                tracing::warn!(event = "job_returned", job_id = id, %error);
                self.queue.retry(entry, &job).await
            }
            Err(error) => {
                let (code, detail) = (error.code(), error.to_string());
                tracing::warn!(event = "job_failed", job_id = id, circuit_id = job.circuit, code);
                let failure = JobResult::Failed {
                    code,
                    detail: &detail,
                };
                if store.finish_job(id, &failure).await? {
                    audit::job_ended(id, &job.owner, "failed", Some(code));
                }
                Ok(())
            }
        }
    }

    async fn prove(&self, id: &str, job: &StartedJob) -> Result<ProveAnswer, AttemptError> {
        let store = self.queue.own_store();
        let body = self.queue.0.keys.decrypt(id, &job.witness)?;
        let request: ProveRequest = from_json(&body)?;
        let task = request.check(&self.circuits, Some(store)).await?;
        // The proof doesn't wait for the announcement, and doesn't fail with it.
        let announcement = store.announce_progress(
            id,
            "proving",
            0.3,
            self.prover.average_time().map(time::milliseconds),
        );
        let client = client_of_owner(&job.owner);
        let requester = Requester {
            owner: &job.owner,
            client: &client,
        };
        let answer = prove(&self.prover, requester, Admission::Job, task, || ());
        let (_, answer) = tokio::join!(announcement, answer);
        Ok(answer?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_with_fields_of_a_newer_version_is_left_to_another_worker() {
        let stored = br#"{"statement": "ownership", "added_later": {"score": 1}}"#;
        let error = from_json::<ProveRequest>(stored).err().unwrap();
        assert!(AttemptError::from(error).is_retryable());
    }
}
