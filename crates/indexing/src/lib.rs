//! Follows the chain into Postgres.
//!
//! The database contains every event up to its checkpoint and nothing else, in spite of crashes,
//! missing transactions, forks and faulty nodes.
//!
//! ```text
//!   nodes (JSON-RPC) ─ RpcSource ─┐
//!   chain in memory ─ TestSource ─┼─ Source ──> follow ─> decode ─> Store::apply_after ─> Postgres
//!   stream, then nodes ───────────┘                │        events, trees, checkpoint:
//!   websocket ── wake ───────> run ────────────────┘        one transaction
//!                               ├─ leads, or waits for the advisory lock
//!                               ├─ marks slots as final
//!                               └─ reconciles the database with the program's accounts
//! ```
//!
//! Only self-CPI events of the program in transactions that succeeded count ([`decode`]). No list
//! of a node is assumed to be complete: the database is checked against the program's own
//! sequences, roots and accounts. docs/indexer.md lists the rules.

mod backoff;
pub mod chain;
pub mod decode;
mod error;
mod follow;
mod histories;
mod metrics;
mod missing;
pub mod nodes;
mod operator_checks;
mod overview;
mod progress;
mod rebuild;
mod reconcile;
mod retention;
mod run;
mod status;
#[cfg(feature = "yellowstone")]
pub mod stream;
#[cfg(feature = "testing")]
pub mod testing;
mod wake;

pub use error::{DATABASE_UNAVAILABLE, Inconsistency, IndexerError, SourceError, UnexplainedDifferences};
pub use follow::{ClusterCheck, Follower, QuarantineAnswers, Settings, Step, request_quarantined};
pub use metrics::describe as describe_metrics;
pub use operator_checks::{
    MissingTransactions, Reconciled, SlotVerified, await_applied, find_missing, reconcile_now, verify_slot,
};
pub use overview::{NodeOverview, Overview, Quarantined};
pub use progress::{OnProgress, Progress, Stage};
pub use rebuild::{Rebuilt, SnapshotImport, import_snapshot, rebuild};
pub use reconcile::{Outcome, ReconcileLimits, Reconciler, Selection, Verified, verify};
pub use retention::check_retention;
pub use run::{Indexer, RunSettings};
pub use status::{IndexerStatus, Role, StopReason};
pub use wake::wake;
