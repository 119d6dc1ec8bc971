//! What a proxy does wrong, and how often it has.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::watch;

/// What a proxy does wrong. Shares are from 0 (never) to 1 (always). By default nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Share of transactions that `getSignaturesForAddress` and the websocket keep silent about: always the same ones.
    pub hidden: f64,
    /// Share of calls answered by an error, of HTTP or of JSON-RPC.
    pub errors: f64,
    /// Share of answers that end in the middle.
    pub truncated: f64,
    /// How long an answer or a notice is held back at most.
    pub delay: Duration,
    /// Share of answers that are of an older slot. `minContextSlot` is not kept to; accounts, which nobody has as they
    /// were, are refused.
    pub old: f64,
    /// How many slots older.
    pub slots_behind: u64,
    /// How many slots the node claims to be further than it is: always; `minContextSlot` is not kept to.
    pub slots_ahead: u64,
    /// Share of the websocket's notices that get lost.
    pub dropped: f64,
    /// Share of notices that come twice.
    pub repeated: f64,
    /// Share of notices that come after the next one.
    pub reordered: f64,
    /// Nobody there: open connections end, new ones are closed at once.
    pub away: bool,
}

/// How often a proxy has done what.
#[derive(Debug, Default)]
pub struct Told {
    /// Transactions left out of a history, or notices of hidden ones.
    pub hidden: AtomicU64,
    /// Errors instead of answers.
    pub errors: AtomicU64,
    /// Answers cut short.
    pub truncated: AtomicU64,
    /// Answers of an older slot, and refusals to say something of one.
    pub old: AtomicU64,
    /// Answers that name a slot that has not been.
    pub ahead: AtomicU64,
    /// Notices lost.
    pub dropped: AtomicU64,
    /// Notices repeated.
    pub repeated: AtomicU64,
    /// Notices that came after a later one.
    pub reordered: AtomicU64,
    /// Connections closed because nobody is there.
    pub refused: AtomicU64,
}

/// Counts one.
pub fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// What the connections of a proxy share.
pub struct Shared {
    pub faults: watch::Sender<Faults>,
    pub told: Told,
    pub rpc: String,
    pub websocket: String,
    pub client: reqwest::Client,
    seed: u64,
    random: Mutex<StdRng>,
}

impl Shared {
    pub fn new(rpc: &str, websocket: &str, client: reqwest::Client, seed: u64) -> Self {
        Self {
            faults: watch::Sender::new(Faults::default()),
            told: Told::default(),
            rpc: rpc.to_owned(),
            websocket: websocket.to_owned(),
            client,
            seed,
            random: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    fn random(&self) -> MutexGuard<'_, StdRng> {
        // A panic elsewhere doesn't make the numbers worse.
        self.random.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether something that happens in a share of cases happens in this one.
    pub fn happens(&self, share: f64) -> bool {
        share > 0.0 && self.random().gen_bool(share.min(1.0))
    }

    /// A number below this one.
    pub fn below(&self, limit: usize) -> usize {
        self.random().gen_range(0..limit)
    }

    /// Whether a transaction is one of the hidden.
    pub fn hides(&self, signature: &str, share: f64) -> bool {
        let mut hasher = DefaultHasher::new();
        (self.seed, signature).hash(&mut hasher);
        let place = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
        f64::from(place) / f64::from(u32::MAX) < share
    }

    /// Waits for some time up to the longest.
    pub async fn wait(&self, longest: Duration) {
        if !longest.is_zero() {
            let part = self.random().r#gen();
            tokio::time::sleep(longest.mul_f64(part)).await;
        }
    }
}
