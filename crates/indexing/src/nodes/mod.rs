//! A source that reads the chain from several nodes over JSON-RPC.
//!
//! ```text
//!   list      getSignaturesForAddress, page by page, with minContextSlot: a node that is behind
//!             refuses
//!   fetch     getTransaction, many concurrently, several with one request; the index in the slot
//!             from it, else from getBlock
//!   head      getSlot, confirmed and finalized; compared between the nodes
//!   statuses  getSignatureStatuses
//!   accounts  getProgramAccounts
//!
//!   each request: the healthiest node first, the next one if it fails or is slow, then all again
//!   after a back-off; each node within its own limits, and only if it belongs to the cluster;
//!   healthy nodes with weights share the requests in proportion to them
//! ```

mod accounts;
mod fetch;
mod head;
mod history;
mod inventions;
mod late_lists;
mod node;
mod second_answers;
mod statuses;
mod transactions;
mod trust;
mod versions;

use std::collections::{BTreeSet, HashSet};
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable};
use bauta_rpc::RpcError;
use bauta_store::Slot;
use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use serde::Deserialize;
use solana_address::Address;
use solana_signature::Signature;

use crate::SourceError;
use crate::chain::{
    AccountFilter, AccountsAnswer, Answers, GenesisHash, Head, HistoryPage, ListedBy, ListedTransaction,
    NodeRetention, NodeVersion, Source, Transaction, TransactionStatus, VersionKey,
};
use head::HeadAgreement;
use inventions::Inventions;
use late_lists::{LateLists, PendingList};
use node::Node;
use second_answers::SecondAnswers;
use trust::Trust;
use versions::RefusedVersions;

pub use node::NodeSettings;

/// How often a request is sent to all nodes in turn, or to one that decides, before it fails.
const MAX_ROUNDS: usize = 3;
/// How long the newest slot of a node is awaited before the next node is used.
const HEAD_PATIENCE: Duration = Duration::from_millis(500);
/// How long a short answer of a node is awaited before the next node is used.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long a long answer of a node is awaited before the next node is used.
const LONG_PATIENCE: Duration = Duration::from_secs(20);
/// How long the other nodes are awaited, at least, when one of several has answered.
const ALL_NODES_GRACE: Duration = Duration::from_secs(1);
/// How long the other nodes are awaited, at least, for an answer that decides whether rows are
/// removed or final. Only a contradiction leads to such a request.
const DECISION_GRACE: Duration = Duration::from_secs(15);
/// How long a second node is awaited before a slot becomes final with what one node has answered.
const AWAIT_TIME: Duration = Duration::from_mins(1);

/// The context of a JSON-RPC response.
#[derive(Deserialize)]
struct ContextJson {
    /// The slot at which the node read the value.
    slot: u64,
}

/// Returns the pauses before the repetitions of a request.
fn backoff() -> ExponentialBuilder {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(100))
        .with_max_delay(Duration::from_secs(2))
        .with_max_times(MAX_ROUNDS - 1)
        .with_jitter()
}

/// Reads the history and the accounts of one program from several nodes.
pub struct RpcSource {
    nodes: Vec<Arc<Node>>,
    program: Address,
    agreement: Arc<HeadAgreement>,
    inventions: Inventions,
    late_lists: LateLists,
    second_answers: Arc<SecondAnswers>,
    refused: Arc<RefusedVersions>,
    /// The number of requests so far. It selects among the nodes with weights.
    turns: AtomicU64,
    cluster: Arc<OnceLock<GenesisHash>>,
    trust: Trust,
    decision_grace: Duration,
}

