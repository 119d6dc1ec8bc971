//! Follows the chain into Postgres, exactly: through crashes, holes in histories, forks and nodes that lie.
//!
//! ```text
//!   nodes (JSON-RPC) ──rpc──┐
//!   recording ──────────────┼─ Source ──> follow ──> decode ──> bauta_store::Store::apply_after ──> Postgres
//!   (a stream) ─────────────┘                │                    events, tree, uses, checkpoint: one transaction
//!   websocket ──wake───────> run ────────────┘
//!                             ├─ leads, or waits for the lead (advisory lock)
//!                             ├─ marks what is final
//!                             └─ reconciles with accounts
//! ```
//!
//! Only self-CPI events of the program in transactions that succeeded count ([`decode`]). Nothing that a node says is taken
//! for complete; what keeps the database right is checked against the program's own numbering and roots. docs/indexer.md
//! tells the rules.

pub mod chain;
pub mod decode;
mod error;
mod follow;
mod metrics;
mod rebuild;
mod reconcile;
pub mod rpc;
mod run;
mod status;
#[cfg(feature = "testing")]
pub mod testing;
mod wake;

pub use error::{IndexerError, SourceError};
pub use follow::{Follower, Settings, Step};
pub use metrics::describe as describe_metrics;
pub use rebuild::{Rebuilt, rebuild};
pub use reconcile::{Outcome, Reconciler};
pub use run::{Indexer, RunSettings};
pub use status::{Role, Status, Trouble};
pub use wake::wake;
