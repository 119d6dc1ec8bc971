//! Applies a batch of events, the checkpoint and the journal in one transaction.
//!
//! ```text
//!   Batch -> load: rows that the events name            a few set-based reads
//!         -> precompute: hashes that the changes need   in batches
//!         -> fold: one event after the other            in memory; checks the roots
//!         -> write: rows of every table                 a few set-based writes
//!         -> checkpoint -> commit                       triggers write the journal
//! ```

mod changes;
mod fold;
mod holders;
mod load;
mod precompute;
mod state;
mod write;

use sqlx::PgConnection;

use crate::values::integer;
use crate::{Batch, EventRecord, Position, Store, StoreError, checkpoint};

/// The result of [`Store::apply`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Applied {
    /// The number of events that this call applied.
    pub applied: usize,
    /// The number of events at or before the checkpoint, which earlier calls applied.
    pub already_applied: usize,
}

impl Store {
    /// Applies a batch as a whole, or fails without a change. Events at or before the checkpoint
    /// are skipped, so a batch can be applied twice. Two writers that apply at the same time wait
    /// for each other.
    ///
    /// Fails if events are out of order, if a registry's `sequence` has a gap, if the stored tree
    /// gives a root other than the event's, if an index is out of range, or if an event names an
    /// unknown account.
    pub async fn apply(&self, batch: &Batch) -> Result<Applied, StoreError> {
        self.apply_after(None, batch).await
    }

    /// Applies a batch that was read from `after` on, like [`Self::apply`]. `None`: from the
    /// beginning of the chain.
    ///
    /// Fails with [`StoreError::NotContiguous`] if the checkpoint is before `after`, because a
    /// rollback moved it. No batch then has the events in between.
    pub async fn apply_after(&self, after: Option<Position>, batch: &Batch) -> Result<Applied, StoreError> {
        self.apply_batch(after, batch, true).await
    }

    /// Applies a batch like [`Self::apply_after`], and marks its slots as final. No fork can undo
    /// the batch, so it has no journal. This is the case during a backfill.
    pub async fn apply_final_after(
        &self,
        after: Option<Position>,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        self.apply_batch(after, batch, false).await
    }

    async fn apply_batch(
        &self,
        after: Option<Position>,
        batch: &Batch,
        with_journal: bool,
    ) -> Result<Applied, StoreError> {
        let mut transaction = self.begin_locked().await?;
        let last = checkpoint::last_batch(&mut transaction).await?;
        let at = last.map(|last| last.checkpoint);
        if let Some(from) = after.filter(|from| at < Some(*from)) {
            return Err(StoreError::NotContiguous { from, at });
        }
        check_order(batch)?;
        let already_applied = at.map_or(0, |at| {
            batch.records.partition_point(|record| record.position <= at)
        });
        if at.is_some_and(|at| batch.checkpoint <= at) {
            return Ok(Applied {
                applied: 0,
                already_applied,
            });
        }
        let records = &batch.records[already_applied..];
        let number = last.map_or(1, |last| last.number + 1);
        allow_contested(&mut transaction).await?;
        if with_journal {
            begin_journal(&mut transaction, number, batch.checkpoint).await?;
        } else {
            checkpoint::mark_final(&mut transaction, batch.checkpoint.slot).await?;
        }
        let mut state = load::load(&mut transaction, records).await?;
        state.precompute(records);
        for record in records {
            state.apply(record)?;
        }
        write::write(&mut transaction, state, records).await?;
        write_checkpoint(&mut transaction, number, batch.checkpoint).await?;
        transaction.commit().await?;
        Ok(Applied {
            applied: records.len(),
            already_applied,
        })
    }
}

fn check_order(batch: &Batch) -> Result<(), StoreError> {
    for pair in batch.records.windows(2) {
        if pair[0].position >= pair[1].position {
            return Err(StoreError::OutOfOrder {
                position: pair[1].position,
            });
        }
    }
    match batch.records.last() {
        Some(EventRecord { position, .. }) if *position > batch.checkpoint => {
            Err(StoreError::OutOfOrder { position: *position })
        }
        _ => Ok(()),
    }
}

/// Shows the database that this version knows contested transactions, and does not apply what is
/// set aside. It refuses the batches of earlier versions that do.
async fn allow_contested(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("SELECT set_config('bauta.contests', 'known', true)")
        .execute(connection)
        .await?;
    Ok(())
}

/// Makes the triggers write the journal until the end of the transaction.
async fn begin_journal(
    connection: &mut PgConnection,
    number: i64,
    checkpoint: Position,
) -> Result<(), StoreError> {
    let slot = checkpoint.slot.to_column()?;
    sqlx::query("SELECT set_config('bauta.batch', $1, true)")
        .bind(format!("{number} {slot}"))
        .execute(connection)
        .await?;
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
    .bind(at.slot.to_column()?)
    .bind(integer("transaction index", at.transaction_index)?)
    .bind(integer("instruction index", at.instruction_index)?)
    .bind(integer("inner index", at.inner_index)?)
    .execute(connection)
    .await?;
    Ok(())
}
