use bauta_primitives::{FieldElement, PrimitivesError, Root};
use sqlx::migrate::MigrateError;

use crate::{Address, Position};

/// What can go wrong in the store. A failed call has written nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No connection: the server is down, the address wrong, or all connections stayed busy.
    #[error("the database can't be reached: {0}; check the address and that the server is up")]
    Unreachable(#[source] sqlx::Error),
    /// No address of a database.
    #[error("this is no address of a database: {0}; it is postgres://user:password@host:port/database")]
    NoAddress(#[source] sqlx::Error),
    /// The database refused or failed a statement.
    #[error("the database refused a statement: {0}")]
    Query(#[source] sqlx::Error),
    /// The schema was made by a newer version of this crate.
    #[error(
        "the database has migration {found} but this version knows only up to {newest}: run a newer version"
    )]
    NewerSchema {
        /// The newest migration that the database has.
        found: i64,
        /// The newest migration that this crate has.
        newest: i64,
    },
    /// The schema is older than this crate needs.
    #[error("the database has migrations up to {found} but {needed} are needed: migrate it first")]
    OlderSchema {
        /// The newest migration that the database has; 0: none.
        found: i64,
        /// The newest migration that this crate has.
        needed: i64,
    },
    /// A migration failed, or was changed after it ran.
    #[error("migrating the database failed: {0}")]
    Migration(#[source] MigrateError),
    /// A value that the protocol doesn't allow.
    #[error(transparent)]
    Value(#[from] PrimitivesError),
    /// A time outside what the database can hold.
    #[error("{time} is no time that can be stored: Unix seconds from 0 to 253402300799 (the year 9999)")]
    TimeOutOfRange {
        /// The time that was given.
        time: i64,
    },
    /// A count or position too large for its column.
    #[error("{name} {value} is too large to be stored: at most {max}")]
    TooLarge {
        /// What it is.
        name: &'static str,
        /// The value that was given.
        value: u64,
        /// The largest that fits.
        max: u64,
    },
    /// An address that no event has announced.
    #[error("no {what} {address} is known: its creation has not been indexed")]
    Unknown {
        /// registry, circuit or scope.
        what: &'static str,
        /// The address.
        address: Address,
    },
    /// An address that was announced before.
    #[error("the {what} {address} is created a second time")]
    CreatedTwice {
        /// registry, circuit, scope or collection.
        what: &'static str,
        /// The address.
        address: Address,
    },
    /// A root that the registry never had.
    #[error("{root} was never a root of registry {registry}")]
    UnknownRoot {
        /// The registry.
        registry: Address,
        /// The root.
        root: Root,
    },
    /// A root whose time is over.
    #[error(
        "root {root} of registry {registry} is no longer valid: it is not current, its time-to-live is over and no open \
         scope has copied it; take a path at a valid root"
    )]
    RootNotValid {
        /// The registry.
        registry: Address,
        /// The root.
        root: Root,
    },
    /// A published root whose tree nobody has put in.
    #[error(
        "the tree of registry {registry} at root {root} is not stored: its authority publishes roots and keeps the tree"
    )]
    TreeNotStored {
        /// The registry.
        registry: Address,
        /// The root.
        root: Root,
    },
    /// A tile that doesn't exist or no longer does.
    #[error("no tile {hash} is stored: it never was, or no valid root reaches it")]
    UnknownTile {
        /// The tile's root.
        hash: FieldElement,
    },
    /// A tile position that a tree doesn't have.
    #[error("a tree of depth {depth} has no tile at level {level}, position {position}")]
    TileOutOfRange {
        /// The tree's depth.
        depth: u8,
        /// The level asked for.
        level: u8,
        /// The position asked for.
        position: u64,
    },
    /// More leaves than a tree has room for.
    #[error("{count} leaves don't fit a tree of depth {depth}, which has {capacity}")]
    TooManyLeaves {
        /// The number given.
        count: u64,
        /// The tree's depth.
        depth: u8,
        /// Its capacity.
        capacity: u64,
    },
    /// Tree changes are missing, or one came twice.
    #[error(
        "registry {registry} is at change {at} and cannot go on with change {found}: fetch what lies between"
    )]
    SequenceGap {
        /// The registry.
        registry: Address,
        /// The last change applied.
        at: u64,
        /// The change that came.
        found: u64,
    },
    /// The tree here and the tree on chain differ.
    #[error(
        "change {sequence} of registry {registry} gives root {computed} here but {announced} was announced"
    )]
    RootMismatch {
        /// The registry.
        registry: Address,
        /// The change.
        sequence: u64,
        /// The root of the stored tree.
        computed: Root,
        /// The root of the event.
        announced: Root,
    },
    /// A tree change and its `MerkleRootUpdated` are not next to each other.
    #[error(
        "change {sequence} of registry {registry} is {half}: a tree change is followed by its MerkleRootUpdated"
    )]
    HalfChange {
        /// The registry.
        registry: Address,
        /// The change.
        sequence: u64,
        /// Which half is missing.
        half: &'static str,
    },
    /// An append that doesn't go to the next free index.
    #[error("registry {registry} appends at index {next_index}, not {index}")]
    NotNextIndex {
        /// The registry.
        registry: Address,
        /// Where the next leaf goes.
        next_index: u64,
        /// The index that was given.
        index: u64,
    },
    /// A replacement past the last leaf.
    #[error("leaf {index} of registry {registry} can't be replaced: only {next_index} leaves were appended")]
    NotAppended {
        /// The registry.
        registry: Address,
        /// Leaves appended so far.
        next_index: u64,
        /// The index that was given.
        index: u64,
    },
    /// An append of nothing, or of an empty leaf.
    #[error("registry {registry} can't append {what}: an append has at least one leaf, and none is zero")]
    EmptyAppend {
        /// The registry.
        registry: Address,
        /// What was wrong.
        what: &'static str,
    },
    /// An event that contradicts what is stored.
    #[error("{event} of registry {registry} contradicts what is stored: {why}")]
    Contradiction {
        /// The event.
        event: &'static str,
        /// The registry.
        registry: Address,
        /// How.
        why: &'static str,
    },
    /// A nullifier came twice in one scope.
    #[error("a nullifier is used a second time in its scope, which the program can't have allowed")]
    NullifierUsedTwice,
    /// The events of a batch are not in order, or pass its checkpoint.
    #[error(
        "event at {position} is out of order: events go up strictly from one to the next, and none is after the checkpoint"
    )]
    OutOfOrder {
        /// The event's position.
        position: Position,
    },
    /// A batch that was read from a place that the database has gone back behind.
    #[error(
        "a batch was read from {from} on, but the database is at {}: read it again from there",
        at.map_or_else(|| "the beginning".to_owned(), |at| at.to_string())
    )]
    NotContiguous {
        /// Where the batch begins.
        from: Position,
        /// Where the database is.
        at: Option<Position>,
    },
    /// A fork deeper than what can be undone.
    #[error("slot {slot} can't be gone back to: {why}")]
    CannotUndo {
        /// The slot asked for.
        slot: u64,
        /// Why not.
        why: &'static str,
    },
    /// What is stored breaks its own rules.
    #[error("the stored data is damaged: {0}; rebuild it from the chain")]
    Damaged(String),
    /// A task of the store was cancelled because the process is stopping.
    #[error("a task of the store was stopped before it ended")]
    Stopped,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let away = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            // connection exceptions, invalid authorisation, unknown database, too many connections, shut down
            sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| {
                code.starts_with("08")
                    || code.starts_with("28")
                    || code == "3D000"
                    || code == "53300"
                    || code.starts_with("57P")
            }),
            _ => false,
        };
        if away {
            Self::Unreachable(error)
        } else if error
            .as_database_error()
            .is_some_and(|refusal| refusal.constraint() == Some("nullifiers_pkey"))
        {
            Self::NullifierUsedTwice
        } else {
            Self::Query(error)
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::Execute(cause) => Self::from(cause),
            other => Self::Migration(other),
        }
    }
}
