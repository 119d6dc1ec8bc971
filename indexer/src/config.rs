//! The settings of the service.

use std::num::NonZeroU32;
use std::time::Duration;

use bauta_service_common::{OperationsSettings, Secret};
use confique::Config;
use serde::Deserialize;

use bauta_indexing::ClusterCheck;
use bauta_indexing::nodes::NodeSettings;

/// The settings of the service.
#[derive(Debug, Clone, Config)]
pub struct ServiceSettings {
    /// URL of Postgres: `postgres://user:password@host:port/database`. The user needs the role
    /// `bauta_indexer`. To migrate the database the user must own it.
    #[config(env = "DATABASE_URL")]
    pub database_url: Secret,

    /// Connections to Postgres, at least 2. One of them holds the leader's lock.
    #[config(env = "DATABASE_CONNECTIONS", default = 4, validate(*database_connections >= 2, "must be at least 2"))]
    pub database_connections: u32,

    /// Whether to migrate the schema at the start. If false, the service refuses another schema
    /// version.
    #[config(env = "DATABASE_MIGRATE", default = true)]
    pub database_migrate: bool,

    /// JSON-RPC URLs of the nodes, the preferred one first. In the environment: a list separated by
    /// commas. In the file: a table `[[nodes]]` for each, with `url` and optionally `concurrency`
    /// and `requests_per_second`, which replace the settings below, and `weight`: the node's share
    /// of the requests. Without weights the first healthy node gets all.
    #[config(env = "SOLANA_RPC_URL", parse_env = parse_nodes, validate(!nodes.is_empty(), "must contain at least one node"))]
    pub nodes: Nodes,

    /// Genesis hash of the cluster in base58, for example the answer of `solana genesis-hash`.
    /// `recorded` is the hash that the database has recorded; the first start records that of the
    /// nodes. `any` disables the check, for a local chain that gets another hash with each start.
    #[config(env = "GENESIS_HASH", default = "recorded")]
    pub genesis_hash: GenesisHashSetting,

    /// Websocket URLs of nodes, which wake the indexer when there is a new transaction. In the
    /// environment: a list separated by commas. Without any, the indexer only polls, every
    /// `poll_interval_ms`.
    #[config(env = "SOLANA_WS_URL", parse_env = parse_secrets, default = [])]
    pub websockets: Vec<Secret>,

    /// URL of a Yellowstone gRPC server, `http://` or `https://`. It delivers transactions that the
    /// nodes list, so that they do not have to be requested. Optional.
    #[cfg(feature = "yellowstone")]
    #[config(env = "YELLOWSTONE_URL")]
    pub yellowstone_url: Option<Secret>,

    /// Token for the Yellowstone gRPC server (header `x-token`). Optional.
    #[cfg(feature = "yellowstone")]
    #[config(env = "YELLOWSTONE_TOKEN")]
    pub yellowstone_token: Option<Secret>,

    /// Concurrent requests to one node, at least 1.
    #[config(env = "RPC_CONCURRENCY", default = 16, validate(*rpc_concurrency >= 1, "must be at least 1"))]
    pub rpc_concurrency: usize,

    /// Requests per second to one node, at least 1.
    #[config(env = "RPC_REQUESTS_PER_SECOND", default = 100)]
    pub rpc_requests_per_second: NonZeroU32,

    /// Time limit of a request to a node in milliseconds, at least 100.
    #[config(env = "RPC_TIMEOUT_MS", default = 10_000, validate(*rpc_timeout_ms >= 100, "must be at least 100"))]
    pub rpc_timeout_ms: u64,

    /// Milliseconds between two polls of the chain when no websocket wakes the indexer, at least
    /// 50.
    #[config(env = "POLL_INTERVAL_MS", default = 1_000, validate(*poll_interval_ms >= 50, "must be at least 50"))]
    pub poll_interval_ms: u64,

