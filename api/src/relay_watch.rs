//! Follows the states of relays for event streams.
//!
//! ```text
//!   streams --follow--> relays --one query, twice a second--> the changes --> their streams
//! ```
//!
//! However many streams are open, there is one query for all of them.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bauta_service_common::Service;
use bauta_store::{RandomId, RelayStatus, Store, StoreError};
use tokio::sync::watch;

/// Time between two reads of the states.
const INTERVAL: Duration = Duration::from_millis(500);

/// The relays that streams follow.
#[derive(Default)]
pub struct RelayWatch(Mutex<HashMap<RandomId, watch::Sender<RelayStatus>>>);

impl RelayWatch {
    /// Starts the task that reads the states.
    pub fn start(store: &Store, service: &Service) -> Arc<Self> {
        let watch = Arc::new(Self::default());
        let (store, shutdown, task) = (store.clone(), service.shutdown(), watch.clone());
        service.spawn("the states of followed relays", async move {
            while !shutdown.is_cancelled() {
                tokio::select! {
                    () = shutdown.cancelled() => {}
                    () = tokio::time::sleep(INTERVAL) => {
                        // `/ready` says that the database is unavailable. The streams stay open.
                        if let Err(error) = task.look(&store).await {
                            tracing::debug!(event = "relays_not_followed", %error);
                        }
                    }
                }
            }
            Ok::<_, Infallible>(())
        });
        watch
    }

    /// Follows a relay from this state on. The channel closes when the relay is deleted.
    pub fn follow(&self, id: RandomId, status: RelayStatus) -> watch::Receiver<RelayStatus> {
        let mut followed = self.followed();
        let sender = followed.entry(id).or_insert_with(|| watch::Sender::new(status));
        sender.subscribe()
    }

    /// Reads the states, and sends those that have changed.
    async fn look(&self, store: &Store) -> Result<(), StoreError> {
        let ids: Vec<RandomId> = {
            let mut followed = self.followed();
            followed.retain(|_, sender| sender.receiver_count() > 0);
            followed.keys().copied().collect()
        };
        if ids.is_empty() {
            return Ok(());
        }
        let mut found: HashMap<_, _> = store.relay_statuses(&ids).await?.into_iter().collect();
        let mut followed = self.followed();
        for id in ids {
            let Some(status) = found.remove(&id) else {
                followed.remove(&id);
                continue;
            };
            if let Some(sender) = followed.get(&id) {
                sender.send_if_modified(|known| {
                    let is_new = *known != status;
                    *known = status;
                    is_new
                });
            }
        }
        Ok(())
    }

    fn followed(&self) -> MutexGuard<'_, HashMap<RandomId, watch::Sender<RelayStatus>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
