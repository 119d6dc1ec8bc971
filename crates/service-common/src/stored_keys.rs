//! API keys of the database, with a copy in memory.
//!
//! A request uses the copy if it was equal to the database less than half a second before. Otherwise
//! it compares the copy with the database, or waits until another request has done so. So a new key
//! is accepted and a revoked key is refused within one second, while the database answers. While
//! streams are open, a task compares the copy as often, and the streams wait for its changes. Without the
//! database, the copy is used for five minutes. The clock of the database decides whether a key was
//! revoked; the clock of the service decides when a key expires by itself. A comparison usually
//! reads one row. However many keys a client tries, there are at most two queries per second, and
//! four more while streams are open.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bauta_store::{ApiKey, Store};
use tokio::{
    sync::{Mutex, watch},
    time::Instant,
};

/// The age from which the copy is compared with the database, and the time between a comparison that
/// failed and the next one.
const MAX_AGE: Duration = Duration::from_millis(500);
/// Interval at which the copy is compared while streams are open.
const FOLLOWED: Duration = Duration::from_millis(250);
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
    /// Locked while a request compares the copy with the database. The time and the error of the
    /// last comparison if it failed.
    comparison: Mutex<Option<(Instant, KeysUnavailable)>>,
    /// Changes with the copy, and when the copy can no longer be used.
    changes: watch::Sender<()>,
    /// [`MAX_AGE`]. Tests have another one.
    max_age: Duration,
    /// [`TIMEOUT`]. Tests have another one.
    timeout: Duration,
}

