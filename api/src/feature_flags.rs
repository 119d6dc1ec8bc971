//! The flags that operators set for all instances, with a copy in memory.
//!
//! A request uses the copy if it was read less than a second before. Otherwise it reads the
//! database, or waits until another request has done so. So a change counts everywhere within a
//! second. While the database does not answer, the copy is used for five minutes, as that of the API
//! keys is.

use std::time::{Duration, Instant};

use bauta_store::{AuditRecord, FeatureFlags, Store, StoreError};
use tokio::sync::Mutex;

/// The age up to which the copy is used without a read, and the time between a read that failed and
/// the next one.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The age up to which the copy is used while the database does not answer.
const MAX_AGE_WITHOUT_DATABASE: Duration = Duration::from_mins(5);
/// Timeout of a read.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Why the flags refuse a request.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FlagError {
    /// The operator has switched proofs and relays off.
    #[error("the operator of this service has switched proofs and relays off (zkp_enabled); retry later")]
    Off,
    /// The request names no percentile.
    #[error(
        "the service is open for {percentage} % of clients; send your percentile in Bauta-Rollout \
         (GET /feature-flags)"
    )]
    NoPercentile {
        /// The percentage of clients.
        percentage: u8,
    },
    /// The percentile is not below the percentage.
    #[error(
        "the service is open for {percentage} % of clients, and percentile {percentile} is not among them"
    )]
    NotYet {
        /// The percentage of clients.
        percentage: u8,
        /// The percentile of the client.
        percentile: u8,
    },
}

/// Returns why the flags refuse a client with this percentile, from 0 to 99, if they do.
pub const fn check(flags: &FeatureFlags, percentile: Option<u8>) -> Result<(), FlagError> {
    let percentage = flags.rollout_percentage;
    match percentile {
        _ if !flags.zkp_enabled => Err(FlagError::Off),
        _ if percentage >= 100 => Ok(()),
        Some(percentile) if percentile < percentage => Ok(()),
        Some(percentile) => Err(FlagError::NotYet {
            percentage,
            percentile,
        }),
        None => Err(FlagError::NoPercentile { percentage }),
    }
}

/// The flags of a database.
pub struct Flags {
    store: Store,
    copy: Mutex<Copy>,
}

/// The flags at one time.
#[derive(Default)]
struct Copy {
    /// The flags, and the time before they were read.
    known: Option<(Instant, FeatureFlags)>,
    /// The time of the last read, if it failed.
    failed_at: Option<Instant>,
}

impl Copy {
    /// Returns the flags if they are younger than an age.
    fn younger_than(&self, age: Duration) -> Option<FeatureFlags> {
        let (at, flags) = self.known?;
        (at.elapsed() < age).then_some(flags)
    }
}

impl Flags {
    /// Uses the flags of a database, which must be the primary.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            copy: Mutex::default(),
        }
    }

    /// Returns the flags as they were less than a second before. `None` if the database has not
    /// answered for five minutes.
    pub async fn current(&self) -> Option<FeatureFlags> {
        let mut copy = self.copy.lock().await;
        if let Some(flags) = copy.younger_than(MAX_AGE) {
            return Some(flags);
        }
        if copy.failed_at.is_none_or(|at| at.elapsed() >= MAX_AGE) {
            let now = Instant::now();
            match tokio::time::timeout(TIMEOUT, self.store.feature_flags()).await {
                Ok(Ok(flags)) => {
                    *copy = Copy {
                        known: Some((now, flags)),
                        failed_at: None,
                    };
                    return Some(flags);
                }
                Ok(Err(error)) => tracing::warn!(event = "flags_unavailable", %error),
                Err(_) => tracing::warn!(event = "flags_unavailable", error = "no answer within a second"),
            }
            copy.failed_at = Some(Instant::now());
        }
        copy.younger_than(MAX_AGE_WITHOUT_DATABASE)
    }

    /// Sets the flags, with a record in the audit log.
    pub async fn set(
        &self,
        zkp_enabled: bool,
        rollout_percentage: u8,
        record: &AuditRecord,
    ) -> Result<FeatureFlags, StoreError> {
        let set = self
            .store
            .set_feature_flags(zkp_enabled, rollout_percentage, record)
            .await?;
        // The next request reads them. Another change can have followed this one.
        self.copy.lock().await.known = None;
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use bauta_store::testing::TestDatabase;

    use super::*;

    const fn flags(zkp_enabled: bool, rollout_percentage: u8) -> FeatureFlags {
        FeatureFlags {
            zkp_enabled,
            rollout_percentage,
            salt: [0; 16],
        }
    }

    #[test]
    fn exactly_the_percentiles_below_the_percentage_are_accepted() {
        for percentage in 0..=100 {
            let accepted =
                (0..100).filter(|percentile| check(&flags(true, percentage), Some(*percentile)).is_ok());
            assert!(accepted.eq(0..percentage), "{percentage}");
        }
        assert_eq!(check(&flags(true, 100), None), Ok(()));
        assert_eq!(
            check(&flags(true, 99), None),
            Err(FlagError::NoPercentile { percentage: 99 })
        );
        assert_eq!(check(&flags(false, 100), Some(0)), Err(FlagError::Off));
    }

    #[tokio::test]
    async fn without_the_database_the_copy_is_used_and_without_a_copy_there_are_no_flags() {
        let database = TestDatabase::create().await.unwrap();
        let (used, unused) = (
            Flags::new(database.store.clone()),
            Flags::new(database.store.clone()),
        );
        let known = used.current().await.unwrap();
        database.pool().close().await;
        used.copy.lock().await.known = Some((Instant::now().checked_sub(MAX_AGE).unwrap(), known));
        assert_eq!(used.current().await, Some(known));
        assert!(used.copy.lock().await.failed_at.is_some());
        assert_eq!(unused.current().await, None);
    }
}
