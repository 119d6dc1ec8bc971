//! The nodes of the relay. If the relay has two nodes, two must agree on what ends a relay. So one
//! faulty or late node can't cause a second transaction.

use std::{
    collections::HashSet,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bauta_rpc::{
    BalanceChange, CommitmentLevel, Options, Page, Rpc, RpcError, SignatureInfo, SignatureStatus, Simulation,
};
use bauta_service_common::Secret;
use futures_util::{
    future::join_all,
    stream::{FuturesUnordered, StreamExt},
};
use solana_address::Address;
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;
use tokio::sync::{Mutex as AsyncMutex, Semaphore};

use super::{
    agreement::{Answer, Fate, agreed_price, agreed_status, is_past_own, judge, last_heights, percentile_75},
    error::{RelayError, RelaySetupError},
    node::{Node, Waits},
    transaction::SIMULATED_AT,
};

/// Limits of a call.
const OPTIONS: Options = Options {
    timeout: Duration::from_secs(5),
    max_response_bytes: 8 << 20,
};
/// The quorum, if there are as many nodes. Otherwise all nodes are the quorum.
const QUORUM: usize = 2;
/// Time for which a blockhash is used.
const BLOCKHASH_AGE: Duration = Duration::from_secs(2);
/// Time for which a price is used.
const PRICE_AGE: Duration = Duration::from_secs(10);
/// Transactions whose status is read in one call.
const STATUSES_PER_CALL: usize = 256;
/// Largest number of transactions that are being sent to a node at a time. Further ones are sent to
/// the other nodes, and to this one the next time.
const MAX_SENDS: usize = 256;

/// What the nodes return for one transaction of a wallet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// How it changed the balance, by the answers of a quorum.
    Change(BalanceChange),
    /// A node lists it, but some nodes don't have it.
    Missing,
    /// The nodes return different changes.
    Disputed,
    /// Every node answers, but too few with the transaction: its record is too long, or invalid.
    Unreadable,
}

/// A blockhash, and the last height of each node at which it can be used.
type Blockhash = (Instant, Hash, Vec<u64>);

/// The nodes of the relay, and the values of theirs that are used again for a few seconds.
pub struct Nodes {
    rpcs: Vec<Node>,
    waits: Waits,
    sends: Vec<Semaphore>,
    /// The newest finalized slot that each node has reported.
    slots: Vec<AtomicU64>,
    next: AtomicUsize,
    /// Locked while it is read, so that many relays cause one request.
    blockhash: AsyncMutex<Option<Blockhash>>,
    price: Mutex<Option<(Instant, u64)>>,
}

impl Nodes {
    /// Uses the nodes of the relay, or the node of the service if there are none. Doesn't connect.
    pub fn new(urls: &[Secret], node: Option<&str>) -> Result<Self, RelaySetupError> {
        Self::with_waits(urls, node, Waits::DEFAULT)
    }

    fn with_waits(urls: &[Secret], node: Option<&str>, waits: Waits) -> Result<Self, RelaySetupError> {
        let mut urls: Vec<&str> = urls.iter().map(Secret::expose).collect();
        if urls.is_empty() {
            urls.extend(node);
        }
        if urls.is_empty() {
            return Err(RelaySetupError::NoNode);
        }
        let mut rpcs: Vec<Rpc> = Vec::new();
        let mut known = HashSet::new();
        for url in urls {
            let rpc = Rpc::with_options(url, OPTIONS)?;
            // The same node twice is not two nodes that agree.
            if !known.insert(rpc.url().clone()) {
                return Err(RelaySetupError::SameNode(rpc.host().to_owned()));
            }
            rpcs.push(rpc);
        }
        Ok(Self {
            sends: rpcs.iter().map(|_| Semaphore::new(MAX_SENDS)).collect(),
            slots: rpcs.iter().map(|_| AtomicU64::new(0)).collect(),
            rpcs: rpcs.into_iter().map(|rpc| Node::new(rpc, waits)).collect(),
            waits,
            next: AtomicUsize::new(0),
            blockhash: AsyncMutex::default(),
            price: Mutex::default(),
        })
    }