impl RpcSource {
    /// Creates a source for a program. The first node is preferred. Does not connect.
    pub fn new(program: Address, nodes: &[NodeSettings]) -> Result<Self, SourceError> {
        let cluster: Arc<OnceLock<GenesisHash>> = Arc::default();
        let nodes = nodes
            .iter()
            .enumerate()
            .map(|(index, settings)| Node::new(index, settings, Arc::clone(&cluster)).map(Arc::new));
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
            late_lists: LateLists::new(nodes.len()),
            nodes,
            program,
            agreement: Arc::default(),
            inventions: Inventions::default(),
            second_answers: Arc::default(),
            refused: Arc::default(),
            turns: AtomicU64::new(0),
            cluster,
            trust: Trust::default(),
            decision_grace: DECISION_GRACE,
        })
    }

    /// Changes the largest number of entries of a node's list that is held in memory. A node with a
    /// longer list is not used. Call it before the first request.
    #[must_use]
    pub fn with_max_listed(mut self, entries: usize) -> Self {
        for node in self.nodes.iter_mut().filter_map(Arc::get_mut) {
            node.max_listed = entries;
        }
        self
    }

    /// Changes how long a second node is awaited before one node decides alone: 15 s for the removal
    /// of rows, and a minute for finality, if it is not changed. Call it before the first request.
    #[must_use]
    pub fn with_second_node_awaited(mut self, time: Duration) -> Self {
        self.decision_grace = time;
        self.late_lists.set_await_time(time);
        if let Some(answers) = Arc::get_mut(&mut self.second_answers) {
            answers.set_await_time(time);
        }
        self
    }

    /// Returns the nodes in the order in which a request with a method uses them.
    fn ranked(&self, method: &'static str) -> Vec<Arc<Node>> {
        let turn = self.turn();
        let mut nodes: Vec<_> = self.nodes.clone();
        // The sort is stable: other nodes of equal rank stay in the order of the configuration.
        nodes.sort_by_key(|node| {
            let is_last = self.trust.is_distrusted(node.index) || self.inventions.is_left_out(node.index);
            (is_last, node.rank(method), Some(node.index) != turn)
        });
        nodes
    }

    /// Selects the node for the next request among those with a weight. `None` if none has one.
    fn turn(&self) -> Option<usize> {
        let total: u64 = self.nodes.iter().map(|node| u64::from(node.weight)).sum();
        let number = self.turns.fetch_add(1, Ordering::Relaxed);
        // Multiples of the golden ratio are spread evenly, also every second or third of them.
        let number = (number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32).checked_rem(total)?;
        let mut end = 0;
        let node = self.nodes.iter().find(|node| {
            end += u64::from(node.weight);
            number < end
        });
        node.map(|node| node.index)
    }

    /// Records that a node has listed a transaction that does not exist, or that no node returns.
    /// Returns whether the node is left out from now on.
    fn record_invention(&self, slot: Slot, signature: Signature, node: usize) -> bool {
        let is_left_out = self.inventions.record_invention((slot, signature), node);
        if is_left_out {
            self.late_lists.leave_out(node);
            let node = self.nodes[node].rpc().host();
            tracing::error!(event = "node_left_out", node);
        }
        is_left_out
    }

    /// Merges the lists of several nodes, without those of the nodes that are left out.
    fn merge(&self, mut lists: Vec<(usize, Vec<ListedTransaction>)>) -> Vec<ListedTransaction> {
        self.inventions.leave_out_faulty(&mut lists);
        self.inventions.record_lists(&lists);
        ListedTransaction::merge(lists.into_iter().flat_map(|(_, listed)| listed).collect())
    }

    /// Sends a request to the first node, and to the next one if it fails or does not answer within
    /// `patience`. The first answer counts. If all nodes fail, repeats this after a back-off.
    async fn try_nodes<T, F>(
        &self,
        what: &'static str,
        method: &'static str,
        patience: Duration,
        request: impl Fn(Arc<Node>) -> F + Send + Sync,
    ) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, RpcError>> + Send,
    {
        self.try_nodes_avoiding(what, method, &BTreeSet::new(), patience, request)
            .await
    }

    /// Sends a request like [`Self::try_nodes`], but uses the nodes `avoided` last.
    async fn try_nodes_avoiding<T, F>(
        &self,
        what: &'static str,
        method: &'static str,
        avoided: &BTreeSet<usize>,
        patience: Duration,
        request: impl Fn(Arc<Node>) -> F + Send + Sync,
    ) -> Result<T, SourceError>
    where
        F: Future<Output = Result<T, RpcError>> + Send,
    {
        let round = || async {
            let mut nodes = self.ranked(method);
            nodes.sort_by_key(|node| avoided.contains(&node.index));
            let mut waiting = nodes.into_iter();
            let mut running = FuturesUnordered::new();
            let mut failures = Vec::new();
            loop {
                let Some(node) = waiting.next() else {
                    // Every node has been used. The last ones may still answer.
                    return match running.next().await {
                        Some(Ok(response)) => Ok(response),
                        Some(Err(error)) => {
                            failures.push(error);
                            continue;
                        }
                        None => Err(self.unavailable(what, &failures)),
                    };
                };
                running.push(request(Arc::clone(&node)));
                let is_last = waiting.len() == 0;
                tokio::select! {
                    Some(response) = running.next() => match response {
                        Ok(response) => return Ok(response),
                        Err(error) => failures.push(error),
                    },
                    () = tokio::time::sleep(patience), if !is_last => node.record_slow(),
                }
            }
        };
        // A longer answer does not become shorter.
        round
            .retry(backoff())
            .when(|error| matches!(error, SourceError::Unavailable { .. }))
            .await
    }

    /// Returns the error of a request that failed on all nodes.
    fn unavailable(&self, what: &'static str, failures: &[RpcError]) -> SourceError {
        let reason = failures.last().map(ToString::to_string).unwrap_or_default();
        if self.nodes.iter().all(|node| node.is_in_other_cluster()) {
            return SourceError::OtherCluster { reason };
        }
        let is_too_long = |error: &RpcError| matches!(error, RpcError::ResponseTooLong { .. });
        if failures.iter().any(is_too_long) {
            return SourceError::TooLong { what };
        }
        SourceError::Unavailable { what, reason }
    }

    /// Calls all nodes, and returns the answers that arrive in time, with the indices of the nodes,
    /// the preferred node first. The others have the time `grace`, or twice the time that the first
    /// answer took. Fails if no node answers.
    ///
    /// After the answer of a node that is left out, the others have at least [`DECISION_GRACE`]:
    /// the lists of such a node are used only if no other node answers.
    async fn call_all<T: Send, F>(
        &self,
        what: &'static str,
        method: &'static str,
        grace: Duration,
        request: impl Fn(Arc<Node>) -> F + Send + Sync,
    ) -> Result<Vec<(usize, T)>, SourceError>
    where
        F: Future<Output = Result<T, RpcError>> + Send,
    {
        let start = Instant::now();
        let nodes = self.ranked(method);
        let mut running: FuturesUnordered<_> = nodes
            .into_iter()
            .enumerate()
            .map(|(rank, node)| {
                let index = node.index;
                let response = request(node);
                async move { (rank, response.await.map(|answer| (index, answer))) }
            })
            .collect();
        let mut failures = Vec::new();
        let mut answers = Vec::new();
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
                Some((_, Err(error))) => failures.push(error),
                Some((rank, Ok(answer))) => {
                    let is_left_out = self.inventions.is_left_out(answer.0);
                    answers.push((rank, answer));
                    let grace = if is_left_out { self.decision_grace } else { grace };
                    let end = tokio::time::Instant::now() + grace.max(start.elapsed() * 2);
                    until = Some(until.map_or(end, |until| until.min(end)));
                }
            }
        }
        if answers.is_empty() {
            return Err(self.unavailable(what, &failures));
        }
        answers.sort_by_key(|(rank, _)| *rank);
        Ok(answers.into_iter().map(|(_, answer)| answer).collect())
    }

    /// Returns the union of the lists of the program's transactions of all nodes that answer in
    /// time, and of the lists that were not there in time before. The list of a node that has not
    /// answered for some time begins earlier, where its last list ended.
    async fn lists_of_program(
        &self,
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        let program = self.program;
        let lists = self.call_all("the history", history::METHOD, ALL_NODES_GRACE, move |node| {
            let index = node.index;
            let request = move |begin| PendingList {
                begin,
                until,
                task: tokio::spawn(async move { history::read(&node, &[program], None, begin, until).await }),
            };
            let is_used = move || !self.inventions.is_left_out(index);
            self.late_lists.next(index, is_used, after, request)
        });
        Ok(self.merge(lists.await?))
    }

    /// Returns the union of the lists of all nodes that answer in time. With `newer`, only what is
    /// older than that transaction.
    async fn merged_lists(
        &self,
        addresses: &[Address],
        newer: Option<Signature>,
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        let addresses: Arc<[Address]> = addresses.into();
        let lists = self.call_all("the history", history::METHOD, ALL_NODES_GRACE, move |node| {
            let addresses = Arc::clone(&addresses);
            async move { history::read(&node, &addresses, newer, after, until).await }
        });
        Ok(self.merge(lists.await?))
    }
}

