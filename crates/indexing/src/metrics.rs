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
const COMMIT_DURATION: &str = "bauta_indexer_commit_duration_seconds";
const FETCHED_TRANSACTIONS: &str = "bauta_indexer_fetched_transactions_total";
const FETCHED_WITHOUT_EVENTS: &str = "bauta_indexer_fetched_without_events_total";
const GAPS: &str = "bauta_indexer_gaps_total";
const MISSING_TRANSACTIONS: &str = "bauta_indexer_missing_transactions_total";
const HIDDEN_TRANSACTIONS: &str = "bauta_indexer_hidden_transactions_total";
const FORKS: &str = "bauta_indexer_forks_total";
const RECONCILE_DIFFERENCES: &str = "bauta_indexer_reconcile_differences";
const RPC_REQUESTS: &str = "bauta_indexer_rpc_requests_total";
const RPC_ERRORS: &str = "bauta_indexer_rpc_errors_total";
const RPC_DURATION: &str = "bauta_indexer_rpc_duration_seconds";
const RECONCILED: &str = "bauta_indexer_reconciled_slot";
const RECONCILE_PARTS: &str = "bauta_indexer_reconcile_parts";
const RECONCILE_FAILURES: &str = "bauta_indexer_reconcile_failures_total";
const DISMISSED_TRANSACTIONS: &str = "bauta_indexer_dismissed_transactions_total";
const BACKFILL_TRANSACTIONS: &str = "bauta_indexer_backfill_transactions";
const BACKFILL_SECONDS: &str = "bauta_indexer_backfill_seconds";
const NODE_FIRST_SLOT: &str = "bauta_indexer_node_first_slot";
const QUARANTINED: &str = "bauta_indexer_quarantined_transactions";
const CONTESTED: &str = "bauta_indexer_contested_transactions";
const SINGLE_NODE: &str = "bauta_indexer_single_node";
const DISPUTED: &str = "bauta_indexer_disputed_transactions";
const JOURNAL_BYTES: &str = "bauta_indexer_journal_bytes";
#[cfg(feature = "yellowstone")]
const STREAM_CONNECTED: &str = "bauta_indexer_stream_connected";
#[cfg(feature = "yellowstone")]
const STREAMED_TRANSACTIONS: &str = "bauta_indexer_streamed_transactions_total";
const STOPPED: &str = "bauta_indexer_stopped";
const LEADER: &str = "bauta_indexer_leader";

fn describe_fetched() {
    describe_counter!(FETCHED_TRANSACTIONS, "Transactions that were fetched");
    describe_counter!(
        FETCHED_WITHOUT_EVENTS,
        "Fetched transactions without an event of the program, which anyone can send"
    );
}

fn describe_agreement() {
    describe_gauge!(
        SINGLE_NODE,
        "1 if the lists of only one of several nodes count, because no other one has answered for a minute"
    );
    describe_gauge!(
        DISPUTED,
        "Applied transactions that a node reports as finalized in another slot or with another outcome"
    );
    single_node(false);
    disputed(0);
}

