//! Sets listed transactions aside that no node returns, so that they do not stop the others.
//!
//! ```text
//!   listed, but on no node ──> requested again for a minute ──> quarantine (in the database)
//!          only a node lists it that is doubted: at once ─────>    │
//!                                                                  │ again, after 1 min .. 1 h
//!          not on the chain, or without an event: removed <────────┤
//!          with an event: roll back to before it, apply  <─────────┘
//! ```
//!
//! A transaction that is applied leaves the quarantine only afterwards. So a restart or a failure
//! in between does not lose it.
//!
//! The requests do not use the follower: they run beside its steps, because a node that does not
//! answer would delay them. The follower only applies the answers.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_store::{QuarantineKey, QuarantinedTransaction, Slot, Store};
use futures_util::future::join_all;
use solana_signature::Signature;

use super::{Follower, fetch, is_below};
use crate::chain::{ListedBy, ListedTransaction, Source};
use crate::{IndexerError, SourceError, metrics};

/// By how many the transactions that the follower sets aside by itself can exceed those that nodes
/// return meanwhile. More of them show nodes that return nothing at all, with which the checkpoint
/// must not move. Those that only one of several nodes lists do not count: that node is left out
/// before.
pub const MAX_SET_ASIDE: usize = 100;
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

/// What the nodes answered to requests for quarantined transactions.
#[derive(Debug)]
pub struct QuarantineAnswers {
    /// Those that the database contains already.
    applied: Vec<QuarantineKey>,
    open: Vec<Answer>,
}

/// The answer to the request for one transaction.
#[derive(Debug)]
struct Answer {
    entry: ListedTransaction,
    /// Whether the transaction has been in the quarantine for [`RETURN_TIME`].
    is_old: bool,
    outcome: Result<HasEvents, IndexerError>,
}

/// Whether a transaction has events of the program.
#[derive(Debug)]
struct HasEvents(bool);

/// Requests the quarantined transactions that are due, at most [`MAX_REQUESTS`]. Returns `None` if
/// none is.
pub async fn request_quarantined<S: Source>(
    store: &Store,
    source: &Arc<S>,
) -> Result<Option<QuarantineAnswers>, IndexerError> {
    let mut due = store.quarantined().await?;
    due.retain(|entry| entry.is_due);
    due.truncate(MAX_REQUESTS);
    if due.is_empty() {
        return Ok(None);
    }
    let keys: Vec<_> = due.iter().map(|entry| (entry.slot, entry.signature)).collect();
    let applied = store.applied_transactions_among(&keys).await?;
    let applied: HashSet<_> = applied
        .iter()
        .map(|entry| (entry.slot, entry.signature))
        .collect();
    let open = due
        .iter()
        .filter(|stored| !applied.contains(&(stored.slot, stored.signature)));
    let open = open.map(|stored| async move {
        let entry = to_listed(stored);
        let batch = fetch(source, std::slice::from_ref(&entry)).await;
        Answer {
            entry,
            is_old: stored.seconds >= RETURN_TIME.as_secs(),
            outcome: batch.map(|batch| HasEvents(!batch.records.is_empty())),
        }
    });
    let open = join_all(open).await;
    Ok(Some(QuarantineAnswers {
        applied: applied.into_iter().collect(),
        open,
    }))
}

impl<S: Source> Follower<S> {
    /// Continues without a transaction that makes every further attempt fail: one that is not on
    /// the chain, or one that no node has returned for the time of the settings. Otherwise returns
    /// the error.
    ///
    /// A transaction that only some nodes showed to be absent counts as one that was not returned:
    /// the other nodes may have it.
    pub(super) async fn set_aside(&mut self, error: IndexerError) -> Result<(), IndexerError> {
        match &error {
            IndexerError::Source(SourceError::NotOnChain {
                signature,
                slot,
                on_all_nodes: true,
                ..
            }) => {
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
            ) if !self.quarantined.contains(&(*slot, *signature)) => {
                // It is quarantined at once, and requested again beside the steps.
                let is_doubted = self.source.is_doubted(*slot, *signature);
                if !is_doubted && !self.is_overdue(*signature) {
                    return Err(error);
                }
                let listed_by = self.source.record_unreturned(*slot, *signature);
                // The source bounds how many of them one of several nodes lists.
                if listed_by == ListedBy::Several {
                    if self.set_aside_left == 0 {
                        return self.return_before(*slot, error).await;
                    }
                    self.set_aside_left -= 1;
                }
                let reason = error.to_string();
                tracing::error!(event = "quarantined", %signature, slot = slot.get(), reason);
                let transaction = ((*slot, *signature), *succeeded);
                self.store.quarantine(&[transaction], &reason, false).await?;
                self.quarantined.insert((*slot, *signature));
                self.found.remove(signature);
                self.unreturned.remove(signature);
                if !is_doubted {
                    self.quarantined_at = Some(Instant::now());
                }
                metrics::quarantined(self.quarantined.len());
                match listed_by {
                    ListedBy::Several | ListedBy::One => Ok(()),
                    // The present list still has the other entries of that node.
                    ListedBy::LeftOut => Err(error),
                }
            }
            _ => Err(error),
        }
    }

