//! A source that reads the chain from several nodes over JSON-RPC.
//!
//! ```text
//!   list      getSignaturesForAddress, page by page, with minContextSlot: a node that is behind refuses
//!   fetch     getTransaction, many concurrently; the index in the slot from it, else from getBlock
//!   head      getSlot, confirmed and finalized; compared between the nodes
//!   statuses  getSignatureStatuses
//!   accounts  getProgramAccounts
//!
//!   each request: the healthiest node first, the others if it fails, then all again after a back-off;
//!   each node within its own limits
//! ```

mod accounts;
mod head;
mod history;
mod node;
mod statuses;
mod transactions;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bauta_rpc::{CommitmentLevel, ExecutedTransaction, RpcError};
use bauta_store::Slot;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use solana_address::Address;
use solana_signature::Signature;

use crate::chain::{Account, AccountFilter, Head, ListedTransaction, Source, Transaction, TransactionStatus};
use crate::{Inconsistency, SourceError};
use head::HeadAgreement;
use node::Node;

pub use node::NodeSettings;

/// The number of transactions that are fetched concurrently over all nodes. Each node's own limit
/// applies as well.
const CONCURRENT_FETCHES: usize = 32;
/// How often a request is sent to all nodes in turn before it fails.
const MAX_ROUNDS: usize = 3;

/// The context of a JSON-RPC response.
#[derive(Deserialize)]
struct ContextJson {
    /// The slot at which the node read the value.
    slot: u64,
}

/// Reads the history and the accounts of one program from several nodes.
pub struct RpcSource {
    nodes: Vec<Arc<Node>>,
    program: Address,
    agreement: Arc<HeadAgreement>,
}

impl RpcSource {
    /// Creates a source for a program. The first node is preferred. Does not connect.
    pub fn new(program: Address, nodes: &[NodeSettings]) -> Result<Self, SourceError> {
        let nodes = nodes.iter().map(|settings| Node::new(settings).map(Arc::new));
        let nodes = nodes.collect::<Result<Vec<_>, _>>();
        let nodes = nodes.map_err(|error| SourceError::InvalidNode {
            reason: error.to_string(),
        })?;
        if nodes.is_empty() {
            return Err(SourceError::InvalidNode {
                reason: "no node is configured; add at least one URL".into(),
            });
        }
        Ok(Self {
            nodes,
            program,
            agreement: Arc::default(),
        })
    }

    /// Sends a request to the healthiest node, and to the others if it fails. If all nodes fail,
    /// repeats this after a back-off.
    async fn try_nodes<T, F>(
        &self,
        what: &'static str,
        request: impl Fn(Arc<Node>) -> F + Send + Sync,
    ) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, RpcError>> + Send,
    {
        let round = || async {
            let mut nodes = self.nodes.clone();
            // The sort is stable: nodes with equal health stay in the order of the configuration.
            nodes.sort_by_key(|node| node.failures());
            let mut reason = String::new();
            for node in nodes {
                match request(Arc::clone(&node)).await {
                    Ok(response) => return Ok(response),
                    Err(error) => reason = error.to_string(),
                }
            }
            Err(SourceError::Unavailable { what, reason })
        };
        let backoff = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(MAX_ROUNDS - 1)
            .with_jitter();
        round.retry(backoff).await
    }

    /// Returns the index of each transaction in the block of a slot.
    async fn block_indices(&self, slot: Slot) -> Result<HashMap<Signature, u32>, SourceError> {
        self.try_nodes("a block", move |node| async move {
            const METHOD: &str = "getBlock";
            let block = node
                .request(METHOD, node.rpc().block(slot.get(), CommitmentLevel::Confirmed))
                .await?;
            let block = block.ok_or_else(|| {
                node.invalid_response(
                    METHOD,
                    format!("slot {slot} has no block, but a transaction is listed in it"),
                )
            })?;
            Ok(block.signatures.into_iter().zip(0..).collect())
        })
        .await
    }

