//! Fetches listed transactions: several with one request where a node accepts that, and each by
//! itself from another node where the answer is not as listed.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bauta_rpc::{CommitmentLevel, ExecutedInstruction, ExecutedTransaction, InnerInstruction, RpcError};
use bauta_store::Slot;
use futures_util::{StreamExt, TryStreamExt, stream};
use solana_signature::Signature;

use super::node::Node;
use super::{ALL_NODES_GRACE, PATIENCE, RpcSource, history, statuses, transactions};
use crate::chain::{Answers, ListedTransaction, Source, Transaction, TransactionStatus, VersionDigest};
use crate::{Inconsistency, SourceError, decode};

/// The number of transactions that are fetched concurrently over all nodes. Each node's own limit
/// applies as well.
const CONCURRENT_FETCHES: usize = 32;
/// The largest number of transactions that are requested with one request.
const MAX_BATCH: usize = 25;
/// How long the answer with several transactions is awaited, from the moment when they are
/// requested, before they are requested one by one.
const BATCH_PATIENCE: Duration = Duration::from_secs(5);
/// How long a transaction is awaited, over all nodes, that only a node lists that is doubted. A node
/// that does not answer must not delay the others with what it invents.
const DOUBTED_PATIENCE: Duration = Duration::from_secs(5);
/// How long a transaction is awaited, over all nodes, that only one of several nodes has listed.
const LISTED_BY_ONE_PATIENCE: Duration = Duration::from_secs(10);
/// How long all of these are awaited that are fetched together.
const ALL_LISTED_BY_ONE_PATIENCE: Duration = Duration::from_secs(20);
/// The number of transactions of one batch that are requested one by one at the same time.
const CONCURRENT_SINGLES: usize = 8;
/// What the errors of requests for a transaction name.
const WHAT: &str = "a transaction";
/// The method that returns a transaction.
const METHOD: &str = "getTransaction";
/// The method that returns a block.
const METHOD_OF_BLOCKS: &str = "getBlock";

impl RpcSource {
    /// Returns a fetched transaction, unless this version of it is refused.
    fn accepted(&self, fetched: FetchedTransaction) -> Option<FetchedTransaction> {
        (!self.refused.contains(&fetched)).then_some(fetched)
    }

    /// Fetches listed transactions, in the order of the list.
    pub(super) async fn fetch_listed(
        &self,
        listed: &[ListedTransaction],
    ) -> Result<Vec<Transaction>, SourceError> {
        let batches: Vec<Vec<ListedTransaction>> = listed
            .chunks(batch_size(listed.len()))
            .map(<[_]>::to_vec)
            .collect();
        let until = Instant::now() + ALL_LISTED_BY_ONE_PATIENCE;
        let fetched: Vec<Vec<FetchedTransaction>> = stream::iter(batches)
            .map(|entries| async move { self.transactions(&entries, until).await })
            .buffered(CONCURRENT_FETCHES)
            .try_collect()
            .await?;
        let keys = listed.iter().map(|entry| (entry.slot, entry.signature));
        self.inventions.record_returned(keys);
        let fetched: Vec<FetchedTransaction> = stream::iter(fetched.into_iter().flatten())
            .map(|fetched| self.with_events_of_any_node(fetched))
            .buffered(CONCURRENT_FETCHES)
            .try_collect()
            .await?;
        let mut without_index: HashMap<Slot, Vec<ListedTransaction>> = HashMap::new();
        for fetched in fetched
            .iter()
            .filter(|fetched| fetched.transaction.index.is_none())
        {
            let listed = fetched.listed;
            without_index.entry(listed.slot).or_default().push(listed);
        }
        let indices: Vec<HashMap<Signature, u32>> = stream::iter(without_index)
            .map(|(slot, listed)| async move { self.indices(slot, &listed).await })
            .buffer_unordered(CONCURRENT_FETCHES)
            .try_collect()
            .await?;
        let indices: HashMap<Signature, u32> = indices.into_iter().flatten().collect();
        fetched
            .into_iter()
            .map(|fetched| {
                let (slot, signature) = (fetched.listed.slot, fetched.listed.signature);
                let index = fetched
                    .transaction
                    .index
                    .or_else(|| indices.get(&signature).copied())
                    .ok_or(SourceError::Inconsistent {
                        signature,
                        slot,
                        inconsistency: Inconsistency::NotInBlock,
                    })?;
                Ok(transactions::convert(
                    fetched.transaction,
                    fetched.inner_instructions,
                    index,
                ))
            })
            .collect()
    }

