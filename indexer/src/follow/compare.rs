//! Is what was applied what the source lists?

use std::collections::HashMap;

use bauta_store::{AppliedTransaction, Position, Slot};
use solana_signature::Signature;

use super::{Follower, fetch};
use crate::chain::{Listed, Source};
use crate::{IndexerError, metrics};

/// How often no node must know an applied transaction before it is taken for gone: one answer may come from nodes that are
/// just being started.
const ABSENCES: u32 = 2;
/// How many signatures a node takes at once.
pub const SIGNATURES: usize = 256;

impl<S: Source> Follower<S> {
    /// Compares what was applied after `floor` with what is listed there. Returns the first slot that is not as applied: from
    /// there on it has to be read again.
    pub(super) async fn compare(
        &mut self,
        floor: Option<Slot>,
        at: Position,
        listed: &[Listed],
    ) -> Result<Option<Slot>, IndexerError> {
        let applied = self
            .store
            .applied_transactions_after(floor.unwrap_or_default())
            .await?;
        let fork = self.first_gone(&applied, listed, at.slot).await?;
        if let Some(slot) = fork {
            metrics::fork();
            tracing::warn!(event = "fork", slot = slot.get());
        }
        let known: HashMap<Signature, Slot> = applied.iter().map(|one| (one.signature, one.slot)).collect();
        let unknown = |entry: &&Listed| {
            entry.may_count()
                && entry.slot <= at.slot
                && known.get(&entry.signature) != Some(&entry.slot)
                && self.eventless.get(&entry.signature) != Some(&entry.slot)
        };
        let unknown: Vec<_> = listed.iter().filter(unknown).copied().collect();
        let missing = self.with_events(&unknown).await?;
        if !missing.is_empty() {
            metrics::holes(missing.len());
            tracing::warn!(event = "hole", missing = missing.len());
        }
        Ok(missing.iter().map(|entry| entry.slot).chain(fork).min())
    }

    /// Those of these transactions that have events of the program; the others are remembered.
    pub(super) async fn with_events(&mut self, listed: &[Listed]) -> Result<Vec<Listed>, IndexerError> {
        if listed.is_empty() {
            return Ok(Vec::new());
        }
        let fetched = fetch(&self.source, listed).await?;
        self.eventless.extend(fetched.eventless.iter().copied());
        let eventless: HashMap<_, _> = fetched.eventless.into_iter().collect();
        let eventful = |entry: &&Listed| !eventless.contains_key(&entry.signature);
        Ok(listed.iter().filter(eventful).copied().collect())
    }

    /// The first slot of an applied transaction that is no longer there.
    async fn first_gone(
        &mut self,
        applied: &[AppliedTransaction],
        listed: &[Listed],
        at: Slot,
    ) -> Result<Option<Slot>, IndexerError> {
        let listed: HashMap<Signature, Slot> = listed
            .iter()
            .filter(|entry| entry.may_count())
            .map(|entry| (entry.signature, entry.slot))
            .collect();
        let unlisted: Vec<_> = applied
            .iter()
            .filter(|one| listed.get(&one.signature) != Some(&one.slot))
            .collect();
        let mut gone = None;
        for some in unlisted.chunks(SIGNATURES) {
            let signatures: Vec<_> = some.iter().map(|one| one.signature).collect();
            let mut statuses = self.source.statuses(&signatures, at).await?;
            if statuses.contains(&None) {
                statuses = self.source.statuses_everywhere(&signatures, at).await?;
            }
            for (one, status) in some.iter().zip(statuses) {
                let is_gone = if let Some(status) = status {
                    // otherwise the list hides it
                    status.succeeded != one.succeeded || status.slot != one.slot
                } else {
                    let times = self.absent.entry(one.signature).or_default();
                    *times += 1;
                    *times >= ABSENCES
                };
                if is_gone {
                    gone = Some(gone.map_or(one.slot, |slot: Slot| slot.min(one.slot)));
                } else if status.is_some() {
                    self.absent.remove(&one.signature);
                    metrics::hidden();
                }
            }
        }
        Ok(gone)
    }
}
