use std::fmt;

use bauta_client::{ClientError, addresses};
use bauta_primitives::PrimitivesError;
use bauta_store::{Slot, SnapshotError, StoreError};
use solana_address::Address;
use solana_signature::Signature;

use crate::chain::{Answers, GenesisHash};

/// An error of a source. A node that answers wrongly or not at all causes it.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The configuration of a node is invalid.
    #[error("a configured node cannot be used: {reason}")]
    InvalidNode {
        /// What is wrong.
        reason: String,
    },
    /// No node returned a valid answer.
    #[error("no node returned {what}: {reason}")]
    Unavailable {
        /// What was requested.
        what: &'static str,
        /// The error of the last node.
        reason: String,
    },
    /// The nodes belong to a cluster that the database does not follow, or to different clusters.
    #[error(
        "the nodes belong to the wrong cluster: {reason}; check their URLs, or set `genesis_hash` to `any` for a local \
         chain that is created again"
    )]
    OtherCluster {
        /// The genesis hashes.
        reason: String,
    },
    /// The answer of every node exceeds the size limit.
    #[error("the answer with {what} is too long")]
    TooLong {
        /// What was requested.
        what: &'static str,
    },
    /// A node lists a transaction, no node returns it as listed, and it is not in the block of its
    /// slot that at least one node returned, or two nodes return it from another slot.
    #[error(
        "transaction {signature} is listed in slot {slot}, but no node returns it and it is not in the block of that slot"
    )]
    NotOnChain {
        /// The transaction.
        signature: Signature,
        /// The slot where the transaction was listed.
        slot: Slot,
        /// Whether the list says that the transaction succeeded.
        succeeded: bool,
        /// Whether every node that could have the transaction showed that it is not there.
        on_all_nodes: bool,
    },
    /// A node lists a transaction, and no node returns it as listed. At least one of them answered.
    #[error("no node returns transaction {signature}, which is listed in slot {slot}: {reason}")]
    NotReturned {
        /// The transaction.
        signature: Signature,
        /// The slot where the transaction was listed.
        slot: Slot,
        /// Whether the list says that the transaction succeeded.
        succeeded: bool,
        /// What the last node answered.
        reason: String,
    },
    /// One node reports a slot that is far ahead of all other nodes. Either this node or the others
    /// are faulty.
    #[error(
        "one node reports slot {slot}, but no second node is beyond slot {limit}: the slot of a single node is not \
         accepted; remove the faulty node, or add one"
    )]
    DisputedHead {
        /// The slot that one node reports.
        slot: Slot,
        /// The newest slot that would be accepted.
        limit: Slot,
    },
    /// A node's answer contradicts its own list.
    #[error("transaction {signature}, listed in slot {slot}, {inconsistency}: the node contradicts itself")]
    Inconsistent {
        /// The transaction.
        signature: Signature,
        /// The slot where the transaction was listed or found.
        slot: Slot,
        /// The contradiction.
        inconsistency: Inconsistency,
    },
    /// A task was cancelled because the process is stopping.
    #[error("a task of the source was cancelled because the process is stopping")]
    Cancelled,
}

/// A contradiction between the list of a node and the transactions that it returns.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Inconsistency {
    /// The transaction was not requested, or was returned twice.
    NotRequested,
    /// The transaction was listed in another slot.
    OtherSlot,
    /// The list says that the transaction succeeded and the transaction failed, or the reverse.
    OtherOutcome,
    /// The transaction was not returned.
    NotReturned,
    /// The block of the slot does not contain the transaction.
    NotInBlock,
    /// Another transaction of the slot has the same index.
    SameIndex,
}

impl fmt::Display for Inconsistency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotRequested => "was not requested, or was returned twice",
            Self::OtherSlot => "was listed in another slot",
            Self::OtherOutcome => "was listed with another outcome",
            Self::NotReturned => "was not returned",
            Self::NotInBlock => "is not in the block of that slot",
            Self::SameIndex => "has the same index in that slot as another transaction",
        })
    }
}

