use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    time::{Instant, sleep_until},
};

use super::{Cursor, EventFilter, Item, Live, ResumeExpired};
use crate::metrics;

/// Time after which a subscription ends. The client subscribes again.
const MAX_AGE: Duration = Duration::from_mins(10);
/// Time without an event after which a subscriber gets its cursor.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Number of items that are read from the log at a time.
const BATCH: usize = 32;
/// A subscriber that had all events, and is then more than this number of events behind for
/// [`SLOW_AFTER`], reads too slowly. It can still resume: the log has twice as many.
const MAX_BEHIND: usize = 5_000;
/// When many events come or become final together, every subscriber is behind for a moment.
const SLOW_AFTER: Duration = Duration::from_secs(30);

/// What a subscription gives its client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Update {
    /// An item, and the cursor after it.
    Item(Item, Cursor),
    /// There was nothing. The cursor is that of the client, or a later one if the filter has left
    /// events out.
    Heartbeat(Cursor),
    /// The client reads too slowly. It is the last update. The client resumes at the cursor.
    Slow(Cursor),
}

/// A cursor that follows the log.
pub struct Subscription {
    live: Arc<Live>,
    filter: EventFilter,
    cursor: Cursor,
    changes: watch::Receiver<()>,
    pending: VecDeque<(Item, Cursor)>,
    /// The cursor of the last update.
    sent: Cursor,
    /// Whether the subscriber has had all events once.
    was_current: bool,
    /// Since when the subscriber has been too many events behind.
    behind_since: Option<Instant>,
    slow_after: Duration,
    has_ended: bool,
    /// The time of the last update.
    updated_at: Instant,
    heartbeat: Duration,
    end: Instant,
}

impl Subscription {
    pub(super) fn new(
        live: Arc<Live>,
        filter: EventFilter,
        cursor: Cursor,
        changes: watch::Receiver<()>,
    ) -> Self {
        Self {
            live,
            filter,
            cursor,
            changes,
            pending: VecDeque::new(),
            sent: cursor,
            was_current: false,
            behind_since: None,
            slow_after: SLOW_AFTER,
            has_ended: false,
            updated_at: Instant::now(),
            heartbeat: HEARTBEAT,
            end: Instant::now() + MAX_AGE,
        }
    }

    /// Returns the cursor after the last update.
    pub const fn last(&self) -> Cursor {
        self.sent
    }

    /// Waits for the next update. `None` after ten minutes, if the subscriber is so far behind that
    /// it can't resume, or if the database was restored to before what it knows.
    pub async fn next(&mut self) -> Option<Update> {
        let update = self.next_update().await;
        self.updated_at = Instant::now();
        update
    }

    async fn next_update(&mut self) -> Option<Update> {
        // A call that was dropped does not delay the heartbeat.
        let heartbeat = self.updated_at + self.heartbeat;
        loop {
            if let Some((item, cursor)) = self.pending.pop_front() {
                self.sent = cursor;
                return Some(Update::Item(item, cursor));
            }
            if self.has_ended || Instant::now() >= self.end {
                return None;
            }
            if let Some(last) = self.read().ok()? {
                return Some(last);
            }
            if !self.pending.is_empty() {
                continue;
            }
            self.was_current = true;
            tokio::select! {
                changed = self.changes.changed() => changed.ok()?,
                () = sleep_until(heartbeat.min(self.end)) => {
                    if self.live.log().is_ahead(self.cursor) {
                        return None;
                    }
                    self.sent = self.cursor;
                    return Some(Update::Heartbeat(self.cursor));
                }
            }
        }
    }

