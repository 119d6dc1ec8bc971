//! Applies a batch of events: everything it changes, the checkpoint and the journal, in one transaction.
//!
//! ```text
//!   Batch -> touched (keys) -> load: registries, scopes, holdings, tiles     a few set-based reads
//!         -> foresee: all hashes that the changes will need                  in batches
//!         -> fold: one event after the other, in memory                      roots checked here
//!         -> write: rows of every table                                      a few set-based writes
//!         -> checkpoint -> commit                                            triggers write the journal
//! ```

mod changes;
mod fold;
mod foresee;
mod holders;
mod load;
mod state;
mod write;

use sqlx::{PgConnection, Row};

use crate::values::{bigint, integer};
use crate::{Batch, Position, Record, Store, StoreError, checkpoint};

/// What [`Store::apply`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// Events applied now.
    pub applied: usize,
    /// Events at or before the checkpoint, applied before: left out.
    pub already_applied: usize,
}

impl Store {
    /// Applies a batch, all of it or nothing. Events that the checkpoint already covers are left out, so a batch may be
    /// given twice. Two writers at once wait for each other.
    ///
    /// Refused: events out of order, a gap in a registry's `sequence`, a root that the stored tree doesn't give, an index
    /// out of range, an event about something unknown.
    pub async fn apply(&self, batch: &Batch) -> Result<Applied, StoreError> {
        self.apply_after(None, batch).await
    }

    /// Like [`Self::apply`], for a batch that was read from `after` on (`None`: from the beginning). Refused when the
    /// checkpoint has meanwhile gone back to before that: what lies between is in no batch.
    pub async fn apply_after(&self, after: Option<Position>, batch: &Batch) -> Result<Applied, StoreError> {
        let mut transaction = self.pool.begin().await?;
        checkpoint::lock(&mut transaction).await?;
        let last = checkpoint::read(&mut transaction).await?;
        let at = last.map(|(_, at)| at);
        if let Some(from) = after.filter(|from| at < Some(*from)) {
            return Err(StoreError::NotContiguous { from, at });
        }
        check_order(batch)?;
        let done = last.map_or(0, |(_, at)| batch.records.partition_point(|r| r.position <= at));
        let records = &batch.records[done..];
        if last.is_some_and(|(_, at)| batch.checkpoint <= at) {
            return Ok(Applied {
                applied: 0,
                already_applied: done,
            });
        }
        let number = last.map_or(1, |(number, _)| number + 1);
        begin_journal(&mut transaction, number, batch.checkpoint).await?;
        let mut state = load::load(&mut transaction, records).await?;
        state.foresee(records);
        for record in records {
            state.apply(record)?;
        }
        write::write(&mut transaction, state, records).await?;
        write_checkpoint(&mut transaction, number, batch.checkpoint).await?;
        transaction.commit().await?;
        Ok(Applied {
            applied: records.len(),
            already_applied: done,
        })
    }
}

fn check_order(batch: &Batch) -> Result<(), StoreError> {
    let pairs = batch.records.windows(2);
    for pair in pairs {
        if pair[0].position >= pair[1].position {
            return Err(StoreError::OutOfOrder {
                position: pair[1].position,
            });
        }
    }
    match batch.records.last() {
        Some(Record { position, .. }) if *position > batch.checkpoint => {
            Err(StoreError::OutOfOrder { position: *position })
        }
        _ => Ok(()),
    }
}

/// From here to the end of the transaction, triggers write the journal; unless no fork can reach the batch any more, as
/// when history is read in.
async fn begin_journal(
    connection: &mut PgConnection,
    number: i64,
    checkpoint: Position,
) -> Result<(), StoreError> {
    let slot = bigint("slot", checkpoint.slot)?;
    let finalized: Option<i64> = sqlx::query("SELECT slot FROM finality")
        .fetch_optional(&mut *connection)
        .await?
        .map(|row| row.get(0));
    if finalized.is_none_or(|finalized| slot > finalized) {
        sqlx::query("SELECT set_config('bauta.batch', $1, true)")
            .bind(format!("{number} {slot}"))
            .execute(connection)
            .await?;
    }
    Ok(())
}

async fn write_checkpoint(
    connection: &mut PgConnection,
    number: i64,
    at: Position,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO checkpoint (batch, slot, transaction_index, instruction_index, inner_index)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (singleton) DO UPDATE SET
             batch = excluded.batch, slot = excluded.slot, transaction_index = excluded.transaction_index,
             instruction_index = excluded.instruction_index, inner_index = excluded.inner_index",
    )
    .bind(number)
    .bind(bigint("slot", at.slot)?)
    .bind(integer("transaction index", at.transaction_index)?)
    .bind(integer("instruction index", at.instruction_index)?)
    .bind(integer("inner index", at.inner_index)?)
    .execute(connection)
    .await?;
    Ok(())
}
