//! The indexer's life: leads or waits for the lead; steps, marks what is final; reports.
//!
//! ```text
//!   standby ──lock free──> leader ──lock lost, database away──> standby
//!                            │
//!                            ├─ step ──ok──> wait for a wake-up, at most the poll interval
//!                            │       └error──> report, wait longer each time, try again
//!                            └─ now and then: reconcile with accounts; finality, up to where they agree
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bauta_store::{Leadership, Slot, Store, StoreError};
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use crate::chain::Source;
use crate::follow::{Follower, Settings, Step};
use crate::reconcile::{Outcome, Reconciler};
use crate::status::{Reporter, Role, Status};
use crate::{IndexerError, metrics};

/// How often a replica asks for the lead.
const LEAD_INTERVAL: Duration = Duration::from_secs(1);
/// Between two tries after an error: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(30));
/// Between two looks for tiles that nothing needs any more.
const PRUNE_INTERVAL: Duration = Duration::from_secs(30);
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
    /// How often the database is compared with accounts. Nothing is marked as final, and so nothing can't be mended any more,
    /// before it has been. `None`: never.
    pub reconcile_interval: Option<Duration>,
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
        let mut chores = Chores::default();
        let mut pause = PAUSES.0;
        loop {
            if let Err(lost) = lead.confirm().await {
                return lost;
            }
            let outcome = match follower.step().await {
                Ok(step) if step.again => {
                    self.reporter.progress(step.checkpoint, step.head);
                    Ok(true)
                }
                Ok(step) => match self.do_chores(&mut chores, &mut follower, step).await {
                    Ok(again) => {
                        self.reporter.progress(step.checkpoint, step.head);
                        Ok(again)
                    }
                    Err(error) => Err(error),
                },
                Err(error) => Err(error),
            };
            match outcome {
                Ok(again) => {
                    pause = PAUSES.0;
                    tokio::time::sleep(BREATH).await;
                    if !again {
                        // a wake-up that is lost costs no more than the interval
                        let _ =
                            tokio::time::timeout(self.settings.poll_interval, self.awake.notified()).await;
                    }
                }
                Err(error) => {
                    // the slots before a contradiction have been applied
                    if !error.is_transient()
                        && let Ok(at) = self.store.checkpoint().await
                    {
                        self.reporter.reached(at);
                    }
                    self.reporter.trouble(&error);
                    tokio::time::sleep(pause).await;
                    let most = if error.is_transient() {
                        PAUSES.1 / 15
                    } else {
                        PAUSES.1
                    };
                    pause = (pause * 2).min(most);
                }
            }
        }
    }
}

/// What is done now and then.
#[derive(Default)]
struct Chores {
    reconciler: Reconciler,
    reconciled: Option<Instant>,
    /// Up to where accounts and database agree.
    agrees_up_to: Slot,
    finalized: Option<Instant>,
    pruned: Option<Instant>,
}

fn is_due(last: Option<Instant>, interval: Duration) -> bool {
    last.is_none_or(|last| last.elapsed() >= interval)
}

impl<S: Source> Indexer<S> {
    /// Reconciles and marks what is final, when it is time. `true`: step again at once.
    async fn do_chores(
        &self,
        chores: &mut Chores,
        follower: &mut Follower<S>,
        step: Step,
    ) -> Result<bool, IndexerError> {
        let reconcile = self.settings.reconcile_interval;
        if reconcile.is_none() {
            chores.agrees_up_to = Slot::MAX;
        }
        if reconcile.is_some_and(|interval| is_due(chores.reconciled, interval)) {
            let outcome = chores.reconciler.round(follower).await?;
            chores.reconciled = Some(Instant::now());
            match outcome {
                Outcome::Agrees { up_to } => {
                    chores.agrees_up_to = chores.agrees_up_to.max(up_to.unwrap_or_default());
                }
                Outcome::Mended => return Ok(true),
                Outcome::Later => {}
            }
        }
        if is_due(chores.finalized, self.settings.finality_interval) {
            chores.finalized = Some(Instant::now());
            if let Some(slot) = follower.finalize(step.head, chores.agrees_up_to).await? {
                metrics::finalized(slot);
                tracing::debug!(event = "final", slot = slot.get());
            }
        }
        if is_due(chores.pruned, PRUNE_INTERVAL) {
            chores.pruned = Some(Instant::now());
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
            let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
            let dropped = self.store.prune(now).await?;
            tracing::debug!(event = "pruned", dropped);
        }
        Ok(false)
    }
}
