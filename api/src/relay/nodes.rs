//! The nodes of the relay. What ends a relay needs two of them, if there are two: a single node
//! that lies or is behind can't cause a second transaction.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bauta_rpc::{
    Account, BalanceChange, CommitmentLevel, Options, Page, Rpc, RpcError, SignatureInfo, SignatureStatus,
    Simulation,
};
use bauta_service_common::Secret;
use futures_util::future::join_all;
use solana_address::Address;
use solana_hash::Hash;
use solana_signature::Signature;
use solana_transaction::versioned::VersionedTransaction;

use super::{error::RelaySetupError, transaction::SIMULATED_AT};

/// Limits of a call.
const OPTIONS: Options = Options {
    timeout: Duration::from_secs(5),
    max_response_bytes: 8 << 20,
};
/// Nodes that must agree, if there are as many.
const QUORUM: usize = 2;
/// Blocks for which the cluster accepts a blockhash.
const BLOCKHASH_BLOCKS: u64 = 150;
/// Blocks that nodes may differ by. They are added to the last height of a transaction, because the
/// blockhash can be newer than the heights of other nodes.
const SLACK_BLOCKS: u64 = 32;
/// Blocks that a node's finalized height can be behind its newest one. About 32 are usual.
const FINALITY_BLOCKS: u64 = 96;
/// The last height of a node that did not answer. The database can hold it.
const UNKNOWN_HEIGHT: u64 = i64::MAX.unsigned_abs();
/// Time for which a blockhash is used.
const BLOCKHASH_AGE: Duration = Duration::from_secs(2);
/// Time for which a price is used.
const PRICE_AGE: Duration = Duration::from_secs(10);

/// What can become of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was executed, may still be executed, or not enough nodes say that it can't.
    Possible,
    /// It was not executed and never will be.
    Dead,
    /// It was not executed and never will be: another transaction has used the nullifier.
    NullifierUsed,
}

/// The nodes.
pub struct Nodes {
    rpcs: Vec<Rpc>,
    next: AtomicUsize,
    blockhash: Mutex<Option<(Instant, Hash, Vec<u64>)>>,
    price: Mutex<Option<(Instant, u64)>>,
}

impl Nodes {
    /// Uses the nodes of the relay, or the node of the service if there are none. Doesn't connect.
    pub fn new(urls: &[Secret], node: Option<&str>) -> Result<Self, RelaySetupError> {
        let mut urls: Vec<&str> = urls.iter().map(Secret::expose).collect();
        if urls.is_empty() {
            urls.extend(node);
        }
        if urls.is_empty() {
            return Err(RelaySetupError::NoNode);
        }
        let nodes = urls.into_iter().map(|url| Rpc::with_options(url, OPTIONS));
        Ok(Self {
            rpcs: nodes.collect::<Result<_, _>>()?,
            next: AtomicUsize::new(0),
            blockhash: Mutex::default(),
            price: Mutex::default(),
        })
    }

    fn quorum(&self) -> usize {
        self.rpcs.len().min(QUORUM)
    }

    /// Calls one node after the other until one answers. Calls begin with different nodes.
    async fn first<T, F: Future<Output = Result<T, RpcError>>>(
        &self,
        call: impl Fn(Rpc) -> F,
    ) -> Result<T, RpcError> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        let count = self.rpcs.len();
        let mut last = None;
        for offset in 0..count {
            let node = &self.rpcs[first.wrapping_add(offset) % count];
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
        call: impl Fn(Rpc) -> F,
    ) -> Vec<Option<T>> {
        let answers = join_all(self.rpcs.iter().map(|node| call(node.clone()))).await;
        answers.into_iter().map(Result::ok).collect()
    }

    /// Calls all nodes and returns the answers of those that answer.
    async fn all<T, F: Future<Output = Result<T, RpcError>>>(&self, call: impl Fn(Rpc) -> F) -> Vec<T> {
        self.each(call).await.into_iter().flatten().collect()
    }

    /// Returns the rent-exempt balance of an account.
    pub async fn rent(&self, bytes: usize) -> Result<u64, RpcError> {
        self.first(|node| async move { node.rent_exempt_balance(bytes).await })
            .await
    }

