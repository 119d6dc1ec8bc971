//! Compares the applied transactions with those that the source lists, to detect forks and missing
//! transactions.

use std::collections::HashMap;

use bauta_store::{AppliedTransaction, Position, Slot};
use solana_signature::Signature;

use super::{Follower, fetch};
use crate::chain::{ListedTransaction, Source};
use crate::{IndexerError, metrics};

/// How often no node must know an applied transaction before it counts as removed by a fork. A
/// single such answer can come from nodes that are just starting.
const UNKNOWN_LIMIT: u32 = 2;
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
        let fork = self.first_removed(&applied, listed, checkpoint.slot).await?;
        if let Some(slot) = fork {
            metrics::fork();
            tracing::warn!(event = "fork", slot = slot.get());
        }
        let applied_slots: HashMap<Signature, Slot> = applied
            .iter()
            .map(|transaction| (transaction.signature, transaction.slot))
            .collect();
        let is_unapplied = |entry: &&ListedTransaction| {
            entry.may_have_events()
                && entry.slot <= checkpoint.slot
                && applied_slots.get(&entry.signature) != Some(&entry.slot)
                && self.without_events.get(&entry.signature) != Some(&entry.slot)
        };
        let unapplied: Vec<_> = listed.iter().filter(is_unapplied).copied().collect();
        let missing = self.with_events(&unapplied).await?;
        if !missing.is_empty() {
            metrics::missing_transactions(missing.len());
            tracing::warn!(event = "missing_transactions", missing = missing.len());
        }
        let Some(first) = missing.iter().map(|entry| entry.slot).chain(fork).min() else {
            return Ok(false);
        };
        self.roll_back_before(first).await?;
        // The list that the next step reads may come from the node that omits them.
        self.found
            .extend(missing.into_iter().map(|entry| (entry.signature, entry)));
        Ok(true)
    }

    /// Returns those of the transactions that have events of the program, and remembers the others.
    pub(super) async fn with_events(
        &mut self,
        listed: &[ListedTransaction],
    ) -> Result<Vec<ListedTransaction>, IndexerError> {
        let mut listed = listed.to_vec();
        let batch = loop {
            listed.retain(|entry| !self.is_set_aside(entry));
            if listed.is_empty() {
                return Ok(Vec::new());
            }
            match fetch(&self.source, &listed).await {
                Err(error) => self.set_aside(error).await?,
                Ok(batch) => break batch,
            }
        };
        self.without_events.extend(batch.without_events.iter().copied());
        let without_events: HashMap<_, _> = batch.without_events.into_iter().collect();
        let has_events = |entry: &&ListedTransaction| !without_events.contains_key(&entry.signature);
        Ok(listed.iter().filter(has_events).copied().collect())
    }

    /// Returns the slot of the first applied transaction that is no longer on the chain.
    ///
    /// A transaction that the list omits is on the chain if its status is unchanged. It is removed
    /// if its status shows another slot or outcome, or if no node has known it several times.
    async fn first_removed(
        &mut self,
        applied: &[AppliedTransaction],
        listed: &[ListedTransaction],
        checkpoint: Slot,
    ) -> Result<Option<Slot>, IndexerError> {
        let listed_slots: HashMap<Signature, Slot> = listed
            .iter()
            .filter(|entry| entry.may_have_events())
            .map(|entry| (entry.signature, entry.slot))
            .collect();
        let unlisted: Vec<_> = applied
            .iter()
            .filter(|transaction| listed_slots.get(&transaction.signature) != Some(&transaction.slot))
            .collect();
        let mut first_removed: Option<Slot> = None;
        for group in unlisted.chunks(MAX_SIGNATURES_PER_CALL) {
            let signatures: Vec<_> = group.iter().map(|transaction| transaction.signature).collect();
            let mut statuses = self.source.statuses(&signatures, checkpoint).await?;
            if statuses.contains(&None) {
                statuses = self.source.statuses_on_all_nodes(&signatures, checkpoint).await?;
            }
            for (transaction, status) in group.iter().zip(statuses) {
                let is_removed = if let Some(status) = status {
                    status.succeeded != transaction.succeeded || status.slot != transaction.slot
                } else {
                    let count = self.unknown_counts.entry(transaction.signature).or_default();
                    *count += 1;
                    *count >= UNKNOWN_LIMIT
                };
                if is_removed {
                    first_removed =
                        Some(first_removed.map_or(transaction.slot, |slot| slot.min(transaction.slot)));
                } else if status.is_some() {
                    self.unknown_counts.remove(&transaction.signature);
                    metrics::hidden_transaction();
                }
            }
        }
        Ok(first_removed)
    }
}
