//! The Postgres database of Bauta, and every query of the project.
//!
//! ```text
//!   indexer --- Batch: events + checkpoint ---> Store::apply ---> one transaction
//!                                                  |
//!        registries, collections, circuits, scopes, holdings    the program's accounts
//!        merkle_leaves, roots, tiles                            trees
//!        nullifiers, verifications                              no wallet, recipient or payer
//!        verifications_by_hour, .._by_day, anonymity_sets, ..   rollups for analytics
//!        events, checkpoint, finality, journal                  progress and rollback
//!        jobs                                                   proof requests
//!        api_keys, accounts, logins, ..                         who may use the services
//!        audit_log                                              who has changed what
//!        relays, relay_ledger, ..                               verifications that are paid for
//!                                                  |
//!   api, prover <-- path, tile, nullifier, .. -----+
//! ```
//!
//! Invariants that the tests check:
//!
//! 1. A batch is applied as a whole or not at all. Applying it again changes nothing.
//! 2. After a batch, the root of a registry's tiles is the root of its last `MerkleRootUpdated`.
//! 3. At every valid root (current, kept, or copied by an open scope) every path can be read and
//!    leads to the root.
//! 4. A rollback of batches leaves exactly the rows that were there before them.
//! 5. No table has a wallet, recipient or payer beside a verification.
//!
//! docs/store.md describes the tables.

mod account_keys;
mod accounts;
pub mod analytics;
mod api_keys;
mod apply;
mod audit;
mod audit_seals;
mod backfill;
mod check_trees;
mod checkpoint;
mod clock;
mod cluster;
mod contested;
mod copy;
mod empty_copy;
mod error;
pub mod event;
mod feature_flags;
mod hashing;
mod import;
mod instances;
mod jobs;
mod leader;
mod leaves;
mod limits;
mod logins;
mod migrate;
mod path;
mod paths;
mod position;
mod prune;
mod quarantine;
mod read;
mod reconciliation;
mod registries;
mod relays;
mod retention;
mod roots;
mod scopes;
mod sequence;
mod snapshot;
mod store;
mod switchover;
#[cfg(feature = "testing")]
pub mod testing;
mod tickets;
mod tile;
mod tree;
mod uint64;
mod values;
mod verifications;
mod webhooks;

pub use account_keys::{AccountKey, KeyChange, KeyLimits};
pub use accounts::{Account, AccountId, Role, RolesSet};
pub use api_keys::{ApiKey, ApiKeyList};
pub use apply::Applied;
pub use audit::{AuditCheck, AuditHead, AuditRecord, StoredAuditRecord};
pub use audit_seals::AuditSeal;
pub use backfill::{BackfillProgress, BackfillRange, BackfillTransaction, StoredHistory};
pub use checkpoint::JournalSize;
pub use contested::{ContestState, ContestedTransaction};
pub use error::StoreError;
pub use event::{Batch, Event, EventRecord};
pub use feature_flags::{FeatureFlags, FlagChange};
pub use import::root_of_leaves;
pub use instances::{Instance, Instances, MAX_INSTANCES};
pub use jobs::{
    EndedJobs, Enqueued, ExpiredJob, Job, JobConnection, JobCounts, JobError, JobList, JobListener, JobRates,
    JobResult, JobState, JobSummary, JobsOfPriority, NewJob, OpenJobs, QueueListener, QueueNotice,
    StartedJob, Workload,
};
pub use leader::{Candidate, Leadership};
pub use leaves::{Holding, LeafRecord};
pub use limits::SessionLimits;
pub use logins::{LoginChange, LoginEnd, NewLogin, Refreshed};
pub use migrate::{OLDEST_SUPPORTED, newest_migration};
pub use path::Path;
pub use paths::WantedPath;
pub use position::{Position, Slot};
pub use prune::TILES_PER_CALL;
pub use quarantine::{QuarantineKey, QuarantinedTransaction};
pub use read::{
    ChainListener, EventPage, Freshness, LeafTile, LoggedEvent, NewestEvents, Rewind, StoredTile,
};
pub use reconciliation::{AppliedTransaction, StoredConfig, StoredEvent, StoredNullifier};
pub use registries::{Collection, Registry};
pub use relays::{
    AddedRelay, Attempt, Execution, LedgerEntry, LedgerKind, NewRelay, NullifierUse, OpenRelay, RandomId,
    RelayEnd, RelayLease, RelayLimits, RelayState, RelayStatus, RelayWallet, RentDeposit,
};
pub use retention::{HistoryCursor, PrunedHistory};
pub use roots::RootRecord;
pub use scopes::{Circuit, Scope};
pub use sequence::Sequence;
pub use snapshot::{SnapshotError, SnapshotSummary};
pub use store::Store;
pub use switchover::Switchover;
pub use tickets::Ticket;
pub use tile::{TILE_LEVELS, Tile, TileKey};
pub use values::{CircuitStatus, Provenance, RegistryKind, ScopeMode, ScopeStatus};
pub use verifications::{UsedNullifier, Verification};
pub use webhooks::{
    BusyPlace, Delivery, DeliveryAttempt, DeliveryOutcome, DueDelivery, NewWebhook, Webhook, WebhookAdded,
    WebhookChange,
};
