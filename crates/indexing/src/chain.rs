//! The chain as the indexer reads it, independent of where it comes from.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::future::Future;

use bauta_store::Slot;
use solana_address::Address;
use solana_signature::Signature;

use crate::SourceError;

/// The hash of the first block of a cluster, which identifies the cluster.
pub type GenesisHash = [u8; 32];

/// The newest slots of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The newest confirmed slot. The history up to this slot can be read.
    pub confirmed: Slot,
    /// The newest finalized slot. No fork can remove it.
    pub finalized: Slot,
}

/// A transaction in a list. Its content has not been fetched yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ListedTransaction {
    /// The slot that contains the transaction.
    pub slot: Slot,
    /// The transaction's first signature.
    pub signature: Signature,
    /// Whether the transaction succeeded. The events of a failed transaction do not count.
    pub succeeded: bool,
    /// Whether the transaction failed with the program's error `NullifierUsed`.
    pub is_refused_reuse: bool,
}

impl ListedTransaction {
    /// Returns whether the transaction can contain anything that the store records.
    #[must_use]
    pub const fn may_have_events(&self) -> bool {
        self.succeeded || self.is_refused_reuse
    }

    /// Merges the lists of several nodes: each transaction once for each slot in which a node lists
    /// it, ordered by slot. If nodes disagree about the outcome, an entry that may have events
    /// counts. So a wrong entry of one node hides no entry of another one.
    #[must_use]
    pub fn merge(listed: Vec<Self>) -> Vec<Self> {
        let mut places: HashMap<(Slot, Signature), usize> = HashMap::new();
        let mut merged: Vec<Self> = Vec::with_capacity(listed.len());
        for entry in listed {
            match places.entry((entry.slot, entry.signature)) {
                Entry::Vacant(place) => {
                    place.insert(merged.len());
                    merged.push(entry);
                }
                Entry::Occupied(place) => {
                    let present = &mut merged[*place.get()];
                    if !present.may_have_events() {
                        *present = entry;
                    }
                }
            }
        }
        merged.sort_by_key(|entry| entry.slot);
        merged
    }
}

/// A page of the history of one node, newest first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HistoryPage {
    /// The transactions of the page.
    pub listed: Vec<ListedTransaction>,
    /// The entry after which the next page begins. `None` if this page is the last one.
    pub next: Option<PageEnd>,
    /// The first slot whose block the node has, if the page is empty and the node reports it. A
    /// node does not list what happened before.
    pub first_slot: Option<Slot>,
}

/// The last entry of a page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PageEnd {
    /// The signature of the entry.
    pub signature: Signature,
    /// The slot of the entry.
    pub slot: Slot,
}

/// A transaction with its instructions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction {
    /// The slot that contains the transaction.
    pub slot: Slot,
    /// The index of the transaction among all transactions of the slot.
    pub index: u32,
    /// The transaction's first signature.
    pub signature: Signature,
    /// Whether the transaction succeeded.
    pub succeeded: bool,
    /// The index of the instruction that failed with the program's error `NullifierUsed`. `None` if
    /// none did.
    pub refused_reuse: Option<u32>,
    /// The time of the block in Unix seconds. `None` if the node does not have it.
    pub time: Option<i64>,
    /// The instructions of the transaction's message.
    pub instructions: Vec<Instruction>,
    /// The instructions that programs invoked, in the order of their execution.
    pub inner_instructions: Vec<InnerInstruction>,
}

/// An instruction of a transaction's message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Instruction {
    /// The program that executed the instruction.
    pub program: Address,
    /// The accounts of the instruction.
    pub accounts: Vec<Address>,
    /// The data of the instruction.
    pub data: Vec<u8>,
}

/// An instruction that a program invoked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InnerInstruction {
    /// The index of the transaction's instruction that caused this one, from 0.
    pub outer_index: u32,
    /// The index among the inner instructions of that instruction, from 0.
    pub inner_index: u32,
    /// The program that executed the instruction.
    pub program: Address,
    /// The accounts of the instruction.
    pub accounts: Vec<Address>,
    /// The data of the instruction.
    pub data: Vec<u8>,
}

/// How far back the blocks of a node reach.
#[derive(Debug)]
pub struct NodeRetention {
    /// The name of the node.
    pub node: String,
    /// The first slot whose block the node has.
    pub first_slot: Result<Slot, SourceError>,
}

/// The status of a transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TransactionStatus {
    /// The slot that contains the transaction.
    pub slot: Slot,
    /// Whether the transaction succeeded.
    pub succeeded: bool,
    /// Whether the slot is finalized, so that no fork can remove the transaction.
    pub finalized: bool,
}

/// An account of the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The address of the account.
    pub address: Address,
    /// The account's data, or the part that [`AccountFilter::slice`] selects.
    pub data: Vec<u8>,
}

/// Accounts of the program that a node returned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountsAnswer {
    /// The index of the node in [`Source::histories`].
    pub node: usize,
    /// The slot at which the accounts had this data.
    pub slot: Slot,
    /// The program's accounts that match the filter.
    pub accounts: Vec<Account>,
}

