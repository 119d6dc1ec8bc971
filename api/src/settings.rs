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

    /// Largest number of connections to Postgres. At least 1.
    #[config(env = "DATABASE_CONNECTIONS", default = 50, validate(*database_connections >= 1, "must be at least 1"))]
    pub database_connections: u32,

    /// JSON-RPC URL of a node, from which verifying keys are read. Each key is compared with its
    /// hash. Without a node, the route of verifying keys answers `feature_disabled`.
    #[config(env = "SOLANA_RPC_URL")]
    pub solana_rpc_url: Option<Secret>,

    /// Requests per minute for each address (IPv6: each /64), without those for tiles and leaves. 0
    /// means no limit. Behind a proxy, set `TRUSTED_PROXIES`. Otherwise all clients have the
    /// proxy's address.
    #[config(env = "ANONYMOUS_REQUESTS_PER_MINUTE", default = 100)]
    pub anonymous_requests_per_minute: u32,

    /// Tiles, and requests for leaves, per minute for each address. Each tile of a list counts. 0
    /// means no limit.
    #[config(env = "ANONYMOUS_TILES_PER_MINUTE", default = 6_000)]
    pub anonymous_tiles_per_minute: u32,

    /// Requests per minute of all clients of an instance. 0 means no limit.
    #[config(env = "TOTAL_REQUESTS_PER_MINUTE", default = 0)]
    pub total_requests_per_minute: u32,

    /// Limits of HTTP requests and connections.
    #[config(nested)]
    pub http: HttpSettings,

    /// Logs, spans, metrics and shutdown.
    #[config(nested)]
    pub operations: OperationsSettings,
}
