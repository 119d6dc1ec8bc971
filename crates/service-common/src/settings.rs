//! Settings that all services have. A service nests them in its own settings.

use std::net::IpAddr;

use confique::Config;
use serde::Deserialize;

use crate::{Network, Origin};

/// Limits of HTTP requests and connections. Each limit has its own error.
#[derive(Debug, Clone, Config)]
pub struct HttpSettings {
    /// Address to listen on.
    #[config(env = "HOST", default = "0.0.0.0")]
    pub host: IpAddr,

    /// Largest request body in bytes. At least 1,024.
    #[config(env = "MAX_BODY_BYTES", default = 1_048_576, validate(*max_body_bytes >= 1024, "must be at least 1024"))]
    pub max_body_bytes: usize,

    /// Maximum duration of a request in milliseconds, including the time for its body to arrive. At
    /// least 100. Event streams have no maximum duration.
    #[config(env = "REQUEST_TIMEOUT_MS", default = 60_000, validate(*request_timeout_ms >= 100, "must be at least 100"))]
    pub request_timeout_ms: u64,

    /// Timeout for slow clients in milliseconds. It applies to sending the headers of a request, to
    /// sending its body, and to each pause while reading the response. At least 100.
    #[config(env = "CLIENT_TIMEOUT_MS", default = 10_000, validate(*client_timeout_ms >= 100, "must be at least 100"))]
    pub client_timeout_ms: u64,

    /// Largest number of requests in progress. At least 1. Further requests are refused with status
    /// 503 and Retry-After.
    #[config(env = "MAX_CONCURRENT_REQUESTS", default = 1024, validate(*max_concurrent_requests >= 1, "must be at least 1"))]
    pub max_concurrent_requests: usize,

    /// Largest number of open connections, including websockets. At least 1. Further connections
    /// wait until one closes.
    #[config(env = "MAX_CONNECTIONS", default = 4096, validate(*max_connections >= 1, "must be at least 1"))]
    pub max_connections: usize,

    /// Largest number of open connections of one address (IPv6: of one /64). At least 1. Further
    /// ones are closed at once. The trusted proxies have no such limit.
    #[config(env = "MAX_CONNECTIONS_PER_ADDRESS", default = 512, validate(*max_connections_per_address >= 1, "must be at least 1"))]
    pub max_connections_per_address: usize,

    /// Networks of the proxies before this service, for example `10.0.0.0/8` (in the environment,
    /// separated by commas). The address of a client behind them is the last one in X-Forwarded-For
    /// that is in no such network. Without proxies, the header is ignored.
    #[config(env = "TRUSTED_PROXIES", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub trusted_proxies: Vec<Network>,

    /// Origins of the web pages that may use this service from a browser (CORS), for example
    /// `https://app.example.org` (in the environment, separated by commas).
    #[config(env = "ALLOWED_ORIGINS", parse_env = confique::env::parse::list_by_comma, default = [])]
    pub allowed_origins: Vec<Origin>,
}

/// Logs, spans, metrics and shutdown.
#[derive(Debug, Clone, Config)]
pub struct OperationsSettings {
    /// Log filter: error, warn, info, debug or trace, optionally by module (`info,sqlx=warn`).
    #[config(env = "RUST_LOG", default = "info")]
    pub log: String,

    /// Format of the log: `json` (one object in each line) or `text`.
    #[config(env = "LOG_FORMAT", default = "json")]
    pub log_format: LogFormat,

    /// OpenTelemetry collector for spans of requests and jobs (OTLP over HTTP with protobuf):
    /// `http://host:port` or `https://host:port`. Without it, no spans are exported.
    #[config(env = "OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,

    /// Address of the operations port.
    #[config(env = "METRICS_HOST", default = "0.0.0.0")]
    pub metrics_host: IpAddr,

    /// Operations port. It has only /metrics, /health and /ready. 0 chooses a free port.
    #[config(env = "METRICS_PORT", default = 9090)]
    pub metrics_port: u16,

    /// Whether the service's own port also serves /metrics, as in earlier systems. Every client
    /// that reaches the port can then read the metrics.
    #[config(env = "METRICS_ON_SERVICE_PORT", default = false)]
    pub metrics_on_service_port: bool,

    /// Time for running work to end after SIGTERM or SIGINT, in milliseconds.
    #[config(env = "SHUTDOWN_TIMEOUT_MS", default = 30_000)]
    pub shutdown_timeout_ms: u64,
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object in each line.
    Json,
    /// Text for people.
    Text,
}