/// Selects accounts of the program, and a part of their data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountFilter {
    /// Bytes that the data must contain. The discriminator is at offset 0.
    pub matches: Vec<BytesAt>,
    /// The part of the data to return. `None` means all of it.
    pub slice: Option<DataSlice>,
}

/// Bytes at an offset of an account's data.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BytesAt {
    /// The offset from the beginning of the data, in bytes.
    pub offset: usize,
    /// The bytes that the data must have there.
    pub bytes: Vec<u8>,
}

/// A part of an account's data.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DataSlice {
    /// The offset from the beginning of the data, in bytes.
    pub offset: usize,
    /// The length in bytes.
    pub length: usize,
}

impl AccountFilter {
    /// Returns whether the filter selects an account with this data.
    #[must_use]
    pub fn accepts(&self, data: &[u8]) -> bool {
        self.matches.iter().all(|BytesAt { offset, bytes }| {
            data.get(*offset..offset + bytes.len()) == Some(bytes.as_slice())
        })
    }

    /// Returns the part of an account's data that the filter selects. It is empty if the data is
    /// too short.
    #[must_use]
    pub fn select<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        match self.slice {
            None => data,
            Some(DataSlice { offset, length }) => data.get(offset..offset + length).unwrap_or(&[]),
        }
    }
}

/// The SHA-256 of the program's events in a transaction, as a node returns it.
pub type VersionDigest = [u8; 32];

/// What one node has of a listed transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NodeVersion {
    /// The index of the node in [`Source::histories`].
    pub node: usize,
    /// The events that the node returns. `None` if it does not have the transaction in this slot
    /// and with this outcome.
    pub version: Option<VersionDigest>,
    /// Whether the node is left out, because it has returned wrong answers.
    pub is_left_out: bool,
}

/// A version of a transaction.
pub type VersionKey = (Slot, Signature, VersionDigest);

/// Which nodes list a transaction that no node returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ListedBy {
    /// Several nodes, or the only one that answers.
    Several,
    /// One of several nodes.
    One,
    /// One of several nodes, and it has listed too many of them. It is left out from now on, so the
    /// next lists do not have its entries.
    LeftOut,
}

/// The kinds of answers that can contradict the database.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Answers {
    /// Lists of transactions.
    Lists,
    /// Transactions with their content.
    Transactions,
    /// Accounts of the program.
    Accounts,
}

