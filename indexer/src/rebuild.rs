//! A full rebuild beside the running database, and the switch-over.
//!
//! ```text
//!   schema bauta_rebuild: migrate ── follow from the beginning ── reconcile with accounts until they agree
//!                                         │ (a hole below finality: again, with a whole journal)
//!   writers wait ── catch up ── rows take the old ones' place ── writers go on; readers have waited for nothing
//! ```

use std::sync::Arc;
use std::time::Duration;

use bauta_store::{Slot, Store, StoreError};

use crate::IndexerError;
use crate::chain::Source;
use crate::follow::{Follower, Settings};
use crate::reconcile::{Outcome, Reconciler};

/// Where the new rows are made.
const SCHEMA: &str = "bauta_rebuild";
/// Connections to the new schema.
const CONNECTIONS: u32 = 4;
/// How often something that may go by itself is tried again, and how long after.
const TRIES: (u32, Duration) = (60, Duration::from_secs(1));
/// Between two steps when the source has nothing new yet.
const BREATH: Duration = Duration::from_millis(50);

/// What a rebuild did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rebuilt {
    /// The slot that the database is at now.
    pub slot: Slot,
    /// Events read.
    pub events: usize,
}

/// Rebuilds the database at `url`, whose store this is, from the source, and switches over.
pub async fn rebuild<S: Source>(
    source: Arc<S>,
    store: &Store,
    url: &str,
    settings: Settings,
) -> Result<Rebuilt, IndexerError> {
    let fast = attempt(Arc::clone(&source), store, url, settings.clone()).await;
    let rebuilt = match fast {
        Err(IndexerError::MissingBelowFinality { missing, slot }) => {
            tracing::warn!(
                event = "hole",
                missing,
                slot = slot.get(),
                "reading the history again with a whole journal"
            );
            let whole = Settings {
                backfill_slots: u64::MAX,
                ..settings
            };
            attempt(source, store, url, whole).await
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
    let fresh = Store::in_new_schema(url, CONNECTIONS, SCHEMA).await?;
    fresh.migrate().await?;
    let mut follower = Follower::new(source, fresh.clone(), settings);
    let mut events = 0;
    let mut reconciler = Reconciler::default();
    loop {
        events += level(&mut follower).await?;
        match reconciler.round(&mut follower).await? {
            Outcome::Agrees { up_to: Some(_) } => break,
            // parts of it are still to be looked at, or something is
            Outcome::Agrees { up_to: None } | Outcome::Mended | Outcome::Later => {}
        }
    }
    tracing::info!(event = "switching_over", events);
    let switchover = store.begin_switchover().await?;
    while fresh.checkpoint().await? < switchover.checkpoint() {
        events += level(&mut follower).await?;
        tokio::time::sleep(BREATH).await;
    }
    let slot = fresh.checkpoint().await?.map_or(Slot::ZERO, |at| at.slot);
    switchover.finish(&fresh, SCHEMA).await?;
    fresh.close().await;
    Ok(Rebuilt { slot, events })
}

/// Steps until the checkpoint is at the head; returns the events applied. Waits for nodes that are away for a while.
async fn level<S: Source>(follower: &mut Follower<S>) -> Result<usize, IndexerError> {
    let mut events = 0;
    let mut tries = 0;
    loop {
        match follower.step().await {
            Ok(step) => {
                events += step.events;
                if !step.again && step.checkpoint.is_some_and(|at| at.slot >= step.head.confirmed) {
                    return Ok(events);
                }
                tries = 0;
            }
            Err(error @ IndexerError::Store(StoreError::Unreachable(_))) => return Err(error),
            Err(error) if error.is_transient() && tries < TRIES.0 => {
                tries += 1;
                tracing::warn!(event = "waiting", %error);
                tokio::time::sleep(TRIES.1).await;
            }
            Err(error) => return Err(error),
        }
    }
}
