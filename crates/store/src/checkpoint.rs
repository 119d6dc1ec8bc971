//! How far the database follows the chain.

use sqlx::{PgConnection, Row};

use crate::values::{bigint, unsigned};
use crate::{Position, Store, StoreError};

/// Keeps other writers waiting until the transaction ends.
pub async fn lock(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("LOCK TABLE checkpoint IN EXCLUSIVE MODE")
        .execute(connection)
        .await?;
    Ok(())
}

/// The last batch's number and checkpoint.
pub async fn read(connection: &mut PgConnection) -> Result<Option<(i64, Position)>, StoreError> {
    let row =
        sqlx::query("SELECT batch, slot, transaction_index, instruction_index, inner_index FROM checkpoint")
            .fetch_optional(connection)
            .await?;
    let Some(row) = row else { return Ok(None) };
    let index = |column: &str| row.get::<i32, _>(column).unsigned_abs();
    let position = Position {
        slot: unsigned(row.get("slot"))?,
        transaction_index: index("transaction_index"),
        instruction_index: index("instruction_index"),
        inner_index: index("inner_index"),
    };
    Ok(Some((row.get("batch"), position)))
}

impl Store {
    /// Up to where events have been applied. `None`: nothing has, which is not slot 0.
    pub async fn checkpoint(&self) -> Result<Option<Position>, StoreError> {
        let mut connection = self.pool.acquire().await?;
        Ok(read(&mut connection).await?.map(|(_, position)| position))
    }

    /// The slot up to which no fork can undo anything, if known.
    pub async fn finalized_slot(&self) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query("SELECT slot FROM finality")
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| unsigned(row.get(0))).transpose()
    }

    /// Marks everything up to `slot` as final, and drops the journal that could undo it. Never goes back.
    pub async fn finalize(&self, slot: u64) -> Result<(), StoreError> {
        let slot = bigint("slot", slot)?;
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

    /// Goes back to the last checkpoint at or before the end of `slot`, because what came after it was on a fork. The
    /// caller then reads the chain on from the checkpoint that is returned (`None`: from the beginning).
    ///
    /// Refused when `slot` is before a finalized one, or the journal of a batch is gone.
    pub async fn undo_to(&self, slot: u64) -> Result<Option<Position>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        lock(&mut transaction).await?;
        let finalized: Option<i64> = sqlx::query("SELECT slot FROM finality")
            .fetch_optional(&mut *transaction)
            .await?
            .map(|row| row.get(0));
        if finalized.is_some_and(|finalized| bigint("slot", slot).is_ok_and(|slot| slot < finalized)) {
            return Err(StoreError::CannotUndo {
                slot,
                why: "a later slot is final",
            });
        }
        let reached = loop {
            let Some((number, position)) = read(&mut transaction).await? else {
                break None;
            };
            if position.slot <= slot {
                break Some(position);
            }
            let journaled: bool = sqlx::query("SELECT EXISTS (SELECT FROM journal WHERE batch = $1)")
                .bind(number)
                .fetch_one(&mut *transaction)
                .await?
                .get(0);
            if !journaled {
                let why = "a batch since then has no journal: it was applied as final";
                return Err(StoreError::CannotUndo { slot, why });
            }
            sqlx::query("SELECT undo_batch($1)")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
        };
        crate::roots::check_current(&mut transaction).await?;
        transaction.commit().await?;
        Ok(reached)
    }
}
