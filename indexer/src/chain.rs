//! The chain as the indexer asks for it, whoever answers.

use std::future::Future;

use bauta_store::Slot;
use solana_address::Address;
use solana_signature::Signature;

use crate::SourceError;

/// The newest slots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Head {
    /// The newest slot that is confirmed: history up to here can be asked for.
    pub confirmed: Slot,
    /// The newest slot that no fork can undo.
    pub finalized: Slot,
}

/// A transaction in a list: not yet fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its slot.
    pub slot: Slot,
    /// The transaction.
    pub signature: Signature,
    /// Whether it succeeded: the events of a failed one never happened.
    pub succeeded: bool,
    /// Whether it failed with the program's code for a nullifier that has been used.
    pub is_reuse: bool,
}

impl Listed {
    /// Whether it can have anything for the store.
    #[must_use]
    pub const fn may_count(&self) -> bool {
        self.succeeded || self.is_reuse
    }
}

/// A transaction with what programs called in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transaction {
    /// Its slot.
    pub slot: Slot,
    /// Its place in its slot, among all transactions there.
    pub index: u32,
    /// The transaction.
    pub signature: Signature,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Which of its instructions failed with the program's code for a nullifier that has been used, if one did.
    pub reuse: Option<u32>,
    /// When its block was made, in Unix seconds, if the node knows.
    pub time: Option<i64>,
    /// The instructions that it was sent with.
    pub calls: Vec<Call>,
    /// The instructions that programs called, in the order of their execution.
    pub inner: Vec<InnerCall>,
}

/// An instruction that a transaction was sent with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// The program called.
    pub program: Address,
    /// Its accounts.
    pub accounts: Vec<Address>,
    /// Its data.
    pub data: Vec<u8>,
}

/// An instruction that a program called.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InnerCall {
    /// Which of the transaction's instructions it belongs to, from 0.
    pub instruction: u32,
    /// Its place among that one's inner instructions, from 0.
    pub position: u32,
    /// The program called.
    pub program: Address,
    /// Its accounts.
    pub accounts: Vec<Address>,
    /// Its data.
    pub data: Vec<u8>,
}

/// What a node says about a signature.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Status {
    /// The slot.
    pub slot: Slot,
    /// Whether it succeeded.
    pub succeeded: bool,
    /// Whether no fork can undo it.
    pub finalized: bool,
}

/// An account of the program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// Where it is.
    pub address: Address,
    /// Its bytes, as far as they were asked for.
    pub data: Vec<u8>,
}

/// Which of the program's accounts, and how much of each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountFilter {
    /// Bytes that they have, each with its offset; the discriminator is at 0.
    pub has: Vec<(usize, Vec<u8>)>,
    /// Offset and length of what is wanted of their data.
    pub part: Option<(usize, usize)>,
}

impl AccountFilter {
    /// Whether an account with this data is one of them.
    #[must_use]
    pub fn accepts(&self, data: &[u8]) -> bool {
        let at = |(offset, bytes): &(usize, Vec<u8>)| data.get(*offset..offset + bytes.len()) == Some(bytes);
        self.has.iter().all(at)
    }

    /// What is wanted of an account's data.
    #[must_use]
    pub fn of<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        match self.part {
            None => data,
            Some((offset, length)) => data.get(offset..offset + length).unwrap_or(&[]),
        }
    }
}

/// Where the chain is read from: nodes' history, a recording, or a stream that keeps what has gone by.
///
/// Nothing that a source says is taken for complete: the follower compares, and asks again.
pub trait Source: Send + Sync + 'static {
    /// The newest slots. A source that has several nodes gives one that is at `at_least` or later, if any is.
    fn head(&self, at_least: Slot) -> impl Future<Output = Result<Head, SourceError>> + Send;

    /// The transactions that name one of these addresses, in slots after `after` (`None`: from the beginning) up to `until`.
    /// Each once, by slot; within a slot in any order. A node that hasn't got to `until` must be refused.
    fn list(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> impl Future<Output = Result<Vec<Listed>, SourceError>> + Send;

    /// The same from every node there is, together: one may know what another hides.
    fn list_everywhere(
        &self,
        addresses: &[Address],
        after: Option<Slot>,
        until: Slot,
    ) -> impl Future<Output = Result<Vec<Listed>, SourceError>> + Send {
        self.list(addresses, after, until)
    }

    /// The transactions themselves, each at the slot where it was listed; in any order.
    fn fetch(&self, listed: &[Listed]) -> impl Future<Output = Result<Vec<Transaction>, SourceError>> + Send;

    /// What is known about signatures, old ones too; in their order. A node that hasn't got to the slot `at_least` must be
    /// refused: that it doesn't know one would mean nothing.
    fn statuses(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> impl Future<Output = Result<Vec<Option<Status>>, SourceError>> + Send;

    /// The same from every node that answers: what any of them knows is known.
    fn statuses_everywhere(
        &self,
        signatures: &[Signature],
        at_least: Slot,
    ) -> impl Future<Output = Result<Vec<Option<Status>>, SourceError>> + Send {
        self.statuses(signatures, at_least)
    }

    /// Accounts of the program, and the slot as of which they are so.
    fn accounts(
        &self,
        filter: &AccountFilter,
    ) -> impl Future<Output = Result<(Slot, Vec<Account>), SourceError>> + Send;
}
