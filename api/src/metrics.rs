//! The metrics of the API service, beside those of every service.

use bauta_service_common::metric_names;
use bauta_store::Freshness;
use metrics::{counter, gauge};

metric_names! {
    /// The slot of the checkpoint of the database that answers are read from.
    gauge SLOT = "bauta_api_slot";
    /// The newest final slot of that database.
    gauge FINALIZED_SLOT = "bauta_api_finalized_slot";
    /// Tiles that clients requested, by outcome: found or missing.
    counter TILES = "bauta_api_tiles_total";
    /// Requests that were refused because the database has not reached their Bauta-Min-Slot.
    counter BEHIND = "bauta_api_behind_total";
}

/// Registers the descriptions. Sets counters to 0, so that the first increment is visible to a
/// rate.
pub fn register() {
    describe();
    record_tiles(0, 0);
    counter!(BEHIND).increment(0);
}

/// Records the tiles of a request.
pub fn record_tiles(found: u64, missing: u64) {
    counter!(TILES, "outcome" => "found").increment(found);
    counter!(TILES, "outcome" => "missing").increment(missing);
}

/// Records a request that asked for a later slot.
pub fn record_behind() {
    counter!(BEHIND).increment(1);
}

/// Sets the slots of the database.
#[allow(clippy::cast_precision_loss, reason = "slots are below 2^53")]
pub fn set_freshness(freshness: &Freshness) {
    if let Some(slot) = freshness.slot {
        gauge!(SLOT).set(slot.get() as f64);
    }
    if let Some(slot) = freshness.finalized_slot {
        gauge!(FINALIZED_SLOT).set(slot.get() as f64);
    }
}