/// Why the keys can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct KeysUnavailable(String);

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
    /// Whether the last comparison failed.
    failed: bool,
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
            changes: watch::Sender::new(()),
            max_age: MAX_AGE,
            timeout: TIMEOUT,
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

    /// Returns a channel that changes with the keys, while [`Self::follow`] runs.
    pub fn changes(&self) -> watch::Receiver<()> {
        self.changes.subscribe()
    }

    /// Compares the copy with the database at an interval, while [`Self::changes`] has receivers.
    /// Never returns.
    pub async fn follow(&self) {
        loop {
            tokio::time::sleep(FOLLOWED).await;
            if self.changes.receiver_count() == 0 {
                continue;
            }
            let copy = self.copy();
            let followed = copy.is_younger_than(FOLLOWED) || self.compare_at(&copy, FOLLOWED).await.is_ok();
            if !followed && !self.copy().is_younger_than(MAX_AGE_WITHOUT_DATABASE) {
                self.changes.send_replace(());
            }
        }
    }

    /// Returns the copy, after a comparison with the database if the copy is too old.
    async fn current(&self) -> Result<Snapshot, KeysUnavailable> {
        let copy = self.copy();
        if copy.is_younger_than(self.max_age) {
            return Ok(copy);
        }
        let compared = self.compare_at(&copy, self.max_age).await;
        let copy = self.copy();
        if !copy.is_younger_than(MAX_AGE_WITHOUT_DATABASE) {
            compared?;
        }
        Ok(copy)
    }

    /// Compares the copy with the database if it has this age. One request does this at a time, and
    /// the others wait for it. If the last comparison failed, they use the old copy meanwhile, so
    /// that a database that doesn't answer delays only one request.
    async fn compare_at(&self, old: &Snapshot, age: Duration) -> Result<(), KeysUnavailable> {
        let mut last_failure = match self.comparison.try_lock() {
            Ok(last_failure) => last_failure,
            Err(_) if old.failed && old.is_younger_than(MAX_AGE_WITHOUT_DATABASE) => return Ok(()),
            Err(_) => self.comparison.lock().await,
        };
        if self.copy().is_younger_than(age) {
            return Ok(());
        }
        if let Some((at, error)) = &*last_failure
            && at.elapsed() < self.max_age
        {
            return Err(error.clone());
        }
        let outcome = self.read().await;
        *last_failure = match &outcome {
            Ok(()) => None,
            Err(error) => {
                tracing::warn!(event = "api_keys_unavailable", %error);
                self.copy.write().unwrap_or_else(PoisonError::into_inner).failed = true;
                Some((Instant::now(), error.clone()))
            }
        };
        outcome
    }

    async fn read(&self) -> Result<(), KeysUnavailable> {
        let (copy, now) = (self.copy(), Instant::now());
        let list = tokio::time::timeout(self.timeout, self.store.api_keys_after(copy.changes)).await;
        let list = list.map_err(|_| {
            let limit = self.timeout;
            KeysUnavailable(format!("the database did not answer within {limit:?}"))
        })?;
        let list = list.map_err(|error| KeysUnavailable(error.to_string()))?;
        let equal_at = Some(now);
        let has_changed = list.is_some();
        let new = match list {
            None => Snapshot {
                equal_at,
                failed: false,
                ..copy
            },
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
                let valid = list.keys.iter().filter(|key| !is_expired(key));
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
                    failed: false,
                }
            }
        };
        *self.copy.write().unwrap_or_else(PoisonError::into_inner) = new;
        if has_changed {
            self.changes.send_replace(());
        }
        Ok(())
    }

    fn copy(&self) -> Snapshot {
        self.copy.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Returns whether a key has expired.
pub fn is_expired(key: &ApiKey) -> bool {
    seconds_left(key) == 0
}

/// Returns the seconds until a key expires. 0 if it has expired.
pub fn seconds_left(key: &ApiKey) -> u64 {
    // With a clock before 1970, no key is expired.
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    u64::try_from(key.expires_at)
        .unwrap_or_default()
        .saturating_sub(now)
}

#[cfg(test)]
mod tests {
    use bauta_store::{AccountId, AuditRecord, KeyChange, KeyLimits, Role, testing::TestDatabase};
    use futures_util::FutureExt as _;

    use super::*;
    use crate::{ApiKeys, AuthorisationError, NewApiKey, Quota};

    fn row() -> ApiKey {
        NewApiKey::random(&["prove"], 4_000_000_000, Quota::default()).row
    }

    /// A copy that each request compares with the database.
    fn keys(database: &TestDatabase) -> StoredKeys {
        StoredKeys {
            max_age: Duration::ZERO,
            timeout: Duration::from_mins(1),
            ..StoredKeys::new(database.store.clone(), HashSet::new())
        }
    }

    #[tokio::test]
    async fn a_request_does_not_use_an_old_copy_while_another_request_compares_it() {
        let database = TestDatabase::create().await.unwrap();
        let (keys, key) = (keys(&database), row());
        assert!(database.store.add_api_key(&key).await.unwrap());
        let found = keys.find(&key.prefix).await.unwrap().unwrap();
        assert!(!is_expired(&found));
        assert!(database.store.revoke_api_key(&key.prefix).await.unwrap());

        let comparison = keys.comparison.lock().await;
        let mut request = Box::pin(keys.find(&key.prefix));
        assert_eq!(request.as_mut().now_or_never(), None);
        drop(comparison);
        let found = request.await.unwrap().unwrap();
        assert!(is_expired(&found));
    }

    #[tokio::test]
    async fn without_the_database_the_copy_is_used_and_only_one_request_waits_for_the_database() {
        let database = TestDatabase::create().await.unwrap();
        let (keys, key) = (keys(&database), row());
        assert!(database.store.add_api_key(&key).await.unwrap());
        assert!(keys.find(&key.prefix).await.unwrap().is_some());

        database.pool().close().await;
        assert_eq!(keys.find(&key.prefix).await.unwrap().as_ref(), Some(&key));
        let comparison = keys.comparison.lock().await;
        let found = keys.find(&key.prefix).now_or_never();
        assert_eq!(found.expect("the request does not wait").unwrap(), Some(key));
        drop(comparison);
    }

    #[tokio::test]
    async fn without_a_copy_and_without_the_database_no_key_is_found() {
        let database = TestDatabase::create().await.unwrap();
        let keys = keys(&database);
        database.pool().close().await;
        assert!(keys.find("00000001").await.is_err());
        assert!(!keys.has_origin("https://app.example.org").await && !keys.is_empty().await);
    }

    #[tokio::test]
    async fn a_stream_ends_when_its_key_is_revoked_and_those_of_other_keys_stay_open() {
        let database = TestDatabase::create().await.unwrap();
        let store = &database.store;
        let (revoked, other) = (row(), row());
        for key in [&revoked, &other] {
            assert!(store.add_api_key(key).await.unwrap());
        }
        let keys = ApiKeys::default().with_store(store.clone());
        let wait = async |key: &ApiKey| keys.until_refused(&key.prefix, "prove").await;
        let ended = async {
            tokio::select! {
                () = keys.follow() => None,
                error = wait(&revoked) => Some((&revoked, error)),
                error = wait(&other) => Some((&other, error)),
            }
        };
        let revoke = async {
            // Both wait already.
            tokio::task::yield_now().await;
            assert!(store.revoke_api_key(&revoked.prefix).await.unwrap());
        };
        let both = async { tokio::join!(ended, revoke) };
        let (ended, ()) = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();
        assert_eq!(ended, Some((&revoked, AuthorisationError::ExpiredKey)));
        let unknown = keys.until_refused("00000000", "prove").await;
        assert_eq!(unknown, AuthorisationError::UnknownKey);
        let missing = keys.until_refused(&other.prefix, "admin").await;
        assert!(matches!(missing, AuthorisationError::MissingPermission { .. }));
    }

    /// The process that adds keys of accounts may choose their prefixes. Only an operator adds keys
    /// of a client of the configuration.
    #[tokio::test]
    async fn a_key_of_an_account_is_not_a_key_of_a_client_of_the_configuration() {
        let database = TestDatabase::create().await.unwrap();
        let store = &database.store;
        let [configured, second, of_operator] = [row(), row(), row()];
        let (account, record) = (AccountId([1; 16]), AuditRecord::of("changed", "operator", "test"));
        store.grant_role(account, Role::Developer, &record).await.unwrap();
        let limits = KeyLimits {
            valid: 3,
            for_pages: 3,
            per_day: 3,
        };
        for key in [&configured, &second] {
            let change = store.add_account_key(account, key, "name", limits, &record).await;
            assert_eq!(change.unwrap(), KeyChange::Stored);
        }
        let of_operator = ApiKey {
            owner: configured.prefix.clone(),
            ..of_operator
        };
        assert!(store.add_api_key(&of_operator).await.unwrap());

        for (names, is_accepted) in [(vec![], true), (vec![configured.prefix.clone()], false)] {
            let keys = StoredKeys::new(store.clone(), names.into_iter().collect());
            for key in [&configured, &second] {
                let found = keys.find(&key.prefix).await.unwrap();
                assert_eq!(found.is_some(), is_accepted);
                assert!(found.is_none_or(|key| key.owner == configured.prefix));
            }
            assert!(keys.find(&of_operator.prefix).await.unwrap().is_some());
        }
    }
}
