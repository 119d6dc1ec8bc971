use std::{collections::VecDeque, sync::Arc};

use bauta_store::{EventPage, LoggedEvent, NewestEvents, Position, Rewind, Slot};

use super::{
    cursor::Cursor,
    filter::{EventFilter, Level},
};

/// Number of final events in memory, at least. A subscriber that has not read older ones can't
/// resume.
pub const CAPACITY: u16 = 10_000;
/// Largest number of events in memory, with those that are not final.
pub const MAX_EVENTS: u16 = 50_000;
/// Largest number of final events beyond [`CAPACITY`] that are removed at a time. When many events
/// become final together, subscribers have time to read them.
const EVICTED_AT_ONCE: usize = 1_000;
/// Number of rollbacks in memory.
pub const REWINDS: u16 = 1_000;
/// The position before every event.
const BEGINNING: Position = Position {
    slot: Slot::ZERO,
    transaction_index: 0,
    instruction_index: 0,
    inner_index: 0,
};

/// The events after a cursor are not in memory any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "more than {CAPACITY} events have followed the resume token, or it is of a database that was restored: read the present state, and subscribe without it"
)]
pub struct ResumeExpired;

/// What a subscriber gets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Item {
    /// An event.
    Event(Arc<LoggedEvent>),
    /// The events after this position that the subscriber has are undone.
    Reverted(Position),
}

/// The newest events, in the order of the chain, and the newest rollbacks.
pub struct EventLog {
    events: VecDeque<Arc<LoggedEvent>>,
    /// All events after this position are in memory.
    floor: Position,
    /// By number.
    rewinds: VecDeque<Rewind>,
    /// All rollbacks after this number are in memory.
    rewind_floor: u64,
    rewind: u64,
    finalized: Option<Slot>,
}

impl EventLog {
    /// Creates the log of the newest events.
    pub fn new(newest: NewestEvents) -> Self {
        let first = newest.events.first().map(|event| event.position);
        let oldest = newest.rewinds.first().map(|rewind| rewind.number);
        let mut log = Self {
            floor: first.filter(|_| !newest.is_all).unwrap_or(BEGINNING),
            events: newest.events.into_iter().map(Arc::new).collect(),
            rewind_floor: oldest.filter(|_| !newest.has_all_rewinds).unwrap_or_default(),
            rewind: newest.rewinds.last().map_or(0, |rewind| rewind.number),
            rewinds: newest.rewinds.into(),
            finalized: newest.finalized,
        };
        log.evict(usize::MAX);
        log
    }

    /// Returns the position of the last event.
    pub fn last(&self) -> Position {
        self.events.back().map_or(self.floor, |event| event.position)
    }

    /// Returns the number of the last rollback.
    pub const fn rewind(&self) -> u64 {
        self.rewind
    }

    /// Returns the cursor after all events that a subscriber of a level would have now.
    pub fn end(&self, level: Level) -> Cursor {
        let mut visible = self.events.iter().rev();
        let last = visible.find(|event| self.is_visible(event, level));
        Cursor {
            position: last.map_or(self.floor, |event| event.position),
            rewind: self.rewind,
        }
    }

    /// Adds what was read after [`Self::last`] and [`Self::rewind`]. Returns whether something has
    /// changed.
    pub fn extend(&mut self, page: EventPage) -> bool {
        // Only events that were final before: no subscriber of final events has read the others.
        self.evict(EVICTED_AT_ONCE);
        let has_changed =
            !page.rewinds.is_empty() || !page.events.is_empty() || page.finalized != self.finalized;
        if let Some(to) = page.rewinds.iter().map(|rewind| rewind.to).min() {
            let kept = self.events.partition_point(|event| event.position <= to);
            self.events.truncate(kept);
            // What is after it was read now.
            self.floor = self.floor.min(to);
        }
        for rewind in page.rewinds {
            self.rewind = rewind.number;
            self.rewinds.push_back(rewind);
        }
        self.events.extend(page.events.into_iter().map(Arc::new));
        self.finalized = page.finalized;
        self.evict(0);
        while self.rewinds.len() > usize::from(REWINDS) {
            let oldest = self.rewinds.pop_front();
            self.rewind_floor = oldest.map_or(self.rewind_floor, |oldest| oldest.number);
        }
        has_changed
    }