    fn quorum(&self) -> usize {
        self.rpcs.len().min(QUORUM)
    }

    /// Returns the nodes in the order in which a call uses them: calls begin with different nodes,
    /// and nodes that are late are last.
    fn in_turn(&self) -> Vec<&Node> {
        let count = self.rpcs.len();
        let first = self.next.fetch_add(1, Ordering::Relaxed) % count;
        let mut nodes: Vec<&Node> = self.rpcs.iter().cycle().skip(first).take(count).collect();
        nodes.sort_by_cached_key(|node| node.is_late());
        nodes
    }

    /// Calls one node after the other until one answers.
    async fn first<T, F: Future<Output = Result<T, RpcError>>>(
        &self,
        call: impl Fn(Node) -> F,
    ) -> Result<T, RpcError> {
        let mut last = None;
        for node in self.in_turn() {
            match call(node.clone()).await {
                Ok(value) => return Ok(value),
                Err(error) => last = Some(error),
            }
        }
        Err(last.expect("there is a node"))
    }

    /// Calls all nodes. The answer of a node that fails is `None`.
    async fn each<T, F: Future<Output = Result<T, RpcError>>>(
        &self,
        call: impl Fn(Node) -> F,
    ) -> Vec<Option<T>> {
        let answers = join_all(self.rpcs.iter().map(|node| call(node.clone()))).await;
        answers.into_iter().map(Result::ok).collect()
    }

    /// Calls all nodes and returns the answers of those that answer.
    async fn all<T, F: Future<Output = Result<T, RpcError>>>(&self, call: impl Fn(Node) -> F) -> Vec<T> {
        self.each(call).await.into_iter().flatten().collect()
    }

    /// Calls a quorum of nodes, and further ones until a quorum agrees: in place of a node that does
    /// not answer soon or fails, or if the answers differ. `call` returns the answer of a node, which
    /// is a value or a refusal, and waits for each of its calls with [`Node::in_time`].
    ///
    /// A value counts if no node refuses, or if a quorum returns one. A refusal counts only if a
    /// quorum refuses: one node can't refuse for all.
    pub async fn agree<T, F: Future<Output = Result<Result<T, RelayError>, RpcError>>>(
        &self,
        call: impl Fn(Node) -> F,
    ) -> Result<Vec<T>, RelayError> {
        let quorum = self.quorum();
        let mut further = self.in_turn().into_iter().map(|node| call(node.clone()));
        let mut open = FuturesUnordered::new();
        let (mut values, mut refusals, mut unavailable) = (Vec::new(), Vec::new(), None);
        loop {
            let missing = quorum.saturating_sub(values.len().max(refusals.len()));
            while open.len() < missing
                && let Some(answer) = further.next()
            {
                open.push(answer);
            }
            match tokio::time::timeout(self.waits.short, open.next()).await {
                Err(_) => open.extend(further.next()),
                Ok(None) => break,
                Ok(Some(Ok(Ok(value)))) => values.push(value),
                Ok(Some(Ok(Err(refusal)))) => refusals.push(refusal),
                Ok(Some(Err(error))) => unavailable = Some(error),
            }
            if values.len() >= quorum {
                return Ok(values);
            }
            if refusals.len() >= quorum {
                return Err(refusals.swap_remove(0));
            }
        }
        match unavailable {
            _ if refusals.is_empty() && !values.is_empty() => Ok(values),
            Some(error) if values.is_empty() => Err(error.into()),
            _ => Err(RelayError::NodesDisagree),
        }
    }

    /// Simulates a transaction on one node.
    pub async fn simulate(&self, transaction: &VersionedTransaction) -> Result<Simulation, RpcError> {
        self.first(|node| async move { node.simulate(transaction, SIMULATED_AT).await })
            .await
    }

