//! Runs the indexer: becomes the leader, or waits for it; steps; does maintenance; reports the
//! status.
//!
//! ```text
//!   standby ──lock is free──> leader ──lock lost, database unavailable──> standby
//!                               │
//!                               ├─ step ──ok──> wait for a wake-up, at most the poll interval
//!                               │       └error──> report the reason, back off, retry
//!                               └─ maintenance: reconcile with accounts; mark slots as final; prune tiles
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bauta_store::{Leadership, Slot, Store, StoreError};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::chain::Source;
use crate::follow::{Follower, Settings, Step};
use crate::reconcile::{Outcome, Reconciler};
use crate::status::{IndexerStatus, Reporter, Role};
use crate::{IndexerError, metrics};

/// The time between two attempts of a replica to become the leader.
const LEAD_INTERVAL: Duration = Duration::from_secs(1);
/// The first back-off after an error.
const MIN_BACKOFF: Duration = Duration::from_millis(250);
/// The longest back-off after a retryable error.
const MAX_RETRYABLE_BACKOFF: Duration = Duration::from_secs(2);
/// The longest back-off after an error that stops the checkpoint.
const MAX_BACKOFF: Duration = Duration::from_secs(30);
/// The time between two searches for tiles that no valid root needs.
const PRUNE_INTERVAL: Duration = Duration::from_secs(30);
/// The shortest time between two steps. A wake-up arrives for every transaction, so without this
/// limit every transaction would cause a step of its own.
const MIN_STEP_INTERVAL: Duration = Duration::from_millis(50);

/// The settings of [`Indexer::run`].
#[derive(Clone, Debug)]
pub struct RunSettings {
    /// The settings of the follower.
    pub follow: Settings,
    /// The time between two steps when no wake-up arrives.
    pub poll_interval: Duration,
    /// The time between two updates of the finalized slot.
    pub finality_interval: Duration,
    /// The time between two reconciliations with the program's accounts. `None` disables them.
    ///
    /// A slot is marked as final only after it has been reconciled, so that a rollback can still
    /// repair what the reconciliation finds.
    pub reconcile_interval: Option<Duration>,
}

/// An indexer that is ready to run.
pub struct Indexer<S> {
    source: Arc<S>,
    store: Store,
    settings: RunSettings,
    wake_up: Arc<Notify>,
    reporter: Reporter,
}

impl<S: Source> Indexer<S> {
    /// Creates an indexer, and a receiver of its status.
    #[must_use]
    pub fn new(
        source: Arc<S>,
        store: Store,
        settings: RunSettings,
    ) -> (Self, watch::Receiver<IndexerStatus>) {
        let (reporter, status) = Reporter::new();
        let indexer = Self {
            source,
            store,
            settings,
            wake_up: Arc::default(),
            reporter,
        };
        (indexer, status)
    }

    /// Returns the handle that wakes the indexer before the poll interval has passed.
    #[must_use]
    pub fn wake_up(&self) -> Arc<Notify> {
        Arc::clone(&self.wake_up)
    }

    /// Runs until `shutdown` is cancelled. It can be cancelled at any moment: a batch is written
    /// completely or not at all.
    pub async fn run(self, shutdown: CancellationToken) {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = self.run_forever() => {}
        }
    }

    async fn run_forever(&self) {
        loop {
            match self.store.try_lead().await {
                Ok(Some(leadership)) => {
                    self.reporter.role(Role::Leader);
                    let lost = self.lead(leadership).await;
                    self.reporter.role(Role::Standby);
                    self.reporter.stop(&lost.into());
                }
                Ok(None) => self.reporter.role(Role::Standby),
                Err(error) => self.reporter.stop(&error.into()),
            }
            tokio::time::sleep(LEAD_INTERVAL).await;
        }
    }

    /// Follows the chain until the leadership is lost, and returns the error that ended it.
    async fn lead(&self, mut leadership: Leadership) -> StoreError {
        let settings = self.settings.follow.clone();
        let mut follower = Follower::new(Arc::clone(&self.source), self.store.clone(), settings);
        let mut maintenance = MaintenanceState::default();
        let mut backoff = MIN_BACKOFF;
        loop {
            if let Err(lost) = leadership.confirm().await {
                return lost;
            }
            match self.step_and_maintain(&mut follower, &mut maintenance).await {
                Ok(step_again) => {
                    backoff = MIN_BACKOFF;
                    tokio::time::sleep(MIN_STEP_INTERVAL).await;
                    if !step_again {
                        // If a wake-up is lost, the next step comes after the poll interval.
                        let _ =
                            tokio::time::timeout(self.settings.poll_interval, self.wake_up.notified()).await;
                    }
                }
                Err(error) => {
                    // The slots before a contradiction have been applied.
                    if !error.is_retryable()
                        && let Ok(checkpoint) = self.store.checkpoint().await
                    {
                        self.reporter.stopped_at(checkpoint);
                    }
                    self.reporter.stop(&error);
                    tokio::time::sleep(backoff).await;
                    let max_backoff = if error.is_retryable() {
                        MAX_RETRYABLE_BACKOFF
                    } else {
                        MAX_BACKOFF
                    };
                    backoff = (backoff * 2).min(max_backoff);
                }
            }
        }
    }

    /// Does one step, and the maintenance that is due if the step reached the head. Returns whether
    /// the next step should follow at once.
    async fn step_and_maintain(
        &self,
        follower: &mut Follower<S>,
        maintenance: &mut MaintenanceState,
    ) -> Result<bool, IndexerError> {
        let step = follower.step().await?;
        let step_again = step.again || self.maintain(maintenance, follower, step).await?;
        self.reporter.progress(step.checkpoint, step.head);
        Ok(step_again)
    }
}

/// When each maintenance task was last done, and the results that the next run needs.
#[derive(Default)]
struct MaintenanceState {
    reconciler: Reconciler,
    reconciled_at: Option<Instant>,
    /// The newest slot up to which accounts and database agree.
    agreed_slot: Slot,
    finalized_at: Option<Instant>,
    pruned_at: Option<Instant>,
}

fn is_due(last: Option<Instant>, interval: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= interval)
}

impl<S: Source> Indexer<S> {
    /// Does the maintenance tasks that are due. Returns whether the next step should follow at
    /// once, because the reconciliation found missing transactions.
    async fn maintain(
        &self,
        state: &mut MaintenanceState,
        follower: &mut Follower<S>,
        step: Step,
    ) -> Result<bool, IndexerError> {
        match self.settings.reconcile_interval {
            None => state.agreed_slot = Slot::MAX,
            Some(interval) if is_due(state.reconciled_at, interval) => {
                let outcome = state.reconciler.round(follower).await?;
                state.reconciled_at = Some(Instant::now());
                match outcome {
                    Outcome::Agreement { up_to } => {
                        state.agreed_slot = state.agreed_slot.max(up_to.unwrap_or(Slot::ZERO));
                    }
                    Outcome::Repaired => return Ok(true),
                    Outcome::Inconclusive => {}
                }
            }
            Some(_) => {}
        }
        if is_due(state.finalized_at, self.settings.finality_interval) {
            state.finalized_at = Some(Instant::now());
            if let Some(slot) = follower.finalize(step.head, state.agreed_slot).await? {
                metrics::finalized(slot);
                tracing::debug!(event = "finalized", slot = slot.get());
            }
        }
        if is_due(state.pruned_at, PRUNE_INTERVAL) {
            state.pruned_at = Some(Instant::now());
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
            let dropped = self.store.prune(now).await?;
            tracing::debug!(event = "pruned", dropped);
        }
        Ok(false)
    }
}
