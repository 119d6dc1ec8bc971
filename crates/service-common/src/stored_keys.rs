//! API keys of the database, with a copy in memory.
//!
//! While the database answers, the copy is at most a second old, and the comparison takes at most
//! another second. So a new key is accepted and a revoked key is refused within two seconds.
//! Without the database, the copy is used for five minutes. The clock of the database decides
//! whether a key was revoked; the clock of the service decides when a key expires by itself. A
//! request reads from the database only if the copy is older, and then usually one row. However
//! many keys a client tries, there is at most one query per second.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bauta_store::{ApiKey, Store};
use tokio::{sync::Mutex, time::Instant};

use crate::api_keys::check_expiry;

/// The age from which the copy is compared with the database.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The age up to which the copy is used while the database is unavailable. Services that work
/// without the database keep their clients for this time.
const MAX_AGE_WITHOUT_DATABASE: Duration = Duration::from_mins(5);
/// Timeout of the comparison.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The keys of a database.
pub struct StoredKeys {
    store: Store,
    /// The prefixes of the keys of the configuration. The database doesn't know them, so a key of
    /// an account could have one of them as its owner. It is not accepted: it would use the budget
    /// of the configured client, and read its jobs.
    configured: HashSet<String>,
    copy: RwLock<Snapshot>,
    /// Locked while a request compares the copy with the database.
    comparison: Mutex<LastComparison>,
}

/// Why the keys can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeysUnavailable(String);

#[derive(Default)]
struct LastComparison(Option<(Instant, Result<(), KeysUnavailable>)>);

/// The keys at one time.
#[derive(Clone, Default)]
struct Snapshot {
    keys: Arc<HashMap<String, ApiKey>>,
    /// The origins of the keys that were valid when they were read.
    origins: Arc<HashSet<String>>,
    /// The number of changes before.
    changes: Option<i64>,
    /// Time at which the copy was equal to the database. `None` before the first comparison.
    equal_at: Option<Instant>,
}

impl Snapshot {
    fn is_younger_than(&self, age: Duration) -> bool {
        self.equal_at.is_some_and(|equal_at| equal_at.elapsed() < age)
    }
}

impl StoredKeys {
    /// Creates an empty copy of the keys of a database, for a service whose configuration has keys
    /// with these prefixes.
    pub fn new(store: Store, configured: HashSet<String>) -> Self {
        Self {
            store,
            configured,
            copy: RwLock::default(),
            comparison: Mutex::default(),
        }
    }

    /// Returns the key with this prefix. Fails if the database has been unavailable for longer than
    /// the copy is used without it.
    pub async fn find(&self, prefix: &str) -> Result<Option<ApiKey>, KeysUnavailable> {
        Ok(self.current().await?.keys.get(prefix).cloned())
    }

    /// Returns whether a key that was valid when it was read has this origin. `false` if the
    /// database is unavailable.
    pub async fn has_origin(&self, origin: &str) -> bool {
        self.current()
            .await
            .is_ok_and(|copy| copy.origins.contains(origin))
    }

    /// Returns whether the database has no key. `false` if it is unavailable.
    pub async fn is_empty(&self) -> bool {
        self.current().await.is_ok_and(|copy| copy.keys.is_empty())
    }

    /// Returns the copy, after a comparison with the database if the copy is too old.
    async fn current(&self) -> Result<Snapshot, KeysUnavailable> {
        let mut copy = self.copy();
        if !copy.is_younger_than(MAX_AGE) {
            let compared = self.compare(&copy).await;
            copy = self.copy();
            if !copy.is_younger_than(MAX_AGE_WITHOUT_DATABASE) {
                compared?;
            }
        }
        Ok(copy)
    }

    /// Compares the copy with the database. One request does this at a time, at most once per
    /// second. Other requests use the old copy meanwhile, or wait if there is none.
    async fn compare(&self, old: &Snapshot) -> Result<(), KeysUnavailable> {
        let mut last = match self.comparison.try_lock() {
            Ok(last) => last,
            Err(_) if old.is_younger_than(MAX_AGE_WITHOUT_DATABASE) => return Ok(()),
            Err(_) => self.comparison.lock().await,
        };
        if let Some((at, outcome)) = &last.0
            && at.elapsed() < MAX_AGE
        {
            return outcome.clone();
        }
        let outcome = self.read().await;
        if let Err(error) = &outcome {
            tracing::warn!(event = "api_keys_unavailable", %error);
        }
        last.0 = Some((Instant::now(), outcome.clone()));
        outcome
    }

    async fn read(&self) -> Result<(), KeysUnavailable> {
        let (copy, now) = (self.copy(), Instant::now());
        let list = tokio::time::timeout(TIMEOUT, self.store.api_keys_after(copy.changes)).await;
        let list = list.map_err(|_| {
            let seconds = TIMEOUT.as_secs();
            KeysUnavailable(format!("the database did not answer within {seconds} s"))
        })?;
        let list = list.map_err(|error| KeysUnavailable(error.to_string()))?;
        let equal_at = Some(now);
        let new = match list {
            None => Snapshot { equal_at, ..copy },
            Some(mut list) => {
                let takes_owner = |key: &ApiKey| {
                    self.configured.contains(&key.owner) && list.of_accounts.contains(&key.prefix)
                };
                list.keys.retain(|key| !takes_owner(key));
                // A revoked key is refused although the clock here is behind that of the database.
                let revoked = list
                    .keys
                    .iter_mut()
                    .filter(|key| list.expired.contains(&key.prefix));
                revoked.for_each(|key| key.expires_at = key.expires_at.min(0));
                let valid = list.keys.iter().filter(|key| check_expiry(key).is_ok());
                let origins = valid.flat_map(|key| key.origins.iter().cloned());
                Snapshot {
                    origins: Arc::new(origins.collect()),
                    keys: Arc::new(
                        list.keys
                            .into_iter()
                            .map(|key| (key.prefix.clone(), key))
                            .collect(),
                    ),
                    changes: Some(list.changes),
                    equal_at,
                }
            }
        };
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(())
    }

    fn copy(&self) -> Snapshot {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
