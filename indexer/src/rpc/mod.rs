//! Nodes' JSON-RPC as a source.
//!
//! ```text
//!   list    getSignaturesForAddress, page after page, with minContextSlot: a node that is behind refuses
//!   fetch   getTransaction, many at once; the place in the slot from it, else from getBlock's signatures
//!   head    getSlot, confirmed and finalized        statuses  getSignatureStatuses        accounts  getProgramAccounts
//!
//!   each through: the healthiest node first, the others when it fails (backon), each within its own limits;
//!   how far the chain is, is compared between them (heads)
//! ```

mod accounts;
mod heads;
mod node;

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use bauta::errors::BautaError;
use bauta_rpc::{Commitment, Page, Record, RpcError};
use bauta_store::Slot;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;
use serde_json::json;
use solana_address::Address;
use solana_instruction::error::InstructionError;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;

use crate::SourceError;
use crate::chain::{Account, AccountFilter, Call, Head, InnerCall, Listed, Source, Status, Transaction};
use heads::Heads;
use node::Node;

pub use node::NodeSettings;

/// Entries of a list's first page: what is new since the last look is few, and a longer page would be old entries again and again.
const FIRST_PAGE: u16 = 100;
/// Entries of the pages after it: the most that a node gives.
const PAGE: u16 = 1_000;
/// Transactions asked for at once, over all nodes; each node's own limit holds beside it.
const FETCHES: usize = 32;
/// Rounds over all nodes before a request fails.
const ROUNDS: usize = 3;

/// Nodes' history of one program.
pub struct RpcSource {
    nodes: Vec<Arc<Node>>,
    program: Address,
    heads: Arc<Heads>,
}

impl RpcSource {
    /// Of the program, from these nodes, the preferred one first. Asks nothing yet.
    pub fn new(program: Address, nodes: &[NodeSettings]) -> Result<Self, SourceError> {
        let nodes = nodes.iter().map(|settings| Node::new(settings).map(Arc::new));
        let nodes = nodes.collect::<Result<Vec<_>, _>>();
        let nodes = nodes.map_err(|error| SourceError::Node {
            reason: error.to_string(),
        })?;
        if nodes.is_empty() {
            return Err(SourceError::Node {
                reason: "there is none; at least one URL is needed".into(),
            });
        }
        Ok(Self {
            nodes,
            program,
            heads: Arc::default(),
        })
    }

    /// Asks the healthiest node, then the others, then again after a while.
    async fn any<T, F>(
        &self,
        what: &'static str,
        ask: impl Fn(Arc<Node>) -> F + Send + Sync,
    ) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, RpcError>> + Send,
    {
        let round = || async {
            let mut nodes = self.nodes.clone();
            // stable: among equals the order of the configuration
            nodes.sort_by_key(|node| node.failures());
            let mut reason = String::new();
            for node in nodes {
                match ask(Arc::clone(&node)).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => reason = error.to_string(),
                }
            }
            Err(SourceError::Nodes { what, reason })
        };
        let pauses = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(2))
            .with_max_times(ROUNDS - 1)
            .with_jitter();
        round.retry(pauses).await
    }

    /// The place of each of a slot's transactions.
    async fn places(&self, slot: Slot) -> Result<HashMap<Signature, u32>, SourceError> {
        self.any("a block", move |node| async move {
            const METHOD: &str = "getBlock";
            let block = node
                .ask(METHOD, node.rpc().block(slot.get(), Commitment::Confirmed))
                .await?;
            let block = block.ok_or_else(|| {
                node.contradiction(METHOD, format!("no block at slot {slot}, where a transaction is"))
            })?;
            Ok(block.signatures.into_iter().zip(0..).collect())
        })
        .await
    }

    async fn transaction(&self, listed: Listed) -> Result<(Record, Listed), SourceError> {
        let asked = listed.signature;
        let record = self
            .any("a transaction", move |node| async move {
                const METHOD: &str = "getTransaction";
                let record = node
                    .ask(METHOD, node.rpc().transaction(&asked, Commitment::Confirmed))
                    .await?;
                let record = record
                    .ok_or_else(|| node.contradiction(METHOD, format!("{asked}, listed, is not there")))?;
                if record.signature != asked {
                    return Err(node.contradiction(METHOD, format!("{} for {asked}", record.signature)));
                }
                if Slot::new(record.slot) != listed.slot {
                    let reason = format!("{asked} is in slot {}, listed in {}", record.slot, listed.slot);
                    return Err(node.contradiction(METHOD, reason));
                }
                Ok(record)
            })
            .await?;
        Ok((record, listed))
    }
}