    /// Removes the oldest final events beyond [`CAPACITY`], at most `max`, and every event beyond
    /// [`MAX_EVENTS`].
    fn evict(&mut self, max: usize) {
        let is_final = |event: &Arc<LoggedEvent>| self.is_visible(event, Level::Finalized);
        let surplus = self.events.partition_point(is_final);
        let surplus = surplus.saturating_sub(usize::from(CAPACITY)).min(max);
        let excess = self.events.len().saturating_sub(usize::from(MAX_EVENTS));
        if let Some(oldest) = self.events.drain(..surplus.max(excess)).next_back() {
            self.floor = oldest.position;
        }
    }

    /// Returns whether a cursor knows a rollback or an event that the log does not know. An event
    /// that a later rollback has undone is no such event. The position of a rollback can be after
    /// every event: it is the end of a slot.
    pub fn is_ahead(&self, cursor: Cursor) -> bool {
        let rewound = self.rewinds.back().map_or(BEGINNING, |rewind| rewind.to);
        let known = self.last().max(rewound);
        cursor.rewind > self.rewind || (cursor.rewind == self.rewind && cursor.position > known)
    }

    /// Fails if the events after a cursor are not in memory.
    pub fn check(&self, mut cursor: Cursor) -> Result<(), ResumeExpired> {
        self.follow_rewinds(&mut cursor).map(drop)
    }

    /// Returns at most `max` items after a cursor, and moves the cursor behind them.
    pub fn read(
        &self,
        cursor: &mut Cursor,
        filter: &EventFilter,
        max: usize,
    ) -> Result<Vec<(Item, Cursor)>, ResumeExpired> {
        if self.is_ahead(*cursor) {
            // Another instance has read what this one has not read yet.
            return Ok(Vec::new());
        }
        let mut items = Vec::new();
        if let Some(to) = self.follow_rewinds(cursor)? {
            items.push((Item::Reverted(to), *cursor));
        }
        let next = self
            .events
            .partition_point(|event| event.position <= cursor.position);
        for event in self.events.range(next..) {
            if items.len() >= max || !self.is_visible(event, filter.level) {
                break;
            }
            cursor.position = event.position;
            if filter.matches(event) {
                items.push((Item::Event(event.clone()), *cursor));
            }
        }
        Ok(items)
    }

    /// Returns the number of events after a cursor that a subscriber of a level can have.
    pub fn behind(&self, cursor: Cursor, level: Level) -> usize {
        let visible = self.events.partition_point(|event| self.is_visible(event, level));
        let read = self
            .events
            .partition_point(|event| event.position <= cursor.position);
        visible.saturating_sub(read)
    }

    /// Moves a cursor back if a rollback that it doesn't know removed events before it. Returns the
    /// position.
    fn follow_rewinds(&self, cursor: &mut Cursor) -> Result<Option<Position>, ResumeExpired> {
        if self.is_ahead(*cursor) {
            return Ok(None);
        }
        if cursor.rewind < self.rewind_floor {
            return Err(ResumeExpired);
        }
        let unknown = self.rewinds.iter().filter(|rewind| rewind.number > cursor.rewind);
        let to = unknown.map(|rewind| rewind.to).min();
        let to = to.filter(|to| *to < cursor.position);
        cursor.rewind = self.rewind;
        cursor.position = to.unwrap_or(cursor.position);
        if cursor.position < self.floor {
            return Err(ResumeExpired);
        }
        Ok(to)
    }

    fn is_visible(&self, event: &LoggedEvent, level: Level) -> bool {
        let is_final = self.finalized.is_some_and(|slot| event.position.slot <= slot);
        level == Level::Confirmed || is_final
    }
}

#[cfg(test)]
mod tests {
    use solana_address::Address;

    use super::*;

    fn at(slot: u64) -> Position {
        Position {
            slot: Slot::new(slot),
            ..BEGINNING
        }
    }

    fn event(slot: u64) -> LoggedEvent {
        LoggedEvent {
            position: at(slot),
            name: "ScopeClosed".to_owned(),
            scope: Some(Address::from([u8::try_from(slot % 2).unwrap(); 32])),
            registry: None,
            time: 0,
        }
    }

    fn log(slots: std::ops::Range<u64>) -> EventLog {
        EventLog::new(NewestEvents {
            events: slots.map(event).collect(),
            is_all: false,
            rewinds: vec![Rewind { number: 3, to: at(1) }],
            has_all_rewinds: false,
            finalized: None,
        })
    }

    fn page(rewinds: &[(u64, u64)], slots: std::ops::Range<u64>, finalized: Option<u64>) -> EventPage {
        EventPage {
            rewinds: rewinds
                .iter()
                .map(|(number, to)| Rewind {
                    number: *number,
                    to: at(*to),
                })
                .collect(),
            events: slots.map(event).collect(),
            is_complete: true,
            last_rewind: rewinds.last().map_or(0, |(number, _)| *number),
            finalized: finalized.map(Slot::new),
        }
    }

