//! Looks for what lists hide, by other addresses and at every node.

use std::collections::HashSet;

use bauta_store::{Position, Slot, StoreError};
use solana_address::Address;
use solana_signature::Signature;

use super::Follower;
use crate::IndexerError;
use crate::chain::{Head, Listed, Source};

impl<S: Source> Follower<S> {
    /// After a batch that contradicts what is stored: looks for what is missing before it, besides what was `listed`. `true`:
    /// something was found, try again; otherwise the contradiction comes back as the reason to stop.
    pub(super) async fn mend(
        &mut self,
        refused: IndexerError,
        head: Head,
        listed: &[Listed],
    ) -> Result<bool, IndexerError> {
        let heard: HashSet<Signature> = listed.iter().map(|entry| entry.signature).collect();
        let mut addresses = vec![self.settings.program];
        addresses.extend(about(&refused));
        let floor = self.store.finalized_slot().await?;
        if self.hunt(&addresses, floor, head.confirmed, &heard).await? {
            return Ok(true);
        }
        // once for each contradiction: the whole history of what it is about
        let told = refused.to_string();
        if addresses.len() > 1 && self.searched.as_ref() != Some(&told) {
            let found = self.hunt(&addresses[1..], None, head.confirmed, &heard).await?;
            self.searched = Some(told);
            if found {
                return Ok(true);
            }
        }
        Err(refused)
    }

    /// Looks for transactions of these addresses, after `floor` up to `until`, that the database misses. Those that are found
    /// are remembered, and the database goes back to before them. `false`: there are none but those that were `heard` of, which
    /// wait for what is missing.
    pub(crate) async fn hunt(
        &mut self,
        addresses: &[Address],
        floor: Option<Slot>,
        until: Slot,
        heard: &HashSet<Signature>,
    ) -> Result<bool, IndexerError> {
        let listed = self.source.list_everywhere(addresses, floor, until).await?;
        let at = self.store.checkpoint().await?;
        let unknown: Vec<_> = self.unapplied(listed).await?;
        let missing = self.with_events(&unknown).await?;
        let unheard: Vec<_> = missing
            .into_iter()
            .filter(|entry| !heard.contains(&entry.signature))
            .filter(|entry| self.found.insert(entry.signature, *entry).is_none() || is_below(entry, at))
            .collect();
        let below: Vec<_> = unheard
            .iter()
            .filter(|entry| is_below(entry, at))
            .copied()
            .collect();
        if !below.is_empty() {
            crate::metrics::holes(below.len());
            self.rewind_for(&below).await?;
        }
        Ok(!unheard.is_empty())
    }

    /// Those that may count and whose events have not been applied.
    async fn unapplied(&self, listed: Vec<Listed>) -> Result<Vec<Listed>, IndexerError> {
        let candidates: Vec<_> = listed
            .into_iter()
            .filter(|entry| entry.may_count() && self.eventless.get(&entry.signature) != Some(&entry.slot))
            .collect();
        let asked: Vec<_> = candidates
            .iter()
            .map(|entry| (entry.slot, entry.signature))
            .collect();
        let applied = self.store.applied_transactions_among(&asked).await?;
        let is_applied: HashSet<_> = applied.into_iter().map(|one| (one.slot, one.signature)).collect();
        Ok(candidates
            .into_iter()
            .filter(|entry| !is_applied.contains(&(entry.slot, entry.signature)))
            .collect())
    }
}

fn is_below(entry: &Listed, at: Option<Position>) -> bool {
    at.is_some_and(|at| entry.slot <= at.slot)
}

/// The account that a contradiction is about.
fn about(refused: &IndexerError) -> Option<Address> {
    let IndexerError::Store(refused) = refused else {
        return None;
    };
    match refused {
        StoreError::SequenceGap { registry, .. }
        | StoreError::IncompleteChange { registry, .. }
        | StoreError::NotNextIndex { registry, .. }
        | StoreError::NotAppended { registry, .. }
        | StoreError::UnknownRoot { registry, .. }
        | StoreError::RootMismatch { registry, .. }
        | StoreError::Contradiction { registry, .. } => Some(*registry),
        StoreError::Unknown { address, .. } | StoreError::CreatedTwice { address, .. } => Some(*address),
        _ => None,
    }
}
