//! The responses in memory, and the requests that compute one.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use axum::{
    body::{Body, Bytes},
    http::HeaderMap,
    response::{IntoResponse, Response},
};

use crate::cache::Cache;

/// The longest time for which a response is used. Roots and scopes expire without a change of the
/// database.
pub const MAX_AGE: Duration = Duration::from_secs(1);
/// Bytes of all responses.
const MAX_BYTES: usize = 16 << 20;

/// The responses that are kept.
pub struct ResponseCache {
    entries: Cache<String, Arc<Entry>>,
    /// The responses that are computed now.
    computed: Mutex<HashMap<String, Arc<Turn>>>,
}

type Turn = tokio::sync::Mutex<()>;

/// A response, and the version of the database before it was computed.
pub struct Entry {
    pub headers: HeaderMap,
    pub body: Bytes,
    pub version: u64,
    pub at: Instant,
}

impl Default for ResponseCache {
    fn default() -> Self {
        Self {
            entries: Cache::new(MAX_BYTES),
            computed: Mutex::default(),
        }
    }
}

impl ResponseCache {
    /// Drops the responses that are too old. Call it once in [`MAX_AGE`].
    pub fn age(&self) {
        self.entries.age();
    }

    /// Returns a response that is as good as new.
    pub fn fresh(&self, key: &String, version: u64) -> Option<Response> {
        let entry = self.entries.get(key)?;
        (entry.version == version && entry.at.elapsed() < MAX_AGE)
            .then(|| (entry.headers.clone(), Body::from(entry.body.clone())).into_response())
    }

    /// Keeps a response.
    pub fn insert(&self, key: String, entry: Entry) {
        let bytes = key.len() + entry.body.len() + 512;
        self.entries.insert(key, Arc::new(entry), bytes);
    }

    /// Counts this request among those that compute a response.
    pub fn compute(&self, key: &str) -> Computation<'_> {
        let turn = self.computed().entry(key.to_owned()).or_default().clone();
        Computation {
            cache: self,
            key: key.to_owned(),
            turn,
        }
    }

    fn computed(&self) -> MutexGuard<'_, HashMap<String, Arc<Turn>>> {
        self.computed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request that computes a response, or waits for another one that does.
pub struct Computation<'a> {
    cache: &'a ResponseCache,
    key: String,
    pub turn: Arc<Turn>,
}

impl Drop for Computation<'_> {
    fn drop(&mut self) {
        let mut computed = self.cache.computed();
        // Its own and that of the map.
        if Arc::strong_count(&self.turn) <= 2 {
            computed.remove(&self.key);
        }
    }
}
