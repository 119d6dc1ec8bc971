//! What every service of Bauta shares: configuration, logs, metrics, health, error responses, limits and shutdown.
//!
//! ```text
//!   environment > file > defaults --load--> settings, or what is wrong with which key
//!                                              |
//!                                        Service::start       logs, metrics, signals
//!                                              |
//!     spawn: a task that ends the service  ----+---- serve: a router behind the layers of `http`
//!     when it fails                            |
//!                                        operations port: /metrics, /health, /ready
//!                                              |
//!                     SIGTERM, SIGINT --> Service::run: not ready, finish what runs, end
//! ```
//!
//! A service without HTTP of its own (the indexer) uses everything but [`Service::serve`].

mod api_keys;
mod cli;
mod config;
mod error;
mod extract;
mod health;
mod http;
pub mod metrics;
mod operations;
mod problem;
mod rate_limit;
mod secret;
mod server;
mod service;
mod settings;
pub mod spans;
mod telemetry;

pub use api_keys::{ApiKeyError, ApiKeys, Caller, NewApiKey};
pub use cli::Arguments;
pub use config::{documentation, load};
pub use error::{ServiceError, exit_code};
pub use extract::{Json, JsonBytes, Path, Query, from_json};
pub use health::{Check, Health, Report};
pub use http::RequestId;
pub use problem::Problem;
pub use rate_limit::{RateLimit, asker};
pub use secret::Secret;
pub use service::Service;
pub use settings::{HttpSettings, LogFormat, OperationsSettings};
pub use telemetry::AUDIT;
