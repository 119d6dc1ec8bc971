//! Follows the chain into the database, one step at a time.
//!
//! ```text
//!   step:  read the checkpoint (database) and the head (source); if nothing is new: wait
//!            │
//!            ├─ far behind: roll back to the finalized slot; backfill in pieces of bounded size
//!            │
//!            ├─ compare, at intervals: are the applied transactions since the finalized slot those
//!            │  that the source lists?
//!            │       applied but gone from the chain ──> a fork                  ┐
//!            │       listed but not applied ───────────> a missing transaction   ┴──> roll back
//!            │
//!            ├─ list (checkpoint, head] ∪ transactions found by searches ──> fetch ──> decode
//!            │       ──> batches that end with a slot
//!            │
//!            └─ apply each batch in one database transaction; the last checkpoint is the head
//!                    a batch contradicts the database ──> search on all nodes, by the registry
//!                           found: step again; otherwise nodes contradict each other: set aside
//!                                                           what one of them has; or stop
//! ```
//!
//! The checkpoint means that the database is complete up to it. The follower's own memory only
//! saves work: a new follower, without it, produces the same database.

mod backfill;
mod batches;
mod contests;
mod finality;
mod list_comparison;
mod quarantine;
mod search;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bauta_store::{Batch, EventRecord, Position, Slot, Store, StoreError};
use solana_address::Address;
use solana_signature::Signature;

use crate::chain::{GenesisHash, Head, ListedTransaction, Source};
use crate::{IndexerError, metrics};
use backfill::Backfill;
use batches::DecodedBatch;
pub(crate) use batches::fetch;
use contests::Contests;
pub use quarantine::{QuarantineAnswers, request_quarantined};
use search::{LastSearches, is_below};

/// How many listed transactions that are not on the chain, or that no node returns, a step sets
/// aside before it fails.
const MAX_SET_ASIDE_PER_STEP: usize = 16;
/// How long the transactions of a list of one of several nodes are fetched and applied before the
/// lists of the nodes are compared.
const UNCOMPARED_TIME: Duration = Duration::from_secs(20);
/// How long a dismissed transaction is ignored. Then it is requested again.
const DISMISS_TIME: Duration = Duration::from_mins(10);

/// Which cluster the nodes must belong to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClusterCheck {
    /// The cluster that the database has recorded. The first start records the cluster of the
    /// nodes.
    Recorded,
    /// The cluster with this genesis hash, which must also be the recorded one.
    Required(GenesisHash),
    /// Any cluster, for a local chain that gets another genesis hash with each start.
    Off,
}

/// The settings of a follower.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address of the program.
    pub program: Address,
    /// Which cluster the nodes must belong to.
    pub cluster: ClusterCheck,
    /// The number of transactions that are fetched and applied in one batch. A batch can be larger,
    /// because a slot is never divided.
    pub batch_transactions: usize,
    /// The time between two comparisons of the applied transactions since the finalized slot with
    /// the source's list.
    pub compare_interval: Duration,
    /// A database that is more than this number of slots behind the finalized slot backfills
    /// without a journal.
    pub backfill_slots: u64,
    /// How long the other nodes' histories are awaited, at least, during a backfill when one node's
    /// history is complete.
    pub history_patience: Duration,
    /// How long a listed transaction that no node returns stops the checkpoint before the follower
    /// continues without it.
    pub quarantine_after: Duration,
    /// How long a second node is awaited before one node decides alone about a transaction that the
    /// others do not list, or whose status they contradict.
    pub contest_after: Duration,
    /// How long the source may be behind the database before the checkpoint stops.
    pub source_behind_limit: Duration,
}

impl Settings {
    /// Returns the settings for a public cluster.
    #[must_use]
    pub fn new(program: Address) -> Self {
        Self {
            program,
            cluster: ClusterCheck::Recorded,
            batch_transactions: 1_000,
            compare_interval: Duration::from_secs(2),
            backfill_slots: 300,
            history_patience: Duration::from_mins(1),
            // Together with the requests before and after it, it is less than a minute.
            quarantine_after: Duration::from_secs(40),
            contest_after: Duration::from_mins(1),
            source_behind_limit: Duration::from_mins(1),
        }
    }
}

