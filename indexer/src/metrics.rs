//! The names of the indexer's metrics, each described once.

use std::time::Duration;

use bauta_store::{Batch, Slot};
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

const HEAD: &str = "bauta_indexer_head_slot";
const CHECKPOINT: &str = "bauta_indexer_checkpoint_slot";
const FINALIZED: &str = "bauta_indexer_finalized_slot";
const LAG_SLOTS: &str = "bauta_indexer_lag_slots";
const LAG_SECONDS: &str = "bauta_indexer_lag_seconds";
const EVENTS: &str = "bauta_indexer_events_total";
const COMMIT: &str = "bauta_indexer_commit_duration_seconds";
const GAPS: &str = "bauta_indexer_gaps_total";
const HOLES: &str = "bauta_indexer_missing_transactions_total";
const HIDDEN: &str = "bauta_indexer_hidden_transactions_total";
const FORKS: &str = "bauta_indexer_forks_total";
const DIFFERENCES: &str = "bauta_indexer_reconcile_differences";
const RPC_REQUESTS: &str = "bauta_indexer_rpc_requests_total";
const RPC_ERRORS: &str = "bauta_indexer_rpc_errors_total";
const STOPPED: &str = "bauta_indexer_stopped";
const LEADER: &str = "bauta_indexer_leader";

/// Says what each means; once, after the recorder is installed.
pub fn describe() {
    describe_gauge!(HEAD, "The newest confirmed slot");
    describe_gauge!(CHECKPOINT, "The slot up to which everything is in the database");
    describe_gauge!(FINALIZED, "The slot up to which no fork can undo anything");
    describe_gauge!(LAG_SLOTS, "Slots from the checkpoint to the newest confirmed one");
    describe_gauge!(
        LAG_SECONDS,
        "Seconds since the checkpoint was last at the newest confirmed slot"
    );
    describe_counter!(EVENTS, "Events applied, by kind; those of a fork count again");
    describe_histogram!(COMMIT, "Seconds that applying a batch took, commit included");
    describe_counter!(GAPS, "Batches that contradicted what was stored");
    describe_counter!(
        HOLES,
        "Transactions that a list had hidden and that were found later"
    );
    describe_counter!(
        HIDDEN,
        "Applied transactions that are there but missing from a list"
    );
    describe_counter!(FORKS, "Forks that were undone");
    describe_gauge!(
        DIFFERENCES,
        "Accounts that differed from the database at the last reconciliation, by kind"
    );
    describe_counter!(RPC_REQUESTS, "Requests to nodes, by URL and method");
    describe_counter!(RPC_ERRORS, "Requests to nodes that failed, by URL and method");
    describe_gauge!(
        STOPPED,
        "1: the checkpoint is stopped until somebody acts; /ready says why"
    );
    describe_gauge!(LEADER, "1: this replica writes");
    for zero in [GAPS, HOLES, HIDDEN, FORKS] {
        counter!(zero).absolute(0);
    }
    gauge!(STOPPED).set(0.0);
    gauge!(LEADER).set(0.0);
}

/// A number as a gauge takes it: exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn gauge_value(number: u64) -> f64 {
    number as f64
}

pub fn head(confirmed: Slot) {
    gauge!(HEAD).set(gauge_value(confirmed.get()));
}

pub fn lag(checkpoint: Slot, head: Slot, seconds: f64) {
    gauge!(CHECKPOINT).set(gauge_value(checkpoint.get()));
    gauge!(LAG_SLOTS).set(gauge_value(head.slots_since(checkpoint)));
    lag_seconds(seconds);
}

pub fn lag_seconds(seconds: f64) {
    gauge!(LAG_SECONDS).set(seconds);
}

pub fn finalized(at: Slot) {
    gauge!(FINALIZED).set(gauge_value(at.get()));
}

pub fn committed(took: Duration, batch: &Batch) {
    histogram!(COMMIT).record(took.as_secs_f64());
    for record in &batch.records {
        counter!(EVENTS, "kind" => record.event.name()).increment(1);
    }
}

pub fn gap() {
    counter!(GAPS).increment(1);
}

pub fn holes(missing: usize) {
    counter!(HOLES).increment(missing as u64);
}

pub fn hidden() {
    counter!(HIDDEN).increment(1);
}

pub fn fork() {
    counter!(FORKS).increment(1);
}

pub fn differences(kind: &'static str, found: usize) {
    gauge!(DIFFERENCES, "kind" => kind).set(gauge_value(found as u64));
}

pub fn request(url: &str, method: &'static str, failed: bool) {
    counter!(RPC_REQUESTS, "url" => url.to_owned(), "method" => method).increment(1);
    // There from the first request on, so that a rate has a zero to begin at.
    counter!(RPC_ERRORS, "url" => url.to_owned(), "method" => method).increment(u64::from(failed));
}

pub fn stopped(is: bool) {
    gauge!(STOPPED).set(f64::from(u8::from(is)));
}

pub fn leader(is: bool) {
    gauge!(LEADER).set(f64::from(u8::from(is)));
}
