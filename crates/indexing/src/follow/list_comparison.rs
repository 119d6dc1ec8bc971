//! Compares the applied transactions with those that the source lists, to detect forks and missing
//! transactions.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use bauta_store::{AppliedTransaction, Position, Slot};
use solana_signature::Signature;

use super::{Follower, MAX_SET_ASIDE_PER_STEP, fetch};
use crate::chain::{ListedTransaction, Source, TransactionStatus};
use crate::{IndexerError, SourceError, metrics};

/// How often no node must know an applied transaction before it counts as removed by a fork. A
/// single such answer can come from nodes that are just starting.
const UNKNOWN_LIMIT: u32 = 2;
/// How often within [`ROLLBACKS_TIME`] the database is rolled back for missing transactions that only
/// one of several nodes lists.
const MAX_ROLLBACKS: usize = 8;
/// The time for which these rollbacks are counted.
const ROLLBACKS_TIME: Duration = Duration::from_mins(1);
/// The largest number of signatures that a node accepts in one request for statuses.
pub const MAX_SIGNATURES_PER_CALL: usize = 256;

impl<S: Source> Follower<S> {
    /// Compares the transactions that were applied after `floor` with those that are listed there.
    ///
    /// If they differ, because of a fork or a missing transaction, rolls the database back to
    /// before the first difference and returns `true`. The next step reads the chain again from
    /// there.
    pub(super) async fn rewind_if_different(
        &mut self,
        floor: Option<Slot>,
        checkpoint: Position,
        listed: &[ListedTransaction],
    ) -> Result<bool, IndexerError> {
        let applied = self
            .store
            .applied_transactions_after(floor.unwrap_or(Slot::ZERO))
            .await?;
        self.postponed_from = None;
        let fork = self.first_removed(&applied, listed, checkpoint.slot).await?;
        if let Some(slot) = fork {
            metrics::fork();
            tracing::warn!(event = "fork", slot = slot.get());
        }
        let applied_slots: HashMap<Signature, Slot> = applied
            .iter()
            .map(|transaction| (transaction.signature, transaction.slot))
            .collect();
        let is_final = |slot: Slot| floor.is_some_and(|floor| slot <= floor);
        let keys = keys_of(listed);
        let is_unapplied = |entry: &&ListedTransaction| {
            let applied_slot = applied_slots.get(&entry.signature);
            entry.may_have_events()
                && entry.slot <= checkpoint.slot
                && !is_final(entry.slot)
                // Another node lists it in the slot where it was applied.
                && !applied_slot.is_some_and(|slot| keys.contains(&(*slot, entry.signature)))
                && self.without_events.get(&entry.signature) != Some(&entry.slot)
        };
        let unapplied: Vec<_> = listed.iter().filter(is_unapplied).copied().collect();
        let mut missing = self.with_events(&unapplied).await?;
        if fork.is_none() && !self.may_roll_back_for(&missing) {
            // They are added together, and no slot is final before.
            if let Some(first) = missing.iter().map(|entry| entry.slot).min() {
                self.postpone_before(first);
            }
            missing.clear();
        }
        if !missing.is_empty() {
            metrics::missing_transactions(missing.len());
            tracing::warn!(event = "missing_transactions", missing = missing.len());
        }
        let Some(first) = missing.iter().map(|entry| entry.slot).chain(fork).min() else {
            let late = listed.iter().filter(|entry| is_final(entry.slot)).copied();
            return self.add_late(late.collect()).await;
        };
        self.roll_back_before(first).await?;
        // The list that the next step reads may come from the node that omits them.
        self.found
            .extend(missing.into_iter().map(|entry| (entry.signature, entry)));
        Ok(true)
    }

    /// Returns whether the database may be rolled back for missing transactions now. If only one of
    /// several nodes lists them, it may have invented them: such rollbacks are limited.
    fn may_roll_back_for(&mut self, missing: &[ListedTransaction]) -> bool {
        let keys: Vec<_> = missing
            .iter()
            .map(|entry| (entry.slot, entry.signature))
            .collect();
        if keys.is_empty() || self.source.listed_by_one(&keys).len() < keys.len() {
            return true;
        }
        self.rolled_back_for_one
            .retain(|last| last.elapsed() < ROLLBACKS_TIME);
        let may_roll_back = self.rolled_back_for_one.len() < MAX_ROLLBACKS;
        if may_roll_back {
            self.rolled_back_for_one.push_back(Instant::now());
        } else {
            tracing::warn!(event = "rollback_postponed", missing = missing.len());
        }
        may_roll_back
    }

    /// Makes no slot from `slot` on final before the lists have been compared again.
    const fn postpone_before(&mut self, slot: Slot) {
        self.postponed_from = Some(slot);
    }

    /// Makes the next steps apply those of some transactions that one node returned without an
    /// event and another one returned later with an event. Returns whether some are missing.
    pub(super) async fn add_contradicted(&mut self) -> Result<bool, IndexerError> {
        self.contradicted.extend(self.source.take_contradicted());
        for entry in &self.contradicted {
            self.without_events.remove(&entry.signature);
            // If they cannot be applied now, no slot is final before they are compared again.
            self.compared_up_to = self.compared_up_to.map(|slot| slot.min(entry.slot.previous()));
        }
        let added = self.add_late(self.contradicted.clone()).await;
        // After another error they are added by the next step: no list may contain them again.
        if matches!(added, Ok(_) | Err(IndexerError::MissingBelowFinality { .. })) {
            self.contradicted.clear();
        }
        added
    }

