//! A source that reads a chain in memory and can give wrong answers.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bauta_store::Slot;
use solana_address::Address;
use solana_signature::Signature;

use super::{TestChain, accounts};
use crate::chain::{
    Account, AccountFilter, AccountsAnswer, Answers, GenesisHash, Head, HistoryPage, ListedTransaction,
    NodeVersion, PageEnd, Source, Transaction, TransactionStatus, VersionKey,
};
use crate::{SourceError, decode};

/// A source that reads a chain in memory. Its state can be changed to give wrong answers.
#[derive(Default)]
pub struct TestSource {
    state: Mutex<SourceState>,
}

/// The history of a [`TestSource`] and its faults.
#[derive(Default)]
pub struct SourceState {
    /// The transactions in the order of the chain.
    pub transactions: Vec<Transaction>,
    /// The newest slots. `None` makes [`Source::head`] fail.
    pub head: Option<Head>,
    /// Transactions that lists by the program's address omit.
    pub omitted: HashSet<Signature>,
    /// Transactions that every list omits.
    pub omitted_everywhere: HashSet<Signature>,
    /// Accounts to return instead of the present ones.
    pub stale_accounts: Option<Vec<Account>>,
    /// The node that returns them. `None` means all nodes.
    pub stale_node: Option<usize>,
    /// A node whose accounts another node has to return.
    pub node_without_answer: Option<usize>,
    /// The number of nodes that refuse to return accounts.
    pub nodes_without_accounts: usize,
    /// The next history and head. The first request for accounts that differ in it returns them
    /// with the present slot, and makes this history the present one.
    pub newer: Option<(Vec<Transaction>, Head)>,
    /// The number of requests that fail next.
    pub failures: usize,
    /// The number of transactions that have been fetched.
    pub fetched: usize,
    /// The numbers of the calls of [`Source::fetch`] that fail, from 0.
    pub failing_fetches: Range<usize>,
    fetches: usize,
    /// The genesis hash that the source reports.
    pub genesis_hash: GenesisHash,
    /// How often the follower has recorded that answers contradicted the database.
    pub distrusted: usize,
    /// Whether requests for accounts fail.
    pub accounts_fail: bool,
    /// The largest number of accounts in an answer. `None` means no limit.
    pub max_accounts: Option<usize>,
    /// Transactions that lists contain, but that do not exist.
    pub invented: Vec<ListedTransaction>,
    /// The slots in which the preferred node reports the statuses of some transactions. Another
    /// node reports those of the history.
    pub moved_statuses: HashMap<Signature, Slot>,
    /// Those of them whose status the other node does not report.
    pub without_other_status: HashSet<Signature>,
    /// Whether not every node returns the blocks that do not contain the invented transactions.
    pub some_blocks_missing: bool,
    /// Transactions that lists contain and that no node returns.
    pub unreturned: HashSet<Signature>,
    /// Transactions that only a node lists that has listed another one that no node returned.
    pub doubted: HashSet<Signature>,
    /// Transactions for which no node answers.
    pub unanswered: HashSet<Signature>,
    /// The number of requests that no node has answered.
    pub pending: usize,
    /// Transactions that one node returned without an event and another one later with an event.
    pub contradicted: Vec<ListedTransaction>,
    /// Transactions that one node returns with another content.
    pub altered: HashMap<Signature, Transaction>,
    /// On how many of the other nodes a transaction does not exist. Only one node lists it.
    pub denied: HashMap<Signature, usize>,
    /// The number of nodes that are compared. 0 means that the versions of transactions are unknown.
    pub compared_nodes: usize,
    /// The versions that the follower refuses.
    pub refused: HashSet<VersionKey>,
    /// The nodes of which the follower has recorded that they returned a wrong version.
    pub wrong: Vec<usize>,
    /// The number of comparisons of versions.
    pub comparisons: usize,
    /// The transactions before which lists began that did not begin with the newest entry.
    pub began_before: Vec<Signature>,
    /// The nodes other than the first one. Each omits these transactions from its history; `None`
    /// for a node that does not answer.
    pub other_histories: Vec<Option<HashSet<Signature>>>,
    /// The number of entries of a page of a history. 0 means 1,000.
    pub page_size: usize,
    /// The nodes whose pages were returned, in order.
    pub pages: Vec<usize>,
    /// After how many pages of the histories of accounts no node answers. `None` means never.
    pub max_account_pages: Option<usize>,
    /// The number of pages of the histories of accounts that were requested.
    pub account_pages: usize,
    /// The first slot whose block a node has, by node.
    pub first_slots: HashMap<usize, Slot>,
    /// How long the other nodes take for each page.
    pub page_delay: Duration,
    /// Whether the histories of the other nodes begin again after their end.
    pub repeats: bool,
    /// After how many pages every request for a page fails. `None` means never.
    pub max_pages: Option<usize>,
}