/// One node's list for one address, newest first, down to `after`.
async fn pages(
    node: &Node,
    address: Address,
    after: Option<Slot>,
    until: Slot,
) -> Result<Vec<Listed>, RpcError> {
    const METHOD: &str = "getSignaturesForAddress";
    let mut page = Page {
        limit: Some(FIRST_PAGE),
        min_context_slot: Some(until.get()),
        ..Page::default()
    };
    let mut listed = Vec::new();
    loop {
        let request = node.rpc().signatures_for(&address, &page, Commitment::Confirmed);
        let entries = node.ask(METHOD, request).await?;
        let is_asked_for = |slot: Slot| slot <= until && after.is_none_or(|after| slot > after);
        listed.extend(
            entries
                .iter()
                .filter(|entry| is_asked_for(Slot::new(entry.slot)))
                .map(|entry| Listed {
                    slot: Slot::new(entry.slot),
                    signature: entry.signature,
                    succeeded: entry.error.is_none(),
                    is_reuse: reuse(entry.error.as_ref()).is_some(),
                }),
        );
        // a short page is not the end: what a node hides is missing from its pages too
        let Some(last) = entries
            .last()
            .filter(|last| after.is_none_or(|after| Slot::new(last.slot) > after))
        else {
            return Ok(listed);
        };
        if page.before == Some(last.signature) {
            return Err(node.contradiction(METHOD, "the same page comes again"));
        }
        page.before = Some(last.signature);
        page.limit = Some(PAGE);
    }
}

async fn pages_of(
    node: &Node,
    addresses: &[Address],
    after: Option<Slot>,
    until: Slot,
) -> Result<Vec<Listed>, RpcError> {
    let mut listed = Vec::new();
    for address in addresses {
        listed.extend(pages(node, *address, after, until).await?);
    }
    Ok(listed)
}

/// Each transaction once, by slot.
fn merged(mut listed: Vec<Listed>) -> Vec<Listed> {
    let mut seen = HashSet::new();
    listed.retain(|entry| seen.insert(entry.signature));
    listed.sort_by_key(|entry| entry.slot);
    listed
}

/// Which instruction failed with the program's code for a nullifier that has been used.
fn reuse(error: Option<&TransactionError>) -> Option<u32> {
    match error {
        Some(TransactionError::InstructionError(index, InstructionError::Custom(code)))
            if *code == u32::from(BautaError::NullifierUsed) =>
        {
            Some(u32::from(*index))
        }
        _ => None,
    }
}

fn call(call: bauta_rpc::Call) -> Call {
    Call {
        program: call.program,
        accounts: call.accounts,
        data: call.data,
    }
}

fn transaction(record: Record, place: u32) -> Transaction {
    let narrow = |index: usize| u32::try_from(index).unwrap_or(u32::MAX);
    let inner = record.inner.into_iter().map(|inner| {
        let called = call(inner.call);
        InnerCall {
            instruction: narrow(inner.outer),
            position: narrow(inner.position),
            program: called.program,
            accounts: called.accounts,
            data: called.data,
        }
    });
    Transaction {
        slot: Slot::new(record.slot),
        index: place,
        signature: record.signature,
        succeeded: record.error.is_none(),
        reuse: reuse(record.error.as_ref()),
        time: record.block_time,
        calls: record.calls.into_iter().map(call).collect(),
        inner: inner.collect(),
    }
}

