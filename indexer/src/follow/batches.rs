//! From lists to batches: fetched, decoded, in the order of the chain.

use std::collections::HashMap;
use std::sync::Arc;

use bauta_store::{EventRecord, Slot};
use solana_signature::Signature;

use crate::chain::{Listed, Source};
use crate::{IndexerError, SourceError, decode};

/// A batch's events, fetched and decoded.
#[derive(Default)]
pub struct Fetched {
    pub records: Vec<EventRecord>,
    /// Transactions that turned out to have no event, and their slots.
    pub eventless: Vec<(Signature, Slot)>,
    pub last_slot: Slot,
}

/// Cuts a list into batches of about `size` transactions. A slot is never cut: what a transaction began, another one of its
/// slot may end, and a checkpoint is the end of a slot.
pub fn cut(listed: &[Listed], size: usize) -> impl Iterator<Item = &[Listed]> {
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

/// [`fetch`], as a task of its own.
pub async fn fetch_owned<S: Source>(source: Arc<S>, listed: Vec<Listed>) -> Result<Fetched, IndexerError> {
    fetch(&source, &listed).await
}

/// Fetches and decodes transactions. Each must be where and what the list says.
pub async fn fetch<S: Source>(source: &Arc<S>, listed: &[Listed]) -> Result<Fetched, IndexerError> {
    let transactions = source.fetch(listed).await?;
    let mut missing: HashMap<Signature, &Listed> =
        listed.iter().map(|entry| (entry.signature, entry)).collect();
    let mut fetched = Fetched {
        last_slot: listed.last().map_or(Slot::ZERO, |entry| entry.slot),
        ..Fetched::default()
    };
    for transaction in &transactions {
        let (signature, slot) = (transaction.signature, transaction.slot);
        let inconsistent = |what| SourceError::Inconsistent {
            signature,
            slot,
            what,
        };
        let Some(entry) = missing.remove(&signature) else {
            return Err(inconsistent("was not asked for, or came twice").into());
        };
        if entry.slot != slot {
            return Err(inconsistent("was listed in another slot").into());
        }
        if entry.succeeded != transaction.succeeded {
            return Err(inconsistent("has another outcome than was listed").into());
        }
        let records = decode::records(transaction)?;
        if records.is_empty() {
            fetched.eventless.push((signature, slot));
        }
        fetched.records.extend(records);
    }
    if let Some(entry) = missing.values().next() {
        let (signature, slot) = (entry.signature, entry.slot);
        let what = "is not there";
        return Err(SourceError::Inconsistent {
            signature,
            slot,
            what,
        }
        .into());
    }
    fetched.records.sort_by_key(|record| record.position);
    Ok(fetched)
}
