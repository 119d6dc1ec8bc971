//! The state of the routes.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, header};
use bauta_service_common::{ApiKeys, Caller, Problem, Refusals, Streams, Tickets, TrustedProxies};
use bauta_store::Store;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::{limits::Limits, problems};
use crate::{
    audit, circuits::Circuits, events::Events, prover::Prover, queue::Queue, sealed_inputs::SealingKeys,
};

/// The permission to request proofs, and to see and cancel one's own jobs.
pub const PROVE: &str = "prove";
/// The permission to see statistics, failed jobs and workers, and to measure the service.
pub const ADMIN: &str = "admin";
/// All permissions of API keys.
pub const PERMISSIONS: [&str; 2] = [PROVE, ADMIN];

/// Largest body of an operator's request in bytes.
pub const MAX_OPERATION_BYTES: usize = 8 << 10;

/// The state that all routes share.
pub struct AppState {
    /// The circuits with their keys.
    pub circuits: Arc<Circuits>,
    /// Makes proofs in this process.
    pub prover: Arc<Prover>,
    /// The keys that clients seal private inputs to.
    pub sealing: SealingKeys,
    pub api_keys: ApiKeys,
    /// The tickets of web pages.
    pub tickets: Tickets,
    /// Whether a client without an API key may request proofs.
    pub allow_anonymous: bool,
    /// The proxies that clients' addresses are accepted from.
    pub trusted_proxies: TrustedProxies,
    /// The job queue. `None` without a database.
    pub queue: Option<Queue>,
    /// The progress of jobs and requests.
    pub events: Events,
    /// The rate limits.
    pub limits: Limits,
    /// The records of requests beyond the rate limits.
    pub refusals: Arc<Refusals>,
    /// The open websockets and event streams.
    pub streams: Streams,
    /// The requests that wait for a job.
    pub waiting: Streams,
    /// The batches whose jobs are being stored. It bounds their memory while the database is slow.
    pub batches: Semaphore,
    /// A request waits for a job for this time.
    pub max_wait: Duration,
    /// A websocket without a subscription is closed after this time.
    pub websocket_idle_timeout: Duration,
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
    /// Returns the caller of a request if it has the permission. A request without an API key has
    /// at most the permission to prove.
    pub async fn authorise(&self, headers: &HeaderMap, permission: &str) -> Result<Caller, Problem> {
        let is_anonymous = !headers.contains_key(header::AUTHORIZATION);
        if is_anonymous && self.allow_anonymous && permission == PROVE {
            return Ok(Caller::default());
        }
        self.identify(headers, permission).await
    }

    /// Returns the caller of a request if its API key has the permission.
    pub async fn identify(&self, headers: &HeaderMap, permission: &str) -> Result<Caller, Problem> {
        let caller = self.api_keys.authorise(headers, permission).await;
        match &caller {
            Ok(Caller { prefix, .. }) if permission == ADMIN => audit::admin_request(prefix),
            Ok(_) => {}
            Err(error) => audit::key_refused(error.code(), permission),
        }
        Ok(caller?)
    }

    /// Fails if the API key of a client that was authorised earlier isn't valid any more.
    pub async fn check_again(&self, caller: &Caller) -> Result<(), Problem> {
        if caller.prefix.is_empty() {
            return Ok(());
        }
        let checked = self.api_keys.check_again(&caller.prefix, PROVE).await;
        if let Err(error) = &checked {
            audit::key_refused(error.code(), PROVE);
        }
        Ok(checked?)
    }

    /// Waits until the streams of a client that was authorised earlier must end: its API key isn't
    /// valid any more, or the service shuts down. Returns whether the key is the reason.
    pub async fn until_ended(&self, caller: &Caller) -> bool {
        let refused = async {
            if caller.prefix.is_empty() {
                std::future::pending::<()>().await;
            }
            let error = self.api_keys.until_refused(&caller.prefix, PROVE).await;
            audit::key_refused(error.code(), PROVE);
        };
        tokio::select! {
            () = self.shutdown.cancelled() => false,
            () = refused => true,
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