impl SourceState {
    /// Returns the list of a node that omits some transactions, ordered by slot.
    fn listed(
        &self,
        omitted: &HashSet<Signature>,
        after: Option<Slot>,
        until: Slot,
    ) -> Vec<ListedTransaction> {
        let is_in_range = |slot: Slot| after.is_none_or(|after| slot > after) && slot <= until;
        let mut listed: Vec<_> = self
            .transactions
            .iter()
            .filter(|transaction| is_in_range(transaction.slot))
            .filter(|transaction| !self.omitted_everywhere.contains(&transaction.signature))
            .filter(|transaction| !omitted.contains(&transaction.signature))
            .map(|transaction| ListedTransaction {
                slot: transaction.slot,
                signature: transaction.signature,
                succeeded: transaction.succeeded,
                is_refused_reuse: transaction.refused_reuse.is_some(),
            })
            .collect();
        listed.extend(self.invented.iter().filter(|entry| is_in_range(entry.slot)));
        // A source may return the transactions of a slot in any order.
        listed.reverse();
        listed.sort_by_key(|entry| entry.slot);
        listed
    }

    /// Returns what each node has of a transaction. Node 0 is the one with the faults.
    fn versions(&self, entry: &ListedTransaction) -> Vec<NodeVersion> {
        let found = |transaction: &&Transaction| transaction.signature == entry.signature;
        let real = self.transactions.iter().find(found).map(decode::digest);
        let altered = self.altered.get(&entry.signature).map(decode::digest);
        let denied = self.denied.get(&entry.signature).copied().unwrap_or(0);
        (0..self.compared_nodes)
            .map(|node| NodeVersion {
                node,
                version: match node {
                    0 => altered.or(real),
                    node if node <= denied => None,
                    _ => real,
                },
                is_left_out: false,
            })
            .collect()
    }

    /// Returns the transaction as a node returns it whose version is not refused.
    fn accepted(&self, transaction: &Transaction) -> Transaction {
        let altered = self.altered.get(&transaction.signature);
        let is_refused = |altered: &&Transaction| {
            let version = decode::digest(altered);
            self.refused.contains(&(altered.slot, altered.signature, version))
        };
        altered
            .filter(|altered| !is_refused(altered))
            .unwrap_or(transaction)
            .clone()
    }

    /// Returns the status of a transaction of the history.
    fn status(&self, signature: &Signature) -> Option<TransactionStatus> {
        let finalized = self.head.map_or(Slot::ZERO, |head| head.finalized);
        let transaction = self
            .transactions
            .iter()
            .find(|transaction| transaction.signature == *signature)?;
        Some(TransactionStatus {
            slot: transaction.slot,
            succeeded: transaction.succeeded,
            finalized: transaction.slot <= finalized,
        })
    }

    /// Returns the status of [`Self::moved_statuses`].
    fn moved_status(&self, signature: &Signature) -> Option<TransactionStatus> {
        let slot = *self.moved_statuses.get(signature)?;
        let finalized = self.head.map_or(Slot::ZERO, |head| head.finalized);
        Some(TransactionStatus {
            slot,
            succeeded: true,
            finalized: slot <= finalized,
        })
    }
}

impl TestSource {
    /// Creates a source with the history of a chain. The head is the last slot, and no slot is
    /// finalized.
    #[must_use]
    pub fn new(chain: &TestChain) -> Self {
        let source = Self::default();
        source.set_chain(chain);
        source
    }

    /// Replaces the history by that of a chain.
    pub fn set_chain(&self, chain: &TestChain) {
        let mut state = self.state();
        state.transactions.clone_from(&chain.transactions);
        state.head = Some(Head {
            confirmed: chain.slot,
            finalized: Slot::ZERO,
        });
    }

    /// Returns the program's accounts at the end of the history.
    #[must_use]
    pub fn present_accounts(&self) -> Vec<Account> {
        accounts::after(&self.state().transactions)
    }

    /// Locks the state, to read or change it.
    pub fn state(&self) -> MutexGuard<'_, SourceState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Locks the state for a request. Fails if the next request has to fail.
    fn request(&self) -> Result<MutexGuard<'_, SourceState>, SourceError> {
        let mut state = self.state();
        if state.failures > 0 {
            state.failures -= 1;
            return Err(SourceError::Unavailable {
                what: "an answer",
                reason: "injected failure".into(),
            });
        }
        Ok(state)
    }
}

