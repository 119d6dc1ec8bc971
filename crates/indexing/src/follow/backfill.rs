//! Reads a long history in pieces of bounded size.
//!
//! ```text
//!   node 1 ── pages, newest first ──┐
//!   node 2 ── pages, newest first ──┼─> backfill_transactions ── chunks, oldest first ──> fetch,
//!   each page is stored with its position           │                                     apply
//!                                                   └─ a restart continues at the positions and
//!                                                      at the checkpoint
//! ```
//!
//! The union of all histories is applied, because what is applied without a journal cannot be
//! repaired. When one history is complete, the others have as much time again, but at least the
//! time of the settings. So a node that delivers nothing, or an endless list, delays the others
//! only until then. A node that still delivers older entries is awaited ten times as long. A
//! history does not count as complete if its node lacks blocks of slots in which another node lists
//! transactions.
//!
//! Each stored entry that only one node has listed is stored with that node. A node that turns out
//! to list transactions that do not exist is left out, and its entries are deleted together.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bauta_store::{BackfillRange, BackfillTransaction, Position, Slot, Store, StoredHistory};
use solana_address::Address;
use solana_signature::Signature;
use tokio::task::JoinSet;

use super::{Follower, Step};
use crate::chain::{Head, HistoryPage, ListedTransaction, Source};
use crate::{Inconsistency, IndexerError, Progress, SourceError, Stage, metrics};

/// The number of batches that a step applies.
const BATCHES_PER_STEP: usize = 16;
/// How long a step waits for a history to be complete.
const WAIT: Duration = Duration::from_secs(1);
/// The pause after a page that could not be read.
const PAGE_RETRY: Duration = Duration::from_secs(1);
/// How many times as long as for the first complete history a node is awaited that still delivers
/// older entries. A faulty node can deliver them for ever.
const MAX_WAIT_FACTOR: u32 = 10;
/// How long no node may deliver a page before the step fails, so that the reason is visible.
const SILENCE: Duration = Duration::from_secs(5);

/// What the follower knows about a backfill besides the database.
#[derive(Default)]
pub struct Backfill {
    /// Whether a backfill has begun. `None` if the database has not been read yet.
    has_begun: Option<bool>,
    reading: Option<Reading>,
    applying: Option<Applying>,
    /// The stored history of each node, in the order of the nodes.
    histories: Vec<StoredHistory>,
}

/// The tasks that read the histories. They end when this value is dropped.
struct Reading {
    tasks: JoinSet<Result<(), IndexerError>>,
    start: Instant,
    /// When the first history was complete, and how long that took.
    first_complete: Option<(Instant, Duration)>,
    nodes: Vec<Arc<Mutex<NodeProgress>>>,
}

/// The progress of reading one history.
struct NodeProgress {
    complete: bool,
    last_page: Instant,
    last_error: Option<SourceError>,
    /// The number of entries that the node has listed.
    listed: u64,
    /// The oldest slot that the node has listed.
    oldest: Option<Slot>,
    /// When the node last listed an older slot than before.
    older_at: Instant,
    /// The first slot whose block the node has, if it is known.
    first_slot: Option<Slot>,
}

impl NodeProgress {
    fn new(complete: bool) -> Self {
        let now = Instant::now();
        Self {
            complete,
            last_page: now,
            last_error: None,
            listed: 0,
            oldest: None,
            older_at: now,
            first_slot: None,
        }
    }

    fn record_page(&mut self, page: &HistoryPage) {
        self.last_page = Instant::now();
        self.last_error = None;
        self.listed += page.listed.len() as u64;
        self.first_slot = self.first_slot.or(page.first_slot);
        let oldest = page.listed.iter().map(|entry| entry.slot).min();
        if let Some(oldest) = oldest
            && self.oldest.is_none_or(|before| oldest < before)
        {
            self.oldest = Some(oldest);
            self.older_at = self.last_page;
        }
    }

    /// Returns whether the history is complete and reaches back to `oldest`, the oldest slot that a
    /// node has listed.
    fn reaches(&self, oldest: Option<Slot>) -> bool {
        let is_too_late = |first: Slot| oldest.is_some_and(|oldest| first > oldest);
        self.complete && !self.first_slot.is_some_and(is_too_late)
    }
}

/// The progress of applying the stored transactions.
struct Applying {
    start: Instant,
    applied: u64,
    waiting: u64,
}

impl<S: Source> Follower<S> {
    /// Returns whether the next step belongs to a backfill: one has begun, or has to begin.
    pub(super) async fn has_backfill(
        &mut self,
        checkpoint: Option<Position>,
        floor: Option<Slot>,
        head: Head,
    ) -> Result<bool, IndexerError> {
        let has_begun = match self.backfill.has_begun {
            Some(has_begun) => has_begun,
            None => self.store.backfill().await?.is_some(),
        };
        self.backfill.has_begun = Some(has_begun);
        Ok(has_begun || self.is_backfill(checkpoint, floor, head))
    }

