//! The metrics of the API service, beside those of every service.

use bauta_service_common::metric_names;
use bauta_store::Freshness;
use metrics::{counter, gauge};

metric_names! {
    /// The slot of the checkpoint of the database that answers are read from.
    gauge SLOT = "bauta_api_slot";
    /// The newest final slot of that database.
    gauge FINALIZED_SLOT = "bauta_api_finalized_slot";
    /// Replicas of the database, by state: used, or unused because they are unavailable or far
    /// behind.
    gauge REPLICAS = "bauta_api_replicas";
    /// Tiles that clients requested, by outcome: found or missing.
    counter TILES = "bauta_api_tiles_total";
    /// Tiles that came from memory.
    counter CACHED_TILES = "bauta_api_cached_tiles_total";
    /// Requests for JSON that can be kept in memory, by outcome: hit or miss.
    counter RESPONSES = "bauta_api_response_cache_total";
    /// Whether Redis is connected. Absent without `REDIS_URL`.
    gauge REDIS_UP = "bauta_api_redis_up";
    /// Requests that were refused because the database has not reached their Bauta-Min-Slot.
    counter BEHIND = "bauta_api_behind_total";
}

/// Registers the descriptions. Sets counters to 0, so that the first increment is visible to a
/// rate.
pub fn register() {
    describe();
    record_tiles(0, 0);
    record_cached_tiles(0);
    set_replicas(0, 0);
    for outcome in ["hit", "miss"] {
        counter!(RESPONSES, "outcome" => outcome).increment(0);
    }
    counter!(BEHIND).increment(0);
}

/// Records the tiles of a request.
pub fn record_tiles(found: u64, missing: u64) {
    counter!(TILES, "outcome" => "found").increment(found);
    counter!(TILES, "outcome" => "missing").increment(missing);
}

/// Records tiles that came from memory.
pub fn record_cached_tiles(tiles: u64) {
    counter!(CACHED_TILES).increment(tiles);
}

/// Records whether a response came from memory.
pub fn record_cached(hit: bool) {
    let outcome = if hit { "hit" } else { "miss" };
    counter!(RESPONSES, "outcome" => outcome).increment(1);
}

/// Records a request that asked for a later slot.
pub fn record_behind() {
    counter!(BEHIND).increment(1);
}

/// Sets whether Redis is connected.
pub fn set_redis_up(is_up: bool) {
    gauge!(REDIS_UP).set(if is_up { 1.0 } else { 0.0 });
}

/// Sets the numbers of replicas.
#[allow(clippy::cast_precision_loss, reason = "there are few replicas")]
pub fn set_replicas(used: usize, unused: usize) {
    gauge!(REPLICAS, "state" => "used").set(used as f64);
    gauge!(REPLICAS, "state" => "unused").set(unused as f64);
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
