//! Runs the indexer: becomes the leader, or waits for it; steps; does maintenance; reports the
//! status.
//!
//! ```text
//!   standby ──lock is free──> leader ──lock lost, database unavailable──> standby
//!                               │
//!                               ├─ step ──ok──> wait for a wake-up, at most the poll interval
//!                               │       └error──> report the reason, back off, retry
//!                               ├─ maintenance: repair differences; mark slots as final; prune
//!                               └─ tasks of their own: compare the database with the accounts,
//!                                  and request quarantined transactions
//! ```

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bauta_store::{HistoryCursor, Leadership, Slot, Store, StoreError, TILES_PER_CALL};
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::chain::Source;
use crate::follow::{Follower, QuarantineAnswers, Settings, Step, request_quarantined};
use crate::reconcile::{Comparison, Explainer, Outcome, Reconciler};
use crate::status::{IndexerStatus, Reporter, Role};
use crate::{IndexerError, UnexplainedDifferences, metrics};

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
/// The time between two looks at the quarantine.
const QUARANTINE_INTERVAL: Duration = Duration::from_secs(2);
/// The time for which the tiles of an expired root are kept. The event of a scope that copied the
/// root shortly before it expired arrives later.
const PRUNE_DELAY: Duration = Duration::from_mins(10);
/// The time between two searches for history that nothing needs.
const RETENTION_INTERVAL: Duration = Duration::from_mins(10);
/// How long history is kept that nothing needs any more, in seconds before the newest event: a
/// week.
const RETENTION: i64 = 7 * 86_400;
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
    /// The time between two rounds of the reconciliation with the program's accounts. `None`
    /// disables it.
    ///
    /// The journal of a slot is kept until the slot has been reconciled, so that a rollback can
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
        let mut candidate = self.store.candidate();
        loop {
            match candidate.try_lead().await {
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
        let (comparisons, received) = mpsc::channel(1);
        maintenance.comparisons = Some(received);
        let mut reconciling = None;
        let mut backoff = MIN_BACKOFF;
        loop {
            if let Err(lost) = leadership.confirm().await {
                return lost;
            }
            match self.step_and_maintain(&mut follower, &mut maintenance).await {
                Ok((step, step_again)) => {
                    // Before the first step and during a backfill, no account can be compared.
                    if !step.is_backfill {
                        reconciling = reconciling.or_else(|| self.reconcile(&follower, &comparisons));
                    }
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
                    if error.is_contradiction() {
                        self.source.distrust(error.contradicting_answers());
                    }
                    tokio::time::sleep(backoff).await;
                    backoff = (backoff * 2).min(max_backoff(&error));
                }
            }
        }
    }

    /// Starts the task that compares the database with the accounts.
    fn reconcile(
        &self,
        follower: &Follower<S>,
        comparisons: &mpsc::Sender<Comparison>,
    ) -> Option<AbortOnDrop> {
        let interval = self.settings.reconcile_interval?;
        let task = ComparisonTask {
            source: Arc::clone(&self.source),
            store: self.store.clone(),
            interval,
            rollbacks: follower.rollbacks(),
            comparisons: comparisons.clone(),
            wake_up: Arc::clone(&self.wake_up),
        };
        Some(AbortOnDrop(tokio::spawn(task.run())))
    }

    /// Does one step, and the maintenance that is due if the step reached the head or belongs to a
    /// backfill, which can take hours. Returns the step, and whether the next one should follow at
    /// once.
    async fn step_and_maintain(
        &self,
        follower: &mut Follower<S>,
        maintenance: &mut MaintenanceState,
    ) -> Result<(Step, bool), IndexerError> {
        let step = follower.step().await;
        // Before a rollback is followed by a step that is at the head.
        self.reporter.contested(follower.contested());
        let step = step?;
        let mut step_again = step.again;
        if !step.again || step.is_backfill {
            step_again |= self.maintain(maintenance, follower, step).await?;
        }
        self.reporter.progress(step.checkpoint, step.head);
        Ok((step, step_again))
    }
}

/// Returns the longest back-off after an error.
const fn max_backoff(error: &IndexerError) -> Duration {
    // Each step reports an unexplained difference, which does not stop the steps themselves.
    let is_difference = matches!(error, IndexerError::UnexplainedDifferences(_));
    if error.is_retryable() || is_difference {
        MAX_RETRYABLE_BACKOFF
    } else {
        MAX_BACKOFF
    }
}

/// A task that ends when this value is dropped.
struct AbortOnDrop<T = ()>(JoinHandle<T>);

