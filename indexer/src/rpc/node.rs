//! One node: its limits, and how much it is trusted at the moment.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bauta_rpc::{Options, Rpc, RpcError};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use crate::metrics;

/// How a node may be asked. Not printable: the URL may hold a key.
#[derive(Clone)]
pub struct NodeSettings {
    /// Its JSON-RPC.
    pub url: String,
    /// Requests under way at once, at least 1.
    pub concurrency: usize,
    /// Requests a second.
    pub per_second: NonZeroU32,
    /// For how long an answer is waited for.
    pub patience: Duration,
}

pub struct Node {
    rpc: Rpc,
    places: Semaphore,
    rate: DefaultDirectRateLimiter,
    /// Failures since the last success.
    failures: AtomicU32,
}

impl Node {
    pub fn new(settings: &NodeSettings) -> Result<Self, RpcError> {
        let options = Options {
            timeout: settings.patience,
            ..Options::default()
        };
        Ok(Self {
            rpc: Rpc::with_options(&settings.url, options)?,
            places: Semaphore::new(settings.concurrency.max(1)),
            rate: RateLimiter::direct(Quota::per_second(settings.per_second)),
            failures: AtomicU32::new(0),
        })
    }

    /// The client, for a request within [`Self::ask`].
    pub const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// Failures in a row.
    pub fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Makes a request within the node's limits.
    pub async fn ask<T>(
        &self,
        method: &'static str,
        request: impl Future<Output = Result<T, RpcError>>,
    ) -> Result<T, RpcError> {
        self.rate.until_ready().await;
        // never closed, so there is always a place in the end
        let _place = self.places.acquire().await.ok();
        let answer = request.await;
        metrics::request(self.rpc.host(), method, answer.is_err());
        match &answer {
            Ok(_) => self.failures.store(0, Ordering::Relaxed),
            Err(error) => {
                self.failures.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(event = "request_failed", node = self.rpc.host(), method, %error);
            }
        }
        answer
    }

    /// An answer that contradicts what was asked for.
    pub fn contradiction(&self, method: &'static str, reason: impl std::fmt::Display) -> RpcError {
        self.failures.fetch_add(1, Ordering::Relaxed);
        RpcError::Answer {
            method,
            reason: format!("{}: {reason}", self.rpc.host()),
        }
    }
}
