//! Stand-ins for Solana nodes, for tests, drills and benchmarks of programs that read the chain: a
//! fault injection proxy and a replay server.
//!
//! ```text
//!   reader ── HTTP ───────────> FaultProxy ── HTTP ───────> node
//!      └───── websocket ──────> FaultProxy ── websocket ──> node
//!             responses: transactions omitted, stale, ahead, delayed, truncated, errors
//!             notifications: dropped, duplicated, reordered
//!             connections: refused
//!
//!   reader ── HTTP, websocket ──> ReplayServer: a recorded history, served from memory
//! ```
//!
//! Services must not depend on this crate.

mod copies;
mod faults;
mod listener;
mod notifications;
mod proxy;
mod replay;
mod responses;

pub use faults::{FaultCounts, Faults};
pub use proxy::FaultProxy;
pub use replay::{CallCounts, RecordedTransaction, ReplayServer};

/// The reason why a proxy or a replay server did not start.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// No port of the loopback interface could be opened.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Listen(#[source] std::io::Error),
    /// The HTTP client for the upstream node could not be created.
    #[error("cannot create an HTTP client for the upstream node: {0}")]
    Client(#[source] reqwest::Error),
}
