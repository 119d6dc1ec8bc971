//! The slots up to which the database follows the chain.
//!
//! A task reads them at an interval. Data that is read after them is at least as new, unless the
//! indexer rolls a fork back in between. A request that needs a later slot than the last one that
//! was read asks the database itself.

use std::time::Duration;

use bauta_service_common::Service;
use bauta_store::{Freshness, Slot, Store, StoreError};
use tokio::sync::watch;

use crate::metrics;

/// Interval at which the slots are read.
const INTERVAL: Duration = Duration::from_millis(250);

/// Why the freshness that a request needs can't be given.
#[derive(Debug, thiserror::Error)]
pub enum FreshnessError {
    /// The database has not reached the slot.
    #[error(
        "the database is at {}, but the request needs slot {needed} (Bauta-Min-Slot); retry later",
        at.map_or_else(|| "no slot".to_owned(), |slot| format!("slot {slot}"))
    )]
    Behind {
        /// The slot that the request needs.
        needed: Slot,
        /// The slot of the checkpoint.
        at: Option<Slot>,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the freshness of the database.
pub struct FreshnessReader {
    store: Store,
    latest: watch::Receiver<Freshness>,
}

impl FreshnessReader {
    /// Reads the freshness, and starts the task that reads it again until the service shuts down.
    pub async fn start(store: Store, service: &Service) -> Result<Self, StoreError> {
        let first = store.freshness().await?;
        metrics::set_freshness(&first);
        let (sender, latest) = watch::channel(first);
        let (shutdown, reader) = (service.shutdown(), store.clone());
        service.spawn("the freshness of the database", async move {
            while !shutdown.is_cancelled() {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(INTERVAL) => read(&reader, &sender).await,
                }
            }
            Ok::<_, StoreError>(())
        });
        Ok(Self { store, latest })
    }

    /// Returns the freshness of the data that a request reads next. With `needed`, fails if the
    /// database has not reached this slot.
    pub async fn read(&self, needed: Option<Slot>) -> Result<Freshness, FreshnessError> {
        let latest = *self.latest.borrow();
        let Some(needed) = needed.filter(|needed| latest.slot.is_none_or(|slot| slot < *needed)) else {
            return Ok(latest);
        };
        let now = self.store.freshness().await?;
        if now.slot.is_none_or(|slot| slot < needed) {
            metrics::record_behind();
            return Err(FreshnessError::Behind { needed, at: now.slot });
        }
        Ok(now)
    }
}

/// Reads the freshness. While the database is unavailable, the last one stays: the routes fail
/// then.
async fn read(store: &Store, sender: &watch::Sender<Freshness>) {
    match store.freshness().await {
        Ok(freshness) => {
            metrics::set_freshness(&freshness);
            sender.send_replace(freshness);
        }
        Err(error) => tracing::warn!(event = "freshness_unknown", %error),
    }
}
