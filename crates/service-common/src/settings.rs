//! Settings that services have in common. A service nests them in its own.

use std::net::IpAddr;

use confique::Config;
use serde::Deserialize;

/// What requests over HTTP may take. Each is refused with its own error when it takes more.
#[derive(Debug, Clone, Config)]
pub struct HttpSettings {
    /// Address to listen on.
    #[config(env = "HOST", default = "0.0.0.0")]
    pub host: IpAddr,

    /// Largest body of a request in bytes, from 1,024.
    #[config(env = "MAX_BODY_BYTES", default = 1_048_576, validate(*max_body_bytes >= 1024, "must be at least 1024"))]
    pub max_body_bytes: usize,

    /// Milliseconds that a request may take, its body's arrival included, from 100. Event streams are not cut.
    #[config(env = "REQUEST_TIMEOUT_MS", default = 60_000, validate(*request_timeout_ms >= 100, "must be at least 100"))]
    pub request_timeout_ms: u64,

    /// Milliseconds that a client may take to send a request's headers, and as many again for its body; and that it may take nothing of its answer. From
    /// 100.
    #[config(env = "CLIENT_TIMEOUT_MS", default = 10_000, validate(*client_timeout_ms >= 100, "must be at least 100"))]
    pub client_timeout_ms: u64,

    /// Requests worked on at the same time, from 1; more are refused with 503 and Retry-After.
    #[config(env = "MAX_CONCURRENT_REQUESTS", default = 1024, validate(*max_concurrent_requests >= 1, "must be at least 1"))]
    pub max_concurrent_requests: usize,

    /// Open connections, websockets among them, from 1; more wait until one closes.
    #[config(env = "MAX_CONNECTIONS", default = 4096, validate(*max_connections >= 1, "must be at least 1"))]
    pub max_connections: usize,
}

/// Logs, metrics and the end of a service.
#[derive(Debug, Clone, Config)]
pub struct OperationsSettings {
    /// What is logged: error, warn, info, debug or trace, also for single modules (`info,sqlx=warn`).
    #[config(env = "RUST_LOG", default = "info")]
    pub log: String,

    /// How a line of the log looks: `json` (one object a line) or `text`.
    #[config(env = "LOG_FORMAT", default = "json")]
    pub log_format: LogFormat,

    /// A collector of OpenTelemetry (OTLP over HTTP, protobuf), `http://host:port` or `https://host:port`, for spans of requests and jobs. None: no spans leave the process.
    #[config(env = "OTLP_ENDPOINT")]
    pub otlp_endpoint: Option<String>,

    /// Address of the port for metrics and health.
    #[config(env = "METRICS_HOST", default = "0.0.0.0")]
    pub metrics_host: IpAddr,

    /// Port for /metrics, /health and /ready alone. 0 takes a free one.
    #[config(env = "METRICS_PORT", default = 9090)]
    pub metrics_port: u16,

    /// Milliseconds that running work has to end after SIGTERM or SIGINT.
    #[config(env = "SHUTDOWN_TIMEOUT_MS", default = 30_000)]
    pub shutdown_timeout_ms: u64,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// For people.
    Text,
}
