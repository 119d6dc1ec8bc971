//! The checkpoint, finality, and rollbacks to an earlier checkpoint.

use sqlx::{PgConnection, Row};

use crate::{Position, Slot, Store, StoreError};

/// The newest batch that was applied.
#[derive(Clone, Copy)]
pub struct LastBatch {
    /// The number of the batch, from 1.
    pub number: i64,
    pub checkpoint: Position,
}

/// Blocks other writers until the transaction ends. Readers do not wait.
pub async fn lock(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("LOCK TABLE checkpoint IN EXCLUSIVE MODE")
        .execute(connection)
        .await?;
    Ok(())
}

pub async fn last_batch(connection: &mut PgConnection) -> Result<Option<LastBatch>, StoreError> {
    let row =
        sqlx::query("SELECT batch, slot, transaction_index, instruction_index, inner_index FROM checkpoint")
            .fetch_optional(connection)
            .await?;
    let Some(row) = row else { return Ok(None) };
    let index = |column: &str| row.get::<i32, _>(column).unsigned_abs();
    Ok(Some(LastBatch {
        number: row.get("batch"),
        checkpoint: Position {
            slot: Slot::from_column(row.get("slot"))?,
            transaction_index: index("transaction_index"),
            instruction_index: index("instruction_index"),
            inner_index: index("inner_index"),
        },
    }))
}

pub async fn finalized_slot(connection: &mut PgConnection) -> Result<Option<Slot>, StoreError> {
    let row = sqlx::query("SELECT slot FROM finality")
        .fetch_optional(connection)
        .await?;
    row.map(|row| Slot::from_column(row.get(0))).transpose()
}

impl Store {
    /// Returns the position up to which events have been applied. `None` if no batch has been
    /// applied, which is not the same as slot 0.
    pub async fn checkpoint(&self) -> Result<Option<Position>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        Ok(last_batch(&mut connection).await?.map(|last| last.checkpoint))
    }

    /// Returns the newest slot that [`Store::finalize`] was called with.
    pub async fn finalized_slot(&self) -> Result<Option<Slot>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        finalized_slot(&mut connection).await
    }

    /// Marks every slot up to `slot` as final and deletes the journal of those slots. An earlier
    /// slot than the newest finalized one changes nothing.
    pub async fn finalize(&self, slot: Slot) -> Result<(), StoreError> {
        let slot = slot.to_column()?;
        let mut transaction = self.pool.begin().await?;
        lock(&mut transaction).await?;
        sqlx::query(
            "INSERT INTO finality (slot) VALUES ($1)
             ON CONFLICT (singleton) DO UPDATE SET slot = greatest(finality.slot, excluded.slot)",
        )
        .bind(slot)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("DELETE FROM journal WHERE slot <= $1")
            .bind(slot)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Rolls the database back to the newest checkpoint at or before the end of `slot`, because a
    /// fork abandoned the later slots. Returns that checkpoint; `None` if it is the beginning of
    /// the chain. The caller then reads the chain again from there.
    ///
    /// Fails if a later slot than `slot` is final, or if a batch to undo has no journal.
    pub async fn roll_back_to(&self, slot: Slot) -> Result<Option<Position>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        lock(&mut transaction).await?;
        if finalized_slot(&mut transaction)
            .await?
            .is_some_and(|finalized| slot < finalized)
        {
            return Err(StoreError::CannotRollBack {
                slot,
                why: "a later slot is final",
            });
        }
        let reached = loop {
            let Some(LastBatch { number, checkpoint }) = last_batch(&mut transaction).await? else {
                break None;
            };
            if checkpoint.slot <= slot {
                break Some(checkpoint);
            }
            let has_journal: bool = sqlx::query("SELECT EXISTS (SELECT FROM journal WHERE batch = $1)")
                .bind(number)
                .fetch_one(&mut *transaction)
                .await?
                .get(0);
            if !has_journal {
                return Err(StoreError::CannotRollBack {
                    slot,
                    why: "a later batch has no journal, because it was final when it was applied",
                });
            }
            sqlx::query("SELECT roll_back_batch($1)")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
        };
        crate::roots::check_current(&mut transaction).await?;
        transaction.commit().await?;
        Ok(reached)
    }
}