    /// Returns a recent blockhash, and for each node its last height at which a transaction with
    /// the blockhash can be executed. A node that reports wrong heights decides only about itself.
    /// The other nodes that answer know the blockhash as well.
    pub async fn blockhash(&self) -> Result<(Hash, Vec<u64>), RelayError> {
        let mut kept = self.blockhash.lock().await;
        if let Some((at, hash, heights)) = &*kept
            && at.elapsed() < BLOCKHASH_AGE
        {
            return Ok((*hash, heights.clone()));
        }
        let (mut found, mut last) = (None, None);
        for _ in 0..self.rpcs.len() {
            let latest = self
                .first(|node| async move {
                    node.in_time(node.latest_blockhash(CommitmentLevel::Confirmed))
                        .await
                })
                .await;
            let (hash, reported) = match latest {
                Ok(latest) => latest,
                Err(error) => {
                    last = Some(error.into());
                    continue;
                }
            };
            if self.is_known(hash).await? {
                found = Some((hash, reported));
                break;
            }
            last = Some(RelayError::NodesDisagree);
        }
        let Some((hash, reported)) = found else {
            return Err(last.unwrap_or(RelayError::NodesDisagree));
        };
        let heights = if self.rpcs.len() == 1 {
            vec![reported]
        } else {
            self.heights_from_now().await
        };
        // From the end of the reads, which take longer than the age if a node hangs.
        *kept = Some((Instant::now(), hash, heights.clone()));
        Ok((hash, heights))
    }

    /// Returns, for each node, its last height at which a transaction with a client's blockhash can
    /// be executed. `None` if the nodes don't accept the blockhash, or no longer. Fails if no node
    /// answers.
    pub async fn last_heights(&self, hash: Hash) -> Result<Option<Vec<u64>>, RelayError> {
        Ok(if self.is_accepted(hash).await? {
            Some(self.heights_from_now().await)
        } else {
            None
        })
    }

    /// Returns, for each node, the last height for a blockhash that is not newer than the present
    /// block.
    async fn heights_from_now(&self) -> Vec<u64> {
        let level = CommitmentLevel::Processed;
        let heights = self.each(|node| async move { node.in_time(node.block_height(level)).await });
        last_heights(&heights.await)
    }

    /// Returns whether the nodes know a blockhash that one of them returned. A single node decides.
    async fn is_known(&self, hash: Hash) -> Result<bool, RelayError> {
        if self.rpcs.len() == 1 {
            return Ok(true);
        }
        self.is_accepted(hash).await
    }

    /// Returns whether a quorum, or every node that answers, accepts a blockhash. Fails if no node
    /// answers.
    pub async fn is_accepted(&self, hash: Hash) -> Result<bool, RelayError> {
        let level = CommitmentLevel::Processed;
        let calls = self
            .rpcs
            .iter()
            .map(|node| node.in_time(node.is_blockhash_valid(&hash, level)));
        let mut open: FuturesUnordered<_> = calls.collect();
        let (mut valid, mut answered) = (0, 0);
        while let Some(answer) = open.next().await {
            if let Ok(is_valid) = answer {
                answered += 1;
                valid += usize::from(is_valid);
            }
            if valid >= self.quorum() {
                return Ok(true);
            }
        }
        if answered == 0 {
            return Err(RelayError::NodesUnavailable);
        }
        Ok(valid == answered)
    }