    /// Returns the indices of transactions in the block of a slot. Nodes can return different blocks,
    /// so each transaction is searched for by itself if no block has all of them.
    async fn indices(
        &self,
        slot: Slot,
        listed: &[ListedTransaction],
    ) -> Result<HashMap<Signature, u32>, SourceError> {
        match self.block_indices(slot, listed).await {
            Err(SourceError::NotReturned { .. }) if listed.len() > 1 => {}
            other => return other,
        }
        let mut indices = HashMap::new();
        for entry in listed {
            indices.extend(self.block_indices(slot, std::slice::from_ref(entry)).await?);
        }
        Ok(indices)
    }

    /// Returns the indices of transactions in the block of a slot, from a node whose block has all of
    /// them. If there is none, the first one counts as not returned.
    async fn block_indices(
        &self,
        slot: Slot,
        listed: &[ListedTransaction],
    ) -> Result<HashMap<Signature, u32>, SourceError> {
        let is_absent = AtomicBool::new(false);
        let absent = &is_absent;
        let indices = self.try_nodes("a block", METHOD_OF_BLOCKS, PATIENCE, move |node| async move {
            let block = node
                .request(
                    METHOD_OF_BLOCKS,
                    node.rpc().block(slot.get(), CommitmentLevel::Confirmed),
                )
                .await?;
            let block = block.ok_or_else(|| {
                node.invalid_response(
                    METHOD_OF_BLOCKS,
                    format!("slot {slot} has no block, but a transaction is listed in it"),
                )
            })?;
            let mut indices: HashMap<Signature, u32> = block.signatures.into_iter().zip(0..).collect();
            indices.retain(|signature, _| listed.iter().any(|entry| entry.signature == *signature));
            if indices.len() < listed.len() {
                absent.store(true, Ordering::Relaxed);
                let reason =
                    format!("the block of slot {slot} lacks a transaction that a node returned from it");
                return Err(node.invalid_response(METHOD_OF_BLOCKS, reason));
            }
            Ok(indices)
        });
        let indices = indices.await;
        match (indices, listed.first()) {
            (Err(error @ SourceError::Unavailable { .. }), Some(first))
                if is_absent.load(Ordering::Relaxed) =>
            {
                Err(SourceError::NotReturned {
                    signature: first.signature,
                    slot,
                    succeeded: first.succeeded,
                    reason: error.to_string(),
                })
            }
            (indices, _) => indices,
        }
    }

    /// Returns a transaction as another node returns it, if it has an event there and none here.
    ///
    /// Nothing else shows that a node has omitted an event. Nodes that fail or are slow get
    /// requests beside the steps, so that transactions without an event delay nothing.
    async fn with_events_of_any_node(
        &self,
        fetched: FetchedTransaction,
    ) -> Result<FetchedTransaction, SourceError> {
        if fetched.transaction.error.is_some() || fetched.has_events() {
            return Ok(fetched);
        }
        let listed = fetched.listed;
        let contradicting = self.second_answers.node_with_events(&listed.signature);
        if let Some(other) = contradicting.filter(|other| !self.inventions.is_left_out(*other)) {
            let answer = tokio::time::timeout(DOUBTED_PATIENCE, answer_of(&self.nodes[other], listed));
            let answer = answer.await.ok().flatten();
            return match answer.and_then(|answer| self.accepted(answer)) {
                Some(answer) if answer.has_events() => Ok(answer),
                // The node contradicts itself.
                Some(_) => {
                    self.second_answers.forget(&listed.signature);
                    Ok(fetched)
                }
                None => Err(SourceError::NotReturned {
                    signature: listed.signature,
                    slot: listed.slot,
                    succeeded: listed.succeeded,
                    reason: "a node returned it with an event, and another one without".into(),
                }),
            };
        }
        let mut is_confirmed = false;
        let others = self.other_nodes(fetched.node);
        for other in others.iter().filter(|node| node.rank(METHOD).is_healthy()) {
            let answer = tokio::time::timeout(PATIENCE, answer_of(other, listed));
            let Ok(answer) = answer.await else {
                other.record_slow();
                continue;
            };
            is_confirmed |= answer.is_some();
            let answer = answer.and_then(|answer| self.accepted(answer));
            if let Some(answer) = answer.filter(FetchedTransaction::has_events) {
                let signature = listed.signature;
                let reason = format!("it has no event of {signature}, but {} has", other.rpc().host());
                let error = self.nodes[fetched.node].invalid_response(METHOD, reason);
                tracing::error!(event = "events_omitted", %error);
                return Ok(answer);
            }
        }
        if !is_confirmed {
            self.request_second_answer(listed, fetched.node);
        }
        Ok(fetched)
    }