/// An error that stops the checkpoint, temporarily or until an operator acts.
#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    /// The chain cannot be read at the moment.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database cannot be written, or contradicts the events.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event of the program that this version cannot decode.
    #[error("transaction {signature}: {source}")]
    Event {
        /// The transaction.
        signature: Signature,
        /// The error of the decoder.
        source: Box<ClientError>,
    },
    /// An event of the program with a value that the protocol does not allow.
    #[error("transaction {signature} has an event with a value that the protocol does not allow: {source}")]
    Value {
        /// The transaction.
        signature: Signature,
        /// What is wrong with the value.
        source: Box<PrimitivesError>,
    },
    /// Transactions are missing from the database in slots whose journal was deleted, so they
    /// cannot be added after a rollback.
    #[error(
        "{missing} transactions are missing from the database, the first in slot {slot}, which is already final here: \
         run `bauta-indexer rebuild`"
    )]
    MissingBelowFinality {
        /// The number of missing transactions.
        missing: usize,
        /// The slot of the first one.
        slot: Slot,
    },
    /// The required cluster is not the one that the database follows.
    #[error(
        "the database follows the cluster with the genesis hash {}, but the required one is {}; use the nodes and the \
         setting `genesis_hash` of one cluster, or another database",
        bs58::encode(recorded).into_string(),
        bs58::encode(required).into_string()
    )]
    OtherClusterRequired {
        /// The genesis hash that the database has recorded.
        recorded: GenesisHash,
        /// The genesis hash that the setting or the nodes require.
        required: GenesisHash,
    },
    /// The source has been behind the database for too long. It may belong to another cluster.
    #[error(
        "the chain's newest slot is {head}, but the database has been at slot {checkpoint} for {seconds} s: check that the \
         nodes belong to the same cluster"
    )]
    SourceBehind {
        /// The newest confirmed slot of the source.
        head: Slot,
        /// The slot of the checkpoint.
        checkpoint: Slot,
        /// For how many seconds the source has been behind.
        seconds: u64,
    },
    /// The database did not reach the slot of the accounts, with which it is compared.
    #[error("the database did not reach the slot of the accounts within 20 s; check that an indexer runs")]
    DatabaseBehindAccounts,
    /// The database has not reached a slot that is to be compared.
    #[error("the database has not reached slot {slot}: its checkpoint is slot {checkpoint}")]
    SlotNotReached {
        /// The slot that is to be compared.
        slot: Slot,
        /// The slot of the checkpoint.
        checkpoint: Slot,
    },
    /// The newest slot of a snapshot did not become final on the chain.
    #[error(
        "the snapshot ends at slot {slot}, but the chain's newest final slot is {head}: check that the nodes are not \
         behind, or export the snapshot again"
    )]
    SnapshotNotFinal {
        /// The newest final slot of the source.
        head: Slot,
        /// The slot of the snapshot's checkpoint.
        slot: Slot,
    },
    /// A snapshot cannot be imported.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Accounts differ from the database.
    #[error(transparent)]
    UnexplainedDifferences(#[from] UnexplainedDifferences),
}

/// Accounts differ from the database, and the search found no missing transaction that explains the
/// difference.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error(
    "{differences} accounts differ from the database and no missing transaction explains it, first {kind} {address}"
)]
pub struct UnexplainedDifferences {
    /// The number of accounts.
    pub differences: usize,
    /// The kind of the first account.
    pub kind: &'static str,
    /// The address of the first account.
    pub address: Address,
}

/// What readers of `/ready` see if the database does not answer.
pub const DATABASE_UNAVAILABLE: &str = "Postgres is unavailable; the log has the cause";

impl IndexerError {
    /// Returns the text for `/ready`. It does not contain errors of the database, which can name
    /// hosts, users and rows.
    pub(crate) fn public_text(&self) -> String {
        let text = match self {
            Self::Store(StoreError::Unreachable(_)) => DATABASE_UNAVAILABLE,
            Self::Store(StoreError::TimedOut(_)) => {
                "Postgres did not finish a statement in time; the log has the cause"
            }
            Self::Store(StoreError::Query(_) | StoreError::InvalidUrl(_) | StoreError::Migration(_)) => {
                "Postgres refused a statement; the log has the cause"
            }
            other => return other.to_string(),
        };
        text.to_owned()
    }

