use bauta_client::ClientError;
use bauta_primitives::PrimitivesError;
use bauta_store::{Slot, StoreError};
use solana_signature::Signature;

/// What can go wrong with a source: every case is worth another try, at another node or later.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A node that can't be asked at all.
    #[error("a node of the configuration can't be used: {reason}")]
    Node {
        /// Why not.
        reason: String,
    },
    /// No node answered as it should.
    #[error("no node gave {what}: {reason}")]
    Nodes {
        /// What was asked for.
        what: &'static str,
        /// What the last of them said.
        reason: String,
    },
    /// One node is far ahead of all others: it or they are wrong.
    #[error(
        "one node names slot {slot}, but no second one has got beyond {limit}: a slot that one node alone names is not \
         believed; remove the node that is wrong, or add one"
    )]
    Disputed {
        /// The slot that one node names.
        slot: Slot,
        /// The newest slot that would be believed.
        limit: Slot,
    },
    /// A node listed a transaction that it doesn't have, or has otherwise.
    #[error("transaction {signature:?}, listed in slot {slot}, {what}: the node contradicts itself")]
    Inconsistent {
        /// The transaction.
        signature: Signature,
        /// The slot where it was listed.
        slot: Slot,
        /// What is wrong.
        what: &'static str,
    },
    /// The task was stopped because the process is stopping.
    #[error("a task of the source was stopped before it ended")]
    Stopped,
}

/// What stops the indexer, for a moment or until somebody acts.
#[derive(Debug, thiserror::Error)]
pub enum IndexerError {
    /// The chain can't be read at the moment.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The database can't be written, or contradicts what has come.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event of the program that this version can't read.
    #[error("transaction {signature:?}: {source}")]
    Event {
        /// The transaction.
        signature: Signature,
        /// What is wrong with it.
        source: Box<ClientError>,
    },
    /// An event of the program with a value that the protocol doesn't allow.
    #[error("transaction {signature:?} has an event with a value that the protocol forbids: {source}")]
    Value {
        /// The transaction.
        signature: Signature,
        /// What is wrong with it.
        source: PrimitivesError,
    },
    /// Transactions that are missing from the database, below what can be undone.
    #[error(
        "{missing} transactions are missing from the database, the first in slot {slot}, which is already final here: \
         run `bauta-indexer rebuild`"
    )]
    MissingBelowFinality {
        /// How many.
        missing: usize,
        /// The first one's slot.
        slot: Slot,
    },
    /// The database follows another cluster.
    #[error(
        "the chain's newest slot is {head} but the database has been at {at} for {seconds} s: is this another chain?"
    )]
    BehindDatabase {
        /// The chain's newest confirmed slot.
        head: Slot,
        /// The checkpoint's slot.
        at: Slot,
        /// For how long, seconds.
        seconds: u64,
    },
    /// An account differs from the database and no transaction explains it.
    #[error(
        "{differences} accounts differ from the database and no missing transaction explains it, first {first}"
    )]
    Unexplained {
        /// How many.
        differences: usize,
        /// The first one.
        first: String,
    },
}

impl IndexerError {
    /// Whether waiting may mend it: nodes or the database are away. What isn't transient stops the checkpoint until
    /// somebody acts or the missing part is found.
    #[must_use]
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Source(_)
                | Self::Store(
                    StoreError::Unreachable(_) | StoreError::Stopped | StoreError::NotContiguous { .. }
                )
        )
    }

    /// Whether events before this one may be missing from the batch or the database.
    #[must_use]
    pub const fn may_be_a_gap(&self) -> bool {
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
            )
        )
    }
}
