//! The parts that every service of Bauta shares: configuration, logs, metrics, health checks, error
//! responses, limits and shutdown.
//!
//! ```text
//!   environment > file > defaults --Arguments--> settings, or an error that names the key
//!                                              |
//!                                        Service::start       logs, metrics, signals
//!                                              |
//!     spawn: a task; if it fails,          ----+---- serve: a router behind the layers of `http`
//!     the service stops                        |
//!                                        operations port: /metrics, /health, /ready
//!                                              |
//!               SIGTERM, SIGINT --> Service::run: not ready, finish running work, stop
//! ```
//!
//! A service without its own HTTP routes (the indexer) uses everything except [`Service::serve`]. A
//! complete service:
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use bauta_service_common::{
//!     Arguments, Check, HttpSettings, OperationsSettings, Service, ServiceError, exit_code, with_fallbacks,
//! };
//! use clap::Parser;
//! use confique::Config;
//!
//! #[derive(Config)]
//! struct Settings {
//!     /// Port to listen on.
//!     #[config(env = "PORT", default = 3001)]
//!     port: u16,
//!     #[config(nested)]
//!     http: HttpSettings,
//!     #[config(nested)]
//!     operations: OperationsSettings,
//! }
//!
//! #[derive(Parser)]
//! struct Cli {
//!     #[command(flatten)]
//!     arguments: Arguments,
//! }
//!
//! async fn run() -> Result<(), ServiceError> {
//!     let Some(settings) = Cli::parse().arguments.settings::<Settings>()? else { return Ok(()) };
//!     let service = Service::start("greeter", "1.0.0", &settings.operations).await?;
//!     service.health().add("greetings", || async { Check::Ok });
//!     let routes = Router::new().route("/greet", get(|| async { "hello" }));
//!     service.serve(settings.port, with_fallbacks(routes), &settings.http).await?;
//!     service.run().await
//! }
//!
//! #[tokio::main]
//! async fn main() -> std::process::ExitCode {
//!     exit_code(run().await)
//! }
//! ```

mod address_limit;
mod api_keys;
mod body_memory;
mod cli;
mod config;
mod connection;
mod error;
mod extract;
mod fair_queue;
mod health;
mod http;
mod input;
mod instance;
pub mod metrics;
mod open_files;
mod operations;
mod origins;
mod pairings;
mod problem;
mod proxies;
mod rate_limit;
#[cfg(feature = "redis")]
mod redis;
mod refusals;
mod secret;
mod server;
mod service;
mod settings;
pub mod spans;
mod stored_keys;
mod streams;
mod telemetry;
mod tickets;

pub use api_keys::{ApiKeyError, ApiKeys, AuthorisationError, Caller, NewApiKey, Quota, bearer};
pub use bauta_wire::{at_most, optional_at_most};
pub use cli::Arguments;
pub use error::{ServiceError, exit_code};
pub use extract::{Json, Path, Query, UnreadBody, unreadable_body};
pub use fair_queue::{Admission, FairQueue, QueueFull, WorkerSlot};
pub use health::{Check, Health, Report};
pub use http::{RequestId, with_fallbacks};
pub use input::{InvalidField, InvalidFields, JsonError, from_json};
pub use instance::Process;
pub use origins::{InvalidOrigin, Origin};
pub use pairings::{ClientPairings, PairingError, Pairings};
pub use problem::Problem;
pub use proxies::{InvalidNetwork, Network, TrustedProxies};
pub use rate_limit::{RateLimit, RateLimitError, address_key};
#[cfg(feature = "redis")]
pub use redis::{CallError, InvalidRedisUrl, Redis};
pub use refusals::Refusals;
pub use secret::Secret;
pub use service::Service;
pub use settings::{HttpSettings, LogFormat, OperationsSettings};
pub use streams::{StreamError, StreamGuard, Streams};
pub use telemetry::{AUDIT, write_audit_to_stderr};
pub use tickets::{TICKET_SECONDS, TicketError, Tickets};
