//! The metrics of the API service, beside those of every service.

use bauta_service_common::metric_names;
use std::time::Duration;

use bauta_store::{Freshness, RelayState};
use metrics::{counter, gauge, histogram};

use crate::time::unix_seconds;

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
    /// Verifications of proofs for clients and for relays, by outcome (valid, invalid or cached).
    counter VERIFICATIONS = "bauta_api_verifications_total";
    /// Whether Redis is connected. Absent without `REDIS_URL`.
    gauge REDIS_UP = "bauta_api_redis_up";
    /// Error responses, by code.
    counter PROBLEMS = "bauta_api_problems_total";
    /// Uploads of trees whose body has arrived, or was not needed, by outcome: stored, known
    /// (stored before), refused (they give another root), refused_again (not hashed again).
    counter UPLOADS = "bauta_api_uploads_total";
    /// Requests for proofs, by outcome: proof, job or error.
    counter PROOFS = "bauta_api_proofs_total";
    /// Responses with a whole tree that ended because their clients read too slowly.
    counter SLOW_READERS = "bauta_api_slow_readers_total";
    /// Requests that were refused because the database has not reached their Bauta-Min-Slot.
    counter BEHIND = "bauta_api_behind_total";
    /// Events of the chain that this instance has read for subscribers.
    counter EVENTS = "bauta_api_events_total";
    /// Rollbacks of the chain that this instance has read for subscribers.
    counter REWINDS = "bauta_api_rewinds_total";
    /// Attempts to send messages to webhooks, by outcome: delivered, failed (it is sent again) or
    /// dead.
    counter WEBHOOKS = "bauta_api_webhooks_total";
    /// Subscribers of events that were cut because they read too slowly.
    counter SLOW_SUBSCRIBERS = "bauta_api_slow_subscribers_total";
    /// Refusals that are not in the audit log: requests without a credential, too many in a minute,
    /// or the database was unavailable.
    counter UNSTORED_REFUSALS = "bauta_api_unstored_refusals_total";
    /// Looks at the end of the audit log that were no success, by cause: other_key (the last seal is
    /// not by the key of this service), log (a record is missing or changed, and nothing is signed)
    /// or database.
    counter AUDIT_SEAL_FAILURES = "bauta_api_audit_seal_failures_total";
    /// Unix time in seconds of the last look at which the audit log and its last seal were right.
    /// Absent while wallets can't log in.
    gauge AUDIT_SEALED = "bauta_api_audit_sealed_seconds";
    /// Requests of the gateway for Oblivious HTTP, by outcome: answered (whatever the inner response),
    /// or refused (another key, not readable, or used before).
    counter OHTTP = "bauta_api_ohttp_total";
    /// Relays that have ended, by outcome: finalized, refused, failed or expired.
    counter RELAYS = "bauta_api_relays_total";
    /// Seconds from the acceptance of a relay to its confirmed block.
    histogram RELAY_DURATION = "bauta_api_relay_duration_seconds";
    /// Relays that have not ended.
    gauge RELAYS_OPEN = "bauta_api_relays_open";
    /// Seconds since the oldest relay that has not ended should have been sent.
    gauge RELAYS_OLDEST = "bauta_api_relays_oldest_seconds";
    /// Transactions of relays that replaced a dead one.
    counter RELAYS_REBUILT = "bauta_api_relays_rebuilt_total";
    /// Steps of the sender of relays that panicked. The relay of the step is leased again.
    counter RELAY_PANICS = "bauta_api_relay_panics_total";
    /// Lamports that relays have cost, fees and rent.
    counter RELAY_LAMPORTS = "bauta_api_relay_lamports_total";
    /// Nullifier accounts whose rent was returned.
    counter RELAY_RECLAIMED = "bauta_api_relay_reclaimed_total";
    /// Lamports of a wallet according to the ledger, by its number in `RELAY_PAYERS` from 0.
    gauge WALLET = "bauta_api_wallet_lamports";
    /// Lamports of a wallet that relays which are not settled can still cost.
    gauge WALLET_RESERVED = "bauta_api_wallet_reserved_lamports";
    /// Lamports that remain in each wallet: `RELAY_MIN_BALANCE`.
    gauge WALLET_MIN = "bauta_api_wallet_min_lamports";
    /// 1 if a transaction of a wallet is missing in the ledger, otherwise 0.
    gauge LEDGER_GAP = "bauta_api_ledger_gap";
    /// Seconds since the ledger last had every finalized transaction of a wallet.
    gauge LEDGER_AGE = "bauta_api_ledger_age_seconds";
    /// Transactions of wallets that no node returned. The ledger has them with inferred balances.
    counter LEDGER_UNREAD = "bauta_api_ledger_unread_total";
}