impl Source for RpcSource {
    async fn check_cluster(&self, expected: Option<GenesisHash>) -> Result<GenesisHash, SourceError> {
        if let Some(expected) = expected.or_else(|| self.cluster.get().copied()) {
            let pinned = *self.cluster.get_or_init(|| expected);
            // A request to a node checks the cluster of that node.
            self.try_nodes("the genesis hash", "getSlot", PATIENCE, head::read)
                .await?;
            return Ok(pinned);
        }
        // Nothing is recorded. Two nodes must agree, and no other one may contradict them: what is
        // recorded cannot be changed. The others are checked before their first use.
        let what = "the genesis hash";
        let found = self.call_all(what, "getGenesisHash", self.decision_grace, |node| async move {
            node.genesis_hash().await
        });
        let found = found.await?;
        let name = |(node, hash): &(usize, GenesisHash)| {
            let host = self.nodes[*node].rpc().host();
            format!("{host} has the genesis hash {}", bs58::encode(hash).into_string())
        };
        let agreed = match found.as_slice() {
            [(_, only)] if self.nodes.len() == 1 => *only,
            [first, others @ ..] => {
                if let Some(other) = others.iter().find(|other| other.1 != first.1) {
                    return Err(SourceError::OtherCluster {
                        reason: format!("{}, but {}", name(first), name(other)),
                    });
                }
                if others.is_empty() {
                    return Err(SourceError::Unavailable {
                        what,
                        reason: format!(
                            "{}, and no second node has answered; at the first start two of several nodes must agree: \
                             check the others, or set `genesis_hash`",
                            name(first)
                        ),
                    });
                }
                first.1
            }
            [] => return Err(SourceError::Cancelled),
        };
        Ok(*self.cluster.get_or_init(|| agreed))
    }

