//! What no fork can undo any more.

use bauta_store::{Position, Slot};

use super::Follower;
use super::compare::SIGNATURES;
use crate::IndexerError;
use crate::chain::{Head, Source};

impl<S: Source> Follower<S> {
    /// Marks as final what is: up to the source's finalized slot, but only below the first applied transaction that its own
    /// status doesn't call finalized (nodes differ in what they mean by a slot), and never above `limit`. Returns up to where;
    /// `None`: nothing new is final.
    pub async fn finalize(&mut self, head: Head, limit: Slot) -> Result<Option<Slot>, IndexerError> {
        let Some(at) = self.store.checkpoint().await? else {
            return Ok(None);
        };
        let floor = self.store.finalized_slot().await?;
        let mut slot = head.finalized.min(at.slot).min(limit);
        if floor.is_some_and(|floor| slot <= floor) {
            return Ok(None);
        }
        let mut applied = self
            .store
            .applied_transactions_after(floor.unwrap_or_default())
            .await?;
        applied.retain(|one| one.slot <= slot);
        'asking: for some in applied.chunks(SIGNATURES) {
            let signatures: Vec<_> = some.iter().map(|one| one.signature).collect();
            let statuses = self.source.statuses(&signatures, slot).await?;
            for (one, status) in some.iter().zip(statuses) {
                let is_final = status.is_some_and(|status| {
                    status.finalized && status.succeeded == one.succeeded && status.slot == one.slot
                });
                if !is_final {
                    slot = one.slot.previous();
                    break 'asking;
                }
            }
        }
        if floor.is_some_and(|floor| slot <= floor) {
            return Ok(None);
        }
        self.store.finalize(slot).await?;
        self.forget_below(Some(slot));
        Ok(Some(slot))
    }

    /// Before much history is read in: marks what the source calls final, so that it leaves no journal. Only when all that has
    /// been applied is final already. Returns what is final then.
    pub(super) async fn begin_backfill(
        &self,
        at: Option<Position>,
        floor: Option<Slot>,
        head: Head,
    ) -> Result<Option<Slot>, IndexerError> {
        let from = at.map_or(Slot::ZERO, |at| at.slot);
        let all_final = at.is_none() || floor.is_some_and(|floor| floor >= from);
        let is_far = head.finalized.slots_since(from) > self.settings.backfill_slots;
        if all_final && is_far && head.finalized <= head.confirmed {
            self.store.finalize(head.finalized).await?;
            return Ok(Some(head.finalized));
        }
        Ok(floor)
    }
}