/// The result of a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Step {
    /// The checkpoint after the step.
    pub checkpoint: Option<Position>,
    /// The newest slots of the chain.
    pub head: Head,
    /// The number of applied events.
    pub events: usize,
    /// Whether the next step should follow at once, because of a rollback or a found transaction.
    pub again: bool,
    /// Whether the step belongs to a backfill.
    pub is_backfill: bool,
}

/// Follows one chain into one database.
pub struct Follower<S> {
    source: Arc<S>,
    store: Store,
    settings: Settings,
    /// Transactions that searches found and that the program's own list omits.
    found: HashMap<Signature, ListedTransaction>,
    /// Transactions that one node returned without an event and another one with an event, until
    /// they have been added.
    contradicted: Vec<ListedTransaction>,
    /// The slots of transactions without an event, since the finalized slot.
    without_events: HashMap<Signature, Slot>,
    /// How often no node knew an applied transaction.
    unknown_counts: HashMap<Signature, u32>,
    /// Transactions that a node listed but that are not on the chain, with the listed slot and the
    /// time of the discovery.
    dismissed: HashMap<Signature, (Slot, Instant)>,
    /// Listed transactions that no node has returned, and when that was first so.
    unreturned: HashMap<Signature, Instant>,
    /// The transactions in the quarantine, with their slots.
    quarantined: HashSet<(Slot, Signature)>,
    /// How many more listed transactions this follower sets aside.
    set_aside_left: usize,
    /// The transactions that nodes contradict.
    contests: Contests,
    /// The last searches for what a batch needs.
    searches: Option<LastSearches>,
    /// The transactions of the present step.
    new: Vec<ListedTransaction>,
    /// When the database was last rolled back for transactions that only one of several nodes lists.
    rolled_back_for_one: VecDeque<Instant>,
    /// The last slot that the next attempt of a step applies. `None` means the head.
    apply_up_to: Option<Slot>,
    is_quarantine_read: bool,
    /// When a transaction was last put into the quarantine.
    quarantined_at: Option<Instant>,
    compared_at: Option<Instant>,
    /// The slot up to which the applied transactions have been compared with the lists of all
    /// nodes.
    compared_up_to: Option<Slot>,
    /// The slot of the first missing transaction for which the database is rolled back later.
    postponed_from: Option<Slot>,
    /// The slot of the transaction that stops finality, because nodes contradict it.
    disputed_slot: Option<Slot>,
    /// The slot up to which the journal has been deleted.
    without_journal: Slot,
    /// The number of rollbacks. A comparison with accounts that was made before one is void.
    rollbacks: Arc<AtomicU64>,
    is_cluster_checked: bool,
    /// The checkpoint at the last step, to notice that an operator has rolled the database back.
    last_checkpoint: Option<Position>,
    behind_since: Option<Instant>,
    backfill: Backfill,
    /// The last gap for which the whole history was searched.
    searched_gap: Option<Gap>,
}

/// A gap, identified by the account that a contradiction is about and the checkpoint that cannot
/// move.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Gap {
    account: Address,
    checkpoint: Option<Position>,
}

impl<S: Source> Follower<S> {
    /// Creates a follower, which continues at the checkpoint of the database.
    #[must_use]
    pub fn new(source: Arc<S>, store: Store, settings: Settings) -> Self {
        Self {
            source,
            store,
            settings,
            found: HashMap::new(),
            contradicted: Vec::new(),
            without_events: HashMap::new(),
            unknown_counts: HashMap::new(),
            dismissed: HashMap::new(),
            unreturned: HashMap::new(),
            quarantined: HashSet::new(),
            set_aside_left: quarantine::MAX_SET_ASIDE,
            contests: Contests::default(),
            searches: None,
            new: Vec::new(),
            rolled_back_for_one: VecDeque::new(),
            apply_up_to: None,
            is_quarantine_read: false,
            quarantined_at: None,
            compared_at: None,
            compared_up_to: None,
            postponed_from: None,
            disputed_slot: None,
            without_journal: Slot::ZERO,
            rollbacks: Arc::default(),
            is_cluster_checked: false,
            last_checkpoint: None,
            behind_since: None,
            backfill: Backfill::default(),
            searched_gap: None,
        }
    }