    /// Simulates a transaction.
    pub async fn simulate(&self, transaction: &VersionedTransaction) -> Result<Simulation, RpcError> {
        self.first(|node| async move { node.simulate(transaction, SIMULATED_AT).await })
            .await
    }

    /// Returns a recent blockhash, and for each node its last height at which a transaction with
    /// the blockhash can be executed. A node that lies about heights decides only about itself.
    pub async fn blockhash(&self) -> Result<(Hash, Vec<u64>), RpcError> {
        let known = self
            .blockhash
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some((at, hash, heights)) = known
            && at.elapsed() < BLOCKHASH_AGE
        {
            return Ok((hash, heights));
        }
        let at = Instant::now();
        let (hash, reported) = self
            .first(|node| async move { node.latest_blockhash(CommitmentLevel::Confirmed).await })
            .await?;
        let heights = if self.rpcs.len() == 1 {
            vec![reported]
        } else {
            // The hash is not newer than the present block.
            let heights =
                self.each(|node| async move { node.block_height(CommitmentLevel::Processed).await });
            last_heights(&heights.await)
        };
        let mut kept = self.blockhash.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((at, hash, heights.clone()));
        Ok((hash, heights))
    }

    /// Returns the price at the 75th percentile of recent blocks for transactions that write to an
    /// account. 0 if no node answers.
    pub async fn price(&self, account: Address) -> u64 {
        let known = *self.price.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, price)) = known
            && at.elapsed() < PRICE_AGE
        {
            return price;
        }
        let prices = self
            .first(|node| async move { node.recent_prices(&[account]).await })
            .await
            .unwrap_or_default();
        let price = percentile_75(prices);
        *self.price.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), price));
        price
    }

    /// Sends a transaction to all nodes. Their answers don't matter: the status decides.
    pub async fn send(&self, transaction: &[u8]) {
        self.all(|node| async move { node.send_once(transaction).await })
            .await;
    }

    /// Returns the statuses of transactions from one node.
    pub async fn statuses(
        &self,
        signatures: &[Signature],
        search_history: bool,
    ) -> Result<Vec<Option<SignatureStatus>>, RpcError> {
        self.first(|node| async move { node.statuses(signatures, search_history).await })
            .await
    }

    /// Returns, for each transaction, the status that as many nodes agree on as must agree:
    /// finalized, with or without an error.
    pub async fn finalized(&self, signatures: &[Signature]) -> Vec<Option<SignatureStatus>> {
        let answers = self
            .all(|node| async move { node.statuses(signatures, true).await })
            .await;
        let agreed = |index: usize| {
            let mut found = answers.iter().filter_map(|answer| answer.get(index)?.as_ref());
            let first = found.find(|status| status.level == CommitmentLevel::Finalized)?;
            let same = found.filter(|status| {
                status.level == CommitmentLevel::Finalized
                    && status.slot == first.slot
                    && status.error == first.error
            });
            (same.count() + 1 >= self.quorum()).then(|| first.clone())
        };
        (0..signatures.len()).map(agreed).collect()
    }

    /// Returns the finalized height of each node.
    pub async fn finalized_heights(&self) -> Vec<Option<u64>> {
        self.each(|node| async move { node.block_height(CommitmentLevel::Finalized).await })
            .await
    }

    /// Returns whether as many nodes as must agree have finalized past the end of a transaction.
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

    /// Decides whether a transaction can still be executed. Each node is first asked for its
    /// height, so that its other answers are from after the end of the transaction.
    pub async fn fate(&self, signature: Signature, last_heights: &[u64], nullifier: Address) -> Fate {
        let answers = self
            .each(|node| async move {
                let height = node.block_height(CommitmentLevel::Finalized).await?;
                let status = node.statuses(&[signature], true).await?.remove(0);
                let (_, account) = node.account(&nullifier, CommitmentLevel::Finalized).await?;
                Ok((
                    height,
                    status.is_some(),
                    account.is_some_and(|it| it.owner == bauta::ID),
                ))
            })
            .await;
        let is_known = answers.iter().flatten().any(|(_, is_known, _)| *is_known);
        if is_known || last_heights.len() != answers.len() {
            return Fate::Possible;
        }
        let is_after = |(index, answer): (usize, &Option<(u64, bool, bool)>)| {
            let (height, _, is_used) = (*answer)?;
            is_past_own(last_heights, index, height).then_some(is_used)
        };
        let after: Vec<bool> = answers.iter().enumerate().filter_map(is_after).collect();
        if after.len() < self.quorum() {
            return Fate::Possible;
        }
        match after.iter().filter(|is_used| **is_used).count() {
            0 => Fate::Dead,
            used if used >= self.quorum() => Fate::NullifierUsed,
            _ => Fate::Possible,
        }
    }

    /// Returns finalized accounts.
    pub async fn accounts(&self, addresses: &[Address]) -> Result<Vec<Option<Account>>, RpcError> {
        let found = self
            .first(|node| async move { node.accounts(addresses, CommitmentLevel::Finalized).await })
            .await?;
        Ok(found.into_iter().map(|(_, account)| account).collect())
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

    /// Returns how finalized transactions changed a balance.
    pub async fn balance_changes(
        &self,
        address: &Address,
        signatures: &[Signature],
    ) -> Result<Vec<Option<BalanceChange>>, RpcError> {
        self.first(|node| async move {
            node.balance_changes(address, signatures, CommitmentLevel::Finalized)
                .await
        })
        .await
    }
}