    /// Makes the next steps apply those transactions of final slots that are missing: a node that
    /// was unavailable lists them late. Returns whether some are.
    ///
    /// If a slot has no journal any more, they are put into the quarantine, which reports them.
    async fn add_late(&mut self, listed: Vec<ListedTransaction>) -> Result<bool, IndexerError> {
        if listed.is_empty() {
            return Ok(false);
        }
        let unapplied = self.unapplied(listed).await?;
        let missing = self.with_events(&unapplied).await?;
        match self.remember_found(&missing).await {
            Err(error @ IndexerError::MissingBelowFinality { .. }) => {
                let keys: Vec<_> = missing
                    .iter()
                    .map(|entry| ((entry.slot, entry.signature), entry.succeeded))
                    .collect();
                self.store.quarantine(&keys, &error.to_string(), true).await?;
                Err(error)
            }
            remembered => remembered.map(|()| !missing.is_empty()),
        }
    }

    /// Returns those of the transactions that have events of the program, and remembers the others.
    /// Of a transaction that nodes list in several slots, the first one counts that is not set
    /// aside.
    pub(super) async fn with_events(
        &mut self,
        listed: &[ListedTransaction],
    ) -> Result<Vec<ListedTransaction>, IndexerError> {
        let mut set_aside = 0;
        let (listed, batch) = loop {
            let mut seen = HashSet::new();
            let listed: Vec<_> = listed
                .iter()
                .filter(|entry| !self.is_set_aside(entry) && seen.insert(entry.signature))
                .copied()
                .collect();
            if listed.is_empty() {
                return Ok(Vec::new());
            }
            self.new.clone_from(&listed);
            match fetch(&self.source, &listed).await {
                // The next list may not have the entries of the node that lists them.
                Err(error) if set_aside == MAX_SET_ASIDE_PER_STEP => {
                    return Err(SourceError::Unavailable {
                        what: "listed transactions",
                        reason: error.to_string(),
                    }
                    .into());
                }
                Err(error) => {
                    self.set_aside(error).await?;
                    set_aside += 1;
                }
                Ok(batch) => break (listed, batch),
            }
        };
        self.without_events.extend(batch.without_events.iter().copied());
        let without_events: HashMap<_, _> = batch.without_events.into_iter().collect();
        let has_events = |entry: &&ListedTransaction| !without_events.contains_key(&entry.signature);
        Ok(listed.iter().filter(has_events).copied().collect())
    }

    /// Returns the slot of the first applied transaction that is no longer on the chain.
    ///
    /// A transaction that the list omits is on the chain if a node reports its status unchanged. It
    /// is removed if all statuses show another slot or outcome, or if no node has known it several
    /// times.
    async fn first_removed(
        &mut self,
        applied: &[AppliedTransaction],
        listed: &[ListedTransaction],
        checkpoint: Slot,
    ) -> Result<Option<Slot>, IndexerError> {
        let keys = keys_of(listed);
        let unlisted: Vec<_> = applied
            .iter()
            .filter(|transaction| !keys.contains(&(transaction.slot, transaction.signature)))
            .collect();
        let mut first_removed: Option<Slot> = None;
        for group in unlisted.chunks(MAX_SIGNATURES_PER_CALL) {
            let signatures: Vec<_> = group.iter().map(|transaction| transaction.signature).collect();
            let preferred = self.source.statuses(&signatures, checkpoint).await?;
            let mut statuses: Vec<Vec<_>> = preferred.into_iter().map(Vec::from_iter).collect();
            let is_unchanged = |transaction: &AppliedTransaction, statuses: &[TransactionStatus]| {
                statuses.iter().any(|status| {
                    status.succeeded == transaction.succeeded && status.slot == transaction.slot
                })
            };
            let mut known = group.iter().zip(&statuses);
            if !known.all(|(transaction, statuses)| is_unchanged(transaction, statuses)) {
                statuses = self.source.statuses_on_all_nodes(&signatures, checkpoint).await?;
            }
            for (transaction, statuses) in group.iter().zip(statuses) {
                if is_unchanged(transaction, &statuses) {
                    self.unknown_counts.remove(&transaction.signature);
                    metrics::hidden_transaction();
                    continue;
                }
                if statuses.is_empty() {
                    let count = self.unknown_counts.entry(transaction.signature).or_default();
                    *count += 1;
                    if *count < UNKNOWN_LIMIT {
                        continue;
                    }
                }
                first_removed =
                    Some(first_removed.map_or(transaction.slot, |slot| slot.min(transaction.slot)));
            }
        }
        Ok(first_removed)
    }
}

/// Returns the slots and signatures of the entries that may have events.
fn keys_of(listed: &[ListedTransaction]) -> HashSet<(Slot, Signature)> {
    let entries = listed.iter().filter(|entry| entry.may_have_events());
    entries.map(|entry| (entry.slot, entry.signature)).collect()
}
