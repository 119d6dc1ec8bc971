//! The flags that operators set for all instances, with a copy in memory.
//!
//! A request uses the copy if it was read less than a second before. Otherwise it reads the
//! database, or waits until another request has done so. So a change counts everywhere within a
//! second. If the database does not answer within a second, the copy is used, however old it is.
//! The flags protect no data, so an operator can expect the last known state of a service more than
//! refusals. The service reads the first copy before it is ready.

use std::time::{Duration, Instant};

use bauta_store::{AuditRecord, FeatureFlags, FlagChange, Store, StoreError};
use tokio::sync::Mutex;

/// The age up to which the copy is used without a read, and the time between a read that failed and
/// the next one.
const MAX_AGE: Duration = Duration::from_secs(1);
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

/// Why flags are not changed.
#[derive(Debug, thiserror::Error)]
pub enum FlagChangeError {
    /// Another change came first.
    #[error("the flags no longer have version {version}: read them again, and decide again")]
    OtherVersion {
        /// The version of the request.
        version: u64,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
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
struct Copy {
    flags: FeatureFlags,
    /// The time before they were read or set.
    at: Instant,
    /// The time of the last read, if it failed.
    failed_at: Option<Instant>,
}

impl Copy {
    const fn new(flags: FeatureFlags, at: Instant) -> Self {
        Self {
            flags,
            at,
            failed_at: None,
        }
    }
}

impl Flags {
    /// Reads the flags of a database, which must be the primary.
    pub async fn read(store: Store) -> Result<Self, StoreError> {
        let at = Instant::now();
        let flags = store.feature_flags().await?;
        Ok(Self {
            store,
            copy: Mutex::new(Copy::new(flags, at)),
        })
    }

    /// Returns the flags as they were less than a second before, or the last known ones if the
    /// database does not answer.
    pub async fn current(&self) -> FeatureFlags {
        let mut copy = self.copy.lock().await;
        let has_failed = copy.failed_at.is_some_and(|at| at.elapsed() < MAX_AGE);
        if copy.at.elapsed() < MAX_AGE || has_failed {
            return copy.flags;
        }
        let now = Instant::now();
        match tokio::time::timeout(TIMEOUT, self.store.feature_flags()).await {
            Ok(Ok(flags)) => {
                *copy = Copy::new(flags, now);
                return flags;
            }
            Ok(Err(error)) => tracing::warn!(event = "flags_unavailable", %error),
            Err(_) => tracing::warn!(event = "flags_unavailable", error = "no answer within a second"),
        }
        copy.failed_at = Some(Instant::now());
        copy.flags
    }

    /// Changes the flags, with a record in the audit log. Fails if a version is given and the flags
    /// have another one.
    pub async fn set(
        &self,
        change: FlagChange,
        version: Option<u64>,
        record: &AuditRecord,
    ) -> Result<FeatureFlags, FlagChangeError> {
        let at = Instant::now();
        let set = self.store.set_feature_flags(change, version, record).await?;
        let Some(set) = set else {
            let version = version.unwrap_or_default();
            return Err(FlagChangeError::OtherVersion { version });
        };
        let mut copy = self.copy.lock().await;
        // Another change can have followed this one. It counts a second after `at` at the latest.
        if set.version >= copy.flags.version {
            *copy = Copy::new(set, at);
        }
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
            sponsorship_paused: false,
            version: 1,
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
    async fn without_the_database_the_last_known_flags_are_used_however_old_they_are() {
        let database = TestDatabase::create().await.unwrap();
        let flags = Flags::read(database.store.clone()).await.unwrap();
        let record = AuditRecord::of("flags_set", "operator", "subject");
        let change = FlagChange::Zkp {
            enabled: false,
            rollout_percentage: 25,
        };
        let set = flags.set(change, None, &record).await.unwrap();
        assert_eq!((set.zkp_enabled, set.rollout_percentage), (false, 25));
        database.pool().close().await;
        let mut copy = flags.copy.lock().await;
        assert_eq!(copy.flags, set, "without a further read");
        copy.at = Instant::now().checked_sub(100 * MAX_AGE).unwrap();
        drop(copy);
        assert_eq!(flags.current().await, set);
        assert!(flags.copy.lock().await.failed_at.is_some());
        assert!(Flags::read(database.store.clone()).await.is_err());
    }
}
