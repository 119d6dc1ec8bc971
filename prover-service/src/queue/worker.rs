//! Who runs jobs.

use std::{fmt, sync::Arc, time::Duration};

use bauta_service_common::{Problem, Service, from_json, spans};
use bauta_store::{Begun, End};
use graphile_worker::{
    IntoTaskHandlerResult, JobRecovery, JobRecoveryResult, TaskHandler, WorkerContext, WorkerOptions,
};
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use super::{DEAD_AFTER, Queue, QueueError, SCHEMA, engine_error, time_of_turn};
use crate::{
    audit,
    circuits::Circuits,
    line::Admission,
    proof::ProveAnswer,
    prover::{ProveError, Prover},
    request::ProveRequest,
    seal::SealError,
    time,
};

/// A worker says this often that it lives, and looks this often for those that don't.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Between attempts of a job, a worker's death included.
const MOST_ATTEMPTS: u16 = 10;

impl Queue {
    /// Runs jobs until the service ends: those that are begun by then are finished. While the database is away nothing is run, and nothing
    /// ends for that.
    pub async fn work(
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
        let mut engine = Some(worker.engine(&shutdown).await?);
        service.spawn("the worker", async move {
            while let Some(running) = engine {
                let Err(error) = running.run().await else { break };
                tracing::warn!(event = "worker_away", %error);
                engine = worker.engine_again(&shutdown).await;
            }
            Ok::<_, QueueError>(())
        });
        Ok(())
    }
}

/// What the engine keeps of a job.
#[derive(Serialize, Deserialize)]
pub(super) struct ProveJob {
    pub(super) id: String,
    /// The span of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) traceparent: Option<String>,
}

/// What a worker works with.
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
            None => Err("the worker has no prover".to_owned()),
        }
    }
}

impl Worker {
    /// What takes jobs out of the database.
    async fn engine(&self, shutdown: &CancellationToken) -> Result<graphile_worker::Worker, QueueError> {
        let shutdown = shutdown.clone();
        let missing = self.circuits.missing();
        let options = missing.iter().fold(WorkerOptions::default(), |options, circuit| {
            options.add_forbidden_flag(circuit)
        });
        options
            .schema(SCHEMA)
            .pg_pool(self.queue.store().pool().clone())
            .concurrency(self.prover.concurrent())
            .poll_interval(Duration::from_secs(1))
            .heartbeat_interval(HEARTBEAT)
            .sweep_interval(HEARTBEAT)
            .sweep_threshold(DEAD_AFTER)
            .recovery_delay(Duration::ZERO)
            // What a dead worker had is next, whatever its turn was.
            .on(JobRecovery, |_| async {
                JobRecoveryResult::Reschedule {
                    run_at: time_of_turn(0),
                    attempts: None,
                }
            })
            .listen_os_shutdown_signals(false)
            .shutdown_signal(async move { shutdown.cancelled().await })
            .shutdown_grace_period(Duration::from_secs(20))
            .add_extension(self.clone())
            .define_job::<ProveJob>()
            .init()
            .await
            .map_err(engine_error)
    }

    /// Another one, as soon as the database lets it begin. None if the service ends before.
    async fn engine_again(&self, shutdown: &CancellationToken) -> Option<graphile_worker::Worker> {
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return None,
                () = tokio::time::sleep(HEARTBEAT) => {}
            }
            if let Ok(engine) = self.engine(shutdown).await {
                tracing::info!(event = "worker_back");
                return Some(engine);
            }
        }
    }

    /// Runs a job to its end. An error means: again, later.
    async fn run(&self, job: &ProveJob) -> Result<(), QueueError> {
        let id = job.id.as_str();
        let store = self.queue.store();
        let Some(begun) = store.begin_job(id).await? else {
            return Ok(store.wake_workers().await?);
        };
        // In a job's lines its id stands where a request's does.
        let span = tracing::info_span!(target: bauta_service_common::AUDIT, "job", request_id = id);
        spans::follow(&span, job.traceparent.as_deref());
        let ran = self.run_begun(id, begun).instrument(span).await;
        // The next one that waits, at once.
        store.wake_workers().await?;
        ran
    }

    async fn run_begun(&self, id: &str, begun: Begun) -> Result<(), QueueError> {
        let store = self.queue.store();
        let outcome = if begun.attempts > MOST_ATTEMPTS {
            let detail = format!("{MOST_ATTEMPTS} workers began it and none ended it");
            Err(Failure::Last("too_many_attempts", detail))
        } else {
            self.prove(id, &begun).await
        };
        match outcome {
            Ok(answer) => {
                let answer = serde_json::to_string(&answer).expect("an answer has only text and numbers");
                if store.end_job(id, &End::Succeeded(&answer)).await? {
                    audit::job_ended(id, &begun.owner, "succeeded", None);
                }
            }
            Err(Failure::Last(code, detail)) => {
                tracing::warn!(
                    event = "job_failed",
                    job_id = id,
                    circuit_id = begun.circuit,
                    code
                );
                if store.end_job(id, &End::Failed(code, &detail)).await? {
                    audit::job_ended(id, &begun.owner, "failed", Some(code));
                }
            }
            Err(Failure::Passing(error)) => {
                tracing::warn!(event = "job_returned", job_id = id, %error);
                store.return_job(id).await?;
                return Err(error);
            }
        }
        Ok(())
    }

    async fn prove(&self, id: &str, begun: &Begun) -> Result<ProveAnswer, Failure> {
        let store = self.queue.store();
        let body = self.queue.0.keys.open(id, &begun.witness);
        let body = body.map_err(|error| match error {
            // While keys are being rotated, another worker has it already.
            SealError::UnknownKey { .. } => Failure::Passing(error.into()),
            _ => Failure::Last("witness_unreadable", error.to_string()),
        })?;
        let request: ProveRequest = from_json(&body).map_err(|problem| Failure::of(&problem))?;
        let task = request
            .check(&self.circuits, Some(store))
            .await
            .map_err(|problem| Failure::of(&problem))?;
        // Nobody's proof waits for a message about it.
        let announced = store.announce_progress(
            id,
            "proving",
            0.3,
            self.prover.average_time().map(time::milliseconds),
        );
        let answer = ProveAnswer::make(&self.prover, &begun.owner, Admission::Job, task, || ());
        let (_, answer) = tokio::join!(announced, answer);
        answer.map_err(|error| match error {
            ProveError::Engine(_) => Failure::Last("proof_failed", error.to_string()),
            _ => Failure::Passing(QueueError::Later(error.to_string())),
        })
    }
}

/// Why an attempt has no proof.
enum Failure {
    /// It will never have one.
    Last(&'static str, String),
    /// It may have one later.
    Passing(QueueError),
}

impl Failure {
    /// Of a request that was good when it was taken.
    fn of(problem: &Problem) -> Self {
        // Another worker may have the key that this one lacks.
        if problem.status().is_server_error() || problem.code() == "unknown_circuit" {
            Self::Passing(QueueError::Later(problem.detail().to_owned()))
        } else {
            Self::Last(problem.code(), problem.detail().to_owned())
        }
    }
}
