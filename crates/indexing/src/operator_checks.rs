//! Comparisons of the database with the chain that an operator starts, beside a running indexer.
//!
//! They only read. What they find missing is put into the quarantine, from which the leader applies
//! it: two processes that roll the database back at the same time would undo each other's work.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_store::{Position, QuarantineKey, QuarantinedTransaction, Slot, Store};
use solana_address::Address;
use solana_signature::Signature;

use crate::chain::{ListedTransaction, Source};
use crate::follow::fetch;
use crate::histories::Histories;
use crate::reconcile::{Selection, Verified, verify};
use crate::{IndexerError, SourceError, missing};

/// The largest number of missing transactions that one call returns. Then it ends.
const MAX_MISSING: usize = 10_000;
/// The largest number of accounts for whose histories [`reconcile_now`] searches.
const MAX_SEARCHED_ACCOUNTS: usize = 1_000;
/// How often a page of a history is requested.
const PAGE_ATTEMPTS: usize = 3;
/// The time between two looks at the quarantine.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The result of [`find_missing`].
#[derive(Debug)]
pub struct MissingTransactions {
    /// The last slot that was compared.
    pub until: Slot,
    /// The number of listed transactions that may have events, over all nodes.
    pub listed: u64,
    /// The listed transactions that the database does not contain, ordered by slot.
    pub missing: Vec<ListedTransaction>,
    /// The nodes whose history could not be read to its end, with the reasons.
    pub unread: Vec<(String, String)>,
}

/// The result of [`reconcile_now`].
#[derive(Debug)]
pub struct Reconciled {
    /// The comparison with the accounts.
    pub verified: Verified,
    /// The transactions that are missing, found in the histories of the accounts that differ.
    pub missing: Vec<ListedTransaction>,
}

/// The result of [`verify_slot`].
#[derive(Debug)]
pub struct SlotVerified {
    /// The number of events of the slot on the chain.
    pub events: usize,
    /// The differences, in words.
    pub differences: Vec<String>,
}

/// Reads the histories of all nodes again, from a slot to the newest final slot of the database and
/// of the chain, and returns what the database does not contain. `progress` is called after each
/// page, with the node and the slot that was reached.
pub async fn find_missing<S: Source>(
    store: &Store,
    source: &Arc<S>,
    program: Address,
    from: Slot,
    mut progress: impl FnMut(&str, Slot),
) -> Result<MissingTransactions, IndexerError> {
    let checkpoint = store.checkpoint().await?.map_or(Slot::ZERO, |at| at.slot);
    // A fork can still change the later slots.
    let until = source.head(checkpoint).await?.finalized.min(checkpoint);
    if from > until {
        return Err(IndexerError::SlotNotReached {
            slot: from,
            checkpoint: until,
        });
    }
    let after = (from > Slot::ZERO).then(|| from.previous());
    let mut found = MissingTransactions {
        until,
        listed: 0,
        missing: Vec::new(),
        unread: Vec::new(),
    };
    let mut missing: HashMap<Signature, ListedTransaction> = HashMap::new();
    let nodes = source.histories();
    let count = nodes.len();
    for (node, name) in nodes.into_iter().enumerate() {
        let mut before = None;
        while missing.len() < MAX_MISSING {
            let request = PageRequest {
                node,
                program: &program,
                before,
                after,
                until,
            };
            let page = match read_page(source, request).await {
                Ok(page) => page,
                Err(error) => {
                    found.unread.push((name.clone(), error.to_string()));
                    break;
                }
            };
            let entries: Vec<_> = page
                .listed
                .into_iter()
                .filter(|entry| entry.may_have_events() && !missing.contains_key(&entry.signature))
                .collect();
            found.listed += entries.len() as u64;
            let new = missing_among(store, source, entries).await?;
            missing.extend(new.into_iter().map(|entry| (entry.signature, entry)));
            let Some(end) = page.next else { break };
            progress(&name, end.slot);
            before = Some(end.signature);
        }
    }
    if found.unread.len() == count {
        let reason = found.unread.pop().map(|(_, reason)| reason).unwrap_or_default();
        return Err(SourceError::Unavailable {
            what: "the history",
            reason,
        }
        .into());
    }
    found.missing = missing.into_values().collect();
    found.missing.sort_by_key(|entry| entry.slot);
    Ok(found)
}

/// A request for a page of a node's history.
#[derive(Clone, Copy)]
struct PageRequest<'a> {
    /// The index of the node.
    node: usize,
    program: &'a Address,
    before: Option<Signature>,
    after: Option<Slot>,
    until: Slot,
}

