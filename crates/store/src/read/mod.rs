//! The queries of the API service.
//!
//! ```text
//!   event_log   the events and the rollbacks, for subscribers
//!   freshness   the checkpoint and the newest final slot, with which answers are marked, and their
//!               notifications
//!   lists       pages of registries, collections, scopes and valid roots
//!   prefixes    pages of holdings and nullifiers that begin with the same bits
//!   tiles       tiles by hash, and the lowest tiles of a tree
//! ```
//!
//! A page begins after a key and not at an offset. So its cost does not depend on the pages before
//! it, and rows that are added meanwhile shift no page.

mod event_log;
mod freshness;
mod lists;
mod prefixes;
mod tiles;

pub use event_log::{EventPage, LoggedEvent, NewestEvents, Rewind};
pub use freshness::{ChainListener, Freshness};
pub use tiles::{LeafTile, StoredTile};

use solana_address::Address;

/// Returns the key that a page begins after: an address, or the empty key, which is before every
/// address.
fn key(after: Option<Address>) -> Vec<u8> {
    after
        .map(|address| address.to_bytes().to_vec())
        .unwrap_or_default()
}
