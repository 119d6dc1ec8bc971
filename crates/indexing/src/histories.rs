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

/// How long a node may still deliver pages of an address when another one has delivered the whole
/// history, at least. It is also ten times as long as the other one took.
const PATIENCE: Duration = Duration::from_mins(1);
/// How many times as long as the first complete history the others may take.
const MAX_WAIT_FACTOR: u32 = 10;

/// The histories of some addresses, one address after the other. Of each node one page is read at a
/// time. A node that fails, or that is much later than another one, is not used again. A node can
/// deliver pages without an end: when the history of another one is complete, it has a limited time.
pub struct Histories<'a, S> {
    source: &'a S,
    addresses: std::slice::Iter<'a, Address>,
    address: Option<&'a Address>,
    /// The transaction before which the histories begin. It can name other addresses.
    newer: Option<Signature>,
    after: Option<Slot>,
    until: Slot,
    nodes: Vec<NodePosition>,
    /// When the reading of the present address began.
    start: Instant,
    /// When the first history of the present address was complete, and how long that took.
    first_complete: Option<(Instant, Duration)>,
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
            start: Instant::now(),
            first_complete: None,
        }
    }

    /// Returns the next page of each node, merged. Returns `None` at the end of all histories.
    /// Fails if no node is left.
    pub async fn next(&mut self) -> Result<Option<Vec<ListedTransaction>>, SourceError> {
        if self.nodes.iter().all(|node| node.is_complete) {
            self.address = self.addresses.next();
            (self.start, self.first_complete) = (Instant::now(), None);
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
        self.limit_time();
        if self.nodes.is_empty() {
            return Err(last_error.unwrap_or(SourceError::Cancelled));
        }
        Ok(Some(ListedTransaction::merge(listed)))
    }
}

impl<S> Histories<'_, S> {
    /// Ends the histories that take much longer than the first complete one.
    fn limit_time(&mut self) {
        if !self.nodes.iter().any(|node| node.is_complete) {
            return;
        }
        let took = self.start.elapsed();
        let (since, took) = *self.first_complete.get_or_insert((Instant::now(), took));
        if since.elapsed() >= took.saturating_mul(MAX_WAIT_FACTOR).max(PATIENCE) {
            for node in &mut self.nodes {
                node.is_complete = true;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_delivers_a_history_without_an_end_is_awaited_for_a_limited_time() {
        let node = |node, is_complete| NodePosition {
            node,
            before: None,
            is_at_beginning: false,
            is_complete,
        };
        let ago = |time: Duration| Instant::now().checked_sub(time).unwrap();
        let mut histories = Histories {
            source: &(),
            addresses: [].iter(),
            address: None,
            newer: None,
            after: None,
            until: Slot::MAX,
            nodes: vec![node(0, false), node(1, false)],
            start: ago(PATIENCE * 20),
            first_complete: None,
        };
        let complete = |histories: &Histories<'_, ()>| -> Vec<bool> {
            histories.nodes.iter().map(|node| node.is_complete).collect()
        };
        // No history is complete yet.
        histories.limit_time();
        assert_eq!(complete(&histories), [false, false]);
        histories.nodes[1].is_complete = true;
        histories.start = ago(Duration::from_secs(1));
        histories.limit_time();
        assert_eq!(complete(&histories), [false, true]);
        let took = Duration::from_secs(12);
        for (waited, is_complete) in [(60, false), (119, false), (120, true)] {
            histories.first_complete = Some((ago(Duration::from_secs(waited)), took));
            histories.limit_time();
            assert_eq!(complete(&histories), [is_complete, true], "{waited}");
        }
    }
}
