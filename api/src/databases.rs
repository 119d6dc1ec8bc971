//! The databases that requests read, and the slots up to which each follows the chain.
//!
//! ```text
//!   primary    NOTIFY, and every 250 ms  --> its slots, and a new version
//!   replicas   every 250 ms              --> their slots, each up to its own checkpoint
//!
//!   request --> a replica that is not far behind, or that has the slot that the request needs
//!           --> otherwise the primary, whose slots are read again if it did not have the slot
//! ```
//!
//! Data that is read after the slots is at least as new, unless the indexer rolls a fork back in
//! between.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bauta_service_common::Service;
use bauta_store::{ChainListener, Freshness, Slot, Store, StoreError};
use tokio::sync::watch;

use crate::metrics;

/// Interval at which the slots are read.
const INTERVAL: Duration = Duration::from_millis(250);
/// A replica that is further behind the primary is used only for requests that need an earlier
/// slot. About a minute.
pub const MAX_REPLICA_LAG: u64 = 150;

/// Why the freshness that a request needs can't be given.
#[derive(Debug, thiserror::Error)]
pub enum FreshnessError {
    /// No database has reached the slot.
    #[error(
        "the database is at {}, but the request needs slot {needed} (Bauta-Min-Slot); retry later",
        at.map_or_else(|| "no slot".to_owned(), |slot| format!("slot {slot}"))
    )]
    Behind {
        /// The slot that the request needs.
        needed: Slot,
        /// The slot of the primary's checkpoint.
        at: Option<Slot>,
    },
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The primary and its replicas.
pub struct Databases {
    primary: Database,
    replicas: Vec<Database>,
    /// The replica that is tried first by the next request.
    next: AtomicUsize,
    version: Arc<AtomicU64>,
}

/// A database and its slots.
struct Database {
    store: Store,
    /// `None` while the database is unavailable.
    latest: watch::Receiver<Option<Freshness>>,
}

impl Databases {
    /// Reads the slots, and starts the tasks that read them again until the service shuts down. A
    /// replica may be unavailable.
    pub async fn start(primary: Store, replicas: Vec<Store>, service: &Service) -> Result<Self, StoreError> {
        let first = primary.freshness().await?;
        metrics::set_freshness(&first);
        let version = Arc::new(AtomicU64::new(0));
        let (sender, latest) = watch::channel(Some(first));
        let replicas: Vec<Database> = replicas
            .into_iter()
            .map(|store| follow_replica(store, service))
            .collect();
        let (shutdown, follower) = (
            service.shutdown(),
            Primary {
                store: primary.clone(),
                sender,
                replicas: replicas.iter().map(|replica| replica.latest.clone()).collect(),
                version: version.clone(),
            },
        );
        service.spawn("the slots of the primary", async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = follower.follow() => {}
            }
            Ok::<_, StoreError>(())
        });
        Ok(Self {
            primary: Database {
                store: primary,
                latest,
            },
            replicas,
            next: AtomicUsize::new(0),
            version,
        })
    }

    pub const fn primary(&self) -> &Store {
        &self.primary.store
    }

    /// Returns the known slots of the primary. `None` while it is unavailable.
    pub fn latest(&self) -> Option<Freshness> {
        *self.primary.latest.borrow()
    }

    /// Returns the replicas with their known slots. `None` while a replica is unavailable.
    pub fn replicas(&self) -> impl Iterator<Item = (&Store, Option<Freshness>)> {
        self.replicas
            .iter()
            .map(|replica| (&replica.store, *replica.latest.borrow()))
    }

    /// Returns the number of changes of the primary that are known. A response that was computed
    /// at another version may be outdated.
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// Returns the database for a request and its slots. With `needed`, the database has reached
    /// this slot.
    pub async fn choose(&self, needed: Option<Slot>) -> Result<(Store, Freshness), FreshnessError> {
        let latest = *self.primary.latest.borrow();
        if let Some(found) = self.replica(needed, latest) {
            return Ok(found);
        }
        let store = self.primary.store.clone();
        let Some(needed) = needed else {
            let freshness = match latest {
                Some(latest) => latest,
                None => store.freshness().await?,
            };
            return Ok((store, freshness));
        };
        if let Some(latest) = latest.filter(|latest| has(latest, needed)) {
            return Ok((store, latest));
        }
        let now = store.freshness().await?;
        if has(&now, needed) {
            return Ok((store, now));
        }
        metrics::record_behind();
        Err(FreshnessError::Behind { needed, at: now.slot })
    }

    /// Returns a replica that can answer a request. The next request begins with the next replica.
    fn replica(&self, needed: Option<Slot>, primary: Option<Freshness>) -> Option<(Store, Freshness)> {
        let oldest = needed.or_else(|| oldest_slot(primary?));
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.replicas.len();
        (0..count)
            .filter_map(|number| self.replicas.get(first.wrapping_add(number) % count))
            .find_map(|replica| {
                let latest = (*replica.latest.borrow())?;
                let is_new = oldest.is_none_or(|oldest| has(&latest, oldest));
                is_new.then(|| (replica.store.clone(), latest))
            })
    }
}