    /// Returns the nodes that are used, except one.
    fn other_nodes(&self, except: usize) -> Vec<Arc<Node>> {
        let is_used = |index| index != except && !self.inventions.is_left_out(index);
        let others = self.nodes.iter().filter(|node| is_used(node.index));
        others.cloned().collect()
    }

    /// Requests a transaction beside the steps from the nodes other than the one that returned it.
    fn request_second_answer(&self, listed: ListedTransaction, returned_by: usize) {
        let others = self.other_nodes(returned_by);
        let refused = Arc::clone(&self.refused);
        self.second_answers.request(listed, others, move |node| {
            let refused = Arc::clone(&refused);
            async move {
                let answer = answer_of(&node, listed).await?;
                Some(answer.has_events() && !refused.contains(&answer))
            }
        });
    }

    /// Fetches a listed transaction with its inner instructions. A node whose transaction differs
    /// from the list, or that has not recorded the inner instructions, counts as failed. If two
    /// nodes return it with another outcome, or from another slot, the list was wrong. So it was if
    /// one node returns it with another outcome, and all others do not know it.
    ///
    /// If only one of several nodes has listed it, it is awaited up to `until` and for a limited time.
    async fn transaction(
        &self,
        listed: ListedTransaction,
        until: Instant,
    ) -> Result<FetchedTransaction, SourceError> {
        let signature = listed.signature;
        // Whether a node has answered, other than with an error, and the nodes whose answer shows
        // that they do not have it.
        let is_answered = AtomicBool::new(false);
        let has_answered = &is_answered;
        let unknown: Mutex<HashSet<usize>> = Mutex::default();
        let unknown_on = &unknown;
        let differing: Mutex<HashMap<Difference, HashSet<usize>>> = Mutex::default();
        let differs_on = &differing;
        let other_outcome: Mutex<Option<FetchedTransaction>> = Mutex::default();
        let with_other_outcome = &other_outcome;
        let fetched = self.try_nodes(WHAT, METHOD, PATIENCE, move |node| async move {
            let request = node.rpc().transaction(&signature, CommitmentLevel::Confirmed);
            let answer = node.request(METHOD, request).await;
            // An unreadable answer counts as an answer, because the node would return it again.
            if let Ok(_) | Err(RpcError::InvalidResponse { method: METHOD, .. }) = &answer {
                has_answered.store(true, Ordering::Relaxed);
            }
            if let Err(RpcError::InvalidResponse { method: METHOD, .. }) = &answer {
                let mut unknown = unknown_on.lock().unwrap_or_else(PoisonError::into_inner);
                unknown.insert(node.index);
            }
            let transaction = answer?.ok_or_else(|| {
                let mut unknown = unknown_on.lock().unwrap_or_else(PoisonError::into_inner);
                unknown.insert(node.index);
                node.invalid_response(METHOD, format!("{signature} is listed, but it is unknown"))
            })?;
            let (fetched, difference) = compare(transaction, listed, node.index);
            let difference =
                difference.or_else(|| self.refused.contains(&fetched).then_some(Difference::Contested));
            let Some(difference) = difference else {
                return Ok(Some(fetched));
            };
            let is_confirmed = {
                let mut differing = differs_on.lock().unwrap_or_else(PoisonError::into_inner);
                let nodes = differing.entry(difference).or_default();
                nodes.insert(node.index);
                nodes.len() > 1
            };
            match difference {
                // The only node contradicts itself, which the follower reports.
                Difference::Outcome if is_confirmed || self.nodes.len() == 1 => Ok(Some(fetched)),
                Difference::Slot if is_confirmed => Ok(None),
                _ => {
                    let error = node.invalid_response(METHOD, fetched.text_of(difference));
                    if difference == Difference::Outcome {
                        let mut fetched_before =
                            with_other_outcome.lock().unwrap_or_else(PoisonError::into_inner);
                        *fetched_before = Some(fetched);
                    }
                    Err(error)
                }
            }
        });
        match self.awaited_if_doubted(listed, until, fetched).await {
            Ok(Some(fetched)) => {
                self.trust.record_server(Answers::Transactions, fetched.node);
                Ok(fetched)
            }
            Ok(None) => Err(SourceError::NotOnChain {
                signature,
                slot: listed.slot,
                succeeded: listed.succeeded,
                on_all_nodes: true,
            }),
            Err(error @ SourceError::Unavailable { .. }) => {
                // A node that lists a transaction and does not know it contradicts itself.
                let unknown = unknown.into_inner().unwrap_or_else(PoisonError::into_inner);
                let other_outcome = other_outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
                if let Some(fetched) = other_outcome.filter(|_| unknown.len() + 1 == self.nodes.len()) {
                    // No other node has it, so the outcome in the list is that of no node. A node
                    // that has it later, with this outcome, is waited for.
                    self.request_second_answer(listed, fetched.node);
                    self.trust.record_server(Answers::Transactions, fetched.node);
                    return Ok(fetched);
                }
                let faulty = self.inventions.lister(&(listed.slot, signature));
                let faulty = faulty.filter(|lister| unknown.contains(lister));
                if let Some(absence) = self.absence_from_block(listed, faulty).await {
                    if let Some(faulty) = faulty.filter(|_| absence == Absence::OnAllNodes) {
                        self.record_invention(listed.slot, signature, faulty);
                    }
                    return Err(SourceError::NotOnChain {
                        signature,
                        slot: listed.slot,
                        succeeded: listed.succeeded,
                        on_all_nodes: absence == Absence::OnAllNodes,
                    });
                }
                if is_answered.load(Ordering::Relaxed) {
                    return Err(SourceError::NotReturned {
                        signature,
                        slot: listed.slot,
                        succeeded: listed.succeeded,
                        reason: error.to_string(),
                    });
                }
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// Awaits a transaction that `fetched` requests, for a limited time if only one of several nodes
    /// has listed it: for less time if that node is doubted.
    async fn awaited_if_doubted<T>(
        &self,
        listed: ListedTransaction,
        until: Instant,
        fetched: impl Future<Output = Result<T, SourceError>>,
    ) -> Result<T, SourceError> {
        let entry = (listed.slot, listed.signature);
        let patience = if self.is_doubted(listed.slot, listed.signature) {
            DOUBTED_PATIENCE
        } else if !self.inventions.listed_by_one(&[entry]).is_empty() {
            LISTED_BY_ONE_PATIENCE.min(until.saturating_duration_since(Instant::now()))
        } else {
            return fetched.await;
        };
        let in_time = tokio::time::timeout(patience, fetched).await;
        in_time.unwrap_or_else(|_| {
            Err(SourceError::Unavailable {
                what: WHAT,
                reason: format!("no node returned it within {} s", patience.as_secs()),
            })
        })
    }

    /// Fetches listed transactions with one request to the preferred node. Transactions that it
    /// does not return as listed are fetched one at a time, because other nodes may have them.
    async fn transactions(
        &self,
        listed: &[ListedTransaction],
        until: Instant,
    ) -> Result<Vec<FetchedTransaction>, SourceError> {
        let preferred = (listed.len() > 1).then(|| self.ranked(METHOD).into_iter().next());
        let answers = match preferred.flatten() {
            Some(node) if node.accepts_batches() => (node.index, batch(&node, listed).await),
            _ => (0, Vec::new()),
        };
        let (node, answers) = answers;
        if !answers.is_empty() {
            self.trust.record_server(Answers::Transactions, node);
        }
        let mut answers = answers
            .into_iter()
            .map(|answer| answer.map(|answer| (node, answer)));
        let usable: Vec<_> = listed
            .iter()
            .map(|entry| {
                let (node, answer) = answers.next().flatten()?;
                self.accepted(usable(answer, *entry, node)?)
            })
            .collect();
        stream::iter(listed.iter().copied().zip(usable))
            .map(|(entry, usable)| async move {
                match usable {
                    Some(usable) => Ok(usable),
                    None => self.transaction(entry, until).await,
                }
            })
            .buffered(CONCURRENT_SINGLES)
            .try_collect()
            .await
    }

    /// Returns on how many nodes the block of the slot does not contain the transaction. A block
    /// lists all of its transactions. `None` if no node returns the block, or if one returns a
    /// block with the transaction. A node without the block is no evidence, because it may have
    /// lost the block.
    ///
    /// Nodes that are left out do not count. Nor does `faulty`, the only node that lists the
    /// transaction and that does not know it, if the slot is final. In a newer slot, that node may
    /// only be late with the transaction and the block.
    async fn absence_from_block(&self, listed: ListedTransaction, faulty: Option<usize>) -> Option<Absence> {
        if self.nodes.len() == 1 {
            // The only node contradicts itself. Its block is no better evidence than its list.
            return None;
        }
        let blocks = self.call_all("a block", METHOD_OF_BLOCKS, ALL_NODES_GRACE, |node| async move {
            let block = node.rpc().block(listed.slot.get(), CommitmentLevel::Confirmed);
            let block = node.request(METHOD_OF_BLOCKS, block).await?;
            let block = block.ok_or_else(|| RpcError::InvalidResponse {
                method: METHOD_OF_BLOCKS,
                reason: format!("{}: slot {} has no block here", node.rpc().host(), listed.slot),
            })?;
            Ok(block.signatures.contains(&listed.signature))
        });
        let is_final = self.agreement.finalized() >= listed.slot;
        let mut contained = blocks.await.ok()?;
        let faulty = faulty.filter(|_| is_final);
        let counts = |node: usize| Some(node) != faulty && !self.inventions.is_left_out(node);
        contained.retain(|(node, _)| counts(*node));
        if contained.is_empty() || contained.iter().any(|(_, contained)| *contained) {
            return None;
        }
        let nodes = self.nodes.iter().filter(|node| counts(node.index)).count();
        Some(if contained.len() == nodes {
            Absence::OnAllNodes
        } else {
            Absence::OnSomeNodes
        })
    }
}

/// The result of the search for a transaction in the block of its slot.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Absence {
    OnAllNodes,
    OnSomeNodes,
}

/// Returns how many of `count` transactions are requested with one request: few, if there are few,
/// so that the requests run concurrently.
fn batch_size(count: usize) -> usize {
    (count / CONCURRENT_FETCHES).clamp(1, MAX_BATCH)
}

/// A transaction that a node returned for an entry of a list.
pub struct FetchedTransaction {
    transaction: ExecutedTransaction,
    inner_instructions: Vec<InnerInstruction>,
    pub listed: ListedTransaction,
    /// The index of the node that returned the transaction.
    node: usize,
}

impl FetchedTransaction {
    /// Returns the digest of the events.
    pub fn version(&self) -> VersionDigest {
        let (transaction, inner) = (self.transaction.clone(), self.inner_instructions.clone());
        decode::digest(&transactions::convert(transaction, inner, 0))
    }

    fn has_events(&self) -> bool {
        self.inner_instructions.iter().any(|inner| {
            let ExecutedInstruction {
                program,
                accounts,
                data,
            } = &inner.instruction;
            decode::is_event(program, accounts, data)
        })
    }

    /// Describes how the transaction differs from the list.
    fn text_of(&self, difference: Difference) -> String {
        let signature = self.listed.signature;
        match difference {
            Difference::Signature => format!("{} was returned for {signature}", self.transaction.signature),
            Difference::Slot => format!(
                "{signature} is in slot {}, but it is listed in slot {}",
                self.transaction.slot, self.listed.slot
            ),
            Difference::Unrecorded => {
                format!("the node did not record the inner instructions of {signature}")
            }
            Difference::Outcome if self.listed.succeeded => {
                format!("{signature} failed, but it is listed as successful")
            }
            Difference::Outcome => format!("{signature} succeeded, but it is listed as failed"),
            Difference::Contested => format!("other nodes contradict what the node returns for {signature}"),
        }
    }
}

/// Why a returned transaction cannot be used for an entry of a list.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Difference {
    /// It is another transaction.
    Signature,
    /// It is in another slot.
    Slot,
    /// The node did not record its inner instructions.
    Unrecorded,
    /// It failed and is listed as successful, or the reverse.
    Outcome,
    /// This version is refused, because other nodes contradict it.
    Contested,
}

/// Compares a transaction that a node returned with the entry of a list. Returns how they differ.
fn compare(
    mut transaction: ExecutedTransaction,
    listed: ListedTransaction,
    node: usize,
) -> (FetchedTransaction, Option<Difference>) {
    let inner_instructions = transaction.inner_instructions.take();
    let difference = if transaction.signature != listed.signature {
        Some(Difference::Signature)
    } else if Slot::new(transaction.slot) != listed.slot {
        Some(Difference::Slot)
    } else if inner_instructions.is_none() {
        Some(Difference::Unrecorded)
    } else if transaction.error.is_none() != listed.succeeded {
        Some(Difference::Outcome)
    } else {
        None
    };
    let fetched = FetchedTransaction {
        transaction,
        inner_instructions: inner_instructions.unwrap_or_default(),
        listed,
        node,
    };
    (fetched, difference)
}

/// Returns a transaction that a node returned for an entry of a list. `None` if they differ.
fn usable(
    transaction: ExecutedTransaction,
    listed: ListedTransaction,
    node: usize,
) -> Option<FetchedTransaction> {
    let (fetched, difference) = compare(transaction, listed, node);
    difference.is_none().then_some(fetched)
}

/// Requests from one node what it has of a listed transaction. `None` if it does not answer, or if
/// the answer says nothing; `Some(None)` if it does not have the transaction. That is so only if it
/// does not know its status either, and has the blocks of the slot.
pub async fn version_of(node: &Node, listed: ListedTransaction) -> Option<Option<VersionDigest>> {
    let request = node
        .rpc()
        .transaction(&listed.signature, CommitmentLevel::Confirmed);
    if let Some(transaction) = node.request(METHOD, request).await.ok()? {
        let (fetched, difference) = compare(transaction, listed, node.index);
        return match difference {
            None => Some(Some(fetched.version())),
            Some(Difference::Slot | Difference::Outcome) => Some(None),
            Some(_) => None,
        };
    }
    let statuses = statuses::read(node, &[listed.signature], listed.slot)
        .await
        .ok()?;
    let is_listed =
        |status: &TransactionStatus| status.slot == listed.slot && status.succeeded == listed.succeeded;
    if statuses.first()?.as_ref().is_some_and(is_listed) {
        return None;
    }
    // A node without the block has forgotten the transaction.
    let first = history::first_slot(node).await?;
    (first <= listed.slot).then_some(None)
}

/// Requests a listed transaction from one node. `None` if the node does not return it as listed.
async fn answer_of(node: &Node, listed: ListedTransaction) -> Option<FetchedTransaction> {
    let request = node
        .rpc()
        .transaction(&listed.signature, CommitmentLevel::Confirmed);
    let answer = node.request(METHOD, request).await.ok().flatten()?;
    usable(answer, listed, node.index)
}

/// Requests transactions from a node with one request. Returns what it returned for each entry, or
/// nothing at all if the request failed.
async fn batch(node: &Node, listed: &[ListedTransaction]) -> Vec<Option<ExecutedTransaction>> {
    let signatures: Vec<_> = listed.iter().map(|entry| entry.signature).collect();
    // The time begins when the node's own limits let the request through.
    let request = async {
        let request = node.rpc().transactions(&signatures, CommitmentLevel::Confirmed);
        match tokio::time::timeout(BATCH_PATIENCE, request).await {
            Ok(answers) => answers.map(Some),
            Err(_) => Ok(None),
        }
    };
    match node.request_several(METHOD, listed.len(), request).await {
        Ok(Some(answers)) => answers.into_iter().map(|answer| answer.ok().flatten()).collect(),
        Err(error) => {
            if error.is_refusal() {
                node.record_refused_batch();
            }
            Vec::new()
        }
        Ok(None) => {
            // Single requests are short enough.
            node.record_refused_batch();
            Vec::new()
        }
    }
}
