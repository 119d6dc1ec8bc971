//! Turns lists of transactions into batches of decoded events, in the order of the chain.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bauta_store::{EventRecord, Slot};
use solana_signature::Signature;

use crate::chain::{ListedTransaction, Source, VersionKey};
use crate::{Inconsistency, IndexerError, SourceError, decode};

/// The decoded events of a batch of transactions.
#[derive(Default)]
pub struct DecodedBatch {
    /// The events, ordered by position.
    pub records: Vec<EventRecord>,
    /// The transactions that have no event, with their slots.
    pub without_events: Vec<(Signature, Slot)>,
    /// The versions of the transactions that have events.
    pub versions: Vec<VersionKey>,
    /// The slot of the last transaction.
    pub last_slot: Slot,
    /// The number of transactions.
    pub transactions: usize,
}

/// Divides a list into batches of about `size` transactions.
///
/// A slot is never divided. A later transaction of a slot can complete a tree change that an
/// earlier one began, and a checkpoint is the end of a slot.
pub fn divide(listed: &[ListedTransaction], size: usize) -> impl Iterator<Item = &[ListedTransaction]> {
    let mut rest = listed;
    std::iter::from_fn(move || {
        let last = rest.len().min(size.max(1)).checked_sub(1)?;
        let slot = rest[last].slot;
        let end = last + rest[last..].partition_point(|entry| entry.slot == slot);
        let (batch, after) = rest.split_at(end);
        rest = after;
        Some(batch)
    })
}

/// Like [`fetch`], with owned arguments, so that it can run as a task.
pub async fn fetch_owned<S: Source>(
    source: Arc<S>,
    listed: Vec<ListedTransaction>,
) -> Result<DecodedBatch, IndexerError> {
    fetch(&source, &listed).await
}

/// Fetches and decodes transactions. Fails if one is missing, or differs from its entry in the
/// list.
pub async fn fetch<S: Source>(
    source: &Arc<S>,
    listed: &[ListedTransaction],
) -> Result<DecodedBatch, IndexerError> {
    let transactions = source.fetch(listed).await?;
    let mut expected: HashMap<Signature, &ListedTransaction> =
        listed.iter().map(|entry| (entry.signature, entry)).collect();
    let mut batch = DecodedBatch {
        last_slot: listed.last().map_or(Slot::ZERO, |entry| entry.slot),
        transactions: transactions.len(),
        ..DecodedBatch::default()
    };
    let mut indices = HashSet::new();
    for transaction in &transactions {
        let (signature, slot) = (transaction.signature, transaction.slot);
        let inconsistent = |inconsistency| SourceError::Inconsistent {
            signature,
            slot,
            inconsistency,
        };
        let Some(entry) = expected.remove(&signature) else {
            return Err(inconsistent(Inconsistency::NotRequested).into());
        };
        if entry.slot != slot {
            return Err(inconsistent(Inconsistency::OtherSlot).into());
        }
        if entry.succeeded != transaction.succeeded && !source.confirms_outcomes() {
            return Err(inconsistent(Inconsistency::OtherOutcome).into());
        }
        if !indices.insert((slot, transaction.index)) {
            return Err(inconsistent(Inconsistency::SameIndex).into());
        }
        let records = decode::records(transaction)?;
        if records.is_empty() {
            batch.without_events.push((signature, slot));
        } else {
            batch
                .versions
                .push((slot, signature, decode::digest(transaction)));
        }
        batch.records.extend(records);
    }
    if let Some(entry) = expected.values().next() {
        return Err(SourceError::Inconsistent {
            signature: entry.signature,
            slot: entry.slot,
            inconsistency: Inconsistency::NotReturned,
        }
        .into());
    }
    batch.records.sort_by_key(|record| record.position);
    Ok(batch)
}