/// Registers the descriptions. Sets counters to 0, so that the first increment is visible to a
/// rate.
pub fn register() {
    describe();
    for name in [UNSTORED_REFUSALS, EVENTS, REWINDS, SLOW_SUBSCRIBERS] {
        counter!(name).increment(0);
    }
    record_tiles(0, 0);
    record_cached_tiles(0);
    set_replicas(0, 0);
    for outcome in ["delivered", "failed", "dead"] {
        counter!(WEBHOOKS, "outcome" => outcome).increment(0);
    }
    for outcome in ["answered", "refused"] {
        counter!(OHTTP, "outcome" => outcome).increment(0);
    }
    for outcome in ["hit", "miss"] {
        counter!(RESPONSES, "outcome" => outcome).increment(0);
    }
    for outcome in ["valid", "invalid", "cached"] {
        counter!(VERIFICATIONS, "outcome" => outcome).increment(0);
    }
    // Those that concern what the service depends on. All other codes appear with the first error.
    for code in [
        "busy",
        "database_away",
        "node_unavailable",
        "prover_unavailable",
        "rate_limited",
    ] {
        counter!(PROBLEMS, "code" => code).increment(0);
    }
    for outcome in ["stored", "known", "refused", "refused_again"] {
        counter!(UPLOADS, "outcome" => outcome).increment(0);
    }
    for outcome in ["proof", "job", "error"] {
        counter!(PROOFS, "outcome" => outcome).increment(0);
    }
    counter!(SLOW_READERS).increment(0);
    counter!(BEHIND).increment(0);
}

/// Counts events and rollbacks that were read for subscribers.
pub fn record_events(events: usize, rewinds: usize) {
    counter!(EVENTS).increment(events as u64);
    counter!(REWINDS).increment(rewinds as u64);
}

/// Why a look at the end of the audit log was no success.
#[derive(Clone, Copy)]
pub enum SealFailure {
    /// The last seal is not by the key of this service.
    OtherKey,
    /// A record is missing or changed.
    Log,
    /// The database failed.
    Database,
}

impl SealFailure {
    const ALL: [Self; 3] = [Self::OtherKey, Self::Log, Self::Database];

    const fn as_str(self) -> &'static str {
        match self {
            Self::OtherKey => "other_key",
            Self::Log => "log",
            Self::Database => "database",
        }
    }
}

/// Sets the counters of the audit log's seals to 0.
pub fn register_seals() {
    for cause in SealFailure::ALL {
        counter!(AUDIT_SEAL_FAILURES, "cause" => cause.as_str()).increment(0);
    }
    record_seal_look(None);
}

/// Records a look at the end of the audit log.
#[allow(clippy::cast_precision_loss, reason = "the time is below 2^53")]
pub fn record_seal_look(failure: Option<SealFailure>) {
    match failure {
        Some(cause) => counter!(AUDIT_SEAL_FAILURES, "cause" => cause.as_str()).increment(1),
        None => gauge!(AUDIT_SEALED).set(unix_seconds() as f64),
    }
}

/// Counts a request of the gateway for Oblivious HTTP.
pub fn record_ohttp(outcome: &'static str) {
    counter!(OHTTP, "outcome" => outcome).increment(1);
}

/// Counts an attempt to send a message to a webhook.
pub fn record_webhook(outcome: &'static str) {
    counter!(WEBHOOKS, "outcome" => outcome).increment(1);
}

/// Counts a subscriber of events that reads too slowly.
pub fn record_slow_subscriber() {
    counter!(SLOW_SUBSCRIBERS).increment(1);
}

/// Counts refusals that are not in the audit log.
pub fn record_unstored_refusals(number: u64) {
    counter!(UNSTORED_REFUSALS).increment(number);
}