/// Returns the slot that a replica must have reached to be used, whatever a request needs.
fn oldest_slot(primary: Freshness) -> Option<Slot> {
    let slot = primary.slot?.get().saturating_sub(MAX_REPLICA_LAG);
    Some(Slot::new(slot))
}

fn has(freshness: &Freshness, slot: Slot) -> bool {
    freshness.slot.is_some_and(|at| at >= slot)
}

/// The task that follows the primary.
struct Primary {
    store: Store,
    sender: watch::Sender<Option<Freshness>>,
    replicas: Vec<watch::Receiver<Option<Freshness>>>,
    version: Arc<AtomicU64>,
}

impl Primary {
    async fn follow(self) {
        let mut listener = None;
        loop {
            if listener.is_none() {
                listener = self.store.listen_to_chain().await.ok();
                // Notifications may have been lost.
                self.next_version();
            }
            if self.wait(&mut listener).await {
                // First, so that responses that are computed from now on have the new version.
                self.next_version();
            }
            let freshness = match self.store.freshness().await {
                Ok(freshness) => Some(freshness),
                Err(error) => {
                    tracing::warn!(event = "freshness_unknown", %error);
                    None
                }
            };
            if let Some(freshness) = &freshness {
                metrics::set_freshness(freshness);
                self.count_replicas(*freshness);
            }
            if self.sender.send_replace(freshness) != freshness {
                self.next_version();
            }
        }
    }

    /// Waits for a notification, for the interval at most. Returns whether there was one.
    async fn wait(&self, listener: &mut Option<ChainListener>) -> bool {
        let Some(open) = listener else {
            tokio::time::sleep(INTERVAL).await;
            return false;
        };
        match tokio::time::timeout(INTERVAL, open.next()).await {
            Ok(Ok(true)) => true,
            Ok(_) => {
                *listener = None;
                // A server that closes every connection must not keep this task busy.
                tokio::time::sleep(INTERVAL).await;
                true
            }
            Err(_) => false,
        }
    }

    fn count_replicas(&self, primary: Freshness) {
        let is_used = |replica: &&watch::Receiver<Option<Freshness>>| {
            let latest = *replica.borrow();
            latest.is_some_and(|latest| oldest_slot(primary).is_none_or(|oldest| has(&latest, oldest)))
        };
        let used = self.replicas.iter().filter(is_used).count();
        metrics::set_replicas(used, self.replicas.len() - used);
    }

    fn next_version(&self) {
        self.version.fetch_add(1, Ordering::AcqRel);
    }
}

/// Starts the task that reads the slots of a replica.
fn follow_replica(store: Store, service: &Service) -> Database {
    let (sender, latest) = watch::channel(None);
    let (shutdown, reader) = (service.shutdown(), store.clone());
    service.spawn("the slots of a replica", async move {
        let follow = async {
            let mut interval = tokio::time::interval(INTERVAL);
            interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                interval.tick().await;
                let freshness = reader.freshness().await;
                if let Err(error) = &freshness
                    && sender.borrow().is_some()
                {
                    tracing::warn!(event = "replica_unavailable", %error);
                }
                sender.send_replace(freshness.ok());
            }
        };
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = follow => {}
        }
        Ok::<_, StoreError>(())
    });
    Database { store, latest }
}