    fn confirmed() -> EventFilter {
        EventFilter::new(Level::Confirmed, None, None)
    }

    /// Returns the slots of the items: of an event, or of the position of a rollback as a negative
    /// number.
    fn slots(items: &[(Item, Cursor)]) -> Vec<i64> {
        let slot = |(item, _): &(Item, Cursor)| match item {
            Item::Event(event) => i64::try_from(event.position.slot.get()).unwrap(),
            Item::Reverted(to) => -i64::try_from(to.slot.get()).unwrap(),
        };
        items.iter().map(slot).collect()
    }

    fn cursor(slot: u64, rewind: u64) -> Cursor {
        Cursor {
            position: at(slot),
            rewind,
        }
    }

    #[test]
    fn a_subscriber_gets_each_event_once_in_order_and_reverted_before_those_of_another_fork() {
        let mut log = log(10..20);
        let mut reader = cursor(12, 3);
        let read = |log: &EventLog, reader: &mut Cursor| slots(&log.read(reader, &confirmed(), 5).unwrap());
        assert_eq!(read(&log, &mut reader), [13, 14, 15, 16, 17]);
        assert_eq!(read(&log, &mut reader), [18, 19]);
        assert_eq!(read(&log, &mut reader), [0_i64; 0]);
        let before_fork = reader;
        // The rollback and the events of the other fork come together.
        assert!(log.extend(page(&[(7, 15)], 17..19, None)));
        assert_eq!(read(&log, &mut reader), [-15, 17, 18]);
        assert_eq!(reader, cursor(18, 7));
        // A subscriber that resumes later learns of all rollbacks at once.
        log.extend(page(&[(8, 17), (9, 18)], 20..21, None));
        assert_eq!(read(&log, &mut before_fork.clone()), [-15, 17, 20]);
        assert_eq!(read(&log, &mut reader), [-17, 20]);
        // A rollback of events that it does not have is nothing to it.
        assert_eq!(read(&log, &mut cursor(13, 3)), [14, 15, 17, 20]);
        assert!(!log.extend(page(&[], 0..0, None)));
    }

    #[test]
    fn a_cursor_that_followed_a_rollback_to_after_every_event_is_not_ahead() {
        let mut log = log(10..20);
        let mut reader = cursor(19, 3);
        // The events end at slot 14, and the checkpoint is the end of slot 16.
        log.extend(page(&[(4, 14)], 0..0, None));
        log.extend(page(&[(5, 16)], 0..0, None));
        assert_eq!(
            slots(&log.read(&mut reader, &confirmed(), 9).unwrap()),
            [-14],
            "the earlier rollback is the farther one"
        );
        let mut after_both = cursor(16, 5);
        for known in [reader, after_both] {
            assert!(!log.is_ahead(known), "{known:?}");
            assert_eq!(log.check(known), Ok(()));
        }
        assert!(log.is_ahead(cursor(17, 5)));
        log.extend(page(&[], 17..19, None));
        for reader in [&mut reader, &mut after_both] {
            assert_eq!(slots(&log.read(reader, &confirmed(), 9).unwrap()), [17, 18]);
        }
    }

    #[test]
    fn a_subscriber_of_final_events_gets_none_that_a_fork_can_undo() {
        let mut log = log(10..20);
        let filter = EventFilter::default();
        let mut reader = log.end(Level::Finalized);
        assert_eq!(
            reader,
            cursor(10, 3),
            "no event is final, so it gets all but the floor"
        );
        assert!(log.read(&mut reader, &filter, 9).unwrap().is_empty());
        assert!(log.extend(page(&[], 20..21, Some(12))));
        assert_eq!(slots(&log.read(&mut reader, &filter, 9).unwrap()), [11, 12]);
        log.extend(page(&[(4, 15)], 16..18, Some(16)));
        assert_eq!(
            slots(&log.read(&mut reader, &filter, 9).unwrap()),
            [13, 14, 15, 16]
        );
        assert_eq!(log.end(Level::Finalized), cursor(16, 4));
        assert_eq!(log.end(Level::Confirmed), cursor(17, 4));
        // A repair of missing transactions rolls final events back.
        log.extend(page(&[(5, 14)], 15..18, Some(16)));
        assert_eq!(slots(&log.read(&mut reader, &filter, 9).unwrap()), [-14, 15, 16]);
    }

