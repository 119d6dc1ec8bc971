//! One node: its limits, its health and its cluster.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bauta_rpc::{Options, Rpc, RpcError};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::Semaphore;

use crate::backoff::doubling_pause;
use crate::chain::GenesisHash;
use crate::metrics;

/// The time for which other nodes are preferred after the first failure of a node. It doubles with
/// each further failure.
const MIN_COOL_DOWN: Duration = Duration::from_millis(500);
/// The longest time for which other nodes are preferred after a failure or a slow answer.
const MAX_COOL_DOWN: Duration = Duration::from_secs(30);
/// The longest pause that a node can request with `Retry-After`.
const MAX_PAUSE: Duration = Duration::from_mins(1);
/// The time for which a node counts as one of its cluster after a check. A load balancer or
/// a name server can start to direct requests to another node at any time.
const CLUSTER_CHECK_INTERVAL: Duration = Duration::from_mins(1);

/// The time for which a node that has refused to return accounts counts as one that does not return
/// them.
const REFUSED_ACCOUNTS_TIME: Duration = Duration::from_mins(10);
/// The largest number of entries of a list that is held in memory, which takes 100 MB. A long
/// history is read page by page.
const MAX_LISTED: usize = 1_000_000;
/// The time for which a node that has refused several calls in one request gets single calls.
const NO_BATCHES_TIME: Duration = Duration::from_mins(10);

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
    /// The share of the requests that the node gets while it is healthy, in relation to the weights
    /// of the other nodes. If all are 0, the first node gets them.
    pub weight: u32,
}

/// A node with its limits, its health and its cluster.
pub struct Node {
    /// The index of the node in the configuration.
    pub index: usize,
    /// See [`NodeSettings::weight`].
    pub weight: u32,
    /// The largest number of entries of a list that is held in memory.
    pub max_listed: usize,
    rpc: Rpc,
    permits: Semaphore,
    rate: DefaultDirectRateLimiter,
    health: Mutex<Health>,
    /// The cluster to which the node must belong, as soon as it is known.
    expected_cluster: Arc<OnceLock<GenesisHash>>,
    /// When the node last returned the expected genesis hash. The lock makes concurrent requests
    /// wait for one check.
    cluster_checked_at: tokio::sync::Mutex<Option<Instant>>,
}

/// What is known about a node from its answers.
#[derive(Default)]
struct Health {
    methods: HashMap<&'static str, MethodHealth>,
    /// The node was slow. Until this time other nodes are preferred.
    slow_until: Option<Instant>,
    /// The node has requested a pause until this time.
    paused_until: Option<Instant>,
    /// The node has refused several calls in one request. Until this time it gets single calls.
    no_batches_until: Option<Instant>,
    /// The node has refused to return accounts. Until this time it does not count as one that does.
    no_accounts_until: Option<Instant>,
    /// Whether the node belongs to another cluster.
    is_in_other_cluster: bool,
    /// Whether the node did not return its genesis hash when it was last requested.
    is_unchecked: bool,
}

/// The health of one method. A node can serve one method and fail another one.
#[derive(Default)]
struct MethodHealth {
    /// The number of failures since the last success.
    failures: u32,
    cool_down_until: Option<Instant>,
}

/// The rank of a node for a method. Smaller ranks are used first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Rank {
    /// The number of failures since the last success. 0 when the cool-down is over, so that the
    /// node is used again.
    failures: u32,
    is_slow: bool,
}

impl Rank {
    /// Returns whether the node is neither failing nor slow.
    pub const fn is_healthy(self) -> bool {
        self.failures == 0 && !self.is_slow
    }
}

fn is_future(time: Option<Instant>) -> bool {
    time.is_some_and(|time| time > Instant::now())
}

impl Node {
    pub fn new(
        index: usize,
        settings: &NodeSettings,
        expected_cluster: Arc<OnceLock<GenesisHash>>,
    ) -> Result<Self, RpcError> {
        let options = Options {
            timeout: settings.timeout,
            ..Options::default()
        };
        Ok(Self {
            index,
            weight: settings.weight,
            max_listed: MAX_LISTED,
            rpc: Rpc::with_options(&settings.url, options)?,
            permits: Semaphore::new(settings.concurrency.max(1)),
            rate: RateLimiter::direct(Quota::per_second(settings.requests_per_second)),
            health: Mutex::default(),
            expected_cluster,
            cluster_checked_at: tokio::sync::Mutex::default(),
        })
    }

