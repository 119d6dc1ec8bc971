//! Finds listed transactions that the database does not contain.

use std::collections::HashSet;
use std::sync::Arc;

use bauta_store::{Slot, Store};
use futures_util::{StreamExt, stream};
use solana_address::Address;
use solana_signature::Signature;

use crate::chain::{ListedTransaction, Source};
use crate::follow::fetch;
use crate::histories::Histories;
use crate::{IndexerError, SourceError};

/// The number of transactions that are fetched at the same time.
const CONCURRENT_FETCHES: usize = 32;

/// Listed transactions that the database does not contain.
#[derive(Debug, Default)]
pub struct Unapplied {
    /// Those with events of the program.
    pub with_events: Vec<ListedTransaction>,
    /// Those that no node returns.
    pub unreturned: Vec<ListedTransaction>,
}

/// Returns those of the transactions that are not applied and that have events, or that no node
/// returns.
pub async fn unapplied<S: Source>(
    store: &Store,
    source: &Arc<S>,
    listed: Vec<ListedTransaction>,
) -> Result<Unapplied, IndexerError> {
    let listed = listed.into_iter().filter(ListedTransaction::may_have_events);
    let listed: Vec<_> = listed.collect();
    let keys: Vec<_> = listed.iter().map(|entry| (entry.slot, entry.signature)).collect();
    let applied = store.applied_transactions_among(&keys).await?;
    // One that is applied in one slot is not missing in another slot, where a node lists it too.
    let applied: HashSet<Signature> = applied.iter().map(|entry| entry.signature).collect();
    let open = listed
        .into_iter()
        .filter(|entry| !applied.contains(&entry.signature));
    let fetched: Vec<_> = stream::iter(open)
        .map(|entry| async move { (entry, fetch(source, &[entry]).await) })
        .buffered(CONCURRENT_FETCHES)
        .collect()
        .await;
    let mut unapplied = Unapplied::default();
    for (entry, result) in fetched {
        match result {
            Ok(batch) if batch.records.is_empty() => {}
            Ok(_) => unapplied.with_events.push(entry),
            Err(IndexerError::Source(SourceError::NotOnChain { .. })) => {}
            Err(IndexerError::Source(SourceError::NotReturned { .. })) => unapplied.unreturned.push(entry),
            Err(error) => return Err(error),
        }
    }
    Ok(unapplied)
}

/// Searches the histories of addresses on all nodes, page by page, up to the first page with a
/// transaction that has events and that the database does not contain. The last slot is `until`.
pub async fn search<S: Source>(
    store: &Store,
    source: &Arc<S>,
    addresses: &[Address],
    until: Slot,
) -> Result<Unapplied, IndexerError> {
    let mut histories = Histories::new(&**source, addresses, None, None, until);
    let mut all = Unapplied::default();
    while let Some(listed) = histories.next().await? {
        let found = unapplied(store, source, listed).await?;
        all.unreturned.extend(found.unreturned);
        if !found.with_events.is_empty() {
            all.with_events = found.with_events;
            break;
        }
    }
    Ok(all)
}
