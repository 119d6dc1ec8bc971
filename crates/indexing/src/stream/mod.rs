//! A source that receives transactions from a Yellowstone gRPC stream, so that they do not have to
//! be fetched. The feature `yellowstone` enables it.
//!
//! ```text
//!   stream (confirmed) ── transactions of the program ──> buffer, bounded ──┐
//!          └── wake-up                                                      ├─> fetch
//!   nodes  ── list, head, statuses, accounts ── what is listed ─────────────┤
//!          └── transactions that the buffer does not have ──────────────────┘
//! ```
//!
//! The stream decides nothing. Which transactions exist, and in which slots, the lists of the nodes
//! say, and the checkpoint follows the lists. A streamed transaction is used only if a node lists
//! it in the same slot, and it is checked like one that a node returned. So a stream that breaks,
//! omits transactions or belongs to another cluster costs only requests: the nodes return what is
//! missing.

mod buffer;
mod connection;
mod convert;

use std::collections::{BTreeSet, HashSet};
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bauta_store::Slot;
use solana_address::Address;
use solana_signature::Signature;
use tokio::sync::Notify;

use crate::chain::{
    AccountFilter, AccountsAnswer, Answers, GenesisHash, Head, HistoryPage, ListedBy, ListedTransaction,
    NodeRetention, NodeVersion, Source, Transaction, TransactionStatus, VersionKey,
};
use crate::{SourceError, decode, metrics};
use buffer::Buffer;

/// The settings of a stream. They have no `Debug`, because the URL may contain a key.
#[derive(Clone)]
pub struct StreamSettings {
    /// The URL of the gRPC server: `http://` or `https://`.
    pub url: String,
    /// The token of the header `x-token`.
    pub token: Option<String>,
}

/// A source that takes transactions from a stream if it has them, and everything else from another
/// source.
pub struct StreamedSource<S> {
    inner: S,
    buffer: Arc<Buffer>,
    /// The transactions with a refused version. They are requested from the nodes.
    contested: Mutex<HashSet<(Slot, Signature)>>,
}

impl<S> StreamedSource<S> {
    /// Creates a source with an empty buffer.
    #[must_use]
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            buffer: Arc::default(),
            contested: Mutex::default(),
        }
    }

    /// Returns the source that the stream supplements.
    #[must_use]
    pub const fn inner(&self) -> &S {
        &self.inner
    }

    /// Receives the transactions of a program, and notifies `wake_up` of each. Never completes:
    /// when the connection ends, this function connects again.
    pub fn receive(
        &self,
        settings: StreamSettings,
        program: Address,
        wake_up: Arc<Notify>,
    ) -> impl Future<Output = ()> + Send + use<S> {
        connection::receive(settings, program, Arc::clone(&self.buffer), wake_up)
    }

    fn contested(&self) -> MutexGuard<'_, HashSet<(Slot, Signature)>> {
        self.contested.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a streamed transaction for an entry of a list, if it can be used. One without an
    /// event is requested from a node: nothing would show that the stream omitted the event.
    fn streamed(&self, entry: &ListedTransaction) -> Option<Transaction> {
        let transaction = self.buffer.take(entry)?;
        if self.contested().contains(&(entry.slot, entry.signature)) {
            return None;
        }
        let has_events = decode::records(&transaction).is_ok_and(|records| !records.is_empty());
        (entry.succeeded && has_events).then_some(transaction)
    }
}

impl<S: Source> Source for StreamedSource<S> {
    async fn fetch(&self, listed: &[ListedTransaction]) -> Result<Vec<Transaction>, SourceError> {
        let mut fetched = Vec::with_capacity(listed.len());
        let mut open = Vec::new();
        for entry in listed {
            match self.streamed(entry) {
                Some(transaction) => fetched.push(transaction),
                None => open.push(*entry),
            }
        }
        metrics::streamed_transactions(fetched.len());
        if !open.is_empty() {
            fetched.extend(self.inner.fetch(&open).await?);
        }
        Ok(fetched)
    }