    /// Fetches a listed transaction. A node whose transaction differs from the list counts as
    /// failed.
    async fn transaction(
        &self,
        listed: ListedTransaction,
    ) -> Result<(ExecutedTransaction, ListedTransaction), SourceError> {
        let signature = listed.signature;
        let transaction = self
            .try_nodes("a transaction", move |node| async move {
                const METHOD: &str = "getTransaction";
                let transaction = node
                    .request(
                        METHOD,
                        node.rpc().transaction(&signature, CommitmentLevel::Confirmed),
                    )
                    .await?
                    .ok_or_else(|| {
                        node.invalid_response(METHOD, format!("{signature} is listed, but it is unknown"))
                    })?;
                if transaction.signature != signature {
                    let reason = format!("{} was returned for {signature}", transaction.signature);
                    return Err(node.invalid_response(METHOD, reason));
                }
                if Slot::new(transaction.slot) != listed.slot {
                    let reason = format!(
                        "{signature} is in slot {}, but it is listed in slot {}",
                        transaction.slot, listed.slot
                    );
                    return Err(node.invalid_response(METHOD, reason));
                }
                Ok(transaction)
            })
            .await?;
        Ok((transaction, listed))
    }
}

impl Source for RpcSource {
    async fn head(&self, at_least: Slot) -> Result<Head, SourceError> {
        let preferred = self.try_nodes("the newest slot", head::read).await?;
        if self.nodes.len() == 1 {
            return Ok(preferred);
        }
        head::choose(&self.nodes, &self.agreement, preferred, at_least).await
    }

    async fn list(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        let addresses: Arc<[Address]> = addresses.into();
        let listed = self.try_nodes("the history", move |node| {
            let addresses = Arc::clone(&addresses);
            async move { history::read(&node, &addresses, after, until).await }
        });
        Ok(history::merge(listed.await?))
    }

    async fn list_on_all_nodes(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        let mut listed = self.list(addresses, after, until).await?;
        if self.nodes.len() > 1 {
            for node in &self.nodes {
                // A node that fails contributes nothing.
                listed.extend(
                    history::read(node, addresses, after, until)
                        .await
                        .unwrap_or_default(),
                );
            }
        }
        Ok(history::merge(listed))
    }

    async fn fetch(&self, listed: &[ListedTransaction]) -> Result<Vec<Transaction>, SourceError> {
        let transactions: Vec<(ExecutedTransaction, ListedTransaction)> =
            stream::iter(listed.iter().copied())
                .map(|entry| self.transaction(entry))
                .buffered(CONCURRENT_FETCHES)
                .try_collect()
                .await?;
        let slots_without_index: HashSet<Slot> = transactions
            .iter()
            .filter(|(transaction, _)| transaction.index.is_none())
            .map(|(_, entry)| entry.slot)
            .collect();
        let indices: HashMap<Slot, HashMap<Signature, u32>> = stream::iter(slots_without_index)
            .map(|slot| async move { Ok::<_, SourceError>((slot, self.block_indices(slot).await?)) })
            .buffer_unordered(CONCURRENT_FETCHES)
            .try_collect()
            .await?;
        transactions
            .into_iter()
            .map(|(transaction, entry)| {
                let index = transaction
                    .index
                    .or_else(|| indices.get(&entry.slot)?.get(&entry.signature).copied())
                    .ok_or(SourceError::Inconsistent {
                        signature: entry.signature,
                        slot: entry.slot,
                        inconsistency: Inconsistency::NotInBlock,
                    })?;
                Ok(transactions::convert(transaction, index))
            })
            .collect()
    }

    async fn statuses(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> Result<Vec<Option<TransactionStatus>>, SourceError> {
        let signatures: Arc<[Signature]> = signatures.into();
        self.try_nodes("the statuses of transactions", move |node| {
            let signatures = Arc::clone(&signatures);
            async move { statuses::read(&node, &signatures, at_least).await }
        })
        .await
    }

    async fn statuses_on_all_nodes(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> Result<Vec<Option<TransactionStatus>>, SourceError> {
        let mut known = self.statuses(signatures, at_least).await?;
        for node in &self.nodes {
            // A node that fails contributes nothing.
            let statuses = statuses::read(node, signatures, at_least)
                .await
                .unwrap_or_default();
            for (known, status) in known.iter_mut().zip(statuses) {
                *known = known.or(status);
            }
        }
        Ok(known)
    }

    async fn accounts(&self, filter: &AccountFilter) -> Result<(Slot, Vec<Account>), SourceError> {
        let params = accounts::params(self.program, filter);
        self.try_nodes("the program's accounts", move |node| {
            let params = params.clone();
            async move { accounts::read(&node, &params).await }
        })
        .await
    }
}
