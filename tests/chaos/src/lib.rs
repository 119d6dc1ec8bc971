//! Solana nodes that lie, and nodes that only remember: for drills and benchmarks of whoever reads the chain.
//!
//! ```text
//!   reader ── HTTP ──> Proxy ── HTTP ──> node      answers: without some signatures, of an older slot, late, cut short,
//!      └── websocket ─> Proxy ── ws ───> node      errors; notices: lost, repeated, in another order; nobody there
//!
//!   reader ── HTTP, websocket ──> Replay           a history that was written down, as fast as it is asked for
//! ```
//!
//! Nothing of this belongs into a service.

mod answers;
mod faults;
mod listener;
mod notices;
mod proxy;
mod replay;

pub use faults::{Faults, Told};
pub use proxy::Proxy;
pub use replay::{Recorded, Replay};

/// Why a proxy or a replay can't be started.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// No port to listen on.
    #[error("can't listen on 127.0.0.1: {0}")]
    Listen(#[source] std::io::Error),
    /// No client for the node behind.
    #[error("can't make a client for the node: {0}")]
    Client(#[source] reqwest::Error),
}
