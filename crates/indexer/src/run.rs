//! The indexer's life: leads or waits for the lead; steps, marks what is final; reports.
//!
//! ```text
//!   standby ──lock free──> leader ──lock lost, database away──> standby
//!                            │
//!                            ├─ step ──ok──> wait for a wake-up, at most the poll interval
//!                            │       └error──> report, wait longer each time, try again
//!                            └─ now and then: finality
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bauta_store::{Leadership, Store, StoreError};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::chain::{Head, Source};
use crate::follow::{Follower, Settings};
use crate::status::{Reporter, Role, Status};
use crate::{IndexerError, metrics};

/// How often a replica asks for the lead.
const LEAD_INTERVAL: Duration = Duration::from_secs(1);
/// Between two tries after an error: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// A wake-up comes for every transaction: steps are at least so far apart.
const BREATH: Duration = Duration::from_millis(50);

/// How to run.
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// How to follow.
    pub follow: Settings,
    /// How often the head is asked for when nothing wakes the indexer.
    pub poll_interval: Duration,
    /// How often finality is looked at.
    pub finality_interval: Duration,
}

/// An indexer that can be run.
pub struct Indexer<S> {
    source: Arc<S>,
    store: Store,
    settings: RunSettings,
    awake: Arc<Notify>,
    reporter: Reporter,
}

impl<S: Source> Indexer<S> {
    /// An indexer, and how it stands.
    #[must_use]
    pub fn new(source: Arc<S>, store: Store, settings: RunSettings) -> (Self, watch::Receiver<Status>) {
        let (reporter, status) = Reporter::new();
        let indexer = Self {
            source,
            store,
            settings,
            awake: Arc::default(),
            reporter,
        };
        (indexer, status)
    }

    /// What to notify when there may be something new.
    #[must_use]
    pub fn awake(&self) -> Arc<Notify> {
        Arc::clone(&self.awake)
    }

    /// Runs until told to end. What a batch writes is written as a whole or not at all, so ending is safe at any moment.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.live() => {}
        }
    }

    async fn live(&self) {
        loop {
            match self.store.try_lead().await {
                Ok(Some(lead)) => {
                    self.reporter.role(Role::Leader);
                    let ended = self.lead(lead).await;
                    self.reporter.role(Role::Standby);
                    self.reporter.trouble(&ended.into());
                }
                Ok(None) => self.reporter.role(Role::Standby),
                Err(error) => self.reporter.trouble(&error.into()),
            }
            tokio::time::sleep(LEAD_INTERVAL).await;
        }
    }

    /// Leads until the lead is lost; returns how.
    async fn lead(&self, mut lead: Leadership) -> StoreError {
        let settings = self.settings.follow.clone();
        let mut follower = Follower::new(Arc::clone(&self.source), self.store.clone(), settings);
        let mut finality_at = Instant::now();
        let mut pause = PAUSES.0;
        loop {
            if let Err(lost) = lead.confirm().await {
                return lost;
            }
            let outcome = match follower.step().await {
                Ok(step) => {
                    self.reporter.progress(step.checkpoint, step.head);
                    let due = finality_at.elapsed() >= self.settings.finality_interval;
                    let finality = if due && !step.again {
                        finality_at = Instant::now();
                        finalize(&mut follower, step.head).await
                    } else {
                        Ok(())
                    };
                    finality.map(|()| step.again)
                }
                Err(error) => Err(error),
            };
            match outcome {
                Ok(again) => {
                    pause = PAUSES.0;
                    tokio::time::sleep(BREATH).await;
                    if !again {
                        // a wake-up that is lost costs no more than the interval
                        let _ = tokio::time::timeout(self.settings.poll_interval, self.awake.notified()).await;
                    }
                }
                Err(error) => {
                    self.reporter.trouble(&error);
                    tokio::time::sleep(pause).await;
                    let most = if error.is_transient() { PAUSES.1 / 15 } else { PAUSES.1 };
                    pause = (pause * 2).min(most);
                }
            }
        }
    }
}

async fn finalize<S: Source>(follower: &mut Follower<S>, head: Head) -> Result<(), IndexerError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if let Some(finality) = follower.finalize(head, u64::MAX, now).await? {
        metrics::finalized(finality.slot);
        tracing::debug!(slot = finality.slot, pruned = finality.pruned, "final");
    }
    Ok(())
}