    /// Returns whether the error can end without an operator: a node or the database is
    /// unavailable. Any other error stops the checkpoint until an operator acts or the missing
    /// transactions are found.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::Source(error) => !matches!(error, SourceError::OtherCluster { .. }),
            Self::Store(error) => matches!(
                error,
                StoreError::Unreachable(_)
                    | StoreError::TimedOut(_)
                    | StoreError::Stopped
                    | StoreError::NotContiguous { .. }
            ),
            _ => false,
        }
    }

    /// Returns whether the answers of a node contradict the database, the program or themselves.
    /// Another node may answer correctly.
    #[must_use]
    pub const fn is_contradiction(&self) -> bool {
        match self {
            Self::Source(error) => {
                matches!(
                    error,
                    SourceError::Inconsistent { .. } | SourceError::NotOnChain { .. }
                )
            }
            _ => !self.is_retryable(),
        }
    }

    /// Returns which answers of the nodes are probably wrong, if the error is a contradiction.
    #[must_use]
    pub const fn contradicting_answers(&self) -> Answers {
        match self {
            Self::UnexplainedDifferences(_) => Answers::Accounts,
            Self::Source(SourceError::Inconsistent { .. })
            | Self::Event { .. }
            | Self::Value { .. }
            | Self::Store(StoreError::RootMismatch { .. }) => Answers::Transactions,
            _ => Answers::Lists,
        }
    }

    /// Returns whether the cause may be a gap: events before this one may be missing from the batch
    /// or from the database.
    #[must_use]
    pub const fn may_be_gap(&self) -> bool {
        matches!(
            self,
            Self::Store(
                StoreError::SequenceGap { .. }
                    | StoreError::IncompleteChange { .. }
                    | StoreError::NotNextIndex { .. }
                    | StoreError::NotAppended { .. }
                    | StoreError::Unknown { .. }
                    | StoreError::UnknownRoot { .. }
                    | StoreError::RootMismatch { .. }
                    | StoreError::Contradiction { .. }
                    | StoreError::CreatedTwice { .. }
                    | StoreError::NullifierUsedTwice
                    | StoreError::UnknownNullifier { .. }
            )
        )
    }

    /// Returns whether a node may have invented or altered what causes the error: a value that no
    /// event of the program has, a row that the database does not accept, or an answer that
    /// contradicts another one. [`Self::may_be_gap`] has the errors that a missing event can cause
    /// as well.
    #[must_use]
    pub const fn may_be_invented(&self) -> bool {
        match self {
            Self::Event { .. } | Self::Value { .. } => true,
            Self::Source(SourceError::Inconsistent { inconsistency, .. }) => {
                matches!(inconsistency, Inconsistency::SameIndex)
            }
            Self::Store(error) => matches!(
                error,
                StoreError::Value(_)
                    | StoreError::TimeOutOfRange { .. }
                    | StoreError::TooLarge { .. }
                    | StoreError::TileOutOfRange { .. }
                    | StoreError::TooManyLeaves { .. }
                    | StoreError::EmptyAppend { .. }
                    | StoreError::OutOfOrder { .. }
            ),
            _ => false,
        }
    }

    /// Returns the transaction that the error is about, if it may be invented.
    #[must_use]
    pub const fn affected_transaction(&self) -> Option<Signature> {
        match self {
            Self::Event { signature, .. }
            | Self::Value { signature, .. }
            | Self::Source(SourceError::Inconsistent { signature, .. }) => Some(*signature),
            _ => None,
        }
    }

    /// Returns the account that a gap is about. `None` if the error does not name one.
    #[must_use]
    pub fn affected_account(&self) -> Option<Address> {
        let Self::Store(error) = self else {
            return None;
        };
        match error {
            StoreError::SequenceGap { registry, .. }
            | StoreError::IncompleteChange { registry, .. }
            | StoreError::NotNextIndex { registry, .. }
            | StoreError::NotAppended { registry, .. }
            | StoreError::UnknownRoot { registry, .. }
            | StoreError::RootMismatch { registry, .. }
            | StoreError::Contradiction { registry, .. } => Some(*registry),
            StoreError::Unknown { address, .. } | StoreError::CreatedTwice { address, .. } => Some(*address),
            StoreError::UnknownNullifier { scope, nullifier } => {
                Some(addresses::nullifier(scope, *nullifier).address)
            }
            _ => None,
        }
    }
}