impl Source for TestSource {
    async fn check_cluster(&self, expected: Option<GenesisHash>) -> Result<GenesisHash, SourceError> {
        let found = self.request()?.genesis_hash;
        match expected {
            Some(expected) if expected != found => Err(SourceError::OtherCluster {
                reason: "the chain in memory has another genesis hash".into(),
            }),
            _ => Ok(found),
        }
    }

    fn distrust(&self, _: Answers) {
        self.state().distrusted += 1;
    }

    async fn head(&self, _: Slot) -> Result<Head, SourceError> {
        let state = self.request()?;
        state.head.ok_or(SourceError::Cancelled)
    }

    async fn list(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        let state = self.request()?;
        let none = HashSet::new();
        let omitted = if addresses == [bauta::ID] {
            &state.omitted
        } else {
            &none
        };
        Ok(state.listed(omitted, after, until))
    }

    async fn list_before_on_all_nodes(
        &self,
        addresses: &[Address],
        newer: Signature,
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        self.state().began_before.push(newer);
        self.list_on_all_nodes(addresses, after, until).await
    }

    fn is_doubted(&self, _: Slot, signature: Signature) -> bool {
        self.state().doubted.contains(&signature)
    }

    fn listed_by_one(&self, transactions: &[(Slot, Signature)]) -> Vec<(Slot, Signature)> {
        let state = self.state();
        let is_denied = |(_, signature): &&(Slot, Signature)| state.denied.contains_key(signature);
        transactions.iter().filter(is_denied).copied().collect()
    }

    async fn versions(&self, listed: &[ListedTransaction]) -> Vec<Vec<NodeVersion>> {
        let mut state = self.state();
        state.comparisons += 1;
        listed.iter().map(|entry| state.versions(entry)).collect()
    }

    fn refuse_versions(&self, refused: &HashSet<VersionKey>) {
        self.state().refused.clone_from(refused);
    }

    fn record_wrong_version(&self, _: Slot, _: Signature, node: usize) {
        self.state().wrong.push(node);
    }

    fn take_contradicted(&self) -> Vec<ListedTransaction> {
        std::mem::take(&mut self.state().contradicted)
    }

    fn histories(&self) -> Vec<String> {
        let nodes = 1 + self.state().other_histories.len();
        (0..nodes).map(|node| format!("node {node}")).collect()
    }

    async fn history_page(
        &self,
        node: usize,
        address: &Address,
        before: Option<Signature>,
        after: Option<Slot>,
        until: Slot,
    ) -> Result<HistoryPage, SourceError> {
        let delay = self.state().page_delay;
        if node > 0 {
            tokio::time::sleep(delay).await;
        }
        let is_account = *address != bauta::ID;
        let is_unanswered = {
            let mut state = self.state();
            state.account_pages += usize::from(is_account);
            let max = state.max_account_pages;
            is_account && max.is_some_and(|max| state.account_pages > max)
        };
        if is_unanswered {
            std::future::pending::<()>().await;
        }
        let mut state = self.request()?;
        let omitted = match node.checked_sub(1) {
            None if is_account => Some(HashSet::new()),
            None => Some(state.omitted.clone()),
            Some(other) => state.other_histories[other].clone(),
        };
        let Some(omitted) = omitted.filter(|_| state.max_pages != Some(state.pages.len())) else {
            return Err(SourceError::Unavailable {
                what: "the history",
                reason: "injected failure".into(),
            });
        };
        state.pages.push(node);
        let mut listed = state.listed(&omitted, after, until);
        listed.reverse();
        let from = before.map_or(0, |before| {
            let position = listed.iter().position(|entry| entry.signature == before);
            position.map_or(listed.len(), |position| position + 1)
        });
        let from = if state.repeats && node > 0 {
            from % listed.len()
        } else {
            from
        };
        let size = if state.page_size == 0 {
            1_000
        } else {
            state.page_size
        };
        let page: Vec<_> = listed[from..].iter().take(size).copied().collect();
        let next = page.last().map(|last| PageEnd {
            signature: last.signature,
            slot: last.slot,
        });
        Ok(HistoryPage {
            listed: page,
            next,
            first_slot: state.first_slots.get(&node).copied(),
        })
    }