impl<T> AbortOnDrop<T> {
    /// Returns the result of the task, if it has ended. `None` if it has been cancelled.
    async fn result(mut self) -> Option<T> {
        (&mut self.0).await.ok()
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Compares the database with the accounts, round by round.
struct ComparisonTask<S> {
    source: Arc<S>,
    store: Store,
    /// The time between two rounds.
    interval: Duration,
    /// The number of rollbacks of the follower.
    rollbacks: Arc<AtomicU64>,
    /// Receives the result of each round.
    comparisons: mpsc::Sender<Comparison>,
    /// Is notified of each result.
    wake_up: Arc<Notify>,
}

impl<S: Source> ComparisonTask<S> {
    /// Sends what each round found, until the receiver is dropped. A failure delays only the next
    /// round.
    async fn run(self) {
        let mut reconciler = Reconciler::default();
        loop {
            match reconciler
                .compare(&self.store, &self.source, &self.rollbacks)
                .await
            {
                Ok(comparison) => {
                    if self.comparisons.send(comparison).await.is_err() {
                        return;
                    }
                    self.wake_up.notify_one();
                }
                Err(error) => tracing::warn!(event = "reconcile_failed", %error),
            }
            tokio::time::sleep(self.interval).await;
        }
    }
}

/// When each maintenance task was last done, and the results that the next run needs.
#[derive(Default)]
struct MaintenanceState {
    comparisons: Option<mpsc::Receiver<Comparison>>,
    explainer: Explainer,
    /// The newest slot up to which accounts and database agree.
    agreed: Slot,
    /// The rollbacks for which `agreed` holds.
    rollbacks: u64,
    /// The differences that no missing transaction explains, until a round finds none. Each step
    /// reports them.
    unexplained: Option<UnexplainedDifferences>,
    /// Quarantined transactions that a node has returned and that cannot be applied: their number,
    /// and the slot of the first one. Each step reports them.
    not_applicable: Option<(usize, Slot)>,
    quarantine_read_at: Option<Instant>,
    /// The requests for quarantined transactions that are under way.
    requesting: Option<AbortOnDrop<Result<Option<QuarantineAnswers>, IndexerError>>>,
    finalized_at: Option<Instant>,
    pruned_at: Option<Instant>,
    history_pruned_at: Option<Instant>,
    history: HistoryCursor,
}

/// Returns the time at which roots must be valid so that their tiles are kept. The time of the
/// chain counts, because a scope can copy a root that was valid then: the database may be far
/// behind the head, and the host's clock may be wrong.
async fn prune_time(store: &Store) -> Result<i64, StoreError> {
    let delay = i64::try_from(PRUNE_DELAY.as_secs()).unwrap_or(i64::MAX);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let reached = store.newest_event_time().await?.unwrap_or(0);
    Ok(reached.min(now).saturating_sub(delay).max(0))
}

fn is_due(last: Option<Instant>, interval: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= interval)
}

impl<S: Source> Indexer<S> {
    /// Deletes tiles that no valid root needs. Returns how many it deleted.
    async fn prune(&self) -> Result<u64, StoreError> {
        self.store.prune(prune_time(&self.store).await?).await
    }

    /// Applies what the nodes answered to the last requests for quarantined transactions, and sends
    /// new requests when they are due. Returns whether the next step should follow at once.
    async fn maintain_quarantine(
        &self,
        state: &mut MaintenanceState,
        follower: &mut Follower<S>,
    ) -> Result<bool, IndexerError> {
        if state.requesting.is_none() && is_due(state.quarantine_read_at, QUARANTINE_INTERVAL) {
            state.quarantine_read_at = Some(Instant::now());
            follower.read_quarantine().await?;
            self.reporter.quarantined(follower.quarantined());
            // A rebuild can have applied them.
            state.not_applicable = state
                .not_applicable
                .filter(|(_, slot)| follower.is_quarantined_in(*slot));
            let (store, source) = (self.store.clone(), Arc::clone(&self.source));
            let wake_up = Arc::clone(&self.wake_up);
            state.requesting = Some(AbortOnDrop(tokio::spawn(async move {
                let answers = request_quarantined(&store, &source).await;
                if !matches!(answers, Ok(None)) {
                    wake_up.notify_one();
                }
                answers
            })));
        }
        let Some(ended) = state.requesting.take_if(|task| task.0.is_finished()) else {
            return Ok(false);
        };
        let Some(Some(answers)) = ended.result().await.transpose()? else {
            return Ok(false);
        };
        let applied = follower.apply_quarantine_answers(answers).await;
        self.reporter.quarantined(follower.quarantined());
        match applied {
            Err(IndexerError::MissingBelowFinality { missing, slot }) => {
                state.not_applicable = Some((missing, slot));
                Ok(false)
            }
            other => other,
        }
    }

