//! Follows the chain into the database, a step at a time.
//!
//! ```text
//!   step:  checkpoint (from the database) ── head (from the source): nothing new, or the source is behind: wait
//!            │
//!            ├─ compare, from time to time: is what was applied since the last final slot what the source lists?
//!            │       applied but gone ──> a fork          ┐
//!            │       listed but never applied ──> a hole  ┴──> undo to before it
//!            │
//!            ├─ list (checkpoint, head] ∪ what hunts have found ──> fetch ──> decode ──> batches that end with a slot
//!            │
//!            └─ apply each in one database transaction; the last one's checkpoint is the head
//!                    a contradiction ──> hunt: ask every node by the registry's own address ──> found: try again
//!                                                                                               not: stop, say why
//! ```
//!
//! The checkpoint says "everything up to here is in the database". What the follower keeps in memory only saves work: a
//! follower that starts anew does the same.

mod batches;
mod compare;
mod finality;
mod hunt;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_store::{Batch, EventRecord, Position, Slot, Store, StoreError};
use solana_address::Address;
use solana_signature::Signature;

use crate::chain::{Head, Listed, Source};
use crate::{IndexerError, metrics};
use batches::{Fetched, fetch};

/// How to follow.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The program's address.
    pub program: Address,
    /// Transactions fetched and applied together, at most (a slot is never cut).
    pub batch_transactions: usize,
    /// How often what was applied since the last final slot is compared with what the source lists.
    pub compare_interval: Duration,
    /// A database this many slots behind what is final reads them in without a journal.
    pub backfill_slots: u64,
    /// For how long a source may be behind the database before that is a reason to stop.
    pub behind_patience: Duration,
}

impl Settings {
    /// What suits a public cluster.
    #[must_use]
    pub fn new(program: Address) -> Self {
        Self {
            program,
            batch_transactions: 1_000,
            compare_interval: Duration::from_secs(2),
            backfill_slots: 300,
            behind_patience: Duration::from_mins(1),
        }
    }
}

/// What a step did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// Up to where the database follows now.
    pub checkpoint: Option<Position>,
    /// The chain's newest slots.
    pub head: Head,
    /// Events applied.
    pub events: usize,
    /// Whether the next step should come at once: something was undone or found.
    pub again: bool,
}

/// Follows one chain into one database.
pub struct Follower<S> {
    source: Arc<S>,
    store: Store,
    settings: Settings,
    /// Transactions that the program's own list hides, by signature.
    found: HashMap<Signature, Listed>,
    /// Transactions since the last final slot that have no event, and their slots.
    eventless: HashMap<Signature, Slot>,
    /// Applied transactions that nobody knows, and how often that has been so.
    absent: HashMap<Signature, u32>,
    compared: Option<Instant>,
    behind_since: Option<Instant>,
    /// The last contradiction that the whole history was searched for.
    searched: Option<String>,
}

impl<S: Source> Follower<S> {
    /// Begins wherever the database is.
    #[must_use]
    pub fn new(source: Arc<S>, store: Store, settings: Settings) -> Self {
        Self {
            source,
            store,
            settings,
            found: HashMap::new(),
            eventless: HashMap::new(),
            absent: HashMap::new(),
            compared: None,
            behind_since: None,
            searched: None,
        }
    }

    /// The database.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// The source.
    #[must_use]
    pub const fn source(&self) -> &Arc<S> {
        &self.source
    }

    /// Brings the database from its checkpoint to the head, or as far as it can truthfully go.
    pub async fn step(&mut self) -> Result<Step, IndexerError> {
        let at = self.store.checkpoint().await?;
        let head = self.source.head(at.map_or(Slot::ZERO, |at| at.slot)).await?;
        metrics::head(head.confirmed);
        let mut step = Step {
            checkpoint: at,
            head,
            events: 0,
            again: false,
        };
        if at.is_some_and(|at| head.confirmed < at.slot) {
            self.check_patience(at, head)?;
            return Ok(step);
        }
        self.behind_since = None;

        let floor = self.store.finalized_slot().await?;
        let program = [self.settings.program];
        let due = self
            .compared
            .is_none_or(|last| last.elapsed() >= self.settings.compare_interval);
        let listed = match at {
            Some(at) if due && floor.is_none_or(|floor| floor < at.slot) => {
                let listed = self.source.list(&program, floor, head.confirmed).await?;
                if let Some(slot) = self.compare(floor, at, &listed).await? {
                    step.checkpoint = self.rewind(slot).await?;
                    step.again = true;
                    return Ok(step);
                }
                self.compared = Some(Instant::now());
                listed
            }
            Some(at) if at.slot == head.confirmed => return Ok(step),
            _ => {
                let floor = self.begin_backfill(at, floor, head).await?;
                self.forget_below(floor);
                let after = at.map(|at| at.slot);
                self.source.list(&program, after, head.confirmed).await?
            }
        };
        let new = self.with_found(listed, at, head);
        match self.apply_all(at, head, &new).await {
            Ok(events) => {
                step.events = events;
                step.checkpoint = self.store.checkpoint().await?;
                self.searched = None;
                Ok(step)
            }
            Err(error) if error.may_be_a_gap() => {
                metrics::gap();
                step.again = self.mend(error, head, &new).await?;
                step.checkpoint = self.store.checkpoint().await?;
                Ok(step)
            }
            Err(error) => Err(error),
        }
    }