/// The origin of the chain's data: nodes, a chain in memory, or a stream with a buffer.
///
/// The follower does not assume that the answers are complete. It compares them and repeats
/// requests.
pub trait Source: Send + Sync + 'static {
    /// Returns the genesis hash of the cluster that the source reads, which is `expected` if that
    /// is given. From then on the source uses only nodes of this cluster. Fails with
    /// [`SourceError::OtherCluster`] if there is none, or if the nodes belong to different clusters
    /// and nothing is expected.
    fn check_cluster(
        &self,
        expected: Option<GenesisHash>,
    ) -> impl Future<Output = Result<GenesisHash, SourceError>> + Send;

    /// Records that the last answers of a kind contradicted the database. A source with several
    /// nodes then prefers others for some time to the one that gave them.
    fn distrust(&self, answers: Answers) {
        let _ = answers;
    }

    /// Returns the newest slots. A source with several nodes returns the slots of one that has
    /// reached `at_least`, if there is one.
    fn head(&self, at_least: Slot) -> impl Future<Output = Result<Head, SourceError>> + Send;

    /// Returns the transactions that name one of these addresses, in the slots after `after` up to
    /// `until`. `None` means from the beginning of the chain.
    ///
    /// Each transaction is returned once, or once for each slot if nodes disagree. The list is
    /// ordered by slot, and in any order within a slot. The source must not use a node that has not
    /// reached `until`.
    fn list(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> impl Future<Output = Result<Vec<ListedTransaction>, SourceError>> + Send;

    /// Returns the union of what all nodes list. One node may list a transaction that another one
    /// omits. It can contain earlier slots than `after`: those of a node that did not answer
    /// before.
    fn list_on_all_nodes(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> impl Future<Output = Result<Vec<ListedTransaction>, SourceError>> + Send {
        self.list(addresses, after, until)
    }

    /// Returns the same as [`list_on_all_nodes`](Self::list_on_all_nodes) for slots that are before
    /// the transaction `newer`. A source can begin its lists there, so that it does not read
    /// everything that is newer.
    fn list_before_on_all_nodes(
        &self,
        addresses: &[Address],
        newer: Signature,
        after: Option<Slot>,
        until: Slot,
    ) -> impl Future<Output = Result<Vec<ListedTransaction>, SourceError>> + Send {
        let _ = newer;
        self.list_on_all_nodes(addresses, after, until)
    }

    /// Returns how far back the blocks of each node reach.
    fn retention(&self) -> impl Future<Output = Vec<NodeRetention>> + Send {
        async { Vec::new() }
    }

    /// Returns the names of the nodes, each of which has a history of its own.
    fn histories(&self) -> Vec<String>;

    /// Returns a page of what one node lists for an address, in the slots after `after` up to
    /// `until`. The page begins after the entry `before`, or with the newest entry. `node` is an
    /// index of [`histories`](Self::histories).
    fn history_page(
        &self,
        node: usize,
        address: &Address,
        before: Option<Signature>,
        after: Option<Slot>,
        until: Slot,
    ) -> impl Future<Output = Result<HistoryPage, SourceError>> + Send;

    /// Records which transactions only one node has listed in which slots, with the index of the
    /// node in [`histories`](Self::histories). The source finds nodes that list transactions that do
    /// not exist. Replaces what was recorded before.
    fn record_listers(&self, listers: &[((Slot, Signature), usize)]) {
        let _ = listers;
    }

    /// Records that a listed transaction is quarantined, because no node returns it. Returns which
    /// nodes list it. A source with several nodes leaves out a node that is the only one to list
    /// many of them.
    fn record_unreturned(&self, slot: Slot, signature: Signature) -> ListedBy {
        let _ = (slot, signature);
        ListedBy::Several
    }

    /// Returns whether a listed transaction that no node returns must not stop the checkpoint: only a
    /// node lists it that has listed one before that does not exist, or that no node returned.
    fn is_doubted(&self, slot: Slot, signature: Signature) -> bool {
        let _ = (slot, signature);
        false
    }

    /// Returns listed transactions that one node returned without an event, and that another node
    /// returned later with an event. Each is returned once.
    fn take_contradicted(&self) -> Vec<ListedTransaction> {
        Vec::new()
    }

    /// Returns the slot up to which a second node has confirmed what one node listed, and which
    /// transactions have no event. `None` means that no second node is awaited.
    fn confirmed_up_to(&self) -> Option<Slot> {
        None
    }

    /// Returns whether the lists of only one of several nodes count: no other one has returned a list
    /// for a minute, or the others are left out.
    fn is_single_node(&self) -> bool {
        false
    }

    /// Makes each node list the slots after `slot` again. Until then, no second node counts as
    /// having confirmed them. Required when the follower forgets what nodes listed there.
    fn list_again_after(&self, slot: Slot) {
        let _ = slot;
    }

    /// Returns whether a node is left out, because it listed transactions that do not exist. `node`
    /// is an index of [`histories`](Self::histories).
    fn is_left_out(&self, node: usize) -> bool {
        let _ = node;
        false
    }

    /// Returns those of the transactions that only one of several nodes listed when their lists were
    /// last compared.
    fn listed_by_one(&self, transactions: &[(Slot, Signature)]) -> Vec<(Slot, Signature)> {
        let _ = transactions;
        Vec::new()
    }

    /// Returns what each node has of each listed transaction, in the order of the list. A node that
    /// does not answer in time is left out. The time is limited.
    fn versions(&self, listed: &[ListedTransaction]) -> impl Future<Output = Vec<Vec<NodeVersion>>> + Send {
        let unknown = vec![Vec::new(); listed.len()];
        async move { unknown }
    }

    /// Makes [`fetch`](Self::fetch) use no answer that contains one of these versions. Replaces the
    /// versions of the last call.
    fn refuse_versions(&self, refused: &HashSet<VersionKey>) {
        let _ = refused;
    }

    /// Records that a node returned a wrong version of a transaction. A source with several nodes
    /// leaves out a node that returns many of them.
    fn record_wrong_version(&self, slot: Slot, signature: Signature, node: usize) {
        let _ = (slot, signature, node);
    }

    /// Returns whether the source compares nodes before it returns a transaction whose outcome
    /// differs from the listed one. Then the list was wrong.
    fn confirms_outcomes(&self) -> bool {
        false
    }

    /// Returns the content of listed transactions, each from the slot where it was listed, in any
    /// order.
    fn fetch(
        &self,
        listed: &[ListedTransaction],
    ) -> impl Future<Output = Result<Vec<Transaction>, SourceError>> + Send;

    /// Returns the status of each transaction, in the order of the signatures, including old
    /// transactions. A status is `None` if the transaction is unknown.
    ///
    /// The source must not use a node that has not reached the slot `at_least`: such a node may not
    /// know the transaction yet.
    fn statuses(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> impl Future<Output = Result<Vec<Option<TransactionStatus>>, SourceError>> + Send;

    /// Returns the statuses of each transaction from all nodes that answer and that know it.
    fn statuses_on_all_nodes(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> impl Future<Output = Result<Vec<Vec<TransactionStatus>>, SourceError>> + Send {
        async move {
            let statuses = self.statuses(signatures, at_least).await?;
            Ok(statuses.into_iter().map(Vec::from_iter).collect())
        }
    }

    /// Returns accounts of the program. The nodes `avoided`, indices of
    /// [`histories`](Self::histories), are used last.
    fn accounts(
        &self,
        filter: &AccountFilter,
        avoided: &BTreeSet<usize>,
    ) -> impl Future<Output = Result<AccountsAnswer, SourceError>> + Send;

    /// Returns the number of nodes that return accounts. A node can refuse to.
    fn nodes_with_accounts(&self) -> usize {
        self.histories().len()
    }
}
