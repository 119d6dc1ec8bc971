//! The counts of the page with metrics, which operators and auditors read again and again.
//!
//! ```text
//!   request --> known for less than a second? --yes--> the same counts
//!                  no |
//!                     +--> one task reads them for all requests that wait
//! ```
//!
//! However many pages are open, an instance reads the counts once in a second, and those of
//! verifications and messages, which have more rows, once in ten seconds. An error counts as well.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_store::{
    EndedJobs, OpenJobs, RelayState, RelayWallet, Store, StoreError,
    analytics::{Period, VerificationCounts},
};
use tokio::sync::Mutex;

use crate::{
    series::{Span, SpanError},
    time::unix_seconds,
};

/// The time for which counts are used.
const MAX_AGE: Duration = Duration::from_secs(1);
/// The same for the counts of many rows.
const MAX_AGE_OF_TOTALS: Duration = Duration::from_secs(10);
/// The period of the statistics of proofs in seconds.
pub const PROOF_SECONDS: u32 = 300;
/// The period of the counts of relays and messages in seconds.
const DAY_SECONDS: u32 = 86_400;

/// Why there are no counts.
#[derive(Debug, thiserror::Error)]
pub enum CountsError {
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The clock is not between 1970 and 9999.
    #[error(transparent)]
    Clock(#[from] SpanError),
    /// The task that reads has ended, for example during a shutdown.
    #[error("the counts were not read")]
    Ended,
}

/// The counts of all instances.
pub struct Counts {
    /// The jobs that ended in the last five minutes.
    pub ended: EndedJobs,
    /// The jobs that have not ended.
    pub open: OpenJobs,
    /// The relays that have not ended, and those of the last 24 hours that have.
    pub relays: Vec<(RelayState, u64)>,
    /// Seconds since the oldest open relay should have been sent.
    pub oldest_relay: u64,
    /// The wallets of the relay.
    pub wallets: Vec<RelayWallet>,
    /// The counts of many rows.
    pub totals: Arc<Totals>,
}

/// Counts of many rows.
pub struct Totals {
    /// The verifications of all scopes in the last 30 hours.
    pub hours: Vec<VerificationCounts>,
    /// The same in the last 30 days.
    pub days: Vec<VerificationCounts>,
    /// Messages to webhooks that were not delivered yet.
    pub pending: u64,
    /// Messages of the last 24 hours that were given up.
    pub dead: u64,
}

/// The result of a read.
type Read<T> = Result<Arc<T>, Arc<CountsError>>;

#[derive(Default)]
struct Known {
    counts: Option<(Instant, Read<Counts>)>,
    totals: Option<(Instant, Arc<Totals>)>,
}

/// Reads the counts, and keeps them for a second.
pub struct DeploymentCounts {
    store: Store,
    /// Locked while a task reads.
    known: Arc<Mutex<Known>>,
}

impl DeploymentCounts {
    /// Reads from a database, which must be the primary. Doesn't connect.
    pub fn new(store: Store) -> Self {
        Self {
            store,
            known: Arc::default(),
        }
    }

    /// Returns the counts. They are used for a second after they were read.
    pub async fn counts(&self) -> Read<Counts> {
        let mut known = self.known.clone().lock_owned().await;
        if let Some((at, counts)) = &known.counts
            && at.elapsed() < MAX_AGE
        {
            return counts.clone();
        }
        let store = self.store.clone();
        // A client that ends its request early must not begin another read.
        let read = tokio::spawn(async move {
            let counts = read(&store, &mut known.totals).await;
            let counts = counts.map(Arc::new).map_err(Arc::new);
            known.counts = Some((Instant::now(), counts.clone()));
            counts
        });
        read.await.unwrap_or_else(|_| Err(Arc::new(CountsError::Ended)))
    }
}

async fn read(store: &Store, totals: &mut Option<(Instant, Arc<Totals>)>) -> Result<Counts, CountsError> {
    let kept = totals.take().filter(|(at, _)| at.elapsed() < MAX_AGE_OF_TOTALS);
    let kept = match kept {
        Some(kept) => kept,
        None => (Instant::now(), Arc::new(read_totals(store).await?)),
    };
    *totals = Some(kept.clone());
    let (_, oldest_relay) = store.open_relays().await?;
    Ok(Counts {
        ended: store.ended_jobs(PROOF_SECONDS).await?,
        open: store.open_jobs().await?,
        relays: store.relay_counts(DAY_SECONDS).await?,
        oldest_relay,
        wallets: store.relay_wallets().await?,
        totals: kept.1,
    })
}

async fn read_totals(store: &Store) -> Result<Totals, CountsError> {
    let uses = async |period| -> Result<Vec<VerificationCounts>, CountsError> {
        let span = Span::new(period, None, None, unix_seconds())?;
        Ok(store.verification_counts_of_all(period, span.days()).await?)
    };
    let (pending, dead) = store.webhook_delivery_counts(DAY_SECONDS).await?;
    Ok(Totals {
        hours: uses(Period::Hour).await?,
        days: uses(Period::Day).await?,
        pending,
        dead,
    })
}

#[cfg(test)]
mod tests {
    use bauta_store::testing::TestDatabase;

    use super::*;

    #[tokio::test]
    async fn requests_share_the_counts_and_an_error_for_a_second() {
        let database = TestDatabase::create().await.unwrap();
        let counts = DeploymentCounts::new(database.store.clone());
        let first = counts.counts().await.unwrap();
        // The time of a read is later than now, so that a slow machine does not read again.
        let later = Instant::now() + Duration::from_mins(10);
        let keep = async || {
            let mut known = counts.known.lock().await;
            known.counts.iter_mut().for_each(|(at, _)| *at = later);
            known.totals.iter_mut().for_each(|(at, _)| *at = later);
        };
        keep().await;
        assert!(Arc::ptr_eq(&first, &counts.counts().await.unwrap()));
        // The totals are read less often.
        counts.known.lock().await.counts = None;
        let second = counts.counts().await.unwrap();
        assert!(!Arc::ptr_eq(&first, &second) && Arc::ptr_eq(&first.totals, &second.totals));
        *counts.known.lock().await = Known::default();
        let third = counts.counts().await.unwrap();
        assert!(!Arc::ptr_eq(&second.totals, &third.totals));
        // An error is shared too.
        database.pool().close().await;
        counts.known.lock().await.counts = None;
        let failed = counts.counts().await.err().unwrap();
        keep().await;
        assert!(Arc::ptr_eq(&failed, &counts.counts().await.err().unwrap()));
    }
}