    /// Does the maintenance tasks that are due. Returns whether the next step should follow at
    /// once, because missing transactions were found.
    async fn maintain(
        &self,
        state: &mut MaintenanceState,
        follower: &mut Follower<S>,
        step: Step,
    ) -> Result<bool, IndexerError> {
        if explain_differences(state, follower).await? == Some(Outcome::Repaired) {
            return Ok(true);
        }
        if self.maintain_quarantine(state, follower).await? {
            return Ok(true);
        }
        if is_due(state.finalized_at, self.settings.finality_interval) {
            state.finalized_at = Some(Instant::now());
            let agreed = self.settings.reconcile_interval.map(|_| state.agreed);
            if let Some(Some(slot)) =
                unless_timed_out("finality", follower.finalize(step.head, agreed).await)?
            {
                tracing::debug!(event = "finalized", slot = slot.get());
            }
            let finalized = self.store.finalized_slot().await?;
            let reconciled = self.store.reconciled_slot().await?;
            self.reporter.watermarks(finalized, reconciled);
            // A backfill reads the histories of the nodes by itself. What is final is not listed again.
            let is_listed = !step.is_backfill && finalized < step.checkpoint.map(|at| at.slot);
            let is_single_node = is_listed && self.source.is_single_node();
            self.reporter.agreement(is_single_node, follower.disputed_slot());
            self.reporter.contested(follower.contested());
        }
        if is_due(state.pruned_at, PRUNE_INTERVAL) {
            state.pruned_at = Some(Instant::now());
            let dropped = self.prune().await.map_err(IndexerError::from);
            if let Some(dropped) = unless_timed_out("pruning", dropped)? {
                tracing::debug!(event = "pruned", dropped);
                // The next steps delete what is left.
                state.pruned_at = state
                    .pruned_at
                    .filter(|_| dropped < TILES_PER_CALL.unsigned_abs());
            }
            metrics::journal(self.store.journal_bytes().await?);
        }
        if is_due(state.history_pruned_at, RETENTION_INTERVAL)
            && let Some(newest) = self.store.newest_event_time().await?
        {
            state.history_pruned_at = Some(Instant::now());
            let before = (newest - RETENTION).max(0);
            let pruned = self.store.prune_history(before, &mut state.history).await;
            if let Some(pruned) = unless_timed_out("retention", pruned.map_err(IndexerError::from))? {
                state.history_pruned_at = state.history_pruned_at.filter(|_| pruned.is_complete);
                tracing::debug!(event = "history_pruned", rows = pruned.rows);
            }
        }
        // They do not stop finality and pruning, which do not depend on them.
        match (state.not_applicable, state.unexplained) {
            (Some((missing, slot)), _) => Err(IndexerError::MissingBelowFinality { missing, slot }),
            (None, Some(unexplained)) => Err(unexplained.into()),
            (None, None) => Ok(false),
        }
    }
}

/// Returns `None` if Postgres ended a statement of a maintenance task because it took too long. The
/// task is repeated at its next time, and the steps continue meanwhile.
fn unless_timed_out<T>(task: &str, result: Result<T, IndexerError>) -> Result<Option<T>, IndexerError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error @ IndexerError::Store(StoreError::TimedOut(_))) => {
            tracing::error!(event = "maintenance_timed_out", task, %error);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Searches for what explains the differences that the last rounds found. Returns the outcome of
/// the last round, if there is one.
async fn explain_differences<S: Source>(
    state: &mut MaintenanceState,
    follower: &mut Follower<S>,
) -> Result<Option<Outcome>, IndexerError> {
    let present = follower.rollbacks().load(Ordering::Relaxed);
    if state.rollbacks != present {
        (state.rollbacks, state.agreed) = (present, Slot::ZERO);
    }
    let mut last = None;
    while let Some(comparison) = state
        .comparisons
        .as_mut()
        .and_then(|received| received.try_recv().ok())
    {
        if comparison.is_outdated(present) {
            continue;
        }
        state.agreed = state.agreed.max(comparison.agreed().unwrap_or(Slot::ZERO));
        let outcome = match state.explainer.explain(follower, &comparison).await {
            Ok(outcome) => outcome,
            Err(IndexerError::UnexplainedDifferences(unexplained)) => {
                state.unexplained = Some(unexplained);
                Outcome::Inconclusive
            }
            Err(error) => return Err(error),
        };
        if outcome != Outcome::Inconclusive {
            state.unexplained = None;
        }
        if outcome == Outcome::Repaired {
            // The database was rolled back. Other comparisons are outdated.
            return Ok(Some(outcome));
        }
        last = Some(outcome);
    }
    Ok(last)
}

#[cfg(test)]
mod tests {
    use solana_address::Address;

    use super::*;

    #[test]
    fn accounts_that_differ_delay_a_step_for_at_most_two_seconds() {
        let difference = UnexplainedDifferences {
            differences: 1,
            kind: "scope",
            address: Address::default(),
        };
        assert_eq!(max_backoff(&difference.into()), Duration::from_secs(2));
        let missing = IndexerError::MissingBelowFinality {
            missing: 1,
            slot: Slot::ZERO,
        };
        assert_eq!(max_backoff(&missing), MAX_BACKOFF);
    }
}