    /// Returns the progress of the present backfill. `None` if there is none.
    pub(crate) fn backfill_progress(&self) -> Option<Progress> {
        if let Some(applying) = &self.backfill.applying {
            return Some(Progress {
                stage: Stage::Applying,
                done: applying.applied,
                all: Some(applying.waiting.max(applying.applied)),
            });
        }
        let reading = self.backfill.reading.as_ref()?;
        Some(Progress {
            stage: Stage::Listing,
            done: reading.nodes.iter().map(|node| lock(node).listed).sum(),
            all: None,
        })
    }

    /// Does one step of a backfill: waits for the histories, or applies some batches.
    pub(super) async fn step_backfill(
        &mut self,
        checkpoint: Option<Position>,
        head: Head,
    ) -> Result<Step, IndexerError> {
        let mut step = Step {
            checkpoint,
            head,
            events: 0,
            again: true,
            is_backfill: true,
        };
        let at = checkpoint.map(|at| at.slot);
        let stored = self.store.backfill().await?;
        let Some(range) = stored.filter(|range| is_usable(*range, at)) else {
            self.end_backfill(stored).await?;
            if self.is_backfill(checkpoint, self.store.finalized_slot().await?, head) {
                let range = BackfillRange {
                    after: at,
                    until: head.finalized,
                };
                self.store.begin_backfill(range).await?;
                // Another replica can have begun one first.
                self.backfill.has_begun = None;
            }
            return Ok(step);
        };
        if !self.are_histories_read(range).await? {
            return Ok(step);
        }
        if self.leave_out_histories(range).await? {
            return Ok(step);
        }
        let limit = BATCHES_PER_STEP * self.settings.batch_transactions.max(1);
        let Some(listed) = self.store.backfill_transactions(range, at, limit).await? else {
            // Another replica has begun another backfill.
            self.backfill = Backfill::default();
            return Ok(step);
        };
        let is_last = listed.len() < limit;
        let until = match listed.last() {
            Some(last) if !is_last => last.slot,
            _ => range.until,
        };
        let until = self.apply_up_to.map_or(until, |slot| slot.min(until));
        let count = listed.iter().filter(|entry| entry.slot <= until).count() as u64;
        self.source.record_listers(&self.backfill.only_listers(&listed));
        let listed = listed.into_iter().map(to_listed).collect();
        let head = Head {
            confirmed: until,
            finalized: head.finalized,
        };
        let new = self.new_transactions(listed, checkpoint, head);
        self.new.clone_from(&new);
        let applied = self.apply_all(checkpoint, head, &new, Some(head.finalized)).await;
        // These are final, and no search needs them.
        self.without_events.clear();
        self.contests.fetched.clear();
        match &applied {
            Err(IndexerError::Source(SourceError::NotOnChain {
                signature,
                slot,
                on_all_nodes: true,
                ..
            })) => {
                self.store.delete_backfill_transaction(*slot, *signature).await?;
            }
            Err(IndexerError::Source(SourceError::Inconsistent {
                signature,
                slot,
                inconsistency: Inconsistency::OtherOutcome,
            })) if self.source.histories().len() > 1 => {
                // The error below makes the source distrust the node.
                self.store.change_backfill_outcome(*slot, *signature).await?;
            }
            _ => {}
        }
        // A search for what is missing covers the same slots.
        let real_head = std::mem::replace(&mut step.head, head);
        step = self.after_apply(applied, step, &new).await?;
        step.head = real_head;
        step.again = true;
        self.backfill.record_applied(&self.store, count).await?;
        if is_last && step.checkpoint.is_some_and(|at| at.slot >= range.until) {
            self.end_backfill(Some(range)).await?;
        }
        Ok(step)
    }

    async fn end_backfill(&mut self, range: Option<BackfillRange>) -> Result<(), IndexerError> {
        if let Some(range) = range {
            self.store.end_backfill(range).await?;
        }
        self.backfill = Backfill {
            has_begun: Some(false),
            ..Backfill::default()
        };
        metrics::backfill(0, Duration::ZERO);
        Ok(())
    }

