//! Reads the lists of transactions of addresses (`getSignaturesForAddress`).

use std::collections::HashSet;

use bauta_rpc::{CommitmentLevel, Page, RpcError};
use bauta_store::Slot;
use solana_address::Address;

use super::node::Node;
use super::transactions::refused_reuse;
use crate::chain::ListedTransaction;

pub const METHOD: &str = "getSignaturesForAddress";
/// The size of the first page of a list. Usually only a few transactions are new, and a longer page
/// would contain the same old transactions each time.
const FIRST_PAGE_SIZE: u16 = 100;
/// The size of the other pages, which is the largest that a node allows.
const PAGE_SIZE: u16 = 1_000;

/// Returns what one node lists for some addresses, in the slots after `after` up to `until`. Lists
/// of several addresses follow each other, so a transaction can be contained more than once.
pub async fn read(
    node: &Node,
    addresses: &[Address],
    after: Option<Slot>,
    until: Slot,
) -> Result<Vec<ListedTransaction>, RpcError> {
    let mut listed = Vec::new();
    for address in addresses {
        listed.extend(read_pages(node, address, after, until).await?);
    }
    Ok(listed)
}

/// Returns what one node lists for one address, newest first.
///
/// An empty page is not the end of the list by itself. It is requested again. If it is empty again,
/// and the node does not have the blocks after `after` any more, the node is not used.
async fn read_pages(
    node: &Node,
    address: &Address,
    after: Option<Slot>,
    until: Slot,
) -> Result<Vec<ListedTransaction>, RpcError> {
    let mut page = Page {
        limit: Some(FIRST_PAGE_SIZE),
        min_context_slot: Some(until.get()),
        ..Page::default()
    };
    let is_after = |slot: Slot| after.is_none_or(|after| slot > after);
    let mut listed = Vec::new();
    loop {
        let request = node
            .rpc()
            .signatures_for(address, &page, CommitmentLevel::Confirmed);
        let mut entries = node.request(METHOD, request).await?;
        if entries.is_empty() {
            let again = node
                .rpc()
                .signatures_for(address, &page, CommitmentLevel::Confirmed);
            entries = node.request(METHOD, again).await?;
        }
        if entries.is_empty()
            && let Some(after) = after
        {
            require_retention(node, after).await?;
        }
        listed.extend(
            entries
                .iter()
                .map(|entry| ListedTransaction {
                    slot: Slot::new(entry.slot),
                    signature: entry.signature,
                    succeeded: entry.error.is_none(),
                    is_refused_reuse: refused_reuse(entry.error.as_ref()).is_some(),
                })
                .filter(|entry| entry.slot <= until && is_after(entry.slot)),
        );
        // A short page is not the end of the list: a node also omits transactions from its pages.
        let Some(last) = entries.last().filter(|last| is_after(Slot::new(last.slot))) else {
            return Ok(listed);
        };
        if page.before == Some(last.signature) {
            return Err(node.invalid_response(METHOD, "the same page was returned twice"));
        }
        page.before = Some(last.signature);
        page.limit = Some(PAGE_SIZE);
    }
}

/// Fails if the node no longer has the block after a slot. A node that does not answer this request
/// is used.
async fn require_retention(node: &Node, after: Slot) -> Result<(), RpcError> {
    const METHOD: &str = "getFirstAvailableBlock";
    let first = node.request(METHOD, node.rpc().first_available_block()).await;
    match first {
        Ok(first) if first > after.get().saturating_add(1) => Err(node.invalid_response(
            METHOD,
            format!("the node has no blocks before slot {first}, but the slots after {after} are needed"),
        )),
        _ => Ok(()),
    }
}

/// Removes duplicates, and orders the list by slot.
pub fn merge(mut listed: Vec<ListedTransaction>) -> Vec<ListedTransaction> {
    let mut seen = HashSet::new();
    listed.retain(|entry| seen.insert(entry.signature));
    listed.sort_by_key(|entry| entry.slot);
    listed
}