    /// Milliseconds between two comparisons of the applied transactions with the nodes' lists, at
    /// least 50.
    #[config(env = "COMPARE_INTERVAL_MS", default = 2_000, validate(*compare_interval_ms >= 50, "must be at least 50"))]
    pub compare_interval_ms: u64,

    /// Milliseconds between two updates of the finalized slot, at least 50.
    #[config(env = "FINALITY_INTERVAL_MS", default = 2_000, validate(*finality_interval_ms >= 50, "must be at least 50"))]
    pub finality_interval_ms: u64,

    /// Milliseconds between two rounds of the reconciliation of the database with the program's
    /// accounts (getProgramAccounts). The journal is kept until a slot is reconciled. 0 disables
    /// reconciliation, for nodes that do not serve getProgramAccounts.
    #[config(env = "RECONCILE_INTERVAL_MS", default = 10_000)]
    pub reconcile_interval_ms: u64,

    /// Transactions that are fetched and applied in one batch, at least 1.
    #[config(env = "BATCH_TRANSACTIONS", default = 1_000, validate(*batch_transactions >= 1, "must be at least 1"))]
    pub batch_transactions: usize,

    /// Lag behind the chain, in seconds, above which /ready fails.
    #[config(env = "READY_MAX_LAG_SECONDS", default = 30)]
    pub ready_max_lag_seconds: u64,

    /// Settings of logs, metrics and shutdown.
    #[config(nested)]
    pub operations: OperationsSettings,
}

/// The setting `genesis_hash`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct GenesisHashSetting(pub ClusterCheck);

/// A text that is neither a genesis hash nor `recorded` nor `any`.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a genesis hash; use 32 bytes in base58, `recorded` or `any`")]
pub struct InvalidGenesisHash(String);

impl TryFrom<String> for GenesisHashSetting {
    type Error = InvalidGenesisHash;

    fn try_from(text: String) -> Result<Self, InvalidGenesisHash> {
        let check = match text.as_str() {
            "recorded" => ClusterCheck::Recorded,
            "any" => ClusterCheck::Off,
            hash => {
                let mut bytes = [0; 32];
                match bs58::decode(hash).onto(&mut bytes) {
                    Ok(32) => ClusterCheck::Required(bytes),
                    _ => return Err(InvalidGenesisHash(text)),
                }
            }
        };
        Ok(Self(check))
    }
}

/// The settings of one node.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    url: Secret,
    concurrency: Option<usize>,
    requests_per_second: Option<NonZeroU32>,
    #[serde(default)]
    weight: u32,
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

/// A list of URLs with an empty entry.
#[derive(Debug, thiserror::Error)]
#[error("the list of URLs, which is separated by commas, has an empty entry; remove it")]
pub struct EmptyEntry;

fn parse_nodes(list: &str) -> Result<Nodes, EmptyEntry> {
    let node = |url| NodeConfig {
        url,
        concurrency: None,
        requests_per_second: None,
        weight: 0,
    };
    Ok(Nodes(parse_secrets(list)?.into_iter().map(node).collect()))
}

fn parse_secrets(list: &str) -> Result<Vec<Secret>, EmptyEntry> {
    let url = |entry: &str| {
        let entry = entry.trim();
        (!entry.is_empty())
            .then(|| Secret::new(entry.to_owned()))
            .ok_or(EmptyEntry)
    };
    list.split(',').map(url).collect()
}

impl ServiceSettings {
    /// Returns the settings of each node, with the defaults applied.
    #[must_use]
    pub fn nodes(&self) -> Vec<NodeSettings> {
        let settings = |node: &NodeConfig| NodeSettings {
            url: node.url.expose().to_owned(),
            concurrency: node.concurrency.unwrap_or(self.rpc_concurrency),
            requests_per_second: node.requests_per_second.unwrap_or(self.rpc_requests_per_second),
            timeout: Duration::from_millis(self.rpc_timeout_ms),
            weight: node.weight,
        };
        self.nodes.0.iter().map(settings).collect()
    }
}