    async fn fetch(&self, listed: &[ListedTransaction]) -> Result<Vec<Transaction>, SourceError> {
        let is_unanswered = {
            let mut state = self.state();
            let is_unanswered = listed
                .iter()
                .any(|entry| state.unanswered.contains(&entry.signature));
            state.pending += usize::from(is_unanswered);
            is_unanswered
        };
        if is_unanswered {
            std::future::pending::<()>().await;
        }
        let mut state = self.request()?;
        state.fetches += 1;
        if state.failing_fetches.contains(&(state.fetches - 1)) {
            return Err(SourceError::Unavailable {
                what: "a transaction",
                reason: "injected failure".into(),
            });
        }
        state.fetched += listed.len();
        if let Some(invented) = listed.iter().find(|entry| state.invented.contains(entry)) {
            return Err(SourceError::NotOnChain {
                signature: invented.signature,
                slot: invented.slot,
                succeeded: invented.succeeded,
                on_all_nodes: !state.some_blocks_missing,
            });
        }
        if let Some(entry) = listed
            .iter()
            .find(|entry| state.unreturned.contains(&entry.signature))
        {
            return Err(SourceError::NotReturned {
                signature: entry.signature,
                slot: entry.slot,
                succeeded: entry.succeeded,
                reason: "injected failure".into(),
            });
        }
        let from = listed.first().map_or(0, |first| {
            state
                .transactions
                .partition_point(|transaction| transaction.slot < first.slot)
        });
        let to = listed.last().map_or(0, |last| {
            state
                .transactions
                .partition_point(|transaction| transaction.slot <= last.slot)
        });
        let requested: HashSet<_> = listed.iter().map(|entry| entry.signature).collect();
        let mut found: Vec<_> = state.transactions[from..to]
            .iter()
            .filter(|transaction| requested.contains(&transaction.signature))
            .map(|transaction| state.accepted(transaction))
            .collect();
        found.reverse();
        Ok(found)
    }

    async fn statuses(
        &self,
        signatures: &[Signature],
        _: Slot,
    ) -> Result<Vec<Option<TransactionStatus>>, SourceError> {
        let state = self.request()?;
        let status = |signature| state.moved_status(signature).or_else(|| state.status(signature));
        Ok(signatures.iter().map(status).collect())
    }

    async fn statuses_on_all_nodes(
        &self,
        signatures: &[Signature],
        _: Slot,
    ) -> Result<Vec<Vec<TransactionStatus>>, SourceError> {
        let state = self.request()?;
        let other = |signature: &Signature| {
            let status = state.status(signature);
            status.filter(|_| !state.without_other_status.contains(signature))
        };
        let of_nodes = |signature| [state.moved_status(signature), other(signature)];
        Ok(signatures
            .iter()
            .map(|signature| of_nodes(signature).into_iter().flatten().collect())
            .collect())
    }

    fn nodes_with_accounts(&self) -> usize {
        self.histories().len() - self.state().nodes_without_accounts
    }

    async fn accounts(
        &self,
        filter: &AccountFilter,
        avoided: &BTreeSet<usize>,
    ) -> Result<AccountsAnswer, SourceError> {
        let mut nodes = 0..self.nodes_with_accounts();
        let without_answer = self.state().node_without_answer;
        let node = nodes.find(|node| !avoided.contains(node) && Some(*node) != without_answer);
        let node = node.unwrap_or(0);
        let answer = |slot, accounts| AccountsAnswer { node, slot, accounts };
        let mut state = self.request()?;
        if state.accounts_fail {
            return Err(SourceError::Unavailable {
                what: "the program's accounts",
                reason: "injected failure".into(),
            });
        }
        let slot = state.head.map_or(Slot::ZERO, |head| head.confirmed);
        let select = |all: &[Account]| -> Vec<Account> {
            all.iter()
                .filter(|account| filter.accepts(&account.data))
                .map(|account| Account {
                    address: account.address,
                    data: filter.select(&account.data).to_vec(),
                })
                .collect()
        };
        let present = match &state.stale_accounts {
            Some(stale) if state.stale_node.is_none_or(|stale| stale == node) => select(stale),
            _ => select(&accounts::after(&state.transactions)),
        };
        if state.max_accounts.is_some_and(|max| present.len() > max) {
            return Err(SourceError::TooLong {
                what: "the program's accounts",
            });
        }
        let Some((transactions, head)) = state.newer.take() else {
            return Ok(answer(slot, present));
        };
        let newer = select(&accounts::after(&transactions));
        if newer == present {
            state.newer = Some((transactions, head));
        } else {
            (state.transactions, state.head) = (transactions, Some(head));
        }
        Ok(answer(slot, newer))
    }
}