/// Sets the counters of the relay to 0, and the floor of each wallet.
#[allow(clippy::cast_precision_loss, reason = "all lamports together are below 2^60")]
pub fn register_relay(wallets: usize, min_balance: u64) {
    for number in 0..wallets {
        gauge!(WALLET_MIN, "wallet" => number.to_string()).set(min_balance as f64);
    }
    for state in [
        RelayState::Finalized,
        RelayState::Refused,
        RelayState::Failed,
        RelayState::Expired,
    ] {
        counter!(RELAYS, "outcome" => state.as_str()).increment(0);
    }
    for name in [
        RELAYS_REBUILT,
        RELAY_PANICS,
        RELAY_LAMPORTS,
        RELAY_RECLAIMED,
        LEDGER_UNREAD,
    ] {
        counter!(name).increment(0);
    }
}

/// Records the end of a relay.
pub fn record_relay_ended(outcome: RelayState) {
    counter!(RELAYS, "outcome" => outcome.as_str()).increment(1);
}

/// Records that a relay is in a confirmed block.
pub fn record_relay_confirmed(duration: Duration) {
    histogram!(RELAY_DURATION).record(duration);
}

/// Records a transaction that replaces a dead one.
pub fn record_relay_rebuilt() {
    counter!(RELAYS_REBUILT).increment(1);
}

/// Records a step of the sender that panicked.
pub fn record_relay_panic() {
    counter!(RELAY_PANICS).increment(1);
}

/// Records what a relay has cost.
pub fn record_relay_lamports(lamports: u64) {
    counter!(RELAY_LAMPORTS).increment(lamports);
}

/// Records nullifier accounts that are closed.
pub fn record_reclaimed(accounts: u64) {
    counter!(RELAY_RECLAIMED).increment(accounts);
}

/// Sets the number of relays that have not ended, and the age of the oldest in seconds.
#[allow(clippy::cast_precision_loss, reason = "the numbers are below 2^53")]
pub fn set_open_relays((open, oldest): (u64, u64)) {
    gauge!(RELAYS_OPEN).set(open as f64);
    gauge!(RELAYS_OLDEST).set(oldest as f64);
}

/// Sets the lamports of a wallet.
#[allow(
    clippy::cast_precision_loss,
    reason = "all lamports together are below 2^60, and the metric may be rounded"
)]
pub fn set_wallet(number: usize, balance: u64, reserved: u64) {
    gauge!(WALLET, "wallet" => number.to_string()).set(balance as f64);
    gauge!(WALLET_RESERVED, "wallet" => number.to_string()).set(reserved as f64);
}

/// Sets the seconds since the ledger last had every finalized transaction of a wallet.
#[allow(clippy::cast_precision_loss, reason = "the number is below 2^53")]
pub fn set_ledger_age(number: usize, seconds: u64) {
    gauge!(LEDGER_AGE, "wallet" => number.to_string()).set(seconds as f64);
}

/// Records a transaction that is booked although no node returned it.
pub fn record_ledger_unread() {
    counter!(LEDGER_UNREAD).increment(1);
}

/// Sets whether a transaction of a wallet is missing in the ledger.
pub fn set_ledger_gap(number: usize, is_missing: bool) {
    gauge!(LEDGER_GAP, "wallet" => number.to_string()).set(if is_missing { 1.0 } else { 0.0 });
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

/// Records the verification of a proof. A verdict from memory is counted as cached.
pub fn record_verified(verdict: &Result<(), String>, is_cached: bool) {
    let outcome = match verdict {
        _ if is_cached => "cached",
        Ok(()) => "valid",
        Err(_) => "invalid",
    };
    counter!(VERIFICATIONS, "outcome" => outcome).increment(1);
}

/// Records an error response.
pub fn record_problem(code: &'static str) {
    counter!(PROBLEMS, "code" => code).increment(1);
}

/// Records the outcome of an upload of a tree.
pub fn record_upload(outcome: &'static str) {
    counter!(UPLOADS, "outcome" => outcome).increment(1);
}

/// Records the outcome of a request for a proof.
pub fn record_proof(outcome: &'static str) {
    counter!(PROOFS, "outcome" => outcome).increment(1);
}

/// Records a response that ended because its client reads too slowly.
pub fn record_slow_reader() {
    counter!(SLOW_READERS).increment(1);
}

/// Records a request that needed a later slot.
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