    /// Reads the next items of the log. Returns the last update if the subscriber reads too slowly.
    fn read(&mut self) -> Result<Option<Update>, ResumeExpired> {
        let log = self.live.log();
        if self.was_current && log.behind(self.cursor, self.filter.level) > MAX_BEHIND {
            let since = *self.behind_since.get_or_insert_with(Instant::now);
            if since.elapsed() >= self.slow_after {
                self.has_ended = true;
                metrics::record_slow_subscriber();
                return Ok(Some(Update::Slow(self.sent)));
            }
        } else {
            self.behind_since = None;
        }
        let items = log.read(&mut self.cursor, &self.filter, BATCH);
        self.pending
            .extend(items.inspect_err(|_| metrics::record_slow_subscriber())?);
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::RwLock;

    use bauta_store::{EventPage, LoggedEvent, NewestEvents, Position, Slot, testing::TestDatabase};

    use super::*;
    use crate::live::{
        Level,
        log::{EventLog, MAX_EVENTS, REWINDS},
    };

    fn event(slot: u64) -> LoggedEvent {
        LoggedEvent {
            position: Position {
                slot: Slot::new(slot),
                transaction_index: 0,
                instruction_index: 0,
                inner_index: 0,
            },
            name: "ScopeClosed".to_owned(),
            scope: None,
            registry: None,
            time: 0,
        }
    }

    fn live() -> Arc<Live> {
        live_of(NewestEvents {
            events: Vec::new(),
            is_all: true,
            rewinds: Vec::new(),
            has_all_rewinds: true,
            finalized: None,
        })
    }

    fn live_of(newest: NewestEvents) -> Arc<Live> {
        Arc::new(Live {
            log: RwLock::new(EventLog::new(newest)),
            changes: watch::Sender::new(()),
            queries: watch::Sender::new(()),
        })
    }

    fn extend(live: &Live, slots: std::ops::Range<u64>) {
        live.log.write().unwrap().extend(EventPage {
            rewinds: Vec::new(),
            events: slots.map(event).collect(),
            is_complete: true,
            last_rewind: 0,
            finalized: None,
        });
        live.changes.send_replace(());
    }

    fn slot(update: Option<Update>) -> u64 {
        match update {
            Some(Update::Item(Item::Event(event), _)) => event.position.slot.get(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_subscriber_waits_for_events_and_gets_its_cursor_while_there_are_none() {
        let live = live();
        let filter = EventFilter::new(Level::Confirmed, None, None);
        let mut reader = live.subscribe(filter, None).await.unwrap();
        let first = reader.last();
        reader.heartbeat = Duration::ZERO;
        assert_eq!(reader.next().await, Some(Update::Heartbeat(first)));
        extend(&live, 1..3);
        assert_eq!(slot(reader.next().await), 1);
        assert_eq!(slot(reader.next().await), 2);
        let last = reader.last();
        assert_eq!(reader.next().await, Some(Update::Heartbeat(last)));
        reader.end = Instant::now();
        assert_eq!(reader.next().await, None);
    }

    #[tokio::test]
    async fn a_subscriber_that_reads_too_slowly_is_cut_and_resumes_without_a_gap() {
        let live = live();
        let filter = EventFilter::new(Level::Confirmed, None, None);
        let mut reader = live.subscribe(filter.clone(), None).await.unwrap();
        reader.slow_after = Duration::ZERO;
        extend(&live, 1..3);
        assert_eq!(slot(reader.next().await), 1);
        assert_eq!(slot(reader.next().await), 2);
        reader.heartbeat = Duration::ZERO;
        assert!(matches!(reader.next().await, Some(Update::Heartbeat(_))));
        extend(&live, 3..4 + MAX_BEHIND as u64);
        let cut = reader.next().await;
        assert_eq!(cut, Some(Update::Slow(reader.last())));
        assert_eq!(reader.next().await, None);
        // One that resumes is not cut before it has caught up.
        let resumed = live.subscribe(filter.clone(), Some(reader.last())).await;
        let mut resumed = resumed.unwrap();
        resumed.slow_after = Duration::ZERO;
        for expected in 3..4 + MAX_BEHIND as u64 {
            assert_eq!(slot(resumed.next().await), expected);
        }
        // A token of long ago.
        extend(&live, 10_000..70_000);
        assert!(live.subscribe(filter, Some(reader.last())).await.is_err());
        assert!(matches!(resumed.next().await, Some(Update::Slow(_)) | None));
    }

    #[tokio::test]
    async fn a_subscriber_that_reads_is_not_cut_when_many_events_come_together() {
        let live = live();
        let filter = EventFilter::new(Level::Confirmed, None, None);
        let mut reader = live.subscribe(filter, None).await.unwrap();
        reader.slow_after = Duration::from_hours(1);
        reader.heartbeat = Duration::ZERO;
        assert!(matches!(reader.next().await, Some(Update::Heartbeat(_))));
        reader.heartbeat = HEARTBEAT;
        let end = 2 * MAX_BEHIND as u64;
        extend(&live, 1..end);
        for expected in 1..end {
            assert_eq!(slot(reader.next().await), expected);
        }
        assert!(reader.behind_since.is_none());
    }

    #[tokio::test]
    async fn a_token_of_a_database_that_was_restored_is_refused_and_its_subscriber_ends() {
        let live = live();
        let filter = EventFilter::new(Level::Confirmed, None, None);
        let mut reader = live.subscribe(filter.clone(), None).await.unwrap();
        extend(&live, 1..3);
        let (of_rollback, of_event) = (
            Cursor {
                rewind: 5,
                ..reader.last()
            },
            Cursor {
                position: event(3).position,
                ..reader.last()
            },
        );
        for ahead in [of_rollback, of_event] {
            let query = async {
                loop {
                    live.queries.send_replace(());
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                subscribed = live.subscribe(filter.clone(), Some(ahead)) => {
                    assert!(subscribed.is_err(), "{ahead:?}");
                }
                () = query => {}
            }
            reader.cursor = ahead;
            reader.heartbeat = Duration::ZERO;
            assert_eq!(reader.next().await, None, "{ahead:?}");
        }
    }

    #[tokio::test]
    async fn a_token_of_an_event_that_another_instance_has_read_before_waits_for_it() {
        let live = live();
        let filter = EventFilter::new(Level::Confirmed, None, None);
        let ahead = Cursor {
            position: event(2).position,
            rewind: 0,
        };
        let (subscribed, ()) = tokio::join!(live.subscribe(filter, Some(ahead)), async {
            extend(&live, 1..4);
            live.queries.send_replace(());
        });
        assert_eq!(slot(subscribed.unwrap().next().await), 3);
    }

    #[tokio::test]
    async fn the_events_of_a_database_that_was_restored_are_read_again() {
        let database = TestDatabase::create().await.unwrap();
        let store = &database.store;
        let roll_back = async || {
            sqlx::query(
                "INSERT INTO rewinds (slot, transaction_index, instruction_index, inner_index) VALUES (0, 0, 0, 0)",
            )
            .execute(database.pool())
            .await
            .unwrap();
        };
        roll_back().await;
        let live = live_of(store.newest_events(MAX_EVENTS, REWINDS).await.unwrap());
        assert_eq!(live.log().rewind(), 1);
        extend(&live, 1..3);
        let filter = EventFilter::new(Level::Confirmed, None, None);
        let mut reader = live.subscribe(filter, None).await.unwrap();
        // The backup is of before the rollback.
        sqlx::query("DELETE FROM rewinds")
            .execute(database.pool())
            .await
            .unwrap();
        assert!(!live.read(store).await.unwrap());
        assert_eq!(live.log().rewind(), 0);
        assert_eq!(live.log().last(), live.log().end(Level::Confirmed).position);
        reader.heartbeat = Duration::ZERO;
        assert_eq!(reader.next().await, None);
        // Later rollbacks are followed again.
        roll_back().await;
        assert!(!live.read(store).await.unwrap());
        assert_eq!(live.log().rewind(), 2);
    }
}
