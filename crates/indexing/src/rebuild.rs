//! Rebuilds the whole database from the chain, or from a snapshot and the chain, while the present
//! one stays in use.
//!
//! ```text
//!   schema bauta_rebuild: migrate ── follow from the beginning ── reconcile until accounts agree
//!                                       │ (a transaction is missing in a final slot:
//!                                       │  once more, with a journal for the whole history)
//!   block writers ── read the last slots ── replace the rows ── unblock writers
//!
//!   readers never wait
//! ```

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_store::{Slot, Store, StoreError};

use crate::chain::{Head, Source};
use crate::follow::{ClusterCheck, Follower, Settings};
use crate::reconcile::{Outcome, Reconciler};
use crate::{IndexerError, OnProgress, Progress, SourceError, Stage};

/// The schema in which the new rows are created.
const SCHEMA: &str = "bauta_rebuild";
/// The schema into which a snapshot is read.
const IMPORT_SCHEMA: &str = "bauta_import";
/// The number of connections to the new schema.
const CONNECTIONS: u32 = 4;
/// How often a step is retried after a retryable error.
const MAX_RETRIES: u32 = 60;
/// The time between two retries.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The time between two attempts to reach the checkpoint of the present database.
const CATCH_UP_INTERVAL: Duration = Duration::from_millis(50);

/// After how many complete cycles without a second node that agrees or differs a comparison ends.
const MAX_CYCLES: u32 = 3;
/// How often a switchover is attempted that transactions of readers delay. Each attempt takes ten
/// minutes.
const SWITCHOVER_ATTEMPTS: u32 = 3;

/// The result of a rebuild.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rebuilt {
    /// The slot of the new checkpoint.
    pub slot: Slot,
    /// The number of applied events.
    pub events: usize,
}