    #[test]
    fn a_filter_moves_the_cursor_past_the_events_that_it_leaves_out() {
        let log = log(10..20);
        let filter = EventFilter::new(Level::Confirmed, Some(Address::from([1; 32])), None);
        let mut reader = cursor(10, 3);
        assert_eq!(slots(&log.read(&mut reader, &filter, 3).unwrap()), [11, 13, 15]);
        assert_eq!(slots(&log.read(&mut reader, &filter, 3).unwrap()), [17, 19]);
        let none = EventFilter::new(Level::Confirmed, None, Some(Address::from([9; 32])));
        let mut reader = cursor(10, 3);
        assert!(log.read(&mut reader, &none, 3).unwrap().is_empty());
        assert_eq!(reader, cursor(19, 3));
    }

    #[test]
    fn a_cursor_whose_events_are_not_in_memory_has_expired_and_one_of_the_future_waits() {
        let mut log = log(10..20);
        assert_eq!(log.check(cursor(10, 3)), Ok(()));
        assert_eq!(log.check(cursor(9, 3)), Err(ResumeExpired));
        assert_eq!(log.check(cursor(15, 2)), Err(ResumeExpired));
        // Another instance has read more.
        assert_eq!(log.check(cursor(30, 9)), Ok(()));
        let mut ahead = cursor(12, 9);
        assert!(log.read(&mut ahead, &confirmed(), 9).unwrap().is_empty());
        assert_eq!(ahead, cursor(12, 9));
        log.extend(page(&[(9, 11)], 12..14, None));
        assert_eq!(slots(&log.read(&mut ahead, &confirmed(), 9).unwrap()), [13]);
        assert_eq!(log.behind(cursor(12, 9), Level::Confirmed), 1);
        assert_eq!(log.behind(cursor(12, 9), Level::Finalized), 0);
        let capacity = u64::from(CAPACITY);
        let end = 15 + capacity;
        log.extend(page(&[], 14..end, Some(end)));
        assert_eq!(log.check(cursor(10, 9)), Ok(()), "they have just become final");
        log.extend(page(&[], 0..0, Some(end)));
        assert_eq!(log.events.len(), usize::from(CAPACITY));
        assert_eq!(log.check(cursor(14, 9)), Ok(()));
        assert_eq!(log.check(cursor(13, 9)), Err(ResumeExpired));
        let rewinds: Vec<(u64, u64)> = (10..12 + u64::from(REWINDS)).map(|number| (number, 50)).collect();
        log.extend(page(&rewinds, 0..0, None));
        assert_eq!(log.check(cursor(20, 10)), Err(ResumeExpired));
        assert_eq!(log.check(cursor(20, 11)), Ok(()));
        // A rollback to before what is in memory: everything after it is read again.
        log.extend(page(&[(9_999, 2)], 3..4, None));
        assert_eq!(
            slots(&log.read(&mut cursor(20, 12), &confirmed(), 9).unwrap()),
            [-2, 3]
        );
    }

    #[test]
    fn a_subscriber_of_final_events_gets_all_of_many_that_become_final_together() {
        let mut log = log(10..20);
        let filter = EventFilter::default();
        let mut reader = log.end(Level::Finalized);
        let end = 21 + 2 * u64::from(CAPACITY);
        for start in (20..end).step_by(1_000) {
            log.extend(page(&[], start..end.min(start + 1_000), None));
        }
        assert_eq!(log.check(reader), Ok(()), "none of the events after it was final");
        log.extend(page(&[], 0..0, Some(end)));
        let items = log.read(&mut reader, &filter, usize::MAX).unwrap();
        let expected: Vec<i64> = (11..i64::try_from(end).unwrap()).collect();
        assert_eq!(slots(&items), expected);
        // Then the oldest are removed, some at a time.
        let before = log.events.len();
        log.extend(page(&[], 0..0, Some(end)));
        assert_eq!(log.events.len(), before - EVICTED_AT_ONCE);
        for _ in 0..before / EVICTED_AT_ONCE {
            log.extend(page(&[], 0..0, Some(end)));
        }
        assert_eq!(log.events.len(), usize::from(CAPACITY));
        // Without finality, there is a limit as well.
        let max = u64::from(MAX_EVENTS);
        log.extend(page(&[], end..end + max, None));
        assert_eq!(log.events.len(), usize::from(MAX_EVENTS));
        assert_eq!(log.check(cursor(end - 1, 3)), Ok(()));
        assert_eq!(log.check(cursor(end - 2, 3)), Err(ResumeExpired));
    }
}
