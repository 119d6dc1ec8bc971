//! The faults that a proxy injects, and how often it has injected them.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;

/// The faults that a proxy injects. By default it injects none.
///
/// A share is a probability from 0 (never) to 1 (always).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of transactions that `getSignaturesForAddress` and the websocket omit. Which ones
    /// depends only on the proxy's seed and the signature.
    pub omitted: f64,
    /// Share of calls that fail with an HTTP error or a JSON-RPC error.
    pub errors: f64,
    /// Share of responses that end in the middle.
    pub truncated: f64,
    /// The longest delay of a response or a notification. The delay is random, from 0 to this
    /// value.
    pub max_delay: Duration,
    /// Share of responses that show the chain at an older slot. They ignore `minContextSlot`.
    /// Requests for accounts fail, because the node does not have their earlier states.
    pub stale: f64,
    /// By how many slots a stale response is older than the node's newest slot.
    pub slots_behind: u64,
    /// By how many slots every response overstates the node's newest slot. If this is not 0,
    /// `minContextSlot` is ignored.
    pub slots_ahead: u64,
    /// Share of transactions that are returned without a record of their inner instructions.
    pub unrecorded: f64,
    /// Share of transactions that `getTransaction` does not know. Which ones depends only on the
    /// proxy's seed and the signature.
    pub unreturned: f64,
    /// The number of bytes by which the record of every transaction is longer.
    pub padding: usize,
    /// The signature of a transaction whose record is longer than any limit.
    pub oversized: Option<String>,
    /// The signature of a transaction after which, in the node's record, every account has one more
    /// SOL.
    pub false_balances: Option<String>,
    /// Whether every block is missing on the node, as after a restart from a snapshot.
    pub missing_blocks: bool,
    /// Share of lists that contain failed transactions with an error that no version knows.
    pub unknown_errors: f64,
    /// Share of lists that contain a transaction that does not exist.
    pub invented: f64,
    /// The number of transactions that do not exist, at most 255, in each list.
    pub inventions: u8,
    /// Share of lists that contain a copy of the newest transaction under another signature. The node
    /// returns it with all of its events.
    pub copied: f64,
    /// Share of transactions whose last event has another root. Which ones depends only on the
    /// proxy's seed and the signature.
    pub altered: f64,
    /// Share of requests for the newest finalized slot that return the newest confirmed one.
    pub finalized_early: f64,
    /// Share of pages of lists that are empty.
    pub empty_pages: f64,
    /// Whether the node reports the genesis hash of another cluster.
    pub other_cluster: bool,
    /// The time by which every response is delayed.
    pub delay: Duration,
    /// A method whose calls fail.
    pub failing_method: Option<&'static str>,
    /// A method whose calls get no response.
    pub silent_method: Option<&'static str>,
    /// Share of transactions that the node accepts and does not send.
    pub swallowed: f64,
    /// The number that is added to every block height.
    pub heights_off: i64,
    /// The price that recent blocks seem to have required, in micro-lamports for each compute unit.
    pub price: Option<u64>,
    /// Share of notifications that are dropped.
    pub dropped: f64,
    /// Share of notifications that are sent twice.
    pub duplicated: f64,
    /// Share of notifications that are sent after the next one.
    pub reordered: f64,
    /// Whether the proxy is unavailable: it closes all open connections and every new one.
    pub unavailable: bool,
}

impl Faults {
    /// Returns whether the contents of responses are changed.
    pub(crate) const fn change_contents(&self) -> bool {
        self.omitted > 0.0
            || self.slots_ahead > 0
            || self.unrecorded > 0.0
            || self.unreturned > 0.0
            || self.padding > 0
            || self.oversized.is_some()
            || self.false_balances.is_some()
            || self.missing_blocks
            || self.unknown_errors > 0.0
            || self.invented > 0.0
            || self.inventions > 0
            || self.copied > 0.0
            || self.altered > 0.0
            || self.empty_pages > 0.0
            || self.heights_off != 0
            || self.price.is_some()
            || self.other_cluster
    }
}

