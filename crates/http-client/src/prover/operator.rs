//! What operators read. Each call needs a key with the permission `admin`.

use bauta_wire::prover::{
    FailedJobs, ProfileRequest, QueueStats, Registered, Registration, Report, Snapshot, WorkerStats,
};

use super::ProverService;
use crate::{HttpError, transport::Request};

impl ProverService {
    /// Returns statistics of recent proofs, jobs and resources.
    pub async fn snapshot(&self) -> Result<Snapshot, HttpError> {
        self.0
            .document(&Request::get("api/metrics/snapshot").keyed())
            .await
    }

    /// Returns the jobs that failed permanently, until they are deleted.
    pub async fn failed(&self) -> Result<FailedJobs, HttpError> {
        self.0.document(&Request::get("api/queue/failed").keyed()).await
    }

    /// Returns the numbers of jobs by state.
    pub async fn queue_stats(&self) -> Result<QueueStats, HttpError> {
        self.0.document(&Request::get("api/queue/stats").keyed()).await
    }

    /// Returns the active workers and the recommended number of workers.
    pub async fn worker_stats(&self) -> Result<WorkerStats, HttpError> {
        self.0.document(&Request::get("api/workers/stats").keyed()).await
    }

    /// Writes the registration of a worker of an earlier system to the log. It has no other effect.
    pub async fn register(&self, body: &Registration) -> Result<Registered, HttpError> {
        let request = Request::post("api/workers/register", body)?;
        self.0.document(&request.keyed()).await
    }

    /// Measures the proving time of the instance. It takes as long as all proofs together, so
    /// [`Settings::timeout`](crate::Settings) must be longer.
    pub async fn profile(&self, body: &ProfileRequest) -> Result<Report, HttpError> {
        let request = Request::post("api/profiling/comprehensive", body)?.query("format", Some("json"));
        self.0.document(&request.keyed().once()).await
    }
}
