//! Reads the histories of addresses on all nodes, page by page, so that a long history does not
//! have to fit into memory.

use std::time::{Duration, Instant};

use bauta_store::Slot;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use solana_address::Address;
use solana_signature::Signature;

use crate::SourceError;
use crate::chain::{ListedTransaction, Source};

/// How long the other nodes are awaited, at least, when one has returned a page.
const GRACE: Duration = Duration::from_secs(2);

/// The histories of some addresses, one address after the other. Of each node one page is read at a
/// time. A node that fails, or that is much later than another one, is not used again.
pub struct Histories<'a, S> {
    source: &'a S,
    addresses: std::slice::Iter<'a, Address>,
    address: Option<&'a Address>,
    /// The transaction before which the histories begin. It can name other addresses.
    newer: Option<Signature>,
    after: Option<Slot>,
    until: Slot,
    nodes: Vec<NodePosition>,
}

/// How far the history of one address has been read on one node.
struct NodePosition {
    node: usize,
    before: Option<Signature>,
    is_at_beginning: bool,
    is_complete: bool,
}

impl<'a, S: Source> Histories<'a, S> {
    /// Creates a reader of the slots after `after` up to `until`. The histories begin before the
    /// transaction `newer`, if it is given.
    pub fn new(
        source: &'a S,
        addresses: &'a [Address],
        newer: Option<Signature>,
        after: Option<Slot>,
        until: Slot,
    ) -> Self {
        let nodes = (0..source.histories().len()).map(|node| NodePosition {
            node,
            before: None,
            is_at_beginning: true,
            is_complete: true,
        });
        Self {
            source,
            addresses: addresses.iter(),
            address: None,
            newer,
            after,
            until,
            nodes: nodes.collect(),
        }
    }

    /// Returns the next page of each node, merged. Returns `None` at the end of all histories.
    /// Fails if no node is left.
    pub async fn next(&mut self) -> Result<Option<Vec<ListedTransaction>>, SourceError> {
        if self.nodes.iter().all(|node| node.is_complete) {
            self.address = self.addresses.next();
            for node in &mut self.nodes {
                node.before = self.newer;
                node.is_at_beginning = true;
                node.is_complete = false;
            }
        }
        let Some(address) = self.address else {
            return Ok(None);
        };
        let start = Instant::now();
        let mut running: FuturesUnordered<_> = self
            .nodes
            .iter()
            .filter(|position| !position.is_complete)
            .map(|position| {
                let (source, node) = (self.source, position.node);
                let page = source.history_page(node, address, position.before, self.after, self.until);
                async move { (node, page.await) }
            })
            .collect();
        let mut pages = Vec::new();
        let mut last_error = None;
        let mut until: Option<tokio::time::Instant> = None;
        loop {
            let next = match until {
                None => running.next().await,
                Some(until) => tokio::time::timeout_at(until, running.next())
                    .await
                    .unwrap_or_default(),
            };
            match next {
                None => break,
                Some((_, Err(error))) => last_error = Some(error),
                Some((node, Ok(page))) => {
                    pages.push((node, page));
                    let grace = GRACE.max(start.elapsed() * 2);
                    until.get_or_insert_with(|| tokio::time::Instant::now() + grace);
                }
            }
        }
        drop(running);
        let mut listed = Vec::new();
        self.nodes.retain_mut(|position| {
            if position.is_complete {
                return true;
            }
            let Some(index) = pages.iter().position(|(node, _)| *node == position.node) else {
                return false;
            };
            let (_, page) = pages.swap_remove(index);
            let is_empty = page.next.is_none() && page.listed.is_empty();
            if position.is_at_beginning && position.before.is_some() && is_empty {
                // The node may not know the transaction `newer`. An empty page is then not the end.
                position.before = None;
            } else {
                position.before = page.next.map(|end| end.signature);
                position.is_complete = page.next.is_none();
            }
            position.is_at_beginning = false;
            listed.extend(page.listed);
            true
        });
        if self.nodes.is_empty() {
            return Err(last_error.unwrap_or(SourceError::Cancelled));
        }
        Ok(Some(ListedTransaction::merge(listed)))
    }
}
