//! The rotation of the keys in the key ring.
//!
//! A key is replaced after its rotation period. It is removed as soon as no job can need it: when
//! every job that may have been encrypted with it has ended or has exceeded its deadline.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use bauta_store::{Store, StoreError};

use super::{Queue, QueueError, max_enqueue};
use crate::{
    key_ring::{self, KeyRing, KeyRingError},
    metrics,
    settings::Settings,
    witness_keys::{MAX_RING_AGE, SealError},
};

/// The time from the encryption of a witness until its job is stored, as a multiple of the time in
/// which jobs are stored: the transaction, and a commit that the instance waits for no longer.
const GRACE_TRANSACTIONS: u32 = 2;

/// What a rotation did. Names are not secret.
pub struct Rotation {
    /// The new key.
    pub added: Option<String>,
    /// The keys that were removed and overwritten.
    pub removed: Vec<String>,
    /// The replaced keys that open jobs may need.
    pub kept: Vec<String>,
    /// The time at which the newest key was created, in milliseconds since 1970.
    newest_ms: i64,
}

/// Returns the time after which nothing needs a replaced key except jobs that are stored. An
/// instance may use an older copy of the ring. Then it stores jobs that it has encrypted with the
/// key, and clients send what they have sealed to it (`sealing`).
fn grace(max_enqueue: Duration, sealing: Duration) -> Duration {
    MAX_RING_AGE + sealing.max(max_enqueue * GRACE_TRANSACTIONS)
}

/// Returns the grace period of the settings.
pub(super) fn key_grace(settings: &Settings) -> Duration {
    let sealing = Duration::from_secs(settings.sealing_key_grace_seconds);
    grace(max_enqueue(settings), sealing)
}

/// Adds a key to the ring and removes the keys that no job can need.
pub async fn rotate_keys(store: &Store, file: &Path, settings: &Settings) -> Result<Rotation, QueueError> {
    // The file may not exist yet.
    rotate(store, file, None, key_grace(settings)).await
}

impl Queue {
    /// Reads the key ring again, replaces its newest key if it is old enough, and removes the keys
    /// that no job can need.
    pub(super) async fn maintain_keys(&self) -> Result<(), QueueError> {
        let Some(file) = self.0.keys.ring_file() else {
            return Ok(());
        };
        // This runs even without a database, so that this instance doesn't keep a destroyed key.
        self.0.keys.refresh()?;
        let period = self.0.key_rotation.unwrap_or(Duration::MAX);
        let rotation = rotate(&self.0.stores.own, file, Some(period), self.0.key_grace).await?;
        if let Some(period) = self.0.key_rotation {
            metrics::set_witness_key_due(rotation.newest_ms.saturating_add(milliseconds(period)));
        }
        let Rotation { added, removed, .. } = rotation;
        if let Some(name) = added {
            tracing::info!(event = "witness_key_added", name);
        }
        for name in removed {
            tracing::info!(event = "witness_key_removed", name);
        }
        Ok(self.0.keys.refresh()?)
    }
}

/// Adds a key if the newest one is older than `period`, or in any case if there is no period.
/// Removes the keys that were replaced more than `grace` ago and that no job can need.
async fn rotate(
    store: &Store,
    file: &Path,
    period: Option<Duration>,
    grace: Duration,
) -> Result<Rotation, QueueError> {
    // The times of jobs are those of the database's clock.
    let read_at = Instant::now();
    let now = store.clock_ms().await?;
    let latest_creation = period.map(|period| now.saturating_sub(milliseconds(period)));
    let added = blocking(file, move |file| {
        let now_ms = || now.saturating_add(milliseconds(read_at.elapsed()));
        key_ring::add_key(file, now_ms, |newest| {
            latest_creation.is_none_or(|latest| newest.is_some_and(|newest| newest.created_ms <= latest))
        })
    })
    .await?;
    let keys = blocking(file, |file| KeyRing::open(file)?.keys(Duration::MAX)).await?;
    let (mut removed, mut kept) = (Vec::new(), Vec::new());
    for key in keys.iter() {
        let Some(replaced) = key.replaced_ms else { continue };
        let last_use = replaced.saturating_add(milliseconds(grace));
        if last_use < now && !store.has_live_jobs_created_before(last_use).await? {
            removed.push(key.name.clone());
        } else {
            kept.push(key.name.clone());
        }
    }
    if !removed.is_empty() {
        let names = removed.clone();
        blocking(file, move |file| key_ring::remove_keys(file, &names)).await?;
    }
    // A ring has at least one key, and the newest is the first.
    let newest_ms = keys.first().map_or(now, |key| key.created_ms);
    Ok(Rotation {
        added,
        removed,
        kept,
        newest_ms,
    })
}

fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Accesses the file outside the async threads.
async fn blocking<T: Send + 'static>(
    file: &Path,
    access: impl FnOnce(&Path) -> Result<T, KeyRingError> + Send + 'static,
) -> Result<T, QueueError> {
    let file = file.to_owned();
    let accessed = tokio::task::spawn_blocking(move || access(&file)).await;
    match accessed {
        Ok(result) => Ok(result.map_err(SealError::from)?),
        Err(_) => Err(StoreError::Stopped.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_key_is_kept_until_no_copy_of_it_encrypts_and_its_jobs_are_stored() {
        for max_enqueue in [Duration::from_millis(100), Duration::from_secs(10)] {
            for sealing in [Duration::ZERO, Duration::from_mins(2)] {
                let grace = grace(max_enqueue, sealing);
                assert!(grace > MAX_RING_AGE + max_enqueue);
                // A copy of the ring can have a key that was replaced before.
                assert!(grace >= MAX_RING_AGE + sealing);
            }
        }
    }
}