/// Returns the last height of each node, from their present heights.
fn last_heights(heights: &[Option<u64>]) -> Vec<u64> {
    let last = |height: &Option<u64>| height.map_or(UNKNOWN_HEIGHT, |height| last_height(height, 0));
    heights.iter().map(last).collect()
}

/// Returns the last height of a node that had `height` when the blockhash was new, or later. `lag` is
/// how far the height can be behind the node's newest block.
const fn last_height(height: u64, lag: u64) -> u64 {
    height.saturating_add(BLOCKHASH_BLOCKS + SLACK_BLOCKS + lag)
}

/// Fills in the last heights of nodes that did not answer when the blockhash was new. A height that
/// a node has finalized later is not too low. If the number of nodes has changed since then, all are
/// unknown.
pub fn complete(last_heights: &mut Vec<u64>, finalized: &[Option<u64>]) {
    if last_heights.len() != finalized.len() {
        *last_heights = vec![UNKNOWN_HEIGHT; finalized.len()];
    }
    for (last, height) in last_heights.iter_mut().zip(finalized) {
        if *last >= UNKNOWN_HEIGHT
            && let Some(height) = height
        {
            *last = last_height(*height, FINALITY_BLOCKS);
        }
    }
}

/// Returns whether a node with this height is past its last height.
fn is_past_own(last_heights: &[u64], index: usize, height: u64) -> bool {
    last_heights.get(index).is_some_and(|last| height > *last)
}

fn percentile_75(mut prices: Vec<u64>) -> u64 {
    prices.sort_unstable();
    prices.get(prices.len() * 3 / 4).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(count: usize) -> Nodes {
        let urls = vec![Secret::new("http://127.0.0.1:1".to_owned()); count];
        Nodes::new(&urls, None).unwrap()
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

    #[test]
    fn a_node_that_did_not_answer_counts_from_its_next_answer() {
        let mut last = last_heights(&[Some(5), None, None]);
        let end = BLOCKHASH_BLOCKS + SLACK_BLOCKS;
        complete(&mut last, &[Some(50), Some(60), None]);
        assert_eq!(last, [5 + end, 60 + end + FINALITY_BLOCKS, UNKNOWN_HEIGHT]);
        complete(&mut last, &[Some(70), Some(80), Some(90)]);
        assert_eq!(
            last[1..],
            [60 + end + FINALITY_BLOCKS, 90 + end + FINALITY_BLOCKS]
        );
        // With another number of nodes, all count from now.
        complete(&mut last, &[Some(100)]);
        assert_eq!(last, [100 + end + FINALITY_BLOCKS]);
    }

    #[test]
    fn the_price_is_the_75th_percentile_of_recent_blocks() {
        assert_eq!(percentile_75((1..=100).rev().collect()), 76);
        assert_eq!(percentile_75(vec![5]), 5);
        assert_eq!(percentile_75(Vec::new()), 0);
    }
}
