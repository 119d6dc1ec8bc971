//! What Bauta keeps in Postgres, and every query of the project.
//!
//! ```text
//!   indexer --- Batch: events + checkpoint ---> Store::apply ---> one transaction
//!                                                  |
//!        registries, collections, circuits, scopes, holdings     what accounts say
//!        merkle_leaves, roots, tiles                             trees
//!        nullifiers, verifications                               uses: no wallet, recipient or payer
//!        verifications_by_hour, .._by_day, anonymity_sets, ..    rollups for analytics
//!        events, checkpoint, finality, journal                   how far, and how to go back
//!        jobs                                                    proofs asked for; written by the prover
//!                                                  |
//!   api, prover <-- path, tile, nullifier, .. -----+
//! ```
//!
//! Invariants that the tests check:
//!
//! 1. A batch is applied as a whole or not at all, and a second time changes nothing.
//! 2. After a batch, the root that a registry's tiles give is the root of its last `MerkleRootUpdated`.
//! 3. At every valid root (current, kept and alive, copied by an open scope) every path can be read, and leads to it.
//! 4. Undoing batches leaves exactly the rows that were there before them.
//! 5. No table has a wallet, recipient or payer beside a use.
//!
//! The tables are described in docs/store.md.

pub mod analytics;
mod apply;
mod audit;
mod bulk;
mod checkpoint;
mod copy;
mod error;
mod event;
mod hashing;
mod jobs;
mod leader;
mod leaves;
mod migrate;
mod path;
mod prune;
mod rebuild;
mod registries;
mod roots;
mod scopes;
mod store;
#[cfg(feature = "testing")]
pub mod testing;
mod tile;
mod tree;
mod uses;
mod values;

pub use apply::Applied;
pub use audit::{AppliedTransaction, StoredConfig, StoredNullifier};
pub use bulk::root_of;
pub use error::StoreError;
pub use event::{Batch, Event, Record};
pub use jobs::{Begun, End, Enqueued, JOB_CHANNEL, Job, JobCounts, JobFlow, JobState, NewJob, OpenJobs};
pub use leader::Leadership;
pub use leaves::{Holding, LeafRecord};
pub use migrate::NEWEST;
pub use path::Path;
pub use rebuild::Switch;
pub use registries::{Collection, Registry};
pub use roots::RootRecord;
pub use scopes::{Circuit, Scope};
pub use store::Store;
pub use tile::{TILE_LEVELS, Tile, TileKey};
pub use uses::{NullifierUse, Verification};
pub use values::{
    Address, CircuitStatus, Position, Provenance, RegistryKind, ScopeMode, ScopeStatus, Signature,
};