    /// Makes the next attempt apply only the slots before a transaction that cannot be quarantined:
    /// what the nodes return there makes room for more. Returns the error if there is no such slot.
    async fn return_before(&mut self, slot: Slot, error: IndexerError) -> Result<(), IndexerError> {
        let checkpoint = self.store.checkpoint().await?;
        let before = slot.previous();
        if self.apply_up_to == Some(before) || checkpoint.is_some_and(|at| at.slot >= before) {
            return Err(error);
        }
        self.apply_up_to = Some(before);
        Ok(())
    }

    /// Records that nodes returned transactions, which makes room for as many that they do not
    /// return.
    pub(super) fn record_returned(&mut self, count: usize) {
        self.set_aside_left = self.set_aside_left.saturating_add(count).min(MAX_SET_ASIDE);
    }

    /// Quarantines transactions that a search beside the steps has found and that no node returns.
    pub(crate) async fn quarantine_unreturned(
        &mut self,
        entries: &[ListedTransaction],
    ) -> Result<(), IndexerError> {
        let entries: Vec<_> = entries
            .iter()
            .filter(|entry| !self.contests.excludes(entry.slot, entry.signature))
            .map(|entry| ((entry.slot, entry.signature), entry.succeeded))
            .filter(|(key, _)| !self.quarantined.contains(key))
            .take(self.set_aside_left)
            .collect();
        if entries.is_empty() {
            return Ok(());
        }
        self.set_aside_left -= entries.len();
        let reason = "it is in the history of an account that differs, and no node returns it";
        self.store.quarantine(&entries, reason, false).await?;
        for (key, _) in entries {
            tracing::error!(event = "quarantined", signature = %key.1, slot = key.0.get(), reason);
            self.quarantined.insert(key);
        }
        metrics::quarantined(self.quarantined.len());
        Ok(())
    }

    /// Returns whether a transaction has not been returned for the time of the settings. Several
    /// ones have this time together.
    fn is_overdue(&mut self, signature: Signature) -> bool {
        let limit = self.settings.quarantine_after;
        let since = *self.unreturned.entry(signature).or_insert_with(Instant::now);
        since.elapsed() >= limit || self.quarantined_at.is_some_and(|last| last.elapsed() < limit)
    }

    /// Reads the quarantine from the database. Another replica or a command can have changed it.
    pub(crate) async fn read_quarantine(&mut self) -> Result<Vec<QuarantinedTransaction>, IndexerError> {
        let stored = self.store.quarantined().await?;
        self.quarantined = stored.iter().map(|entry| (entry.slot, entry.signature)).collect();
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

    /// Applies the answers to requests for quarantined transactions. Returns whether some can be
    /// applied now: the next steps apply them.
    ///
    /// Fails if one with events is in a slot that has no journal any more.
    pub async fn apply_quarantine_answers(
        &mut self,
        answers: QuarantineAnswers,
    ) -> Result<bool, IndexerError> {
        self.read_quarantine().await?;
        let mut released = answers.applied;
        let mut returned = Vec::new();
        for answer in answers.open {
            let entry = answer.entry;
            let key = (entry.slot, entry.signature);
            if !self.quarantined.contains(&key) {
                // It was released or applied while it was requested.
                continue;
            }
            match answer.outcome {
                Ok(HasEvents(false)) => {
                    self.without_events.insert(entry.signature, entry.slot);
                    released.push(key);
                }
                Ok(HasEvents(true)) => returned.push(entry),
                Err(IndexerError::Source(SourceError::NotOnChain { on_all_nodes, .. }))
                    if on_all_nodes || answer.is_old =>
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

    /// Removes those of the transactions from the quarantine that a step has applied. If the
    /// process ends before this, they are removed with the next request.
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
            tracing::info!(event = "released", signature = %key.1, slot = key.0.get());
        }
        metrics::quarantined(self.quarantined.len());
        Ok(())
    }
}