    /// Reads the histories for up to [`WAIT`]. Returns whether they are read: one is complete, and
    /// each other one is complete or has had its time.
    async fn are_histories_read(&mut self, range: BackfillRange) -> Result<bool, IndexerError> {
        if self.backfill.applying.is_some() {
            return Ok(true);
        }
        if self.backfill.reading.is_none() {
            let nodes = self.source.histories();
            let Some(stored) = self.store.stored_histories(range, &nodes).await? else {
                // Another replica has begun another backfill.
                self.backfill = Backfill::default();
                return Ok(false);
            };
            let program = self.settings.program;
            self.backfill.reading = Some(Reading::start(&self.source, &self.store, program, range, &stored));
            self.backfill.histories = stored;
        }
        let Some(reading) = &mut self.backfill.reading else {
            return Ok(false);
        };
        if let Ok(Some(ended)) = tokio::time::timeout(WAIT, reading.tasks.join_next()).await {
            let result = ended
                .map_err(|_| SourceError::Cancelled.into())
                .and_then(|result| result);
            if let Err(error) = result {
                self.backfill.reading = None;
                return Err(error);
            }
        }
        if !reading.is_done(self.settings.history_patience)? {
            return Ok(false);
        }
        self.backfill.reading = None;
        self.store.end_histories(range).await?;
        let waiting = self.store.backfill_progress().await?;
        self.backfill.applying = Some(Applying {
            start: Instant::now(),
            applied: 0,
            waiting: waiting.map_or(0, |progress| progress.waiting),
        });
        Ok(true)
    }

    /// Leaves out the stored histories of the nodes that the source leaves out, because they listed
    /// transactions that do not exist. Returns whether there is one: the next step reads on the
    /// others that are not complete.
    async fn leave_out_histories(&mut self, range: BackfillRange) -> Result<bool, IndexerError> {
        let mut is_changed = false;
        for node in 0..self.backfill.histories.len() {
            let history = &self.backfill.histories[node];
            if history.left_out || !self.source.is_left_out(node) {
                continue;
            }
            let (name, number) = (history.node.clone(), history.number);
            if let Some(deleted) = self.store.leave_out_history(range, number).await? {
                tracing::error!(event = "history_left_out", node = name, deleted);
                is_changed = true;
            }
        }
        if is_changed {
            (self.backfill.reading, self.backfill.applying) = (None, None);
        }
        Ok(is_changed)
    }
}

/// Returns whether the stored transactions contain everything that the database needs next.
fn is_usable(range: BackfillRange, at: Option<Slot>) -> bool {
    range.after <= at && at.is_none_or(|at| at < range.until)
}

fn to_listed(stored: BackfillTransaction) -> ListedTransaction {
    ListedTransaction {
        slot: stored.slot,
        signature: stored.signature,
        succeeded: stored.succeeded,
        is_refused_reuse: !stored.succeeded,
    }
}

impl Backfill {
    /// Returns the stored transactions that only one node has listed, with the index of the node.
    fn only_listers(&self, stored: &[BackfillTransaction]) -> Vec<((Slot, Signature), usize)> {
        let only = |entry: &BackfillTransaction| {
            let number = entry.history?;
            let node = self
                .histories
                .iter()
                .position(|history| history.number == number)?;
            Some(((entry.slot, entry.signature), node))
        };
        stored.iter().filter_map(only).collect()
    }

    /// Publishes how many transactions are left, and for how long at the present rate.
    async fn record_applied(&mut self, store: &Store, count: u64) -> Result<(), IndexerError> {
        let Some(applying) = &mut self.applying else {
            return Ok(());
        };
        applying.applied += count;
        let left = applying.waiting.saturating_sub(applying.applied);
        let narrow = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let each = applying.start.elapsed() / narrow(applying.applied).max(1);
        let left_time = each.saturating_mul(narrow(left));
        metrics::backfill(left, left_time);
        if let Some(at) = store.checkpoint().await? {
            tracing::info!(
                event = "backfill",
                slot = at.slot.get(),
                transactions_left = left,
                seconds_left = left_time.as_secs()
            );
        }
        Ok(())
    }
}

impl Reading {
    fn start<S: Source>(
        source: &Arc<S>,
        store: &Store,
        program: Address,
        range: BackfillRange,
        stored: &[StoredHistory],
    ) -> Self {
        let mut tasks = JoinSet::new();
        let mut nodes = Vec::new();
        for (index, history) in stored.iter().enumerate().filter(|(_, history)| !history.left_out) {
            let is_read = history.complete || history.ended;
            let progress = Arc::new(Mutex::new(NodeProgress::new(is_read)));
            nodes.push(Arc::clone(&progress));
            if !is_read {
                let reader = HistoryReader {
                    source: Arc::clone(source),
                    store: store.clone(),
                    node: index,
                    program,
                    range,
                    progress,
                };
                tasks.spawn(reader.read(history.clone()));
            }
        }
        Self {
            tasks,
            start: Instant::now(),
            first_complete: None,
            nodes,
        }
    }

