//! The state of the routes.

use std::{sync::Arc, time::Instant};

use axum::http::HeaderMap;
use bauta_service_common::{ApiKeys, Caller, Problem};
use bauta_store::Store;
use tokio_util::sync::CancellationToken;

use super::{limits::Limits, problems};
use crate::{circuits::Circuits, events::Events, prover::Prover, queue::Queue};

/// The permission to request proofs, and to see and cancel one's own jobs.
pub const PROVE: &str = "prove";
/// The permission to see statistics, failed jobs and workers, and to measure the service.
pub const ADMIN: &str = "admin";
/// All permissions of API keys.
pub const PERMISSIONS: [&str; 2] = [PROVE, ADMIN];

/// The state that all routes share.
pub struct AppState {
    /// The circuits with their keys.
    pub circuits: Arc<Circuits>,
    /// Makes proofs in this process.
    pub prover: Arc<Prover>,
    /// The API keys. `None` if every client may use every route.
    pub api_keys: Option<ApiKeys>,
    /// The job queue. `None` without a database.
    pub queue: Option<Queue>,
    /// The progress of jobs and requests.
    pub events: Events,
    /// The rate limits.
    pub limits: Limits,
    /// Cancelled when the service shuts down.
    pub shutdown: CancellationToken,
    /// Time of the start.
    pub started: Instant,
    /// Locked during a measurement, because only one may run at a time.
    pub profiling: tokio::sync::Mutex<()>,
    /// The URL of the websocket in responses.
    pub websocket_url: String,
}

impl AppState {
    /// Returns the caller of a request if its API key has the permission.
    pub fn authorise(&self, headers: &HeaderMap, permission: &str) -> Result<Caller, Problem> {
        match &self.api_keys {
            Some(keys) => Ok(keys.authorise(headers, permission)?),
            None => Ok(Caller {
                prefix: String::new(),
            }),
        }
    }

    /// Returns the job queue.
    pub fn queue(&self) -> Result<&Queue, Problem> {
        self.queue.as_ref().ok_or_else(problems::no_jobs)
    }

    /// Returns the database, if there is one.
    pub fn store(&self) -> Option<&Store> {
        self.queue.as_ref().map(Queue::store)
    }
}