    /// Returns the price at the 75th percentile of recent blocks, in micro-lamports for each compute
    /// unit: the highest one for which a quorum reports at least as much. 0 if no node answers. The
    /// price of a block is the lowest one of all its transactions: anyone can write to the relay's
    /// accounts at a high price, but not raise the price of all others.
    pub async fn price(&self) -> u64 {
        let known = *self.price.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, price)) = known
            && at.elapsed() < PRICE_AGE
        {
            return price;
        }
        let prices = self.all(|node| async move { node.in_time(node.recent_prices()).await });
        let reported = prices.await.into_iter().map(percentile_75).collect();
        let price = agreed_price(reported, self.quorum());
        *self.price.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), price));
        price
    }

    /// Sends a transaction to all nodes. Their answers don't matter: the status decides.
    pub async fn send(&self, transaction: &[u8]) {
        let sends = self.rpcs.iter().zip(&self.sends).filter_map(|(node, sends)| {
            // A node that hangs delays only what is sent to it.
            let permit = sends.try_acquire().ok()?;
            Some(async move {
                let _ = node.send_once(transaction).await;
                drop(permit);
            })
        });
        join_all(sends).await;
    }

    /// Returns the statuses of transactions from one node.
    pub async fn statuses(
        &self,
        signatures: &[Signature],
        search_history: bool,
    ) -> Result<Vec<Option<SignatureStatus>>, RpcError> {
        let mut statuses = Vec::with_capacity(signatures.len());
        for group in signatures.chunks(STATUSES_PER_CALL) {
            let found =
                self.first(|node| async move { node.in_time(node.statuses(group, search_history)).await });
            statuses.extend(found.await?);
        }
        Ok(statuses)
    }

    /// Returns, for each transaction, the status that a quorum reports: finalized, with or without
    /// an error.
    pub async fn finalized(&self, signatures: &[Signature]) -> Vec<Option<SignatureStatus>> {
        let answers = self
            .all(|node| async move { node.statuses(signatures, true).await })
            .await;
        (0..signatures.len())
            .map(|index| {
                let statuses = answers.iter().filter_map(|answer| answer.get(index)?.as_ref());
                agreed_status(&statuses.collect::<Vec<_>>(), self.quorum())
            })
            .collect()
    }

    /// Returns the finalized height of each node.
    pub async fn finalized_heights(&self) -> Vec<Option<u64>> {
        self.each(|node| async move { node.block_height(CommitmentLevel::Finalized).await })
            .await
    }

    /// Returns whether a quorum has finalized past the end of a transaction.
    pub fn is_past(&self, last_heights: &[u64], heights: &[Option<u64>]) -> bool {
        if last_heights.len() != heights.len() {
            return false;
        }
        let past = heights
            .iter()
            .enumerate()
            .filter(|(index, height)| height.is_some_and(|height| is_past_own(last_heights, *index, height)));
        past.count() >= self.quorum()
    }

    /// Decides whether a transaction can still be executed. Each node first returns its height
    /// and its slot. Its other answers count only if they are from the newest slot that it has ever
    /// reported, or from a later one. So they are from after the end of the transaction, even if
    /// several machines answer for a node.
    pub async fn fate(&self, signature: Signature, last_heights: &[u64], nullifier: Address) -> Fate {
        let level = CommitmentLevel::Finalized;
        let answers = self
            .rpcs
            .iter()
            .zip(&self.slots)
            .map(|(node, newest)| async move {
                let height = node.block_height(level).await?;
                let slot = node.slot(level).await?;
                let newest = newest.fetch_max(slot, Ordering::Relaxed).max(slot);
                let status = node.statuses(&[signature], true).await?.remove(0);
                let (read_at, account) = node.account(&nullifier, level).await?;
                Ok::<_, RpcError>(Answer {
                    height,
                    is_later: read_at >= newest,
                    is_known: status.is_some(),
                    is_used: account.is_some_and(|it| it.owner == bauta::ID),
                })
            });
        let answers: Vec<Option<Answer>> = join_all(answers).await.into_iter().map(Result::ok).collect();
        judge(&answers, last_heights, self.quorum())
    }

    /// Returns the balance of a finalized account in lamports. 0 if there is none.
    pub async fn balance(&self, address: Address) -> Result<u64, RpcError> {
        let level = CommitmentLevel::Finalized;
        let (_, account) = self
            .first(|node| async move { node.account(&address, level).await })
            .await?;
        Ok(account.map_or(0, |account| account.lamports))
    }

    /// Returns, for each finalized account, whether at least one node reports the program as its
    /// owner.
    pub async fn are_open(&self, addresses: &[Address]) -> Vec<bool> {
        let level = CommitmentLevel::Finalized;
        let answers = self
            .all(|node| async move { node.accounts(addresses, level).await })
            .await;
        let is_open = |index: usize| {
            let mut accounts = answers.iter().filter_map(|answer| answer.get(index));
            accounts.any(|(_, account)| account.as_ref().is_some_and(|it| it.owner == bauta::ID))
        };
        (0..addresses.len()).map(is_open).collect()
    }

    /// Returns the finalized transactions of an address, newest first, and a slot before which the
    /// list is complete: the node had finalized it before it listed the transactions.
    pub async fn history(
        &self,
        address: &Address,
        page: &Page,
    ) -> Result<(u64, Vec<SignatureInfo>), RpcError> {
        self.first(|node| async move {
            let slot = node.slot(CommitmentLevel::Finalized).await?;
            let entries = node
                .signatures_for(address, page, CommitmentLevel::Finalized)
                .await?;
            Ok((slot, entries))
        })
        .await
    }

    /// Returns how finalized transactions changed a balance. A change counts only if a quorum
    /// returns it, because entries of the ledger are never removed.
    pub async fn balance_changes(
        &self,
        address: &Address,
        signatures: &[Signature],
    ) -> Result<Vec<Option<BalanceChange>>, RpcError> {
        let (mut answers, mut failure) = (Vec::new(), None);
        for answer in self.changes_of_each(address, signatures).await {
            match answer {
                Ok(changes) => answers.push(changes),
                Err(error) => failure = Some(error),
            }
        }
        if let Some(error) = failure
            && answers.len() < self.quorum()
        {
            return Err(error);
        }
        let agreed = |index: usize| {
            let changes = answers.iter().filter_map(|changes| *changes.get(index)?);
            agreed_change(&changes.collect::<Vec<_>>(), self.quorum())
        };
        Ok((0..signatures.len()).map(agreed).collect())
    }

    /// Returns how a finalized transaction changed a balance, if a quorum agrees.
    pub async fn balance_change(&self, address: &Address, signature: Signature) -> Result<Reading, RpcError> {
        let (mut changes, mut is_missing, mut unavailable) = (Vec::new(), false, None);
        for answer in self.changes_of_each(address, &[signature]).await {
            match answer.map(|mut changes| changes.pop().flatten()) {
                Ok(Some(change)) => changes.push(change),
                Ok(None) => is_missing = true,
                Err(error) if is_about_content(&error) => {}
                Err(error) => unavailable = Some(error),
            }
        }
        if let Some(change) = agreed_change(&changes, self.quorum()) {
            return Ok(Reading::Change(change));
        }
        match unavailable {
            Some(error) => Err(error),
            None if changes.len() >= self.quorum() => Ok(Reading::Disputed),
            None if is_missing => Ok(Reading::Missing),
            None => Ok(Reading::Unreadable),
        }
    }

    async fn changes_of_each(
        &self,
        address: &Address,
        signatures: &[Signature],
    ) -> Vec<Result<Vec<Option<BalanceChange>>, RpcError>> {
        let level = CommitmentLevel::Finalized;
        join_all(
            self.rpcs
                .iter()
                .map(|node| node.balance_changes(address, signatures, level)),
        )
        .await
    }
}