    /// Returns the client, for a request that is passed to [`Self::request`].
    pub const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    fn with_health<T>(&self, f: impl FnOnce(&mut Health) -> T) -> T {
        // A panic cannot leave the fields inconsistent.
        f(&mut self.health.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns the rank of the node for a method.
    pub fn rank(&self, method: &'static str) -> Rank {
        self.with_health(|health| {
            let is_slow = is_future(health.slow_until);
            let failing = health
                .methods
                .get(method)
                .filter(|method| is_future(method.cool_down_until));
            Rank {
                failures: failing.map_or(0, |method| method.failures),
                is_slow,
            }
        })
    }

    /// Records that the node did not answer in the time after which another node is used.
    pub fn record_slow(&self) {
        self.with_health(|health| health.slow_until = Some(Instant::now() + MAX_COOL_DOWN));
    }

    /// Returns whether the last check found that the node belongs to another cluster.
    pub fn is_in_other_cluster(&self) -> bool {
        self.with_health(|health| health.is_in_other_cluster)
    }

    /// Executes a request within the node's limits, and records its outcome. Refuses a node of
    /// another cluster.
    pub async fn request<T>(
        &self,
        method: &'static str,
        request: impl Future<Output = Result<T, RpcError>>,
    ) -> Result<T, RpcError> {
        self.request_several(method, 1, request).await
    }

    /// Executes a request that makes several calls of a method, like [`Self::request`]. Each call
    /// counts for the limit per second.
    pub async fn request_several<T>(
        &self,
        method: &'static str,
        calls: usize,
        request: impl Future<Output = Result<T, RpcError>>,
    ) -> Result<T, RpcError> {
        self.check_cluster().await?;
        let response = self.send(method, calls, request).await;
        if let Err(RpcError::Unreachable { .. }) = &response {
            // The next connection can lead to another node.
            *self.cluster_checked_at.lock().await = None;
        }
        response
    }

    /// Returns whether the node has not refused several calls in one request for some time.
    pub fn accepts_batches(&self) -> bool {
        self.with_health(|health| !is_future(health.no_batches_until))
    }

    /// Records that the node refused several calls in one request.
    pub fn record_refused_batch(&self) {
        self.with_health(|health| health.no_batches_until = Some(Instant::now() + NO_BATCHES_TIME));
    }

    /// Returns whether the node has not refused to return accounts for some time.
    pub fn returns_accounts(&self) -> bool {
        self.with_health(|health| !is_future(health.no_accounts_until))
    }

    /// Records that the node refused to return accounts.
    pub fn record_refused_accounts(&self) {
        self.with_health(|health| health.no_accounts_until = Some(Instant::now() + REFUSED_ACCOUNTS_TIME));
    }

    /// Returns the genesis hash that the node reports.
    pub async fn genesis_hash(&self) -> Result<GenesisHash, RpcError> {
        let hash = self.send("getGenesisHash", 1, self.rpc.genesis_hash()).await?;
        Ok(hash.to_bytes())
    }

    /// Checks the cluster of the node, unless it was checked a short time ago.
    async fn check_cluster(&self) -> Result<(), RpcError> {
        let Some(expected) = self.expected_cluster.get() else {
            return Ok(());
        };
        let mut checked_at = self.cluster_checked_at.lock().await;
        if checked_at.is_some_and(|last| last.elapsed() < CLUSTER_CHECK_INTERVAL) {
            return Ok(());
        }
        let found = self.genesis_hash().await.inspect_err(|error| {
            // A node that is not checked is not used, whatever else it answers.
            if !self.with_health(|health| std::mem::replace(&mut health.is_unchecked, true)) {
                tracing::warn!(event = "node_not_checked", node = self.rpc.host(), %error);
            }
        })?;
        self.with_health(|health| health.is_unchecked = false);
        let is_other = found != *expected;
        let was_other =
            self.with_health(|health| std::mem::replace(&mut health.is_in_other_cluster, is_other));
        if is_other {
            let reason = format!(
                "the node belongs to the cluster with the genesis hash {}, but the database follows the cluster with \
                 the genesis hash {}",
                bs58::encode(found).into_string(),
                bs58::encode(expected).into_string()
            );
            if !was_other {
                tracing::error!(event = "node_refused", node = self.rpc.host(), reason);
            }
            return Err(self.invalid_response("getGenesisHash", reason));
        }
        *checked_at = Some(Instant::now());
        Ok(())
    }

    async fn send<T>(
        &self,
        method: &'static str,
        calls: usize,
        request: impl Future<Output = Result<T, RpcError>>,
    ) -> Result<T, RpcError> {
        self.check_pause()?;
        for _ in 0..calls {
            self.rate.until_ready().await;
        }
        // The semaphore is never closed, so this always returns a permit.
        let _permit = self.permits.acquire().await.ok();
        let start = Instant::now();
        let response = request.await;
        metrics::rpc_request(self.rpc.host(), method, start.elapsed(), response.is_err());
        match &response {
            Ok(_) => self.with_health(|health| {
                health.methods.remove(method);
            }),
            Err(error) => {
                self.record_failure(method, error);
                tracing::debug!(event = "rpc_failed", node = self.rpc.host(), method, %error);
            }
        }
        response
    }

    /// Fails while the node has requested a pause, so that another node is used.
    fn check_pause(&self) -> Result<(), RpcError> {
        let paused_until = self.with_health(|health| health.paused_until);
        match paused_until.and_then(|until| until.checked_duration_since(Instant::now())) {
            Some(rest) => Err(RpcError::Unreachable {
                host: self.rpc.host().to_owned(),
                reason: format!("it has requested a pause, of which {} s are left", rest.as_secs()),
            }),
            None => Ok(()),
        }
    }

    pub fn record_failure(&self, method: &'static str, error: &RpcError) {
        let now = Instant::now();
        self.with_health(|health| {
            if let RpcError::Http {
                retry_after: Some(pause),
                ..
            } = error
            {
                health.paused_until = Some(now + (*pause).min(MAX_PAUSE));
            }
            let method = health.methods.entry(method).or_default();
            method.failures = method.failures.saturating_add(1);
            let cool_down = doubling_pause(method.failures, MIN_COOL_DOWN, MAX_COOL_DOWN);
            method.cool_down_until = Some(now + cool_down);
        });
    }

    /// Records a response that contradicts the request, and returns the error for it.
    pub fn invalid_response(&self, method: &'static str, reason: impl std::fmt::Display) -> RpcError {
        let error = RpcError::InvalidResponse {
            method,
            reason: format!("{}: {reason}", self.rpc.host()),
        };
        self.record_failure(method, &error);
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node() -> Node {
        let settings = NodeSettings {
            url: "http://127.0.0.1:1".into(),
            concurrency: 1,
            requests_per_second: NonZeroU32::MIN,
            timeout: Duration::from_secs(1),
            weight: 0,
        };
        Node::new(0, &settings, Arc::default()).unwrap()
    }

    #[tokio::test]
    async fn a_success_of_one_method_does_not_hide_the_failures_of_another() {
        let node = node();
        let healthy = node.rank("getTransaction");
        node.invalid_response("getTransaction", "unknown");
        node.send("getSlot", 1, async { Ok(()) }).await.unwrap();
        assert!(node.rank("getTransaction") > healthy);
        assert_eq!(node.rank("getSlot"), healthy);
        node.send("getTransaction", 1, async { Ok(()) }).await.unwrap();
        assert_eq!(node.rank("getTransaction"), healthy);
    }

    #[tokio::test]
    async fn a_node_that_requests_a_pause_gets_no_request_until_it_is_over() {
        let node = node();
        let limited = RpcError::Http {
            host: String::new(),
            method: "getSlot",
            status: 429,
            retry_after: Some(Duration::from_secs(7)),
            body: String::new(),
        };
        node.send("getSlot", 1, async { Err::<(), _>(limited) })
            .await
            .unwrap_err();
        let refused = node.send("getBlock", 1, async { Ok(()) }).await.unwrap_err();
        assert!(refused.to_string().contains("has requested a pause"), "{refused}");
    }
}