    fn distrust(&self, answers: Answers) {
        if self.nodes.len() == 1 {
            return;
        }
        let preferred = || self.ranked(history::METHOD).first().map(|node| node.index);
        let server = self.trust.last_server(answers);
        let server = server.filter(|node| !self.trust.is_distrusted(*node));
        let Some(index) = server.or_else(preferred) else {
            return;
        };
        if self.trust.distrust(index) {
            let node = self.nodes[index].rpc().host();
            tracing::warn!(event = "node_distrusted", node, ?answers);
        }
    }

    async fn head(&self, at_least: Slot) -> Result<Head, SourceError> {
        let preferred = self
            .try_nodes("the newest slot", "getSlot", HEAD_PATIENCE, head::read)
            .await?;
        if self.nodes.len() == 1 {
            return Ok(preferred);
        }
        let head = head::choose(&self.nodes, &self.agreement, preferred, at_least).await?;
        Ok(self.agreement.with_finalized(head))
    }

    async fn list(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        let addresses: Arc<[Address]> = addresses.into();
        let listed = self.try_nodes("the history", history::METHOD, LONG_PATIENCE, move |node| {
            let addresses = Arc::clone(&addresses);
            async move {
                let listed = history::read(&node, &addresses, None, after, until).await?;
                Ok((node.index, listed))
            }
        });
        let listed = [listed.await?];
        self.trust.record_server(Answers::Lists, listed[0].0);
        self.inventions.record_lists(&listed);
        let [(_, listed)] = listed;
        Ok(ListedTransaction::merge(listed))
    }

    async fn list_on_all_nodes(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        if self.nodes.len() == 1 {
            return self.list(addresses, after, until).await;
        }
        if addresses == [self.program] {
            return self.lists_of_program(after, until).await;
        }
        self.merged_lists(addresses, None, after, until).await
    }

    async fn list_before_on_all_nodes(
        &self,
        addresses: &[Address],
        newer: Signature,
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        self.merged_lists(addresses, Some(newer), after, until).await
    }

    async fn retention(&self) -> Vec<NodeRetention> {
        const METHOD: &str = "getFirstAvailableBlock";
        let requests = self.nodes.iter().map(|node| async move {
            let first = node.request(METHOD, node.rpc().first_available_block()).await;
            NodeRetention {
                node: node.rpc().host().to_owned(),
                first_slot: first
                    .map(Slot::new)
                    .map_err(|error| self.unavailable("the first block", &[error])),
            }
        });
        join_all(requests).await
    }

    fn histories(&self) -> Vec<String> {
        let name = |node: &Arc<Node>| format!("{} {}", node.index, node.rpc().host());
        self.nodes.iter().map(name).collect()
    }

    async fn history_page(
        &self,
        node: usize,
        address: &Address,
        before: Option<Signature>,
        after: Option<Slot>,
        until: Slot,
    ) -> Result<HistoryPage, SourceError> {
        let request = history::PageRequest {
            address,
            before,
            limit: history::PAGE_SIZE,
            after,
            until,
        };
        let page = history::read_page(&self.nodes[node], request);
        page.await
            .map_err(|error| self.unavailable("the history", &[error]))
    }

    fn record_listers(&self, listers: &[((Slot, Signature), usize)]) {
        self.inventions.record_listers(listers);
    }

    fn record_unreturned(&self, slot: Slot, signature: Signature) -> ListedBy {
        // A node that returned it with an event, and does not return it any more, has invented the
        // event.
        let inventor = self.second_answers.node_with_events(&signature);
        let lister = inventor.or_else(|| self.inventions.lister(&(slot, signature)));
        // If a node is left out and its lists are used, no other node answers.
        let is_one_of_several = |node: &usize| self.nodes.len() > 1 && !self.inventions.is_left_out(*node);
        let Some(node) = lister.filter(is_one_of_several) else {
            return ListedBy::Several;
        };
        if self.record_invention(slot, signature, node) {
            ListedBy::LeftOut
        } else {
            ListedBy::One
        }
    }