/// Returns the change that at least `quorum` nodes have returned.
fn agreed_change(changes: &[BalanceChange], quorum: usize) -> Option<BalanceChange> {
    let count = |change: &BalanceChange| changes.iter().filter(|other| *other == change).count();
    changes.iter().find(|change| count(change) >= quorum).copied()
}

/// Returns whether the node answered, but without the requested data. A repetition does not help.
fn is_about_content(error: &RpcError) -> bool {
    match error {
        RpcError::ResponseTooLong { .. } | RpcError::InvalidResponse { .. } => true,
        RpcError::Refused { .. } | RpcError::Http { .. } => !error.is_retryable(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::{
        super::agreement::{BLOCKHASH_BLOCKS, SLACK_BLOCKS},
        *,
    };

    fn nodes(count: usize) -> Nodes {
        nodes_with(count, Waits::DEFAULT)
    }

    fn nodes_with(count: usize, waits: Waits) -> Nodes {
        let url = |port: usize| Secret::new(format!("http://127.0.0.1:{}", port + 1));
        Nodes::with_waits(&(0..count).map(url).collect::<Vec<_>>(), None, waits).unwrap()
    }

    /// Waits so long for a node that hangs that a test fails if it does so.
    const PATIENT: Waits = Waits {
        call: Duration::from_hours(1),
        short: Duration::from_millis(1),
    };
    /// The longest time that a test waits for a condition.
    const DEADLINE: Duration = Duration::from_mins(1);

    #[test]
    fn the_same_node_twice_is_refused() {
        let url = |url: &str| Secret::new(url.to_owned());
        let urls = [url("http://node:8899"), url("http://node:8899/")];
        let refused = Nodes::new(&urls, None).err().unwrap();
        assert!(matches!(refused, RelaySetupError::SameNode(_)), "{refused}");
        assert!(Nodes::new(&[url("http://node:8899/a"), url("http://node:8899/b")], None).is_ok());
    }

    #[test]
    fn a_balance_change_counts_only_if_a_quorum_returns_it() {
        let change = |after| BalanceChange {
            before: 10,
            after,
            fee: 0,
            is_success: true,
        };
        let failed = BalanceChange {
            is_success: false,
            ..change(5)
        };
        assert_eq!(
            agreed_change(&[change(5), change(9), change(5)], 2),
            Some(change(5))
        );
        assert_eq!(agreed_change(&[change(5), change(9)], 2), None);
        assert_eq!(agreed_change(&[change(5), failed], 2), None);
        assert_eq!(agreed_change(&[change(5)], 2), None);
        assert_eq!(agreed_change(&[change(5)], 1), Some(change(5)));
        assert_eq!(agreed_change(&[], 1), None);
    }

    #[tokio::test]
    async fn a_blockhash_is_neither_accepted_nor_expired_if_no_node_answers() {
        // Nothing listens at these ports.
        let heights = nodes(2).last_heights(Hash::default()).await;
        assert!(
            matches!(heights, Err(RelayError::NodesUnavailable)),
            "{heights:?}"
        );
    }

    #[tokio::test]
    async fn a_single_node_neither_refuses_nor_accepts_against_the_others() {
        let nodes = nodes(3);
        let rejects = |node: &Rpc, host: &str| node.host().ends_with(host);
        let refusal = || RelayError::NullifierUsed;
        // The node at port 1 answers otherwise than those at the ports 2 and 3.
        for _ in 0..3 {
            let accepted = nodes.agree(|node| async move {
                Ok(if rejects(&node, ":1") {
                    Err(refusal())
                } else {
                    Ok(1)
                })
            });
            assert!(accepted.await.is_ok());
            let refused = nodes.agree(|node| async move {
                Ok(if rejects(&node, ":1") {
                    Ok(1)
                } else {
                    Err(refusal())
                })
            });
            assert!(matches!(refused.await, Err(RelayError::NullifierUsed)));
        }
        // The others don't answer.
        let alone = |value: fn() -> Result<u8, RelayError>| {
            nodes.agree(move |node| async move {
                if rejects(&node, ":1") {
                    Ok(value())
                } else {
                    Err(RpcError::Build {
                        reason: String::new(),
                    })
                }
            })
        };
        assert!(alone(|| Ok(1)).await.is_ok());
        assert!(matches!(
            alone(|| Err(RelayError::NullifierUsed)).await,
            Err(RelayError::Node(_))
        ));
    }

    #[tokio::test]
    async fn a_further_node_is_called_in_place_of_one_that_hangs_and_its_refusal_counts() {
        let nodes = nodes_with(3, PATIENT);
        // The node at port 1 never answers, and calls begin with different nodes.
        for _ in 0..3 {
            let agreed = nodes.agree(|node| async move {
                if node.host().ends_with(":1") {
                    node.in_time(pending::<Result<(), _>>()).await?;
                }
                Ok(Ok(node.host().to_owned()))
            });
            let values = tokio::time::timeout(DEADLINE, agreed).await.unwrap().unwrap();
            assert_eq!(values.len(), 2, "{values:?}");
            let refused = nodes.agree(|node| async move {
                if node.host().ends_with(":1") {
                    node.in_time(pending::<Result<(), _>>()).await?;
                }
                Ok(Err::<(), _>(RelayError::NullifierUsed))
            });
            let refused = tokio::time::timeout(DEADLINE, refused).await.unwrap();
            assert!(matches!(refused, Err(RelayError::NullifierUsed)), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn a_node_that_hangs_is_called_last_though_others_decide_before_its_time_limit() {
        let nodes = nodes_with(3, PATIENT);
        let hangs = &nodes.rpcs[0];
        let agreed = nodes.agree(|node| async move {
            if node.host() == hangs.host() {
                node.in_time(pending::<Result<(), _>>()).await?;
            }
            if node.host().ends_with(":3") {
                // This answer ends the decision.
                while !hangs.is_late() {
                    tokio::task::yield_now().await;
                }
            }
            Ok(Ok(()))
        });
        let agreed = tokio::time::timeout(DEADLINE, agreed).await.unwrap();
        assert_eq!(agreed.unwrap().len(), 2);
        for _ in 0..3 {
            assert_eq!(nodes.in_turn().last().unwrap().host(), hangs.host());
        }
    }

    #[tokio::test]
    async fn a_node_whose_calls_all_wait_is_not_left_out_of_a_decision() {
        let nodes = nodes_with(2, PATIENT);
        let disputed = nodes.agree(|node| async move {
            if node.host().ends_with(":2") {
                return Ok(Ok(()));
            }
            while !node.is_late() {
                let hangs = node.in_time(pending::<Result<(), _>>());
                let _ = tokio::time::timeout(2 * PATIENT.short, hangs).await;
            }
            // A check of several calls. Each is answered after the short wait.
            for _ in 0..3 {
                let answer = async {
                    let _ = tokio::time::timeout(PATIENT.short, pending::<()>()).await;
                    // The short wait of the call began before this one.
                    tokio::task::yield_now().await;
                    Ok(())
                };
                node.in_time(answer).await?;
            }
            Ok(Err(RelayError::NullifierUsed))
        });
        let disputed = tokio::time::timeout(DEADLINE, disputed).await.unwrap();
        assert!(matches!(disputed, Err(RelayError::NodesDisagree)), "{disputed:?}");
    }

    #[test]
    fn no_single_node_decides_that_a_transaction_has_ended() {
        // One of two nodes is far ahead from the beginning, or jumps ahead later.
        let last = last_heights(&[Some(1_000_000), Some(1_000)]);
        let end = BLOCKHASH_BLOCKS + SLACK_BLOCKS;
        assert_eq!(last, [1_000_000 + end, 1_000 + end]);
        let is_past = |heights: &[Option<u64>]| nodes(heights.len()).is_past(&last, heights);
        assert!(!is_past(&[Some(1_000_001 + end), Some(1_000 + end)]));
        assert!(!is_past(&[Some(u64::MAX), None]));
        assert!(is_past(&[Some(1_000_001 + end), Some(1_001 + end)]));
        assert!(nodes(1).is_past(&[150], &[Some(151)]));
    }
}
