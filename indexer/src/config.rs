//! The service's settings.

use std::num::NonZeroU32;
use std::time::Duration;

use bauta_service_common::{OperationsSettings, Secret};
use confique::Config;
use serde::Deserialize;

use bauta_indexer::rpc::NodeSettings;

/// What the service is told.
#[derive(Debug, Clone, Config)]
pub struct ServiceSettings {
    /// Postgres: `postgres://user:password@host:port/database`. The user needs the role `bauta_indexer`; one that owns the
    /// database migrates it at the start.
    #[config(env = "DATABASE_URL")]
    pub database_url: Secret,

    /// Connections to Postgres, from 2: one holds the lead.
    #[config(env = "DATABASE_CONNECTIONS", default = 4, validate(*database_connections >= 2, "must be at least 2"))]
    pub database_connections: u32,

    /// Whether to bring the schema up to date at the start. Otherwise another schema is refused.
    #[config(env = "DATABASE_MIGRATE", default = true)]
    pub database_migrate: bool,

    /// The nodes' JSON-RPC, the preferred one first; in the environment a list with commas. In the file each is a table
    /// `[[nodes]]` with `url` and, if they differ from the settings below, `concurrency` and `requests_per_second`.
    #[config(env = "SOLANA_RPC_URL", parse_env = nodes_of, validate(!nodes.is_empty(), "at least one node is needed"))]
    pub nodes: Nodes,

    /// Websockets that say when there is something new; in the environment a list with commas. Without any the indexer asks
    /// every `poll_interval_ms`.
    #[config(env = "SOLANA_WS_URL", parse_env = secrets_of, default = [])]
    pub websockets: Vec<Secret>,

    /// Requests under way at one node at once, from 1.
    #[config(env = "RPC_CONCURRENCY", default = 16, validate(*rpc_concurrency >= 1, "must be at least 1"))]
    pub rpc_concurrency: usize,

    /// Requests a second to one node, from 1.
    #[config(env = "RPC_REQUESTS_PER_SECOND", default = 100)]
    pub rpc_requests_per_second: NonZeroU32,

    /// Milliseconds that an answer may take, from 100.
    #[config(env = "RPC_TIMEOUT_MS", default = 10_000, validate(*rpc_timeout_ms >= 100, "must be at least 100"))]
    pub rpc_timeout_ms: u64,

    /// Milliseconds between two looks at the chain when no websocket says anything, from 50.
    #[config(env = "POLL_INTERVAL_MS", default = 1_000, validate(*poll_interval_ms >= 50, "must be at least 50"))]
    pub poll_interval_ms: u64,

    /// Milliseconds between two comparisons of what was applied with what the nodes list, from 50.
    #[config(env = "COMPARE_INTERVAL_MS", default = 2_000, validate(*compare_interval_ms >= 50, "must be at least 50"))]
    pub compare_interval_ms: u64,

    /// Milliseconds between two looks at finality, from 50.
    #[config(env = "FINALITY_INTERVAL_MS", default = 2_000, validate(*finality_interval_ms >= 50, "must be at least 50"))]
    pub finality_interval_ms: u64,

    /// Milliseconds between two comparisons of the database with the program's accounts (getProgramAccounts). Nothing is marked
    /// as final before it has been compared. 0: never, for nodes that don't give a program's accounts.
    #[config(env = "RECONCILE_INTERVAL_MS", default = 10_000)]
    pub reconcile_interval_ms: u64,

    /// Transactions fetched and applied together, from 1.
    #[config(env = "BATCH_TRANSACTIONS", default = 1_000, validate(*batch_transactions >= 1, "must be at least 1"))]
    pub batch_transactions: usize,

    /// Seconds behind the chain from which on /ready says no.
    #[config(env = "READY_MAX_LAG_SECONDS", default = 30)]
    pub ready_max_lag_seconds: u64,

    /// Logs, metrics and the end.
    #[config(nested)]
    pub operations: OperationsSettings,
}

/// A node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    url: Secret,
    concurrency: Option<usize>,
    requests_per_second: Option<NonZeroU32>,
}

/// The nodes, the preferred one first; at least one.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Nodes(Vec<NodeConfig>);

impl Nodes {
    const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A list with an empty place.
#[derive(Debug, thiserror::Error)]
#[error("a list of URLs with commas between them has an empty place")]
pub struct EmptyPlace;

fn nodes_of(list: &str) -> Result<Nodes, EmptyPlace> {
    let node = |url| NodeConfig {
        url,
        concurrency: None,
        requests_per_second: None,
    };
    Ok(Nodes(secrets_of(list)?.into_iter().map(node).collect()))
}

fn secrets_of(list: &str) -> Result<Vec<Secret>, EmptyPlace> {
    let url = |part: &str| {
        let part = part.trim();
        (!part.is_empty())
            .then(|| Secret::new(part.to_owned()))
            .ok_or(EmptyPlace)
    };
    list.split(',').map(url).collect()
}

impl ServiceSettings {
    /// How each node may be asked.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeSettings> {
        let settings = |node: &NodeConfig| NodeSettings {
            url: node.url.expose().to_owned(),
            concurrency: node.concurrency.unwrap_or(self.rpc_concurrency),
            per_second: node.requests_per_second.unwrap_or(self.rpc_requests_per_second),
            patience: Duration::from_millis(self.rpc_timeout_ms),
        };
        self.nodes.0.iter().map(settings).collect()
    }
}