/// What one node knows about signatures.
async fn statuses_of(
    node: &Node,
    signatures: &[Signature],
    at_least: Slot,
) -> Result<Vec<Option<Status>>, RpcError> {
    const METHOD: &str = "getSignatureStatuses";
    let texts: Vec<String> = signatures.iter().map(Signature::to_string).collect();
    let params = json!([texts, { "searchTransactionHistory": true }]);
    let answer: Statuses = node.ask(METHOD, node.rpc().call(METHOD, &params)).await?;
    if Slot::new(answer.context.slot) < at_least {
        let reason = format!("it is at slot {} where {at_least} is needed", answer.context.slot);
        return Err(node.contradiction(METHOD, reason));
    }
    if answer.value.len() != signatures.len() {
        let reason = format!("{} for {} signatures", answer.value.len(), signatures.len());
        return Err(node.contradiction(METHOD, reason));
    }
    let status = |entry: StatusEntry| Status {
        slot: Slot::new(entry.slot),
        succeeded: entry.err.is_none(),
        finalized: entry.confirmation_status.as_deref() == Some("finalized"),
    };
    Ok(answer.value.into_iter().map(|entry| entry.map(status)).collect())
}

/// `getSignatureStatuses` with its context.
#[derive(Deserialize)]
struct Statuses {
    context: Context,
    value: Vec<Option<StatusEntry>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusEntry {
    slot: u64,
    err: Option<serde_json::Value>,
    confirmation_status: Option<String>,
}

#[derive(Deserialize)]
struct Context {
    slot: u64,
}

impl Source for RpcSource {
    async fn head(&self, at_least: Slot) -> Result<Head, SourceError> {
        let first = self.any("its newest slot", heads::of).await?;
        if self.nodes.len() == 1 {
            return Ok(first);
        }
        heads::choose(&self.nodes, &self.heads, first, at_least).await
    }

    async fn list(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<Listed>, SourceError> {
        let addresses: Arc<[Address]> = addresses.into();
        let listed = self.any("its history", move |node| {
            let addresses = Arc::clone(&addresses);
            async move { pages_of(&node, &addresses, after, until).await }
        });
        Ok(merged(listed.await?))
    }

    async fn list_everywhere(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<Listed>, SourceError> {
        let mut listed = self.list(addresses, after, until).await?;
        if self.nodes.len() > 1 {
            for node in &self.nodes {
                // one that doesn't answer knows nothing that another one hides
                listed.extend(pages_of(node, addresses, after, until).await.unwrap_or_default());
            }
        }
        Ok(merged(listed))
    }

    async fn fetch(&self, listed: &[Listed]) -> Result<Vec<Transaction>, SourceError> {
        let records: Vec<(Record, Listed)> = stream::iter(listed.iter().copied())
            .map(|entry| self.transaction(entry))
            .buffered(FETCHES)
            .try_collect()
            .await?;
        let unplaced: HashSet<Slot> = records
            .iter()
            .filter(|(record, _)| record.index.is_none())
            .map(|(record, _)| Slot::new(record.slot))
            .collect();
        let places: HashMap<Slot, HashMap<Signature, u32>> = stream::iter(unplaced)
            .map(|slot| async move { Ok::<_, SourceError>((slot, self.places(slot).await?)) })
            .buffer_unordered(FETCHES)
            .try_collect()
            .await?;
        records
            .into_iter()
            .map(|(record, entry)| {
                let place = record
                    .index
                    .or_else(|| places.get(&entry.slot)?.get(&entry.signature).copied());
                let place = place.ok_or(SourceError::Inconsistent {
                    signature: entry.signature,
                    slot: entry.slot,
                    what: "is not in that slot's block",
                })?;
                Ok(transaction(record, place))
            })
            .collect()
    }

    async fn statuses(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> Result<Vec<Option<Status>>, SourceError> {
        let signatures: Arc<[Signature]> = signatures.into();
        self.any("signatures' statuses", move |node| {
            let signatures = Arc::clone(&signatures);
            async move { statuses_of(&node, &signatures, at_least).await }
        })
        .await
    }

    async fn statuses_everywhere(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> Result<Vec<Option<Status>>, SourceError> {
        let mut known = self.statuses(signatures, at_least).await?;
        for node in &self.nodes {
            // one that doesn't answer knows nothing that another one doesn't
            let answer = statuses_of(node, signatures, at_least).await.unwrap_or_default();
            for (known, found) in known.iter_mut().zip(answer) {
                *known = known.or(found);
            }
        }
        Ok(known)
    }

    async fn accounts(&self, filter: &AccountFilter) -> Result<(Slot, Vec<Account>), SourceError> {
        let params = accounts::params(self.program, filter);
        self.any("the program's accounts", move |node| {
            let params = params.clone();
            async move { accounts::of(&node, &params).await }
        })
        .await
    }
}