    fn is_doubted(&self, slot: Slot, signature: Signature) -> bool {
        match self.second_answers.node_with_events(&signature) {
            Some(inventor) => self.inventions.is_doubted(inventor),
            None => self.inventions.is_listed_by_doubted(&(slot, signature)),
        }
    }

    fn take_contradicted(&self) -> Vec<ListedTransaction> {
        self.second_answers.take_found()
    }

    fn listed_by_one(&self, transactions: &[(Slot, Signature)]) -> Vec<(Slot, Signature)> {
        self.inventions.listed_by_one(transactions)
    }

    async fn versions(&self, listed: &[ListedTransaction]) -> Vec<Vec<NodeVersion>> {
        self.versions_on_nodes(listed).await
    }

    fn refuse_versions(&self, refused: &HashSet<VersionKey>) {
        self.refused.set(refused);
    }

    fn record_wrong_version(&self, slot: Slot, signature: Signature, node: usize) {
        if self.nodes.len() > 1 && !self.inventions.is_left_out(node) {
            self.record_invention(slot, signature, node);
        }
    }

    fn confirmed_up_to(&self) -> Option<Slot> {
        let is_used = |node| !self.inventions.is_left_out(node);
        let listed = self.late_lists.listed_by_two(is_used);
        let without_answer = self.second_answers.first_open().map(Slot::previous);
        [listed, without_answer].into_iter().flatten().min()
    }

    fn is_single_node(&self) -> bool {
        let is_used = |node| !self.inventions.is_left_out(node);
        self.nodes.len() > 1 && self.late_lists.listed_by_two(is_used).is_none()
    }

    fn list_again_after(&self, slot: Slot) {
        self.late_lists.list_again_after(slot);
    }

    fn is_left_out(&self, node: usize) -> bool {
        self.inventions.is_left_out(node)
    }

    fn confirms_outcomes(&self) -> bool {
        self.nodes.len() > 1
    }

    async fn fetch(&self, listed: &[ListedTransaction]) -> Result<Vec<Transaction>, SourceError> {
        self.fetch_listed(listed).await
    }

    async fn statuses(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> Result<Vec<Option<TransactionStatus>>, SourceError> {
        let signatures: Arc<[Signature]> = signatures.into();
        self.try_nodes(
            "the statuses of transactions",
            statuses::METHOD,
            PATIENCE,
            move |node| {
                let signatures = Arc::clone(&signatures);
                async move { statuses::read(&node, &signatures, at_least).await }
            },
        )
        .await
    }

    async fn statuses_on_all_nodes(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> Result<Vec<Vec<TransactionStatus>>, SourceError> {
        let for_nodes: Arc<[Signature]> = signatures.into();
        let what = "the statuses of transactions";
        let answers = self.call_all(what, statuses::METHOD, self.decision_grace, move |node| {
            let signatures = Arc::clone(&for_nodes);
            // A node that refuses one request must not leave the decision to the others.
            let read = move || {
                let (node, signatures) = (Arc::clone(&node), Arc::clone(&signatures));
                async move { statuses::read(&node, &signatures, at_least).await }
            };
            read.retry(backoff())
        });
        let mut known = vec![Vec::new(); signatures.len()];
        for (_, statuses) in answers.await? {
            for (known, status) in known.iter_mut().zip(statuses) {
                known.extend(status);
            }
        }
        Ok(known)
    }

    async fn accounts(
        &self,
        filter: &AccountFilter,
        avoided: &BTreeSet<usize>,
    ) -> Result<AccountsAnswer, SourceError> {
        let params = accounts::params(self.program, filter);
        let request = move |node: Arc<Node>| {
            let params = params.clone();
            async move {
                let read = accounts::read(&node, &params).await;
                if read.as_ref().is_err_and(RpcError::is_method_refusal) {
                    node.record_refused_accounts();
                }
                let (slot, accounts) = read?;
                let node = node.index;
                Ok(AccountsAnswer { node, slot, accounts })
            }
        };
        let what = "the program's accounts";
        let answer = self.try_nodes_avoiding(what, accounts::METHOD, avoided, LONG_PATIENCE, request);
        let answer = answer.await?;
        self.trust.record_server(Answers::Accounts, answer.node);
        Ok(answer)
    }

    fn nodes_with_accounts(&self) -> usize {
        self.nodes.iter().filter(|node| node.returns_accounts()).count()
    }
}