/// How often a proxy has injected each fault.
#[derive(Debug, Default)]
pub struct FaultCounts {
    /// Transactions omitted from a list, and their notifications.
    pub omitted: AtomicU64,
    /// Errors sent instead of responses.
    pub errors: AtomicU64,
    /// Truncated responses.
    pub truncated: AtomicU64,
    /// Stale responses, including the errors for accounts.
    pub stale: AtomicU64,
    /// Responses with an overstated slot.
    pub ahead: AtomicU64,
    /// Transactions without a record of their inner instructions.
    pub unrecorded: AtomicU64,
    /// Transactions that `getTransaction` did not know.
    pub unreturned: AtomicU64,
    /// Records of transactions that were made longer.
    pub padded: AtomicU64,
    /// Records of transactions with false balances.
    pub false_balances: AtomicU64,
    /// Blocks that were missing.
    pub missing_blocks: AtomicU64,
    /// Errors that no version knows, added to lists.
    pub unknown_errors: AtomicU64,
    /// Lists with transactions that do not exist.
    pub invented: AtomicU64,
    /// Copies that were returned with their events.
    pub copied: AtomicU64,
    /// Transactions whose last event was altered.
    pub altered: AtomicU64,
    /// Slots that were reported as finalized early.
    pub finalized_early: AtomicU64,
    /// Pages of lists that were returned without entries.
    pub empty_pages: AtomicU64,
    /// Genesis hashes of another cluster.
    pub other_cluster: AtomicU64,
    /// Failed calls of [`Faults::failing_method`].
    pub failed_calls: AtomicU64,
    /// Accepted transactions that were not sent.
    pub swallowed: AtomicU64,
    /// Wrong block heights.
    pub heights_off: AtomicU64,
    /// Invented prices.
    pub prices: AtomicU64,
    /// Dropped notifications.
    pub dropped: AtomicU64,
    /// Duplicated notifications.
    pub duplicated: AtomicU64,
    /// Notifications sent after a later one.
    pub reordered: AtomicU64,
    /// Connections closed because the proxy was unavailable.
    pub refused: AtomicU64,
}

/// Increments a counter.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// The state that the connections of a proxy share.
pub struct Shared {
    pub faults: watch::Sender<Faults>,
    pub counts: FaultCounts,
    /// The URL of the upstream node's JSON-RPC.
    pub rpc: String,
    /// The URL of the upstream node's websocket.
    pub websocket: String,
    pub client: reqwest::Client,
    seed: u64,
    random: Mutex<StdRng>,
}

impl Shared {
    pub fn new(rpc: &str, websocket: &str, client: reqwest::Client, seed: u64) -> Self {
        Self {
            faults: watch::Sender::new(Faults::default()),
            counts: FaultCounts::default(),
            rpc: rpc.to_owned(),
            websocket: websocket.to_owned(),
            client,
            seed,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    fn random(&self) -> MutexGuard<'_, StdRng> {
        // A panic in another thread leaves the generator usable.
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `true` with the probability `share`.
    pub fn happens(&self, share: f64) -> bool {
        share > 0.0 && self.random().gen_bool(share.min(1.0))
    }

    /// Returns a random number below `limit`.
    pub fn below(&self, limit: usize) -> usize {
        self.random().gen_range(0..limit)
    }

    /// Returns whether a transaction is one of the omitted `share`.
    pub fn omits(&self, signature: &str, share: f64) -> bool {
        let mut hasher = DefaultHasher::new();
        (self.seed, signature).hash(&mut hasher);
        let hash = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
        f64::from(hash) / f64::from(u32::MAX) < share
    }

    /// Waits for a random time from 0 to `max_delay`.
    pub async fn delay(&self, max_delay: Duration) {
        if !max_delay.is_zero() {
            let fraction = self.random().r#gen();
            tokio::time::sleep(max_delay.mul_f64(fraction)).await;
        }
    }
}