/// Requests a page. Retries a request that fails, up to [`PAGE_ATTEMPTS`] times in all.
async fn read_page<S: Source>(
    source: &Arc<S>,
    request: PageRequest<'_>,
) -> Result<crate::chain::HistoryPage, SourceError> {
    let PageRequest {
        node,
        program,
        before,
        after,
        until,
    } = request;
    let mut attempt = 1;
    loop {
        match source.history_page(node, program, before, after, until).await {
            Err(_) if attempt < PAGE_ATTEMPTS => attempt += 1,
            page => return page,
        }
    }
}

/// Returns those of the transactions that are not applied, and that have events or that no node
/// returns.
async fn missing_among<S: Source>(
    store: &Store,
    source: &Arc<S>,
    listed: Vec<ListedTransaction>,
) -> Result<Vec<ListedTransaction>, IndexerError> {
    let unapplied = missing::unapplied(store, source, listed).await?;
    Ok([unapplied.with_events, unapplied.unreturned].concat())
}

/// Compares the database with all accounts of the program, and searches for what is missing in the
/// histories of those that differ. `progress` is called before each request for accounts with its
/// number, from 0, and the number of requests.
pub async fn reconcile_now<S: Source>(
    store: &Store,
    source: &Arc<S>,
    progress: impl FnMut(usize, usize),
) -> Result<Reconciled, IndexerError> {
    let verified = verify(store, &**source, &Selection::default(), progress).await?;
    let mut missing: BTreeMap<(Slot, [u8; 64]), ListedTransaction> = BTreeMap::new();
    let differing = verified.differing.iter().map(|(_, address)| *address);
    let addresses: Vec<_> = differing.take(MAX_SEARCHED_ACCOUNTS).collect();
    let mut histories = Histories::new(&**source, &addresses, None, None, verified.up_to);
    while missing.len() < MAX_MISSING
        && let Some(mut listed) = histories.next().await?
    {
        listed.retain(ListedTransaction::may_have_events);
        for entry in missing_among(store, source, listed).await? {
            missing.insert((entry.slot, entry.signature.into()), entry);
        }
    }
    Ok(Reconciled {
        verified,
        missing: missing.into_values().collect(),
    })
}

/// Waits until the leader has removed transactions from the quarantine, at most for `limit`.
/// Returns those that are still there.
pub async fn await_applied(
    store: &Store,
    keys: &[QuarantineKey],
    limit: Duration,
) -> Result<Vec<QuarantinedTransaction>, IndexerError> {
    let keys: HashSet<_> = keys.iter().copied().collect();
    let start = Instant::now();
    loop {
        let mut left = store.quarantined().await?;
        left.retain(|entry| keys.contains(&(entry.slot, entry.signature)));
        if left.is_empty() || start.elapsed() >= limit {
            return Ok(left);
        }
        tokio::time::sleep(LOOK_INTERVAL).await;
    }
}

/// Compares the events of a slot with those of the transactions that the nodes list in it.
pub async fn verify_slot<S: Source>(
    store: &Store,
    source: &Arc<S>,
    program: Address,
    slot: Slot,
) -> Result<SlotVerified, IndexerError> {
    let checkpoint = store.checkpoint().await?.map_or(Slot::ZERO, |at| at.slot);
    if slot > checkpoint {
        return Err(IndexerError::SlotNotReached { slot, checkpoint });
    }
    let after = (slot > Slot::ZERO).then(|| slot.previous());
    let listed = match store.first_transaction_after(slot).await? {
        Some(newer) => {
            source
                .list_before_on_all_nodes(&[program], newer, after, slot)
                .await?
        }
        None => source.list_on_all_nodes(&[program], after, slot).await?,
    };
    let mut differences = Vec::new();
    let mut on_chain: BTreeMap<Position, (String, Signature)> = BTreeMap::new();
    for entry in listed.into_iter().filter(ListedTransaction::may_have_events) {
        match fetch(source, &[entry]).await {
            Ok(batch) => on_chain.extend(batch.records.into_iter().map(|record| {
                let event = (record.event.name().to_owned(), entry.signature);
                (record.position, event)
            })),
            Err(error) => differences.push(format!("transaction {}: {error}", entry.signature)),
        }
    }
    let events = on_chain.len();
    for stored in store.events_of_slot(slot).await? {
        let event = (stored.kind, stored.signature);
        match on_chain.remove(&stored.position) {
            Some(found) if found == event => {}
            Some(found) => differences.push(format!(
                "{}: the database has {} of transaction {}, but the chain has {} of transaction {}",
                stored.position, event.0, event.1, found.0, found.1
            )),
            None => differences.push(format!(
                "{}: the chain does not have {} of transaction {}",
                stored.position, event.0, event.1
            )),
        }
    }
    for (position, (kind, signature)) in on_chain {
        differences.push(format!(
            "{position}: the database does not have {kind} of transaction {signature}"
        ));
    }
    Ok(SlotVerified { events, differences })
}
