//! Live events: one reader of the database for all subscribers of an instance.
//!
//! ```text
//!   NOTIFY, and twice a second --> one query --> the log in memory: the newest 10,000 final
//!                                              events, all later ones, and the rollbacks
//!                                                 |
//!   subscriber: a cursor into the log  <----------+  wakes when the log has changed
//! ```
//!
//! 1. A subscriber costs no query and has no queue: what it has not read is in the log, which all
//!    subscribers share.
//! 2. A resume token is a cursor, and every instance accepts it. It says up to which event the
//!    subscriber has read, and which rollbacks it knows.
//! 3. A subscriber gets the events after its cursor once, in the order of the chain. If a rollback
//!    removed events that it has, it gets `reverted` first.

mod cursor;
mod filter;
mod log;
mod subscription;

use std::{
    convert::Infallible,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use bauta_service_common::Service;
use bauta_store::{ChainListener, Store, StoreError};
use tokio::sync::watch;

use self::log::{EventLog, MAX_EVENTS, REWINDS};
pub use self::{
    cursor::{Cursor, TokenError},
    filter::{EventFilter, Level},
    log::{Item, ResumeExpired},
    subscription::{Subscription, Update},
};
use crate::metrics;

/// Interval at which the database is read without a notification.
const INTERVAL: Duration = Duration::from_millis(500);
/// Longest wait for a rollback or an event that a resume token knows and this instance does not.
const AHEAD_TIMEOUT: Duration = Duration::from_secs(2);
/// Largest number of events that one query reads.
const PAGE: u16 = 1_000;

/// The events of the database, as far as this instance has read them.
pub struct Live {
    log: RwLock<EventLog>,
    /// Changes with the log.
    changes: watch::Sender<()>,
    /// Changes when a query has read everything up to its time.
    queries: watch::Sender<()>,
}

impl Live {
    /// Reads the newest events, and starts the task that reads further ones until the service shuts
    /// down.
    pub async fn start(store: Store, service: &Service) -> Result<Arc<Self>, StoreError> {
        let live = Arc::new(Self {
            log: RwLock::new(EventLog::new(store.newest_events(MAX_EVENTS, REWINDS).await?)),
            changes: watch::Sender::new(()),
            queries: watch::Sender::new(()),
        });
        let (shutdown, task) = (service.shutdown(), live.clone());
        service.spawn("the events of subscribers", async move {
            tokio::select! {
                () = shutdown.cancelled() => {}
                () = task.follow(&store) => {}
            }
            Ok::<_, Infallible>(())
        });
        Ok(live)
    }

    /// Subscribes from a cursor on. `None`: from now on. Waits at most four seconds for a rollback or
    /// an event that the cursor knows, and that another instance has read.
    pub async fn subscribe(
        self: &Arc<Self>,
        filter: EventFilter,
        cursor: Option<Cursor>,
    ) -> Result<Subscription, ResumeExpired> {
        if let Some(cursor) = cursor {
            self.reach(cursor).await?;
        }
        // Before the log is read, so that no change is missed.
        let changes = self.changes.subscribe();
        let cursor = {
            let log = self.log();
            let cursor = cursor.unwrap_or_else(|| log.end(filter.level));
            log.check(cursor)?;
            cursor
        };
        Ok(Subscription::new(self.clone(), filter, cursor, changes))
    }

    /// Waits until the log knows what a cursor knows. Fails if the database doesn't know it:
    /// it was restored, or the token was made up. If the database is unavailable, the subscriber
    /// waits.
    async fn reach(&self, cursor: Cursor) -> Result<(), ResumeExpired> {
        let mut queries = self.queries.subscribe();
        // The query that ends first can have begun before.
        for _ in 0..2 {
            if !self.log().is_ahead(cursor) {
                return Ok(());
            }
            if !matches!(
                tokio::time::timeout(AHEAD_TIMEOUT, queries.changed()).await,
                Ok(Ok(()))
            ) {
                return Ok(());
            }
        }
        if self.log().is_ahead(cursor) {
            return Err(ResumeExpired);
        }
        Ok(())
    }

    async fn follow(&self, store: &Store) {
        let mut listener = None;
        loop {
            if listener.is_none() {
                listener = store.listen_to_chain().await.ok();
            }
            match self.read(store).await {
                Ok(true) => {}
                Ok(false) => wait(&mut listener).await,
                Err(error) => {
                    // `/ready` says that the database is unavailable. Subscribers stay.
                    tracing::debug!(event = "events_not_read", %error);
                    tokio::time::sleep(INTERVAL).await;
                }
            }
        }
    }

    /// Reads the next events. Returns whether there are more.
    async fn read(&self, store: &Store) -> Result<bool, StoreError> {
        let (after, rewind) = {
            let log = self.log();
            (log.last(), log.rewind())
        };
        let page = store.event_log_after(after, rewind, PAGE).await?;
        if page.last_rewind < rewind {
            // The database was restored from a backup.
            let newest = store.newest_events(MAX_EVENTS, REWINDS).await?;
            *self.log.write().unwrap_or_else(PoisonError::into_inner) = EventLog::new(newest);
            self.changes.send_replace(());
            self.queries.send_replace(());
            return Ok(false);
        }
        let has_more = !page.is_complete;
        metrics::record_events(page.events.len(), page.rewinds.len());
        let mut log = self.log.write().unwrap_or_else(PoisonError::into_inner);
        let has_changed = log.extend(page);
        drop(log);
        if has_changed {
            self.changes.send_replace(());
        }
        if !has_more {
            self.queries.send_replace(());
        }
        Ok(has_more)
    }

    fn log(&self) -> std::sync::RwLockReadGuard<'_, EventLog> {
        self.log.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for a notification, for the interval at most.
async fn wait(listener: &mut Option<ChainListener>) {
    let Some(open) = listener else {
        return tokio::time::sleep(INTERVAL).await;
    };
    if let Ok(Ok(false) | Err(_)) = tokio::time::timeout(INTERVAL, open.next()).await {
        *listener = None;
        // A server that closes every connection must not keep this task busy.
        tokio::time::sleep(INTERVAL).await;
    }
}
