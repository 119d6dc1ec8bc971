use bauta_service_common::{HttpSettings, OperationsSettings, Secret};
use confique::Config;

/// Settings of the API service.
#[derive(Debug, Config)]
pub struct Settings {
    /// Port to listen on. 0 chooses a free port.
    #[config(env = "PORT", default = 8080)]
    pub port: u16,

    /// URL of Postgres: `postgres://user:password@host:port/database`. The user needs the role
    /// `bauta_api`. The service doesn't migrate.
    #[config(env = "DATABASE_URL")]
    pub database_url: Secret,

    /// Largest number of connections to Postgres, and to each replica. At least 2, because one
    /// receives notifications.
    #[config(env = "DATABASE_CONNECTIONS", default = 50, validate(*database_connections >= 2, "must be at least 2"))]
    pub database_connections: u32,

    /// URLs of replicas of that database, separated by commas. Requests read from them as far as
    /// they have followed the primary. A replica may be unavailable.
    #[config(env = "DATABASE_READ_URLS", parse_env = secrets, default = [])]
    pub database_read_urls: Vec<Secret>,

    /// Bytes in MiB of the tiles that are kept in memory. 0 keeps none. A tree with a million
    /// leaves has about 33 MiB of tiles.
    #[config(env = "TILE_CACHE_MB", default = 64, validate(*tile_cache_mb <= 1 << 20, "must be at most 1048576"))]
    pub tile_cache_mb: usize,

    /// JSON-RPC URL of a node, from which verifying keys and the tokens of wallets are read. Each
    /// key is compared with its hash. Without a node, the routes of verifying keys and eligibility
    /// answer `feature_disabled`.
    #[config(env = "SOLANA_RPC_URL")]
    pub solana_rpc_url: Option<Secret>,

    /// URL of Redis, where instances count rate limits together. Without it, each instance counts
    /// alone.
    #[config(env = "REDIS_URL")]
    pub redis_url: Option<Secret>,

    /// Requests per minute for each address (IPv6: each /64), without those for tiles and leaves. 0
    /// means no limit. Behind a proxy, set `TRUSTED_PROXIES`. Otherwise all clients have the
    /// proxy's address.
    #[config(env = "ANONYMOUS_REQUESTS_PER_MINUTE", default = 100)]
    pub anonymous_requests_per_minute: u32,

    /// Tiles, and requests for leaves, per minute for each address. Each tile of a list counts. 0
    /// means no limit.
    #[config(env = "ANONYMOUS_TILES_PER_MINUTE", default = 6_000)]
    pub anonymous_tiles_per_minute: u32,

    /// Requests per minute of all clients. 0 means no limit.
    #[config(env = "TOTAL_REQUESTS_PER_MINUTE", default = 0)]
    pub total_requests_per_minute: u32,

    /// Limits of HTTP requests and connections.
    #[config(nested)]
    pub http: HttpSettings,

    /// Logs, spans, metrics and shutdown.
    #[config(nested)]
    pub operations: OperationsSettings,
}

/// A list of URLs with an empty entry.
#[derive(Debug, thiserror::Error)]
#[error("the list of URLs, which is separated by commas, has an empty entry; remove it")]
pub struct EmptyEntry;

fn secrets(list: &str) -> Result<Vec<Secret>, EmptyEntry> {
    let url = |entry: &str| {
        let entry = entry.trim();
        (!entry.is_empty())
            .then(|| Secret::new(entry.to_owned()))
            .ok_or(EmptyEntry)
    };
    list.split(',').map(url).collect()
}