/// Rebuilds the database from the source and replaces its rows, unless `dry_run`. `store` must be
/// connected to the database at `url`. Reports the progress meanwhile.
pub async fn rebuild<S: Source>(
    source: Arc<S>,
    store: &Store,
    url: &str,
    settings: Settings,
    dry_run: bool,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, IndexerError> {
    // The new rows must come from the cluster that the database follows.
    check_recorded_cluster(&source, store, &settings).await?;
    let without_journal = attempt(
        Arc::clone(&source),
        store,
        url,
        settings.clone(),
        dry_run,
        progress,
    )
    .await;
    let rebuilt = match without_journal {
        Err(IndexerError::MissingBelowFinality { missing, slot }) => {
            tracing::warn!(
                event = "missing_transactions",
                missing,
                slot = slot.get(),
                "reading the history again, with a journal for all of it"
            );
            let with_journal = Settings {
                backfill_slots: u64::MAX,
                ..settings
            };
            attempt(source, store, url, with_journal, dry_run, progress).await
        }
        other => other,
    };
    store.drop_schema(SCHEMA).await?;
    rebuilt
}

async fn attempt<S: Source>(
    source: Arc<S>,
    store: &Store,
    url: &str,
    settings: Settings,
    dry_run: bool,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, IndexerError> {
    let new_store = Store::in_new_schema(url, CONNECTIONS, SCHEMA).await?;
    let mut follower = Follower::new(source, new_store.clone(), settings);
    let events = reconcile(&mut follower, progress).await?;
    if dry_run {
        return without_switchover(&new_store, events).await;
    }
    switch_over(store, &new_store, SCHEMA, &mut follower, events, progress).await
}

/// Steps and compares until the rows of a new schema agree with all accounts of two nodes, or of
/// the only one that returns them. Returns the number of applied events. Fails if the accounts of
/// two nodes differ.
async fn reconcile<S: Source>(
    follower: &mut Follower<S>,
    progress: OnProgress<'_>,
) -> Result<usize, IndexerError> {
    let mut events = catch_up(follower, progress).await?;
    let mut reconciler = Reconciler::default();
    loop {
        events += catch_up(follower, &mut |_| {}).await?;
        let outcome = reconciler.round(follower).await?;
        if let Some((compared, parts)) = reconciler.parts() {
            progress(Progress {
                stage: Stage::Comparing,
                done: compared as u64,
                all: Some(parts as u64),
            });
        }
        match outcome {
            Outcome::Agreement { up_to: Some(_) } => return Ok(events),
            // Some parts have not been compared yet, or have to be compared again.
            Outcome::Agreement { up_to: None } | Outcome::Repaired | Outcome::Inconclusive => {}
        }
        let agreement = reconciler.agreement();
        if agreement.unconfirmed() >= MAX_CYCLES {
            // No other node returns all accounts.
            tracing::warn!(event = "accounts_of_one_node");
            return Ok(events);
        }
        if agreement.disputes() >= MAX_CYCLES {
            return Err(SourceError::Unavailable {
                what: "accounts that another node confirms",
                reason: "the accounts of two nodes differ; remove the faulty node".into(),
            }
            .into());
        }
    }
}

/// Closes the store of a new schema whose rows are not used.
async fn without_switchover(new_store: &Store, events: usize) -> Result<Rebuilt, IndexerError> {
    let slot = new_store.checkpoint().await?.map_or(Slot::ZERO, |at| at.slot);
    new_store.close().await;
    Ok(Rebuilt { slot, events })
}

/// Replaces the rows of `store` by those of a new schema. `events` events were applied there
/// before.
async fn switch_over<S: Source>(
    store: &Store,
    new_store: &Store,
    schema: &str,
    follower: &mut Follower<S>,
    mut events: usize,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, IndexerError> {
    for left in (0..SWITCHOVER_ATTEMPTS).rev() {
        tracing::info!(event = "switchover", events);
        progress(Progress {
            stage: Stage::SwitchingOver,
            done: 0,
            all: None,
        });
        let switchover = store.begin_switchover().await?;
        while new_store.checkpoint().await? < switchover.checkpoint() {
            events += catch_up(follower, &mut |_| {}).await?;
            tokio::time::sleep(CATCH_UP_INTERVAL).await;
        }
        match switchover.finish(new_store, schema).await {
            Err(error @ StoreError::TimedOut(_)) if left > 0 => {
                // Writers continue meanwhile.
                tracing::warn!(event = "switchover_failed", attempts_left = left, %error);
                events += catch_up(follower, &mut |_| {}).await?;
            }
            finished => {
                finished?;
                break;
            }
        }
    }
    let slot = new_store.checkpoint().await?.map_or(Slot::ZERO, |at| at.slot);
    new_store.close().await;
    Ok(Rebuilt { slot, events })
}

/// An import of a snapshot.
#[derive(Debug)]
pub struct SnapshotImport<'a, S, R> {
    /// The chain, on nodes of the snapshot's cluster.
    pub source: Arc<S>,
    /// The store whose rows are replaced.
    pub store: &'a Store,
    /// The URL of the store's database.
    pub url: &'a str,
    /// The settings of the follower that reads the newer slots.
    pub settings: Settings,
    /// The file of the snapshot.
    pub input: R,
    /// Whether to change nothing after the comparison.
    pub dry_run: bool,
}

/// Reads a snapshot of another indexer into a schema of its own, compares it with the chain, and
/// then replaces the rows of the store, unless `dry_run`.
///
/// Every tree is recomputed from its leaves. The rows are followed up to the newest slot and
/// compared with all accounts of the program, on nodes of the snapshot's cluster. The accounts do
/// not show what has passed: the times, the former roots and the counts come from the snapshot
/// alone.
pub async fn import_snapshot<S: Source, R: Read>(
    import: SnapshotImport<'_, S, R>,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, IndexerError> {
    let store = import.store;
    check_recorded_cluster(&import.source, store, &import.settings).await?;
    let imported = import_into_schema(import, progress).await;
    store.drop_schema(IMPORT_SCHEMA).await?;
    imported
}

async fn import_into_schema<S: Source, R: Read>(
    import: SnapshotImport<'_, S, R>,
    progress: OnProgress<'_>,
) -> Result<Rebuilt, IndexerError> {
    let SnapshotImport {
        source,
        store,
        url,
        settings,
        input,
        dry_run,
    } = import;
    let new_store = Store::in_new_schema(url, CONNECTIONS, IMPORT_SCHEMA).await?;
    let summary = new_store.import_snapshot(input).await?;
    tracing::info!(
        event = "snapshot_read",
        slot = summary.slot.get(),
        bytes = summary.bytes
    );
    check_recorded_cluster(&source, &new_store, &settings).await?;
    // Without a journal, a fork could not undo the rows of the snapshot.
    await_finality(&*source, summary.slot, settings.source_behind_limit).await?;
    new_store.check_trees().await?;
    let mut follower = Follower::new(source, new_store.clone(), settings);
    // Compares the newest transactions with the lists. It fails if a fork has removed one of them.
    let head = Head {
        confirmed: summary.slot,
        finalized: summary.slot,
    };
    follower.finalize(head, None).await?;
    let events = reconcile(&mut follower, progress).await?;
    if dry_run {
        return without_switchover(&new_store, events).await;
    }
    switch_over(store, &new_store, IMPORT_SCHEMA, &mut follower, events, progress).await
}

/// Waits until a slot is final on the chain. Fails if that takes longer than `limit`.
async fn await_finality<S: Source>(source: &S, slot: Slot, limit: Duration) -> Result<(), IndexerError> {
    let start = Instant::now();
    loop {
        let head = source.head(Slot::ZERO).await?.finalized;
        if head >= slot {
            return Ok(());
        }
        if start.elapsed() > limit {
            return Err(IndexerError::SnapshotNotFinal { head, slot });
        }
        tokio::time::sleep(RETRY_INTERVAL).await;
    }
}

/// Fails if the nodes do not belong to the cluster of the database.
async fn check_recorded_cluster<S: Source>(
    source: &Arc<S>,
    store: &Store,
    settings: &Settings,
) -> Result<(), IndexerError> {
    if settings.cluster != ClusterCheck::Off
        && let Some(recorded) = store.genesis_hash().await?
    {
        source.check_cluster(Some(recorded)).await?;
    }
    Ok(())
}

/// Steps until the checkpoint is at the head. Returns the number of applied events. Retries while
/// nodes are unavailable.
async fn catch_up<S: Source>(
    follower: &mut Follower<S>,
    progress: OnProgress<'_>,
) -> Result<usize, IndexerError> {
    let mut events = 0;
    let mut first = None;
    let mut retries = 0;
    loop {
        match follower.step().await {
            Ok(step) => {
                events += step.events;
                let slot = step.checkpoint.map_or(Slot::ZERO, |at| at.slot);
                let first = if step.is_backfill {
                    slot
                } else {
                    *first.get_or_insert(slot)
                };
                progress(follower.backfill_progress().unwrap_or(Progress {
                    stage: Stage::Following,
                    done: slot.slots_since(first),
                    all: Some(step.head.confirmed.slots_since(first)),
                }));
                if !step.again && step.checkpoint.is_some_and(|at| at.slot >= step.head.confirmed) {
                    return Ok(events);
                }
                retries = 0;
            }
            Err(error @ IndexerError::Store(StoreError::Unreachable(_))) => return Err(error),
            Err(error) if error.is_retryable() && retries < MAX_RETRIES => {
                retries += 1;
                tracing::warn!(event = "waiting", %error);
                tokio::time::sleep(RETRY_INTERVAL).await;
            }
            Err(error) => return Err(error),
        }
    }
}
