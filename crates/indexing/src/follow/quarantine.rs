//! Sets listed transactions aside that no node returns, so that they do not stop the others.
//!
//! ```text
//!   listed, but on no node ──> requested again for a minute ──> quarantine (in the database)
//!                                                                  │ requested again, after 1 min .. 1 h
//!          not on the chain, or without an event: removed <────────┤
//!          with an event: roll back to before it, apply  <─────────┘
//! ```
//!
//! A transaction that is applied leaves the quarantine only afterwards. So a restart or a failure in
//! between does not lose it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bauta_store::{QuarantinedTransaction, Slot};
use futures_util::future::join_all;
use solana_signature::Signature;

use super::{Follower, fetch, is_below};
use crate::chain::{ListedTransaction, Source};
use crate::{IndexerError, SourceError, metrics};

/// The largest number of transactions that the follower sets aside by itself. More of them show a
/// node that returns nothing at all, with which the checkpoint must not move.
const MAX_SET_ASIDE: usize = 100;
/// How long a node that has a quarantined transaction can be unavailable. Afterwards the block of a
/// single node is enough to show that the transaction does not exist.
const RETURN_TIME: Duration = Duration::from_hours(1);
/// The number of quarantined transactions that are requested at the same time.
const MAX_REQUESTS: usize = 32;

fn to_listed(stored: &QuarantinedTransaction) -> ListedTransaction {
    ListedTransaction {
        slot: stored.slot,
        signature: stored.signature,
        succeeded: stored.succeeded,
        is_refused_reuse: !stored.succeeded,
    }
}

impl<S: Source> Follower<S> {
    /// Continues without a transaction that makes every further attempt fail: one that is not on
    /// the chain, or one that no node has returned for the time of the settings. Otherwise returns
    /// the error.
    ///
    /// What a backfill leaves out cannot be added by a rollback. So during a backfill a transaction
    /// that only some nodes showed to be absent counts as one that was not returned.
    pub(super) async fn set_aside(&mut self, error: IndexerError) -> Result<(), IndexerError> {
        match &error {
            IndexerError::Source(SourceError::NotOnChain {
                signature,
                slot,
                on_all_nodes,
                ..
            }) if *on_all_nodes || !self.backfill.is_running() => {
                self.dismiss(*signature, *slot);
                Ok(())
            }
            IndexerError::Source(
                SourceError::NotReturned {
                    signature,
                    slot,
                    succeeded,
                    ..
                }
                | SourceError::NotOnChain {
                    signature,
                    slot,
                    succeeded,
                    ..
                },
            ) if self.is_overdue(*signature) && self.set_aside.len() < MAX_SET_ASIDE => {
                let reason = error.to_string();
                tracing::error!(event = "quarantined", %signature, slot = slot.get(), reason);
                let transaction = ((*slot, *signature), *succeeded);
                self.store.quarantine(&[transaction], &reason, false).await?;
                self.quarantined.insert((*slot, *signature));
                self.set_aside.insert((*slot, *signature));
                self.found.remove(signature);
                self.unreturned.remove(signature);
                self.quarantined_at = Some(Instant::now());
                metrics::quarantined(self.quarantined.len());
                Ok(())
            }
            _ => Err(error),
        }
    }

    /// Returns whether a transaction has not been returned for the time of the settings. Several
    /// ones have this time together.
    fn is_overdue(&mut self, signature: Signature) -> bool {
        let limit = self.settings.quarantine_after;
        let since = *self.unreturned.entry(signature).or_insert_with(Instant::now);
        since.elapsed() >= limit || self.quarantined_at.is_some_and(|last| last.elapsed() < limit)
    }

    /// Reads the quarantine from the database. Another replica or a command can have changed it.
    pub(super) async fn read_quarantine(&mut self) -> Result<Vec<QuarantinedTransaction>, IndexerError> {
        let stored = self.store.quarantined().await?;
        self.quarantined = stored.iter().map(|entry| (entry.slot, entry.signature)).collect();
        self.set_aside.retain(|key| self.quarantined.contains(key));
        metrics::quarantined(stored.len());
        Ok(stored)
    }

    /// Returns the number of transactions in the quarantine.
    #[must_use]
    pub fn quarantined(&self) -> usize {
        self.quarantined.len()
    }

    /// Returns whether a transaction of a slot is in the quarantine.
    #[must_use]
    pub fn is_quarantined_in(&self, slot: Slot) -> bool {
        self.quarantined
            .iter()
            .any(|(quarantined, _)| *quarantined == slot)
    }