/// Describes every metric. Call it once, after the recorder is installed.
pub fn describe() {
    describe_gauge!(HEAD, "Newest confirmed slot of the chain");
    describe_gauge!(CHECKPOINT, "Slot up to which the database is complete");
    describe_gauge!(
        FINALIZED,
        "Slot up to which the database is final: no fork can change it"
    );
    describe_gauge!(
        LAG_SLOTS,
        "Slots from the checkpoint to the newest confirmed slot"
    );
    describe_gauge!(
        LAG_SECONDS,
        "Seconds since the checkpoint was last at the newest confirmed slot"
    );
    describe_counter!(
        EVENTS,
        "Applied events, by kind; events that are applied again after a rollback count again"
    );
    describe_histogram!(
        COMMIT_DURATION,
        "Seconds that applying a batch took, including the commit"
    );
    describe_fetched();
    describe_agreement();
    describe_counter!(GAPS, "Batches that contradicted the database");
    describe_counter!(
        MISSING_TRANSACTIONS,
        "Transactions that a node omitted from a list and that were found later"
    );
    describe_counter!(
        HIDDEN_TRANSACTIONS,
        "Applied transactions that exist but that a node omitted from a list"
    );
    describe_counter!(FORKS, "Forks that caused a rollback");
    describe_gauge!(
        RECONCILE_DIFFERENCES,
        "Accounts that differed from the database at the last reconciliation, by kind"
    );
    describe_counter!(RPC_REQUESTS, "Requests to nodes, by URL and method");
    describe_counter!(RPC_ERRORS, "Requests to nodes that failed, by URL and method");
    describe_histogram!(
        RPC_DURATION,
        "Seconds from a request to a node to the end of the answer, by URL and method"
    );
    describe_gauge!(
        RECONCILED,
        "Slot up to which the database agrees with the program's accounts"
    );
    describe_gauge!(
        RECONCILE_PARTS,
        "Parts of the present comparison with the program's accounts, by state: compared or open"
    );
    describe_counter!(
        RECONCILE_FAILURES,
        "Requests for the program's accounts that failed on all nodes, by kind"
    );
    describe_counter!(
        DISMISSED_TRANSACTIONS,
        "Transactions that a node listed but that are not in the block of their slot"
    );
    describe_gauge!(
        BACKFILL_TRANSACTIONS,
        "Transactions of the present backfill that are not applied yet"
    );
    describe_gauge!(
        BACKFILL_SECONDS,
        "Estimated seconds to the end of the present backfill"
    );
    describe_gauge!(
        NODE_FIRST_SLOT,
        "First slot whose block a node had when the service started, by URL"
    );
    describe_gauge!(
        QUARANTINED,
        "Listed transactions that no node returns; the database continues without them"
    );
    describe_gauge!(
        CONTESTED,
        "Versions of transactions that nodes contradict and about which nothing is decided: set aside, or kept"
    );
    describe_gauge!(JOURNAL_BYTES, "Space on disk of the journal, with its indexes");
    describe_gauge!(
        STOPPED,
        "1 if the checkpoint is stopped until an operator acts; /ready returns the reason"
    );
    describe_gauge!(LEADER, "1 if this replica is the leader, which writes");
    #[cfg(feature = "yellowstone")]
    describe_stream();
    set_first_values();
}

/// Sets the values that a metric has before the first event, so that it is exported from the start.
fn set_first_values() {
    for total in [
        GAPS,
        MISSING_TRANSACTIONS,
        HIDDEN_TRANSACTIONS,
        FORKS,
        DISMISSED_TRANSACTIONS,
    ] {
        counter!(total).absolute(0);
    }
    backfill(0, Duration::ZERO);
    quarantined(0);
    contested(0, 0);
    journal(0);
    gauge!(STOPPED).set(0.0);
    gauge!(LEADER).set(0.0);
}

#[cfg(feature = "yellowstone")]
fn describe_stream() {
    describe_gauge!(STREAM_CONNECTED, "1 if the stream is connected");
    describe_counter!(
        STREAMED_TRANSACTIONS,
        "Transactions that the stream delivered, so that they were not requested from a node"
    );
    stream_connected(false);
    streamed_transactions(0);
}

/// Converts a number to the value of a gauge. The value is exact up to 2^53.
#[allow(clippy::cast_precision_loss)]
fn gauge_value(number: u64) -> f64 {
    number as f64
}

pub fn head(confirmed: Slot) {
    gauge!(HEAD).set(gauge_value(confirmed.get()));
}

/// Records the distance from the checkpoint to the head, in slots and in seconds.
pub fn lag(checkpoint: Slot, head: Slot, seconds: f64) {
    gauge!(CHECKPOINT).set(gauge_value(checkpoint.get()));
    gauge!(LAG_SLOTS).set(gauge_value(head.slots_since(checkpoint)));
    lag_seconds(seconds);
}

pub fn lag_seconds(seconds: f64) {
    gauge!(LAG_SECONDS).set(seconds);
}

pub fn finalized(slot: Slot) {
    gauge!(FINALIZED).set(gauge_value(slot.get()));
}

