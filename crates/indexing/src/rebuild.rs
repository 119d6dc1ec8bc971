//! Rebuilds the whole database from the chain while the present one stays in use.
//!
//! ```text
//!   schema bauta_rebuild: migrate ── follow from the beginning ── reconcile until the accounts agree
//!                                       │ (a transaction is missing in a final slot:
//!                                       │  once more, with a journal for the whole history)
//!   block writers ── catch up ── replace the rows ── unblock writers; readers never wait
//! ```

use std::sync::Arc;
use std::time::Duration;

use bauta_store::{Slot, Store, StoreError};

use crate::IndexerError;
use crate::chain::Source;
use crate::follow::{ClusterCheck, Follower, Settings};
use crate::reconcile::{Outcome, Reconciler};

/// The schema in which the new rows are created.
const SCHEMA: &str = "bauta_rebuild";
/// The number of connections to the new schema.
const CONNECTIONS: u32 = 4;
/// How often a step is retried after a retryable error.
const MAX_RETRIES: u32 = 60;
/// The time between two retries.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// The time between two attempts to reach the checkpoint of the present database.
const CATCH_UP_INTERVAL: Duration = Duration::from_millis(50);

/// The result of a rebuild.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rebuilt {
    /// The slot of the new checkpoint.
    pub slot: Slot,
    /// The number of applied events.
    pub events: usize,
}

/// Rebuilds the database from the source and replaces its rows. `store` must be connected to the
/// database at `url`.
pub async fn rebuild<S: Source>(
    source: Arc<S>,
    store: &Store,
    url: &str,
    settings: Settings,
) -> Result<Rebuilt, IndexerError> {
    // The new rows must come from the cluster that the database follows.
    if settings.cluster != ClusterCheck::Off
        && let Some(recorded) = store.genesis_hash().await?
    {
        source.check_cluster(Some(recorded)).await?;
    }
    let without_journal = attempt(Arc::clone(&source), store, url, settings.clone()).await;
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
            attempt(source, store, url, with_journal).await
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
) -> Result<Rebuilt, IndexerError> {
    let new_store = Store::in_new_schema(url, CONNECTIONS, SCHEMA).await?;
    new_store.migrate().await?;
    let mut follower = Follower::new(source, new_store.clone(), settings);
    let mut events = 0;
    let mut reconciler = Reconciler::default();
    loop {
        events += catch_up(&mut follower).await?;
        match reconciler.round(&mut follower).await? {
            Outcome::Agreement { up_to: Some(_) } => break,
            // Some parts have not been compared yet, or have to be compared again.
            Outcome::Agreement { up_to: None } | Outcome::Repaired | Outcome::Inconclusive => {}
        }
    }
    tracing::info!(event = "switchover", events);
    let switchover = store.begin_switchover().await?;
    while new_store.checkpoint().await? < switchover.checkpoint() {
        events += catch_up(&mut follower).await?;
        tokio::time::sleep(CATCH_UP_INTERVAL).await;
    }
    let slot = new_store.checkpoint().await?.map_or(Slot::ZERO, |at| at.slot);
    switchover.finish(&new_store, SCHEMA).await?;
    new_store.close().await;
    Ok(Rebuilt { slot, events })
}

/// Steps until the checkpoint is at the head. Returns the number of applied events. Retries while
/// nodes are unavailable.
async fn catch_up<S: Source>(follower: &mut Follower<S>) -> Result<usize, IndexerError> {
    let mut events = 0;
    let mut retries = 0;
    loop {
        match follower.step().await {
            Ok(step) => {
                events += step.events;
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