    fn distrust(&self, answers: Answers) {
        self.buffer.distrust();
        self.inner.distrust(answers);
    }

    async fn check_cluster(&self, expected: Option<GenesisHash>) -> Result<GenesisHash, SourceError> {
        self.inner.check_cluster(expected).await
    }

    async fn head(&self, at_least: Slot) -> Result<Head, SourceError> {
        self.inner.head(at_least).await
    }

    async fn list(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        self.inner.list(addresses, after, until).await
    }

    async fn list_on_all_nodes(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        self.inner.list_on_all_nodes(addresses, after, until).await
    }

    async fn list_before_on_all_nodes(
        &self,
        addresses: &[Address],
        newer: Signature,
        after: Option<Slot>,
        until: Slot,
    ) -> Result<Vec<ListedTransaction>, SourceError> {
        self.inner
            .list_before_on_all_nodes(addresses, newer, after, until)
            .await
    }

    async fn retention(&self) -> Vec<NodeRetention> {
        self.inner.retention().await
    }

    fn record_listers(&self, listers: &[((Slot, Signature), usize)]) {
        self.inner.record_listers(listers);
    }

    fn record_unreturned(&self, slot: Slot, signature: Signature) -> ListedBy {
        self.inner.record_unreturned(slot, signature)
    }

    fn is_doubted(&self, slot: Slot, signature: Signature) -> bool {
        self.inner.is_doubted(slot, signature)
    }

    fn take_contradicted(&self) -> Vec<ListedTransaction> {
        self.inner.take_contradicted()
    }

    fn listed_by_one(&self, transactions: &[(Slot, Signature)]) -> Vec<(Slot, Signature)> {
        self.inner.listed_by_one(transactions)
    }

    async fn versions(&self, listed: &[ListedTransaction]) -> Vec<Vec<NodeVersion>> {
        self.inner.versions(listed).await
    }

    fn refuse_versions(&self, refused: &HashSet<VersionKey>) {
        *self.contested() = refused
            .iter()
            .map(|(slot, signature, _)| (*slot, *signature))
            .collect();
        self.inner.refuse_versions(refused);
    }

    fn record_wrong_version(&self, slot: Slot, signature: Signature, node: usize) {
        self.inner.record_wrong_version(slot, signature, node);
    }

    fn confirmed_up_to(&self) -> Option<Slot> {
        self.inner.confirmed_up_to()
    }

    fn is_single_node(&self) -> bool {
        self.inner.is_single_node()
    }

    fn list_again_after(&self, slot: Slot) {
        self.inner.list_again_after(slot);
    }

    fn is_left_out(&self, node: usize) -> bool {
        self.inner.is_left_out(node)
    }

    fn confirms_outcomes(&self) -> bool {
        self.inner.confirms_outcomes()
    }

    fn histories(&self) -> Vec<String> {
        self.inner.histories()
    }

    async fn history_page(
        &self,
        node: usize,
        address: &Address,
        before: Option<Signature>,
        after: Option<Slot>,
        until: Slot,
    ) -> Result<HistoryPage, SourceError> {
        self.inner.history_page(node, address, before, after, until).await
    }

    async fn statuses(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> Result<Vec<Option<TransactionStatus>>, SourceError> {
        self.inner.statuses(signatures, at_least).await
    }

    async fn statuses_on_all_nodes(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> Result<Vec<Vec<TransactionStatus>>, SourceError> {
        self.inner.statuses_on_all_nodes(signatures, at_least).await
    }

    async fn accounts(
        &self,
        filter: &AccountFilter,
        avoided: &BTreeSet<usize>,
    ) -> Result<AccountsAnswer, SourceError> {
        self.inner.accounts(filter, avoided).await
    }

    fn nodes_with_accounts(&self) -> usize {
        self.inner.nodes_with_accounts()
    }
}