    /// Requests the quarantined transactions that are due. Returns whether some can be applied now:
    /// the next steps apply them.
    ///
    /// Fails if one with events is in a slot that has no journal any more.
    pub async fn retry_quarantined(&mut self) -> Result<bool, IndexerError> {
        let stored = self.read_quarantine().await?;
        let old: HashSet<_> = stored
            .iter()
            .filter(|entry| entry.seconds >= RETURN_TIME.as_secs())
            .map(|entry| entry.signature)
            .collect();
        let due: Vec<_> = stored
            .iter()
            .filter(|entry| entry.is_due)
            .take(MAX_REQUESTS)
            .map(to_listed)
            .collect();
        if due.is_empty() {
            return Ok(false);
        }
        let keys: Vec<_> = due.iter().map(|entry| (entry.slot, entry.signature)).collect();
        let applied = self.store.applied_transactions_among(&keys).await?;
        let applied: HashSet<_> = applied
            .iter()
            .map(|entry| (entry.slot, entry.signature))
            .collect();
        let mut released: Vec<(Slot, Signature)> = applied.iter().copied().collect();
        let open: Vec<_> = due
            .into_iter()
            .filter(|entry| !applied.contains(&(entry.slot, entry.signature)))
            .collect();
        let fetched = open.iter().map(|entry| {
            let source = &self.source;
            async move { (*entry, fetch(source, std::slice::from_ref(entry)).await) }
        });
        let mut returned = Vec::new();
        for (entry, result) in join_all(fetched).await {
            let key = (entry.slot, entry.signature);
            match result {
                Ok(batch) if batch.records.is_empty() => {
                    self.without_events.insert(entry.signature, entry.slot);
                    released.push(key);
                }
                Ok(_) => returned.push(entry),
                Err(IndexerError::Source(SourceError::NotOnChain { on_all_nodes, .. }))
                    if on_all_nodes || old.contains(&entry.signature) =>
                {
                    self.dismiss(entry.signature, entry.slot);
                    released.push(key);
                }
                Err(error) => self.store.postpone_quarantined(key, &error.to_string()).await?,
            }
        }
        self.release(&released).await?;
        self.apply_returned(&returned).await?;
        Ok(!returned.is_empty())
    }

    /// Makes the next steps apply transactions that a node has returned. Rolls the database back to
    /// before those that are below the checkpoint.
    async fn apply_returned(&mut self, returned: &[ListedTransaction]) -> Result<(), IndexerError> {
        let checkpoint = self.store.checkpoint().await?;
        let below: Vec<_> = returned
            .iter()
            .filter(|entry| is_below(entry, checkpoint))
            .copied()
            .collect();
        if !below.is_empty() {
            metrics::missing_transactions(below.len());
            let rolled_back = self.roll_back_before_missing(&below).await;
            if let Err(error) = rolled_back {
                for entry in &below {
                    let key = (entry.slot, entry.signature);
                    self.store.postpone_quarantined(key, &error.to_string()).await?;
                }
                return Err(error);
            }
        }
        self.found
            .extend(returned.iter().map(|entry| (entry.signature, *entry)));
        Ok(())
    }

    /// Removes those of the transactions from the quarantine that a step has applied. If the process
    /// ends before this, they are removed with the next request.
    pub(super) async fn release_applied(&mut self, new: &[ListedTransaction]) -> Result<(), IndexerError> {
        let keys: Vec<_> = new
            .iter()
            .map(|entry| (entry.slot, entry.signature))
            .filter(|key| self.quarantined.contains(key))
            .collect();
        if keys.is_empty() {
            return Ok(());
        }
        let applied = self.store.applied_transactions_among(&keys).await?;
        let applied: Vec<_> = applied
            .iter()
            .map(|entry| (entry.slot, entry.signature))
            .collect();
        self.release(&applied).await
    }

    async fn release(&mut self, keys: &[(Slot, Signature)]) -> Result<(), IndexerError> {
        if keys.is_empty() {
            return Ok(());
        }
        self.store.release_quarantined(keys).await?;
        for key in keys {
            self.quarantined.remove(key);
            self.set_aside.remove(key);
            tracing::info!(event = "released", signature = %key.1, slot = key.0.get());
        }
        metrics::quarantined(self.quarantined.len());
        Ok(())
    }
}