/// Records a committed batch and how long applying it took.
pub fn committed(duration: Duration, batch: &Batch) {
    histogram!(COMMIT_DURATION).record(duration.as_secs_f64());
    for record in &batch.records {
        counter!(EVENTS, "kind" => record.event.name()).increment(1);
    }
}

pub fn fetched_transactions(count: usize, without_events: usize) {
    counter!(FETCHED_TRANSACTIONS).increment(count as u64);
    counter!(FETCHED_WITHOUT_EVENTS).increment(without_events as u64);
}

pub fn gap() {
    counter!(GAPS).increment(1);
}

pub fn missing_transactions(count: usize) {
    counter!(MISSING_TRANSACTIONS).increment(count as u64);
}

pub fn hidden_transaction() {
    counter!(HIDDEN_TRANSACTIONS).increment(1);
}

pub fn fork() {
    counter!(FORKS).increment(1);
}

pub fn reconciled(slot: Slot) {
    gauge!(RECONCILED).set(gauge_value(slot.get()));
}

/// Records the progress of the present comparison with the accounts.
pub fn reconcile_progress(compared: usize, open: usize) {
    gauge!(RECONCILE_PARTS, "state" => "compared").set(gauge_value(compared as u64));
    gauge!(RECONCILE_PARTS, "state" => "open").set(gauge_value(open as u64));
}

pub fn reconcile_failure(kind: &'static str) {
    counter!(RECONCILE_FAILURES, "kind" => kind).increment(1);
}

pub fn dismissed_transaction() {
    counter!(DISMISSED_TRANSACTIONS).increment(1);
}

pub fn reconcile_differences(kind: &'static str, count: usize) {
    gauge!(RECONCILE_DIFFERENCES, "kind" => kind).set(gauge_value(count as u64));
}

pub fn rpc_request(url: &str, method: &'static str, duration: Duration, failed: bool) {
    histogram!(RPC_DURATION, "url" => url.to_owned(), "method" => method).record(duration.as_secs_f64());
    counter!(RPC_REQUESTS, "url" => url.to_owned(), "method" => method).increment(1);
    // The error counter exists from the first request, so that a rate can start from zero.
    counter!(RPC_ERRORS, "url" => url.to_owned(), "method" => method).increment(u64::from(failed));
}

/// Records how many transactions of a backfill are left, and the estimated time for them.
pub fn backfill(transactions: u64, left: Duration) {
    gauge!(BACKFILL_TRANSACTIONS).set(gauge_value(transactions));
    gauge!(BACKFILL_SECONDS).set(left.as_secs_f64());
}

pub fn node_first_slot(url: &str, slot: Slot) {
    gauge!(NODE_FIRST_SLOT, "url" => url.to_owned()).set(gauge_value(slot.get()));
}

pub fn quarantined(count: usize) {
    gauge!(QUARANTINED).set(gauge_value(count as u64));
}

/// Records how many contested versions are set aside, and how many are kept.
pub fn contested(aside: usize, kept: usize) {
    gauge!(CONTESTED, "state" => "aside").set(gauge_value(aside as u64));
    gauge!(CONTESTED, "state" => "kept").set(gauge_value(kept as u64));
}

pub fn single_node(is_single: bool) {
    gauge!(SINGLE_NODE).set(f64::from(u8::from(is_single)));
}

pub fn disputed(count: usize) {
    gauge!(DISPUTED).set(gauge_value(count as u64));
}

pub fn journal(bytes: u64) {
    gauge!(JOURNAL_BYTES).set(gauge_value(bytes));
}

pub fn stopped(is_stopped: bool) {
    gauge!(STOPPED).set(f64::from(u8::from(is_stopped)));
}

pub fn leader(is_leader: bool) {
    gauge!(LEADER).set(f64::from(u8::from(is_leader)));
}

#[cfg(feature = "yellowstone")]
pub fn stream_connected(is_connected: bool) {
    gauge!(STREAM_CONNECTED).set(f64::from(u8::from(is_connected)));
}

/// Records how many transactions of a request the stream has delivered.
#[cfg(feature = "yellowstone")]
pub fn streamed_transactions(count: usize) {
    counter!(STREAMED_TRANSACTIONS).increment(count as u64);
}
