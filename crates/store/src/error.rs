use bauta_primitives::{FieldElement, Nullifier, PrimitivesError, Root};
use solana_address::Address;
use sqlx::migrate::MigrateError;

use crate::{Position, Sequence, Slot};

/// An error of the store. A call that fails has written nothing.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database is unreachable: the server is down, it refuses the user, or every connection of
    /// the pool stayed busy.
    #[error("the database is unreachable: {0}; check the URL and that the server runs")]
    Unreachable(#[source] sqlx::Error),
    /// The URL of the database is invalid.
    #[error("the database URL is invalid: {0}; use postgres://user:password@host:port/database")]
    InvalidUrl(#[source] sqlx::Error),
    /// The database refused a statement, or it failed.
    #[error("the database refused a statement: {0}")]
    Query(#[source] sqlx::Error),
    /// A statement, a wait for a lock or an idle transaction exceeded its limit. Nothing was
    /// written, and the call can be repeated.
    #[error(
        "the database did not finish in time: {0}; look for sessions that hold locks and for load, or set a longer \
         limit in the URL"
    )]
    TimedOut(#[source] sqlx::Error),
    /// A newer version of this crate made the schema.
    #[error(
        "the database has migration {found} but this version supports migrations up to {newest}; \
         run a newer version"
    )]
    NewerSchema {
        /// The newest migration of the database.
        found: i64,
        /// The newest migration of this crate.
        newest: i64,
    },
    /// The schema is older than this crate needs.
    #[error(
        "the database has migration {found} but this version needs migration {needed}; migrate the database"
    )]
    OlderSchema {
        /// The newest migration of the database. 0: none.
        found: i64,
        /// The newest migration of this crate.
        needed: i64,
    },
    /// A migration failed, or its file changed after it ran.
    #[error("migrating the database failed: {0}")]
    Migration(#[source] MigrateError),
    /// A name that SQL would have to quote.
    #[error(
        "{name:?} is not a valid schema name; use lower-case letters, digits and _, and do not begin \
         with a digit"
    )]
    InvalidSchemaName {
        /// The given name.
        name: String,
    },
    /// A table that belongs to another user.
    #[error(
        "the table {table} belongs to another user of the database; run this as its owner, which is the user \
         that migrates"
    )]
    NotOwner {
        /// The name of the table.
        table: String,
    },
    /// A value that the protocol does not allow.
    #[error(transparent)]
    Value(#[from] PrimitivesError),
    /// A time that the database can't hold.
    #[error(
        "the time {time} can't be stored; it must be Unix seconds from 0 to 253402300799 (the year 9999)"
    )]
    TimeOutOfRange {
        /// The given time.
        time: i64,
    },
    /// A number that its column can't hold.
    #[error("{name} {value} can't be stored; the maximum is {max}")]
    TooLarge {
        /// The name of the number.
        name: &'static str,
        /// The given value.
        value: u64,
        /// The largest value of the column.
        max: u64,
    },
    /// An address that no event created.
    #[error("{what} {address} is unknown; its creation has not been indexed")]
    Unknown {
        /// registry, circuit or scope.
        what: &'static str,
        /// The address of the account.
        address: Address,
    },
    /// An address that was created before.
    #[error("{what} {address} was already created")]
    CreatedTwice {
        /// registry, circuit, scope or collection.
        what: &'static str,
        /// The address of the account.
        address: Address,
    },
    /// A root that the registry never had, or that was deleted long after it had expired.
    #[error("{root} is no root of registry {registry}: it is unknown, or it expired long ago")]
    UnknownRoot {
        /// The address of the registry.
        registry: Address,
        /// The requested root.
        root: Root,
    },
    /// A root that is no longer valid.
    #[error(
        "root {root} of registry {registry} is no longer valid: it is not current, its time-to-live is over \
         and no open scope has copied it; read a path at a valid root"
    )]
    RootNotValid {
        /// The address of the registry.
        registry: Address,
        /// The requested root.
        root: Root,
    },
    /// A published root whose tree was not imported.
    #[error("the tree of registry {registry} at root {root} is not stored; only its authority has it")]
    TreeNotStored {
        /// The address of the registry.
        registry: Address,
        /// The requested root.
        root: Root,
    },
    /// A tile that never existed or was pruned.
    #[error("tile {hash} is not stored; it never existed, or no valid root reaches it")]
    UnknownTile {
        /// The hash of the tile.
        hash: FieldElement,
    },
    /// A tile position that a tree does not have.
    #[error("a tree of depth {depth} has no tile at level {level}, position {position}")]
    TileOutOfRange {
        /// The depth of the tree.
        depth: u8,
        /// The given level.
        level: u8,
        /// The given position.
        position: u64,
    },
    /// More leaves than a tree can have.
    #[error("{count} leaves do not fit a tree of depth {depth}; the maximum is {capacity}")]
    TooManyLeaves {
        /// The number of leaves given.
        count: u64,
        /// The depth of the tree.
        depth: u8,
        /// The capacity of the tree.
        capacity: u64,
    },
    /// Tree changes are missing, or one came twice.
    #[error(
        "registry {registry} is at change {at}, but the next event is change {found}; read the missing \
         changes from the chain"
    )]
    SequenceGap {
        /// The address of the registry.
        registry: Address,
        /// The last change that was applied.
        at: Sequence,
        /// The change of the event.
        found: Sequence,
    },
    /// The stored tree and the tree on chain differ.
    #[error(
        "change {sequence} of registry {registry} gives root {computed}, but the chain announced {announced}"
    )]
    RootMismatch {
        /// The address of the registry.
        registry: Address,
        /// The change.
        sequence: Sequence,
        /// The root of the stored tree.
        computed: Root,
        /// The root of the event.
        announced: Root,
    },
    /// A tree change and its `MerkleRootUpdated` do not follow each other.
    #[error(
        "change {sequence} of registry {registry} is incomplete: {reason}; its MerkleRootUpdated must be the \
         next event of the registry"
    )]
    IncompleteChange {
        /// The address of the registry.
        registry: Address,
        /// The change.
        sequence: Sequence,
        /// What is missing.
        reason: &'static str,
    },
    /// An append at an index other than the next one.
    #[error("leaf {index} can't be appended to registry {registry}; its next index is {next_index}")]
    NotNextIndex {
        /// The address of the registry.
        registry: Address,
        /// The next index of the registry.
        next_index: u64,
        /// The given index.
        index: u64,
    },
    /// A replacement after the last leaf.
    #[error("leaf {index} of registry {registry} can't be replaced; the registry has {next_index} leaves")]
    NotAppended {
        /// The address of the registry.
        registry: Address,
        /// The number of leaves ever appended.
        next_index: u64,
        /// The given index.
        index: u64,
    },
    /// An append of nothing, or of an empty leaf.
    #[error(
        "{what} can't be appended to registry {registry}; append at least one leaf, and none that is zero"
    )]
    EmptyAppend {
        /// The address of the registry.
        registry: Address,
        /// What was to be appended.
        what: &'static str,
    },
    /// An event that contradicts the stored data.
    #[error("{event} of registry {registry} contradicts the stored data: {why}")]
    Contradiction {
        /// The name of the event.
        event: &'static str,
        /// The address of the registry.
        registry: Address,
        /// The contradiction.
        why: &'static str,
    },
    /// A closed nullifier account whose verification was never applied, or that was closed before.
    #[error(
        "a nullifier of scope {scope} was reclaimed, but its verification is not stored; read the missing \
         transactions from the chain"
    )]
    UnknownNullifier {
        /// The address of the scope.
        scope: Address,
        /// The nullifier. The message does not show it.
        nullifier: Nullifier,
    },
    /// A nullifier that was used before in its scope.
    #[error("a nullifier is used twice in a scope, which the program does not allow")]
    NullifierUsedTwice,
    /// The events of a batch are out of order, or after its checkpoint.
    #[error(
        "the event at {position} is out of order; each event must be after the one before it, and none after \
         the checkpoint"
    )]
    OutOfOrder {
        /// The position of the event.
        position: Position,
    },
    /// A batch that begins after the checkpoint of the database, which a rollback moved.
    #[error(
        "the batch begins after {from}, but the database is at {}; read the chain again from there",
        at.map_or_else(|| "the beginning".to_owned(), |at| at.to_string())
    )]
    NotContiguous {
        /// The position after which the batch begins.
        from: Position,
        /// The checkpoint of the database.
        at: Option<Position>,
    },
    /// A rollback to before what is final.
    #[error("the database can't be rolled back to slot {slot}: {why}")]
    CannotRollBack {
        /// The given slot.
        slot: Slot,
        /// The reason.
        why: &'static str,
    },
    /// Stored data that breaks its own rules.
    #[error("the stored data is damaged: {0}; rebuild it from the chain")]
    Damaged(String),
    /// A task was cancelled because the process is stopping.
    #[error("a task of the store was cancelled because the process is stopping")]
    Stopped,
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        let is_unreachable = match &error {
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed => true,
            // connection exceptions, invalid authorisation, unknown database, too many connections,
            // server shutdown
            sqlx::Error::Database(refusal) => refusal.code().is_some_and(|code| {
                code.starts_with("08")
                    || code.starts_with("28")
                    || code == "3D000"
                    || code == "53300"
                    || code.starts_with("57P")
            }),
            _ => false,
        };
        // query_canceled, lock_not_available, idle_in_transaction_session_timeout
        let is_timeout = error.as_database_error().is_some_and(|refusal| {
            let code = refusal.code();
            code.is_some_and(|code| ["57014", "55P03", "25P03"].contains(&code.as_ref()))
        });
        if is_unreachable {
            Self::Unreachable(error)
        } else if is_timeout {
            Self::TimedOut(error)
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
