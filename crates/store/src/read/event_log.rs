//! The log of events for subscribers, with the rollbacks.

use solana_address::Address;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row, Transaction};

use crate::values::{address, integer, unsigned};
use crate::{Position, Slot, Store, StoreError, checkpoint};

/// An applied event, without what subscribers must not get: it has no wallet and no signature.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LoggedEvent {
    /// The position of the event in the chain.
    pub position: Position,
    /// The name of the event.
    pub name: String,
    /// The scope that the event is about.
    pub scope: Option<Address>,
    /// The registry that the event is about, or that of its scope.
    pub registry: Option<Address>,
    /// The time of the event, in Unix seconds.
    pub time: i64,
}

/// A rollback. Numbers rise, with gaps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rewind {
    /// The number.
    pub number: u64,
    /// The position up to which events stayed.
    pub to: Position,
}

/// A part of the log of events at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventPage {
    /// The rollbacks after the one that was given, by number.
    pub rewinds: Vec<Rewind>,
    /// The events after the position, or after that of the earliest of the rollbacks if that is
    /// earlier. They are in the order of the chain.
    pub events: Vec<LoggedEvent>,
    /// The number of the last rollback, even if it is before the one that was given. It is that of
    /// a database that was restored from a backup.
    pub last_rewind: u64,
    /// Whether there are no later events.
    pub is_complete: bool,
    /// The newest final slot.
    pub finalized: Option<Slot>,
}

/// The newest events.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewestEvents {
    /// The events, in the order of the chain.
    pub events: Vec<LoggedEvent>,
    /// Whether they are all events.
    pub is_all: bool,
    /// The newest rollbacks, by number.
    pub rewinds: Vec<Rewind>,
    /// Whether they are all rollbacks.
    pub has_all_rewinds: bool,
    /// The newest final slot.
    pub finalized: Option<Slot>,
}

/// The columns of [`logged_event`], and their tables.
const EVENTS: &str = "SELECT e.slot, e.transaction_index, e.instruction_index, e.inner_index, e.kind,
        s.address AS scope, r.address AS registry, extract(epoch FROM e.happened_at)::bigint AS time
    FROM events e LEFT JOIN scopes s ON s.id = e.scope_id LEFT JOIN registries r ON r.id = e.registry_id";

impl Store {
    /// Returns the events after a position and the rollbacks after a number, at most `limit`
    /// events. All of it is of one time.
    pub async fn event_log_after(
        &self,
        after: Position,
        rewind: u64,
        limit: u16,
    ) -> Result<EventPage, StoreError> {
        let mut transaction = self.begin_snapshot().await?;
        let rewinds = sqlx::query(
            "SELECT number, slot, transaction_index, instruction_index, inner_index FROM rewinds
             WHERE number > $1 ORDER BY number",
        )
        .bind(i64::try_from(rewind).unwrap_or(i64::MAX))
        .fetch_all(&mut *transaction)
        .await?;
        let rewinds: Vec<Rewind> = rewinds.iter().map(rewind_of).collect::<Result<_, _>>()?;
        let last: Option<i64> = sqlx::query_scalar("SELECT max(number) FROM rewinds")
            .fetch_one(&mut *transaction)
            .await?;
        let earliest = rewinds.iter().map(|rewind| rewind.to).min();
        let after = earliest.map_or(after, |earliest| earliest.min(after));
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{EVENTS} WHERE (e.slot, e.transaction_index, e.instruction_index, e.inner_index) > ($1, $2, $3, $4)
             ORDER BY e.slot, e.transaction_index, e.instruction_index, e.inner_index LIMIT $5"
        )))
        .bind(after.slot.to_column()?)
        .bind(integer("transaction index", after.transaction_index)?)
        .bind(integer("instruction index", after.instruction_index)?)
        .bind(integer("inner index", after.inner_index)?)
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        let page = EventPage {
            rewinds,
            last_rewind: last.map_or(Ok(0), unsigned)?,
            is_complete: rows.len() < usize::from(limit),
            events: rows.iter().map(logged_event).collect::<Result<_, _>>()?,
            finalized: checkpoint::finalized_slot(&mut transaction).await?,
        };
        transaction.rollback().await?;
        Ok(page)
    }

    /// Returns the newest events, at most `limit`, and the newest rollbacks, at most `rewinds`. All
    /// of it is of one time.
    pub async fn newest_events(&self, limit: u16, rewinds: u16) -> Result<NewestEvents, StoreError> {
        let mut transaction = self.begin_snapshot().await?;
        let mut newest = sqlx::query(
            "SELECT number, slot, transaction_index, instruction_index, inner_index FROM rewinds
             ORDER BY number DESC LIMIT $1",
        )
        .bind(i64::from(rewinds))
        .fetch_all(&mut *transaction)
        .await?;
        newest.reverse();
        let mut rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "{EVENTS} ORDER BY e.slot DESC, e.transaction_index DESC, e.instruction_index DESC, e.inner_index DESC
             LIMIT $1"
        )))
        .bind(i64::from(limit))
        .fetch_all(&mut *transaction)
        .await?;
        rows.reverse();
        let newest = NewestEvents {
            is_all: rows.len() < usize::from(limit),
            events: rows.iter().map(logged_event).collect::<Result<_, _>>()?,
            has_all_rewinds: newest.len() < usize::from(rewinds),
            rewinds: newest.iter().map(rewind_of).collect::<Result<_, _>>()?,
            finalized: checkpoint::finalized_slot(&mut transaction).await?,
        };
        transaction.rollback().await?;
        Ok(newest)
    }

    /// Begins a transaction that sees the database at one time.
    async fn begin_snapshot(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        Ok(self.pool.begin_with(begin).await?)
    }
}

fn logged_event(row: &PgRow) -> Result<LoggedEvent, StoreError> {
    let optional = |column: &str| {
        let bytes: Option<Vec<u8>> = row.get(column);
        bytes.map(|bytes| address(&bytes)).transpose()
    };
    Ok(LoggedEvent {
        position: position(row)?,
        name: row.get("kind"),
        scope: optional("scope")?,
        registry: optional("registry")?,
        time: row.get("time"),
    })
}

fn rewind_of(row: &PgRow) -> Result<Rewind, StoreError> {
    Ok(Rewind {
        number: unsigned(row.get("number"))?,
        to: position(row)?,
    })
}

fn position(row: &PgRow) -> Result<Position, StoreError> {
    let index = |column: &str| row.get::<i32, _>(column).unsigned_abs();
    Ok(Position {
        slot: Slot::from_column(row.get("slot"))?,
        transaction_index: index("transaction_index"),
        instruction_index: index("instruction_index"),
        inner_index: index("inner_index"),
    })
}
