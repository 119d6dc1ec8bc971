//! Marks slots as final, which no fork can change any more, and as reconciled, in which no
//! transaction is missing.

use bauta_store::{AppliedTransaction, Position, Slot};

use super::Follower;
use super::list_comparison::MAX_SIGNATURES_PER_CALL;
use crate::chain::{Head, Source, TransactionStatus};
use crate::{IndexerError, metrics};

/// By how many slots the journal can be older than the newest final slot. It is kept until the
/// slots are reconciled, but not for longer than this: two days on a public cluster.
const MAX_JOURNAL_SLOTS: u64 = 432_000;
/// After how many times [`Settings::backfill_slots`](super::Settings::backfill_slots) the slots
/// that are not final are rolled back for a backfill. Without a rollback, less than this is listed
/// at once.
const ROLLBACK_FACTOR: u64 = 10;

impl<S: Source> Follower<S> {
    /// Marks slots as final and returns the newest one. Returns `None` if no new slot is final.
    ///
    /// Marks slots up to the finalized slot of the source, but only those below the first applied
    /// transaction whose own status is not finalized, and only those that have been compared with
    /// the lists of all nodes. What only one node has listed so far is not final while a second one
    /// is awaited. The status is checked because nodes can differ in what they report for a slot.
    /// One node that knows the transaction as final is enough, unless more nodes contradict it. A
    /// transaction that no node confirms for a minute is contested, and stops finality no longer: its
    /// journal is kept.
    ///
    /// `agreed` is the slot up to which accounts and database agree. The journal of later slots is
    /// kept. `None` means that there is no reconciliation: then the journal is kept only up to
    /// finality.
    pub async fn finalize(&mut self, head: Head, agreed: Option<Slot>) -> Result<Option<Slot>, IndexerError> {
        let Some(checkpoint) = self.store.checkpoint().await? else {
            return Ok(None);
        };
        let floor = self.store.finalized_slot().await?;
        if let Some(agreed) = agreed.filter(|agreed| *agreed > Slot::ZERO) {
            self.decide_by_accounts(agreed.min(checkpoint.slot)).await?;
        }
        if self.judge(head.finalized, floor).await? {
            return Ok(None);
        }
        let slot = self.new_final_slot(head, checkpoint, floor).await?;
        if let Some(slot) = slot {
            self.store.mark_final(slot).await?;
        }
        let Some(finalized) = slot.or(floor) else {
            return Ok(None);
        };
        // A quarantined transaction can still be applied in its slot, and a contested one undone.
        let quarantined = self.quarantined.iter().map(|(slot, _)| slot.previous()).min();
        let decided = self.contests.decided_up_to();
        let complete = [quarantined, decided].into_iter().flatten().min();
        let complete = complete.unwrap_or(Slot::MAX).min(finalized);
        let oldest = Slot::new(finalized.get().saturating_sub(MAX_JOURNAL_SLOTS));
        let without_journal = match agreed {
            None => complete.max(oldest),
            Some(agreed) => {
                let agreed = agreed.min(checkpoint.slot).min(complete);
                let reconciled = self.store.reconciled_slot().await?.unwrap_or(Slot::ZERO);
                if agreed > reconciled {
                    self.store.mark_reconciled(agreed).await?;
                }
                agreed.max(reconciled).max(oldest)
            }
        };
        // One call deletes a part. The next calls delete what is left.
        if without_journal > self.without_journal && self.store.delete_journal(without_journal).await? {
            self.without_journal = without_journal;
        }
        self.forget(finalized);
        Ok(slot)
    }