    /// Returns the database.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Returns the source that the follower reads.
    #[must_use]
    pub const fn source(&self) -> &Arc<S> {
        &self.source
    }

    /// Returns the slot of the transaction that stops finality, because nodes report it as finalized
    /// in another slot or with another outcome, and not as many confirm it.
    #[must_use]
    pub const fn disputed_slot(&self) -> Option<Slot> {
        self.disputed_slot
    }

    /// Returns the number of rollbacks so far. The value is updated by each rollback.
    pub(crate) fn rollbacks(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.rollbacks)
    }

    /// Moves the database from its checkpoint to the head, or as far as the data is complete.
    pub async fn step(&mut self) -> Result<Step, IndexerError> {
        self.check_cluster().await?;
        if !self.is_quarantine_read {
            self.read_quarantine().await?;
            self.read_contests().await?;
            self.is_quarantine_read = true;
        }
        self.apply_up_to = None;
        for _ in 0..MAX_SET_ASIDE_PER_STEP {
            match self.try_step().await {
                Err(error) if error.may_be_invented() => {
                    let new = std::mem::take(&mut self.new);
                    self.contest(error, &new).await?;
                }
                Err(error) => self.set_aside(error).await?,
                Ok(mut step) => {
                    step.again |= self.apply_up_to.is_some();
                    return Ok(step);
                }
            }
        }
        self.try_step().await
    }

    /// Checks that the nodes belong to the cluster of the database. The source checks each further
    /// connection.
    async fn check_cluster(&mut self) -> Result<(), IndexerError> {
        if self.is_cluster_checked || self.settings.cluster == ClusterCheck::Off {
            return Ok(());
        }
        let recorded = self.store.genesis_hash().await?;
        let required = match self.settings.cluster {
            ClusterCheck::Required(required) => Some(required),
            ClusterCheck::Recorded | ClusterCheck::Off => None,
        };
        if let (Some(recorded), Some(required)) = (recorded, required)
            && recorded != required
        {
            return Err(IndexerError::OtherClusterRequired { recorded, required });
        }
        let found = self.source.check_cluster(recorded.or(required)).await?;
        let recorded = self.store.record_genesis_hash(found).await?;
        if recorded != found {
            return Err(IndexerError::OtherClusterRequired {
                recorded,
                required: found,
            });
        }
        self.is_cluster_checked = true;
        Ok(())
    }

    /// Ignores a listed transaction that is not on the chain, for some time.
    pub(super) fn dismiss(&mut self, signature: Signature, slot: Slot) {
        metrics::dismissed_transaction();
        tracing::error!(event = "dismissed_transaction", %signature, slot = slot.get());
        self.dismissed.insert(signature, (slot, Instant::now()));
        self.found.remove(&signature);
    }

    /// Returns whether the follower continues without a listed transaction, for some time.
    fn is_set_aside(&self, entry: &ListedTransaction) -> bool {
        let is_dismissed =
            |(slot, since): &(Slot, Instant)| *slot == entry.slot && since.elapsed() < DISMISS_TIME;
        // A quarantined transaction that a node has returned is applied by the next steps.
        let is_found = self.found.get(&entry.signature) == Some(entry);
        self.dismissed.get(&entry.signature).is_some_and(is_dismissed)
            || self.contests.excludes(entry.slot, entry.signature)
            || (self.quarantined.contains(&(entry.slot, entry.signature)) && !is_found)
    }

    async fn try_step(&mut self) -> Result<Step, IndexerError> {
        let checkpoint = self.store.checkpoint().await?;
        if checkpoint < self.last_checkpoint {
            let first_removed = checkpoint.map_or(Slot::ZERO, |at| at.slot.saturating_add(1));
            self.rolled_back(first_removed, checkpoint);
        }
        self.last_checkpoint = checkpoint;
        let head = self
            .source
            .head(checkpoint.map_or(Slot::ZERO, |at| at.slot))
            .await?;
        metrics::head(head.confirmed);
        let mut step = Step {
            checkpoint,
            head,
            events: 0,
            again: false,
            is_backfill: false,
        };
        if let Some(checkpoint) = checkpoint
            && head.confirmed < checkpoint.slot
        {
            self.check_source_behind(checkpoint, head)?;
            return Ok(step);
        }
        self.behind_since = None;
        if self.add_contradicted().await? {
            step.checkpoint = self.store.checkpoint().await?;
            step.again = true;
            return Ok(step);
        }
        let head = Head {
            confirmed: self
                .apply_up_to
                .map_or(head.confirmed, |slot| slot.min(head.confirmed)),
            ..head
        };

        let floor = self.store.finalized_slot().await?;
        if self.has_backfill(checkpoint, floor, head).await? {
            return self.step_backfill(checkpoint, head).await;
        }
        if self.is_backfill_after_rollback(checkpoint, floor, head) {
            // The lists of all nodes since the finalized slot may not fit into memory.
            self.roll_back_before(floor.map_or(Slot::ZERO, |floor| floor.saturating_add(1)))
                .await?;
            step.checkpoint = self.store.checkpoint().await?;
            step.again = true;
            return Ok(step);
        }
        let program = [self.settings.program];
        let is_comparison_due = self
            .compared_at
            .is_none_or(|last| last.elapsed() >= self.settings.compare_interval);
        let mut is_compared = true;
        let listed = match checkpoint {
            Some(at) if is_comparison_due && floor.is_none_or(|floor| floor < at.slot) => {
                let listed = self
                    .source
                    .list_on_all_nodes(&program, floor, head.confirmed)
                    .await?;
                self.record_suspects(floor, &listed);
                if self.rewind_if_different(floor, at, &listed).await? {
                    step.checkpoint = self.store.checkpoint().await?;
                    step.again = true;
                    return Ok(step);
                }
                self.compared_at = Some(Instant::now());
                self.compared_up_to = Some(head.confirmed);
                listed
            }
            Some(at) if at.slot == head.confirmed => return Ok(step),
            Some(at) => {
                let can_compare = floor.is_none_or(|floor| floor < at.slot);
                is_compared = self.source.histories().len() == 1 || !can_compare;
                self.source.list(&program, Some(at.slot), head.confirmed).await?
            }
            // Nothing is compared before the first batch has been applied.
            None => {
                self.source
                    .list_on_all_nodes(&program, None, head.confirmed)
                    .await?
            }
        };
        let new = self.new_transactions(listed, checkpoint, head);
        self.new.clone_from(&new);
        let applied = self.apply_all(checkpoint, head, &new, None);
        let limit = if is_compared {
            Duration::MAX
        } else {
            UNCOMPARED_TIME
        };
        let Ok(applied) = tokio::time::timeout(limit, applied).await else {
            // What only one node lists may be what takes so long.
            self.compared_at = None;
            step.checkpoint = self.store.checkpoint().await?;
            step.again = true;
            return Ok(step);
        };
        self.after_apply(applied, step, &new).await
    }

    /// Updates the result of a step after `apply_all`. A contradiction starts a search for what is
    /// missing.
    async fn after_apply(
        &mut self,
        applied: Result<usize, IndexerError>,
        mut step: Step,
        new: &[ListedTransaction],
    ) -> Result<Step, IndexerError> {
        match applied {
            Ok(events) => {
                step.events = events;
                step.checkpoint = self.store.checkpoint().await?;
                self.searched_gap = None;
                self.release_applied(new).await?;
                Ok(step)
            }
            Err(error) if error.may_be_gap() => {
                metrics::gap();
                self.explain(error, step.head, new).await?;
                step.again = true;
                step.checkpoint = self.store.checkpoint().await?;
                Ok(step)
            }
            Err(error) => {
                if matches!(error, IndexerError::Source(_)) {
                    // A fork can have moved a transaction that a search found. Then it cannot be
                    // fetched from its slot. If it is still missing, it is found again.
                    if let Some(first) = self.found.values().map(|entry| entry.slot).min() {
                        self.source.list_again_after(first.previous());
                    }
                    self.found.clear();
                    self.searched_gap = None;
                }
                Err(error)
            }
        }
    }

    /// Fails if the source has been behind the database for longer than the limit. A node can be
    /// behind for a short time; if it stays behind, it may belong to another cluster.
    fn check_source_behind(&mut self, checkpoint: Position, head: Head) -> Result<(), IndexerError> {
        let elapsed = self.behind_since.get_or_insert_with(Instant::now).elapsed();
        if elapsed > self.settings.source_behind_limit {
            return Err(IndexerError::SourceBehind {
                head: head.confirmed,
                checkpoint: checkpoint.slot,
                seconds: elapsed.as_secs(),
            });
        }
        Ok(())
    }

    /// Returns the transactions to apply, ordered by slot: those that are listed after the
    /// checkpoint, and those that only searches found. Of a transaction that nodes list in several
    /// slots, the first one counts that is not quarantined.
    fn new_transactions(
        &self,
        listed: Vec<ListedTransaction>,
        checkpoint: Option<Position>,
        head: Head,
    ) -> Vec<ListedTransaction> {
        let is_new = |entry: &ListedTransaction| {
            entry.may_have_events()
                && !self.is_set_aside(entry)
                && checkpoint.is_none_or(|at| entry.slot > at.slot)
                && entry.slot <= head.confirmed
        };
        let by_signature: HashMap<Signature, ListedTransaction> = self
            .found
            .values()
            .copied()
            .chain(listed.into_iter().rev())
            .filter(is_new)
            .map(|entry| (entry.signature, entry))
            .collect();
        let mut new: Vec<_> = by_signature.into_values().collect();
        new.sort_by_key(|entry| entry.slot);
        new
    }

    /// Applies transactions in batches. Fetches each batch while the one before it is written.
    /// The last checkpoint is the confirmed slot of `head`. Batches up to `final_slot` are written
    /// without a journal and are final with the commit.
    /// Returns the number of applied events.
    async fn apply_all(
        &mut self,
        checkpoint: Option<Position>,
        head: Head,
        new: &[ListedTransaction],
        final_slot: Option<Slot>,
    ) -> Result<usize, IndexerError> {
        let mut batches = batches::divide(new, self.settings.batch_transactions).peekable();
        let mut after = checkpoint;
        let mut events = 0;
        let mut decoded = match batches.next() {
            Some(first) => fetch(&self.source, first).await?,
            None => DecodedBatch::default(),
        };
        loop {
            let next = batches
                .next()
                .map(|batch| tokio::spawn(batches::fetch_owned(Arc::clone(&self.source), batch.to_vec())));
            let checkpoint = if next.is_some() {
                Position::end_of_slot(decoded.last_slot)
            } else {
                Position::end_of_slot(head.confirmed)
            };
            self.record_returned(decoded.transactions);
            metrics::fetched_transactions(decoded.transactions, decoded.without_events.len());
            self.without_events.extend(decoded.without_events);
            let versions = decoded.versions.into_iter();
            let versions = versions.map(|(slot, signature, version)| (signature, (slot, version)));
            self.contests.fetched.extend(versions);
            events += self.apply(after, decoded.records, checkpoint, final_slot).await?;
            after = Some(checkpoint);
            let Some(next) = next else { return Ok(events) };
            decoded = next.await.map_err(|_| crate::SourceError::Cancelled)??;
        }
    }

    /// Applies a batch. If the batch contradicts the database, applies its slots one by one up to
    /// the contradiction and returns the error.
    async fn apply(
        &self,
        after: Option<Position>,
        records: Vec<EventRecord>,
        checkpoint: Position,
        final_slot: Option<Slot>,
    ) -> Result<usize, IndexerError> {
        let batch = Batch { records, checkpoint };
        let contradiction = match self.write(after, &batch, final_slot).await {
            Err(error) if error.may_be_gap() => error,
            other => return other,
        };
        // The slots before the contradiction are complete.
        let mut after = after;
        for slot in batch.records.chunk_by(|a, b| a.position.slot == b.position.slot) {
            let Some(first) = slot.first() else { continue };
            let checkpoint = Position::end_of_slot(first.position.slot);
            let batch = Batch {
                records: slot.to_vec(),
                checkpoint,
            };
            self.write(after, &batch, final_slot).await?;
            after = Some(checkpoint);
        }
        Err(contradiction)
    }

    async fn write(
        &self,
        after: Option<Position>,
        batch: &Batch,
        final_slot: Option<Slot>,
    ) -> Result<usize, IndexerError> {
        let start = Instant::now();
        let applied = if final_slot.is_some_and(|slot| batch.checkpoint.slot <= slot) {
            self.store.apply_final_after(after, batch).await?
        } else {
            self.store.apply_after(after, batch).await?
        };
        metrics::committed(start.elapsed(), batch);
        Ok(applied.applied)
    }

    /// Rolls the database back to before a slot, because of a fork or of a missing transaction in a
    /// slot that is not final. The next step reads the chain again from there.
    async fn roll_back_before(&mut self, slot: Slot) -> Result<(), IndexerError> {
        let reached = self.store.roll_back_to(slot.previous()).await?;
        self.rolled_back(slot, reached);
        Ok(())
    }

    /// Rolls the database back to before the first of some missing transactions. Fails if its slot
    /// has no journal any more.
    async fn roll_back_before_missing(&mut self, missing: &[ListedTransaction]) -> Result<(), IndexerError> {
        let slot = missing.iter().map(|entry| entry.slot).min().unwrap_or(Slot::MAX);
        match self.store.roll_back_for_repair(slot.previous()).await {
            Ok(reached) => {
                self.rolled_back(slot, reached);
                Ok(())
            }
            Err(StoreError::CannotRollBack { .. }) => Err(IndexerError::MissingBelowFinality {
                missing: missing.len(),
                slot,
            }),
            Err(other) => Err(other.into()),
        }
    }

    /// Updates the follower's memory after a rollback. A fork can have moved the transactions that
    /// searches found, so those of the removed slots are forgotten.
    fn rolled_back(&mut self, before: Slot, reached: Option<Position>) {
        self.unknown_counts.clear();
        self.last_checkpoint = reached;
        self.found.retain(|_, entry| entry.slot < before);
        self.source.list_again_after(before.previous());
        self.compared_up_to = self.compared_up_to.map(|slot| slot.min(before.previous()));
        self.rollbacks.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(event = "rolled_back", before_slot = before.get(), ?reached);
    }

    /// Removes the entries of final slots from the follower's memory. Found transactions are kept
    /// as long as a rollback can reach them.
    fn forget(&mut self, finalized: Slot) {
        let without_journal = self.without_journal;
        self.without_events.retain(|_, slot| *slot > finalized);
        self.dismissed
            .retain(|_, (slot, since)| *slot > finalized && since.elapsed() < DISMISS_TIME);
        self.found.retain(|_, entry| entry.slot > without_journal);
        self.contests.forget(finalized);
        let limit = self.settings.quarantine_after;
        self.unreturned.retain(|_, since| since.elapsed() < limit * 10);
    }
}