    /// Returns whether no further history is awaited. Fails if no node delivers anything.
    fn is_done(&mut self, patience: Duration) -> Result<bool, IndexerError> {
        let oldest = self.nodes.iter().filter_map(|node| lock(node).oldest).min();
        let (mut complete, mut is_read, mut is_advancing) = (0, false, false);
        let mut last_page: Option<Instant> = None;
        let mut error = None;
        for node in &self.nodes {
            let mut node = lock(node);
            complete += usize::from(node.complete);
            is_read |= node.reaches(oldest);
            is_advancing |= !node.complete && node.older_at.elapsed() < patience;
            last_page = last_page.max(Some(node.last_page));
            error = error.or(node.last_error.take());
        }
        if complete == self.nodes.len() {
            return Ok(true);
        }
        if is_read {
            let (since, took) = *self
                .first_complete
                .get_or_insert((Instant::now(), self.start.elapsed()));
            let (waited, limit) = (since.elapsed(), took.max(patience));
            return Ok(waited >= limit && (!is_advancing || waited >= limit.saturating_mul(MAX_WAIT_FACTOR)));
        }
        self.first_complete = None;
        match error {
            Some(error) if last_page.is_none_or(|last| last.elapsed() >= SILENCE) => Err(error.into()),
            _ => Ok(false),
        }
    }
}

fn lock(progress: &Mutex<NodeProgress>) -> MutexGuard<'_, NodeProgress> {
    progress.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Reads and stores the history of one node.
struct HistoryReader<S> {
    source: Arc<S>,
    store: Store,
    /// The index of the node.
    node: usize,
    program: Address,
    range: BackfillRange,
    progress: Arc<Mutex<NodeProgress>>,
}

impl<S: Source> HistoryReader<S> {
    /// Reads and stores the history page by page. Requests each page while the one before it is
    /// stored. Repeats a page that cannot be read.
    async fn read(self, mut history: StoredHistory) -> Result<(), IndexerError> {
        let range = self.range;
        // A fork can remove an entry that is not final. So only a final one is stored as a
        // position.
        let mut before = history.before;
        let mut is_first_page = true;
        let request = |before| {
            self.source
                .history_page(self.node, &self.program, before, range.after, range.until)
        };
        // The next page, which was requested while the one before it was stored.
        let mut requested = None;
        while !history.complete {
            let page = match requested.take() {
                Some(page) => page,
                None => request(before).await,
            };
            let page = match page {
                Ok(page) => page,
                Err(error) => {
                    lock(&self.progress).last_error = Some(error);
                    tokio::time::sleep(PAGE_RETRY).await;
                    continue;
                }
            };
            // The node may not have the stored position any more. An empty page is then not the
            // end.
            if is_first_page && before.is_some() && page.next.is_none() {
                before = None;
                is_first_page = false;
                continue;
            }
            is_first_page = false;
            lock(&self.progress).record_page(&page);
            before = page.next.map(|end| end.signature);
            history.before = page
                .next
                .filter(|end| end.slot <= range.until)
                .map(|end| end.signature);
            history.complete = page.next.is_none();
            let entries: Vec<_> = page
                .listed
                .iter()
                .filter(|entry| entry.may_have_events())
                .map(|entry| BackfillTransaction {
                    slot: entry.slot,
                    signature: entry.signature,
                    succeeded: entry.succeeded,
                    history: Some(history.number),
                })
                .collect();
            let storing = self.store.store_history_page(range, &history, &entries);
            let is_stored = if history.complete {
                storing.await?
            } else {
                let (is_stored, next) = tokio::join!(storing, request(before));
                requested = Some(next);
                is_stored?
            };
            if !is_stored {
                // Another replica has begun another backfill.
                return Ok(());
            }
            lock(&self.progress).complete = history.complete;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_node_that_delivers_older_entries_for_ever_is_awaited_for_a_limited_time() {
        let progress = |complete| Arc::new(Mutex::new(NodeProgress::new(complete)));
        let patience = Duration::from_mins(1);
        let mut reading = Reading {
            tasks: JoinSet::new(),
            start: Instant::now(),
            first_complete: None,
            nodes: vec![progress(true), progress(false)],
        };
        for (waited, is_done) in [(0, false), (2, false), (9, false), (11, true)] {
            let since = Instant::now().checked_sub(patience * waited).unwrap();
            reading.first_complete = Some((since, Duration::from_secs(1)));
            assert_eq!(reading.is_done(patience).unwrap(), is_done, "{waited} minutes");
        }
        // A node that delivers nothing is awaited only for the first minute.
        let long_ago = Instant::now().checked_sub(patience * 2).unwrap();
        lock(&reading.nodes[1]).older_at = long_ago;
        reading.first_complete = Some((long_ago, Duration::from_secs(1)));
        assert!(reading.is_done(patience).unwrap());
    }
}