    /// A node may be behind for a while; for long it is another chain.
    fn check_patience(&mut self, at: Option<Position>, head: Head) -> Result<(), IndexerError> {
        let since = self.behind_since.get_or_insert_with(Instant::now).elapsed();
        match at {
            Some(at) if since > self.settings.behind_patience => Err(IndexerError::BehindDatabase {
                head: head.confirmed,
                at: at.slot,
                seconds: since.as_secs(),
            }),
            _ => Ok(()),
        }
    }

    /// The listed transactions after the checkpoint, and those that only hunts have found, by slot.
    fn with_found(&self, listed: Vec<Listed>, at: Option<Position>, head: Head) -> Vec<Listed> {
        let is_new = |entry: &Listed| {
            entry.may_count() && at.is_none_or(|at| entry.slot > at.slot) && entry.slot <= head.confirmed
        };
        let mut new: HashMap<Signature, Listed> = self
            .found
            .values()
            .copied()
            .chain(listed)
            .filter(is_new)
            .map(|entry| (entry.signature, entry))
            .collect();
        let mut new: Vec<_> = new.drain().map(|(_, entry)| entry).collect();
        new.sort_by_key(|entry| entry.slot);
        new
    }

    /// Applies everything listed, batch after batch, fetching one while the other is written.
    async fn apply_all(
        &mut self,
        at: Option<Position>,
        head: Head,
        new: &[Listed],
    ) -> Result<usize, IndexerError> {
        let mut batches = batches::cut(new, self.settings.batch_transactions).peekable();
        let mut from = at;
        let mut events = 0;
        let mut fetched = match batches.next() {
            Some(first) => fetch(&self.source, first).await?,
            None => Fetched::default(),
        };
        loop {
            let next = batches
                .next()
                .map(|batch| tokio::spawn(batches::fetch_owned(Arc::clone(&self.source), batch.to_vec())));
            let checkpoint = if next.is_some() {
                Position::end_of_slot(fetched.last_slot)
            } else {
                Position::end_of_slot(head.confirmed)
            };
            self.eventless.extend(fetched.eventless);
            events += self.apply(from, fetched.records, checkpoint).await?;
            from = Some(checkpoint);
            let Some(next) = next else { return Ok(events) };
            fetched = next.await.map_err(|_| crate::SourceError::Stopped)??;
        }
    }

    /// Applies a batch; if it contradicts what is stored, as many of its slots as don't.
    async fn apply(
        &self,
        from: Option<Position>,
        records: Vec<EventRecord>,
        checkpoint: Position,
    ) -> Result<usize, IndexerError> {
        let batch = Batch { records, checkpoint };
        let refused = match self.write(from, &batch).await {
            Err(refused) if refused.may_be_a_gap() => refused,
            other => return other,
        };
        // what came before the contradiction is known good
        let mut from = from;
        for slot in batch.records.chunk_by(|a, b| a.position.slot == b.position.slot) {
            let Some(first) = slot.first() else { continue };
            let checkpoint = Position::end_of_slot(first.position.slot);
            let batch = Batch {
                records: slot.to_vec(),
                checkpoint,
            };
            self.write(from, &batch).await?;
            from = Some(checkpoint);
        }
        Err(refused)
    }

    async fn write(&self, from: Option<Position>, batch: &Batch) -> Result<usize, IndexerError> {
        let begun = Instant::now();
        let applied = self.store.apply_after(from, batch).await?;
        metrics::committed(begun.elapsed(), batch);
        Ok(applied.applied)
    }

    /// Goes back to before a slot. Whatever was applied since is read again.
    async fn rewind(&mut self, slot: Slot) -> Result<Option<Position>, IndexerError> {
        let reached = self.store.roll_back_to(slot.previous()).await?;
        self.absent.clear();
        tracing::warn!(event = "went_back", before_slot = slot.get(), ?reached);
        Ok(reached)
    }

    /// Like [`Self::rewind`], for missing transactions: below finality there is no way back.
    async fn rewind_for(&mut self, missing: &[Listed]) -> Result<Option<Position>, IndexerError> {
        let slot = missing.iter().map(|entry| entry.slot).min().unwrap_or(Slot::MAX);
        self.rewind(slot).await.map_err(|error| match error {
            IndexerError::Store(StoreError::CannotRollBack { .. }) => IndexerError::MissingBelowFinality {
                missing: missing.len(),
                slot,
            },
            other => other,
        })
    }

    fn forget_below(&mut self, floor: Option<Slot>) {
        let Some(floor) = floor else { return };
        self.eventless.retain(|_, slot| *slot > floor);
        self.found.retain(|_, entry| entry.slot > floor);
    }
}