    async fn new_final_slot(
        &mut self,
        head: Head,
        checkpoint: Position,
        floor: Option<Slot>,
    ) -> Result<Option<Slot>, IndexerError> {
        let mut slot = head.finalized.min(checkpoint.slot);
        if floor.is_some_and(|floor| slot <= floor) {
            return Ok(None);
        }
        if self.compared_up_to.is_none_or(|compared| compared < slot) {
            let program = [self.settings.program];
            let listed = self.source.list_on_all_nodes(&program, floor, slot).await?;
            self.record_suspects(floor, &listed);
            if self.rewind_if_different(floor, checkpoint, &listed).await? {
                return Ok(None);
            }
            self.compared_up_to = Some(slot);
        }
        // What one node omits is added when a second one answers, and what only one node has is
        // compared.
        slot = slot.min(self.contests.judged_up_to().unwrap_or(Slot::MAX));
        slot = slot.min(self.postponed_from.map_or(Slot::MAX, Slot::previous));
        slot = slot.min(self.source.confirmed_up_to().unwrap_or(Slot::MAX));
        if floor.is_some_and(|floor| slot <= floor) {
            return Ok(None);
        }
        let mut applied = self
            .store
            .applied_transactions_after(floor.unwrap_or(Slot::ZERO))
            .await?;
        applied.retain(|transaction| transaction.slot <= slot);
        let mut disputed = 0;
        let mut disputed_slot = None;
        let mut overdue = Vec::new();
        let mut is_stopped = false;
        'groups: for group in applied.chunks(MAX_SIGNATURES_PER_CALL) {
            let signatures: Vec<_> = group.iter().map(|transaction| transaction.signature).collect();
            let preferred = self.source.statuses(&signatures, slot).await?;
            let mut statuses: Vec<Vec<_>> = preferred.into_iter().map(Vec::from_iter).collect();
            let mut known = group.iter().zip(&statuses);
            if !known.all(|(transaction, statuses)| is_final(transaction, statuses)) {
                // The preferred node may not know a transaction, or report another slot.
                statuses = self.source.statuses_on_all_nodes(&signatures, slot).await?;
            }
            for (transaction, statuses) in group.iter().zip(statuses) {
                let is_disputed = is_disputed(transaction, &statuses);
                disputed += usize::from(is_disputed);
                if !is_final(transaction, &statuses) {
                    if !self.stops_finality(transaction) {
                        overdue.push(*transaction);
                        continue;
                    }
                    slot = transaction.slot.previous();
                    disputed_slot = is_disputed.then_some(transaction.slot);
                    is_stopped = true;
                    break 'groups;
                }
            }
        }
        self.keep_unconfirmed(&overdue).await?;
        if overdue.is_empty() && !is_stopped {
            self.record_confirmed();
        }
        metrics::disputed(disputed);
        if disputed > 0 {
            let stops_at = disputed_slot.map(Slot::get);
            tracing::error!(event = "finality_disputed", transactions = disputed, stops_at);
        }
        self.disputed_slot = disputed_slot;
        Ok(Some(slot).filter(|slot| floor.is_none_or(|floor| *slot > floor)))
    }

    /// Returns whether everything that was applied is final, and the database is so far behind the
    /// finalized slot that it reads the history up to that slot without a journal.
    pub(super) fn is_backfill(&self, checkpoint: Option<Position>, floor: Option<Slot>, head: Head) -> bool {
        let all_final = checkpoint.is_none_or(|at| floor.is_some_and(|floor| floor >= at.slot));
        all_final && is_behind(checkpoint, head, self.settings.backfill_slots)
    }

    /// Returns whether the database is very far behind the finalized slot, and the slots that it
    /// applied last were not final when it stopped. After a rollback of these slots the history is
    /// read by a backfill, whose memory is bounded.
    pub(super) fn is_backfill_after_rollback(
        &self,
        checkpoint: Option<Position>,
        floor: Option<Slot>,
        head: Head,
    ) -> bool {
        let limit = self.settings.backfill_slots.saturating_mul(ROLLBACK_FACTOR);
        checkpoint.is_some_and(|at| floor.is_none_or(|floor| floor < at.slot))
            && is_behind(checkpoint, head, limit)
    }
}

/// Returns how many nodes report an applied transaction as finalized, and how many report it as
/// finalized in another slot or with another outcome.
fn finalized_on(transaction: &AppliedTransaction, statuses: &[TransactionStatus]) -> (usize, usize) {
    let is_same = |status: &&TransactionStatus| {
        status.succeeded == transaction.succeeded && status.slot == transaction.slot
    };
    let finalized = statuses.iter().filter(|status| status.finalized);
    let same = finalized.clone().filter(is_same).count();
    (same, finalized.count() - same)
}

/// Returns whether a node reports an applied transaction as finalized, and not more nodes contradict
/// it. One faulty node must not stop finality beside an honest one.
fn is_final(transaction: &AppliedTransaction, statuses: &[TransactionStatus]) -> bool {
    let (same, other) = finalized_on(transaction, statuses);
    same > 0 && same >= other
}

/// Returns whether a node reports an applied transaction as finalized in another slot or with
/// another outcome.
fn is_disputed(transaction: &AppliedTransaction, statuses: &[TransactionStatus]) -> bool {
    finalized_on(transaction, statuses).1 > 0
}

/// Returns whether the database is more than a number of slots behind the finalized slot.
fn is_behind(checkpoint: Option<Position>, head: Head, slots: u64) -> bool {
    let from = checkpoint.map_or(Slot::ZERO, |at| at.slot);
    head.finalized.slots_since(from) > slots && head.finalized <= head.confirmed
}

#[cfg(test)]
mod tests {
    use solana_signature::Signature;

    use super::*;

    #[test]
    fn a_transaction_is_final_if_a_node_confirms_it_and_not_more_nodes_contradict_it() {
        let transaction = AppliedTransaction {
            slot: Slot::new(7),
            signature: Signature::from([1; 64]),
            succeeded: true,
        };
        let status = |slot, finalized| TransactionStatus {
            slot: Slot::new(slot),
            succeeded: true,
            finalized,
        };
        let (same, other, later) = (status(7, true), status(8, true), status(7, false));
        assert!(is_final(&transaction, &[same]));
        assert!(is_final(&transaction, &[other, same]));
        assert!(is_final(&transaction, &[same, later]));
        assert!(!is_final(&transaction, &[]));
        assert!(!is_final(&transaction, &[later]));
        assert!(!is_final(&transaction, &[other]));
        assert!(!is_final(&transaction, &[other, same, other]));
        let failed = TransactionStatus {
            succeeded: false,
            ..same
        };
        assert!(!is_final(&transaction, &[failed]));
        assert!(is_disputed(&transaction, &[same, failed]));
        assert!(!is_disputed(&transaction, &[same, later]));
    }
}
