//! Marks slots as final, which no fork can change any more.

use bauta_store::{Position, Slot};

use super::Follower;
use super::list_comparison::MAX_SIGNATURES_PER_CALL;
use crate::IndexerError;
use crate::chain::{Head, Source};

impl<S: Source> Follower<S> {
    /// Marks slots as final and returns the newest one. Returns `None` if no new slot is final.
    ///
    /// Marks slots up to the finalized slot of the source, but none above `limit`, and only those
    /// below the first applied transaction whose own status is not finalized. The status is checked
    /// because nodes can differ in what they report for a slot.
    pub async fn finalize(&mut self, head: Head, limit: Slot) -> Result<Option<Slot>, IndexerError> {
        let Some(checkpoint) = self.store.checkpoint().await? else {
            return Ok(None);
        };
        let floor = self.store.finalized_slot().await?;
        let mut slot = head.finalized.min(checkpoint.slot).min(limit);
        if floor.is_some_and(|floor| slot <= floor) {
            return Ok(None);
        }
        let mut applied = self
            .store
            .applied_transactions_after(floor.unwrap_or(Slot::ZERO))
            .await?;
        applied.retain(|transaction| transaction.slot <= slot);
        'groups: for group in applied.chunks(MAX_SIGNATURES_PER_CALL) {
            let signatures: Vec<_> = group.iter().map(|transaction| transaction.signature).collect();
            let statuses = self.source.statuses(&signatures, slot).await?;
            for (transaction, status) in group.iter().zip(statuses) {
                let is_final = status.is_some_and(|status| {
                    status.finalized
                        && status.succeeded == transaction.succeeded
                        && status.slot == transaction.slot
                });
                if !is_final {
                    slot = transaction.slot.previous();
                    break 'groups;
                }
            }
        }
        if floor.is_some_and(|floor| slot <= floor) {
            return Ok(None);
        }
        self.store.finalize(slot).await?;
        self.forget_up_to(Some(slot));
        Ok(Some(slot))
    }

    /// Marks the source's finalized slot as final before a long backfill, so that the backfill
    /// writes no journal. Does so only if everything that has been applied is already final.
    /// Returns the finalized slot of the database after that.
    pub(super) async fn begin_backfill(
        &self,
        checkpoint: Option<Position>,
        floor: Option<Slot>,
        head: Head,
    ) -> Result<Option<Slot>, IndexerError> {
        let from = checkpoint.map_or(Slot::ZERO, |at| at.slot);
        let all_final = checkpoint.is_none() || floor.is_some_and(|floor| floor >= from);
        let is_far_behind = head.finalized.slots_since(from) > self.settings.backfill_slots;
        if all_final && is_far_behind && head.finalized <= head.confirmed {
            self.store.finalize(head.finalized).await?;
            return Ok(Some(head.finalized));
        }
        Ok(floor)
    }
}
