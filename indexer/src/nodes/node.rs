//! One node: its limits and its health.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bauta_rpc::{Options, Rpc, RpcError};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use crate::metrics;

/// The URL and the limits of a node. It has no `Debug`, because the URL may contain a key.
#[derive(Clone)]
pub struct NodeSettings {
    /// The URL of the node's JSON-RPC.
    pub url: String,
    /// The largest number of concurrent requests, at least 1.
    pub concurrency: usize,
    /// The largest number of requests per second.
    pub requests_per_second: NonZeroU32,
    /// The time limit of a request.
    pub timeout: Duration,
}

pub struct Node {
    rpc: Rpc,
    permits: Semaphore,
    rate: DefaultDirectRateLimiter,
    /// The number of failures since the last success.
    failures: AtomicU32,
}

impl Node {
    pub fn new(settings: &NodeSettings) -> Result<Self, RpcError> {
        let options = Options {
            timeout: settings.timeout,
            ..Options::default()
        };
        Ok(Self {
            rpc: Rpc::with_options(&settings.url, options)?,
            permits: Semaphore::new(settings.concurrency.max(1)),
            rate: RateLimiter::direct(Quota::per_second(settings.requests_per_second)),
            failures: AtomicU32::new(0),
        })
    }

    /// Returns the client, for a request that is passed to [`Self::request`].
    pub const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Returns the number of consecutive failures.
    pub fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Executes a request within the node's limits, and records its outcome.
    pub async fn request<T>(
        &self,
        method: &'static str,
        request: impl Future<Output = Result<T, RpcError>>,
    ) -> Result<T, RpcError> {
        self.rate.until_ready().await;
        // The semaphore is never closed, so this always returns a permit.
        let _permit = self.permits.acquire().await.ok();
        let response = request.await;
        metrics::rpc_request(self.rpc.host(), method, response.is_err());
        match &response {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(event = "rpc_failed", node = self.rpc.host(), method, %error);
            }
        }
        response
    }

    /// Records a response that contradicts the request, and returns the error for it.
    pub fn invalid_response(&self, method: &'static str, reason: impl std::fmt::Display) -> RpcError {
        self.failures.fetch_add(1, Ordering::Relaxed);
        RpcError::InvalidResponse {
            method,
            reason: format!("{}: {reason}", self.rpc.host()),
        }
    }
}
