//! Reads the lists of transactions of addresses (`getSignaturesForAddress`).

use bauta_rpc::{CommitmentLevel, Page, RpcError};
use bauta_store::Slot;
use solana_address::Address;
use solana_signature::Signature;

use super::node::Node;
use super::transactions::refused_reuse;
use crate::chain::{HistoryPage, ListedTransaction, PageEnd};

pub const METHOD: &str = "getSignaturesForAddress";
pub const METHOD_OF_RETENTION: &str = "getFirstAvailableBlock";
/// The size of the first page of a list. Usually only a few transactions are new, and a longer page
/// would contain the same old transactions each time.
const FIRST_PAGE_SIZE: u16 = 100;
/// The size of the other pages, which is the largest that a node allows.
pub const PAGE_SIZE: u16 = 1_000;

/// Returns what one node lists for some addresses, in the slots after `after` up to `until`. Lists
/// of several addresses follow each other, so a transaction can be contained more than once. The
/// lists begin before the transaction `newer`, if it is given. It can name other addresses.
///
/// Fails if they have more than [`Node::max_listed`] entries. A node can list entries that do not
/// exist without an end.
pub async fn read(
    node: &Node,
    addresses: &[Address],
    newer: Option<Signature>,
    after: Option<Slot>,
    until: Slot,
) -> Result<Vec<ListedTransaction>, RpcError> {
    let mut listed = Vec::new();
    for address in addresses {
        read_pages(node, address, newer, after, until, &mut listed).await?;
    }
    Ok(listed)
}

/// Adds what one node lists for one address, newest first.
async fn read_pages(
    node: &Node,
    address: &Address,
    newer: Option<Signature>,
    after: Option<Slot>,
    until: Slot,
    listed: &mut Vec<ListedTransaction>,
) -> Result<(), RpcError> {
    let (mut before, mut limit) = (newer, FIRST_PAGE_SIZE);
    loop {
        let request = PageRequest {
            address,
            before,
            limit,
            after,
            until,
        };
        let page = read_page(node, request).await?;
        if newer.is_some() && before == newer && page.next.is_none() && page.listed.is_empty() {
            // The node may not know the transaction. Its empty page then says nothing.
            before = None;
            continue;
        }
        listed.extend(page.listed);
        if listed.len() > node.max_listed {
            let error = RpcError::ResponseTooLong {
                method: METHOD,
                limit: node.max_listed * size_of::<ListedTransaction>(),
            };
            tracing::error!(
                event = "list_too_long",
                node = node.rpc().host(),
                entries = listed.len()
            );
            node.record_failure(METHOD, &error);
            return Err(error);
        }
        let Some(end) = page.next else { return Ok(()) };
        (before, limit) = (Some(end.signature), PAGE_SIZE);
    }
}

/// A request for a page of the history of an address.
#[derive(Clone, Copy)]
pub struct PageRequest<'a> {
    pub address: &'a Address,
    /// The transaction before which the page begins. `None` means the newest.
    pub before: Option<Signature>,
    /// The largest number of transactions.
    pub limit: u16,
    /// The slot after which transactions are listed. `None` means the beginning of the chain.
    pub after: Option<Slot>,
    /// The last slot.
    pub until: Slot,
}

/// Returns a page of what one node lists for one address, newest first.
///
/// An empty page is not the end of the list by itself. It is requested again. If it is empty again,
/// and the node does not have the blocks after `after` any more, the node is not used. Without
/// `after` the caller compares the node's first slot with what other nodes list.
pub async fn read_page(node: &Node, request: PageRequest<'_>) -> Result<HistoryPage, RpcError> {
    let PageRequest {
        address,
        before,
        limit,
        after,
        until,
    } = request;
    let page = Page {
        before,
        until: None,
        limit: Some(limit),
        min_context_slot: Some(until.get()),
    };
    let is_after = |slot: Slot| after.is_none_or(|after| slot > after);
    let request = || {
        node.rpc()
            .signatures_for(address, &page, CommitmentLevel::Confirmed)
    };
    let mut entries = node.request(METHOD, request()).await?;
    if entries.is_empty() {
        entries = node.request(METHOD, request()).await?;
    }
    let first_slot = if entries.is_empty() {
        first_slot(node).await
    } else {
        None
    };
    if let (Some(first), Some(after)) = (first_slot, after)
        && first > after.saturating_add(1)
    {
        return Err(node.invalid_response(
            METHOD_OF_RETENTION,
            format!("the node has no blocks before slot {first}, but the slots after {after} are needed"),
        ));
    }
    let listed = entries.iter().map(|entry| ListedTransaction {
        slot: Slot::new(entry.slot),
        signature: entry.signature,
        succeeded: entry.error.is_none(),
        is_refused_reuse: refused_reuse(entry.error.as_ref()).is_some(),
    });
    let listed = listed.filter(|entry| entry.slot <= until && is_after(entry.slot));
    // A short page is not the end of the list: a node also omits transactions from its pages.
    let last = entries.last().map(|last| PageEnd {
        signature: last.signature,
        slot: Slot::new(last.slot),
    });
    if before.is_some() && last.map(|last| last.signature) == before {
        return Err(node.invalid_response(METHOD, "the same page was returned twice"));
    }
    Ok(HistoryPage {
        listed: listed.collect(),
        next: last.filter(|last| is_after(last.slot)),
        first_slot,
    })
}

/// Returns the first slot whose block the node has. `None` if the node does not answer this
/// request.
pub async fn first_slot(node: &Node) -> Option<Slot> {
    let first = node.request(METHOD_OF_RETENTION, node.rpc().first_available_block());
    first.await.ok().map(Slot::new)
}
