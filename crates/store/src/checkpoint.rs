//! The checkpoint, finality, and rollbacks to an earlier checkpoint.

use sqlx::{PgConnection, Postgres, Row, Transaction};

use crate::values::unsigned;
use crate::{Position, Slot, Store, StoreError, import};

/// The number of rows of the journal that one call deletes. Postgres would end a statement that
/// deletes the journal of days.
const JOURNAL_ROWS: i64 = 200_000;

/// The newest batch that was applied.
#[derive(Clone, Copy)]
pub struct LastBatch {
    /// The number of the batch, from 1.
    pub number: i64,
    pub checkpoint: Position,
}

/// The size of the journal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct JournalSize {
    /// The number of batches from the oldest to the newest one in the journal. It includes final
    /// batches between them, which have no journal.
    pub batches: u64,
    /// The slot of the first batch. `None` if the journal is empty.
    pub first_slot: Option<Slot>,
}

/// Whether a rollback is committed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Commit,
    None,
}

/// What a rollback does with final slots.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Final {
    Refused,
    RolledBack,
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

/// Marks every slot up to `slot` as final.
pub async fn mark_final(connection: &mut PgConnection, slot: Slot) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO finality (slot) VALUES ($1)
         ON CONFLICT (singleton) DO UPDATE SET slot = greatest(finality.slot, excluded.slot)",
    )
    .bind(slot.to_column()?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Deletes the oldest batches of the journal up to a slot, about [`JOURNAL_ROWS`] rows of them.
/// Returns whether nothing is left. A batch is never divided: a rollback needs all of its rows.
async fn delete_journal(connection: &mut PgConnection, slot: Slot) -> Result<bool, StoreError> {
    let deleted = sqlx::query(
        "DELETE FROM journal WHERE slot <= $1 AND batch <= (
             SELECT max(batch) FROM (
                 SELECT batch FROM journal WHERE slot <= $1 ORDER BY batch, id LIMIT $2) oldest)",
    )
    .bind(slot.to_column()?)
    .bind(JOURNAL_ROWS)
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected() < JOURNAL_ROWS.unsigned_abs())
}

/// Blocks other writers until the end of the transaction.
pub async fn lock(connection: &mut PgConnection) -> Result<(), StoreError> {
    sqlx::query("LOCK TABLE checkpoint IN EXCLUSIVE MODE")
        .execute(connection)
        .await?;
    Ok(())
}

/// Returns the ids of the Attested registries that batches after a slot changed, in ascending
/// order.
async fn imported_after(connection: &mut PgConnection, slot: Slot) -> Result<Vec<i32>, StoreError> {
    Ok(sqlx::query_scalar(
        "SELECT DISTINCT r.id FROM journal j JOIN registries r ON r.id = (j.key ->> 'id')::integer
         WHERE j.relation = 'registries' AND j.slot > $1 AND r.kind = 'attested' ORDER BY r.id",
    )
    .bind(slot.to_column()?)
    .fetch_all(connection)
    .await?)
}

impl Store {
    /// Begins a transaction that blocks other writers until it ends. Readers do not wait.
    pub(crate) async fn begin_locked(&self) -> Result<Transaction<'static, Postgres>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        lock(&mut transaction).await?;
        Ok(transaction)
    }

    /// Begins a transaction like [`Self::begin_locked`] that may roll back the batches after
    /// `slot`.
    ///
    /// Waits first for the imports of the trees that the rollback changes. An import waits for the
    /// checkpoint when it has written its rows, and the rollback would wait for these rows.
    async fn begin_rollback(&self, slot: Slot) -> Result<Transaction<'static, Postgres>, StoreError> {
        loop {
            let mut transaction = self.pool.begin().await?;
            let locked = imported_after(&mut transaction, slot).await?;
            for registry in &locked {
                import::lock_import(&mut transaction, *registry).await?;
            }
            lock(&mut transaction).await?;
            // Another writer may have applied a batch in the meantime.
            let changed = imported_after(&mut transaction, slot).await?;
            if changed.iter().all(|registry| locked.contains(registry)) {
                return Ok(transaction);
            }
            transaction.rollback().await?;
        }
    }

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

    /// Returns the slot up to which the database agrees with the program's accounts: the newest
    /// slot that [`Store::mark_reconciled`] was called with. `None` if it was never called.
    pub async fn reconciled_slot(&self) -> Result<Option<Slot>, StoreError> {
        let slot: Option<Option<i64>> = sqlx::query_scalar("SELECT reconciled_slot FROM finality")
            .fetch_optional(&self.pool)
            .await?;
        slot.flatten().map(Slot::from_column).transpose()
    }

    /// Marks every slot up to `slot` as final and deletes the journal of those slots, like
    /// [`Store::delete_journal`]. An earlier slot than the newest finalized one changes nothing.
    pub async fn finalize(&self, slot: Slot) -> Result<(), StoreError> {
        let mut transaction = self.begin_locked().await?;
        mark_final(&mut transaction, slot).await?;
        delete_journal(&mut transaction, slot).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Marks every slot up to `slot` as final, like [`Store::finalize`], but keeps the journal
    /// until [`Store::mark_reconciled`]. So [`Store::roll_back_for_repair`] can still add missing
    /// transactions.
    pub async fn mark_final(&self, slot: Slot) -> Result<(), StoreError> {
        let mut transaction = self.begin_locked().await?;
        mark_final(&mut transaction, slot).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Records that the database agrees with the program's accounts up to `slot`, and deletes the
    /// journal of those slots, like [`Store::delete_journal`]. A slot after the newest final slot
    /// counts as that slot.
    pub async fn mark_reconciled(&self, slot: Slot) -> Result<(), StoreError> {
        let mut transaction = self.begin_locked().await?;
        let reconciled: Option<i64> = sqlx::query_scalar(
            "UPDATE finality SET reconciled_slot = greatest(reconciled_slot, least(slot, $1)) RETURNING reconciled_slot",
        )
        .bind(slot.to_column()?)
        .fetch_optional(&mut *transaction)
        .await?;
        if let Some(reconciled) = reconciled {
            delete_journal(&mut transaction, Slot::from_column(reconciled)?).await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Deletes the journal up to a slot, oldest batches first. One call deletes about 200,000 rows.
    /// Returns whether nothing is left to delete. Missing transactions in these slots can then be
    /// added only by a rebuild.
    pub async fn delete_journal(&self, slot: Slot) -> Result<bool, StoreError> {
        let mut transaction = self.begin_locked().await?;
        let is_complete = delete_journal(&mut transaction, slot).await?;
        transaction.commit().await?;
        Ok(is_complete)
    }

    /// Rolls the database back to the newest checkpoint at or before the end of `slot`, because a
    /// fork abandoned the later slots. Returns that checkpoint; `None` if it is the beginning of
    /// the chain. The caller then reads the chain again from there.
    ///
    /// Fails if a later slot than `slot` is final, or if a batch to undo has no journal.
    pub async fn roll_back_to(&self, slot: Slot) -> Result<Option<Position>, StoreError> {
        self.roll_back(slot, Final::Refused, Effect::Commit).await
    }

    /// Rolls the database back like [`Store::roll_back_to`], but also to before final slots, so
    /// that the caller can apply their transactions again together with missing ones. The slots
    /// stay marked as final.
    ///
    /// Fails if a batch to undo has no journal. This is so up to the slot of
    /// [`Store::mark_reconciled`], and for batches that [`Store::apply_final_after`] applied.
    pub async fn roll_back_for_repair(&self, slot: Slot) -> Result<Option<Position>, StoreError> {
        self.roll_back(slot, Final::RolledBack, Effect::Commit).await
    }

    /// Returns what [`Store::roll_back_for_repair`] would return, without an effect. Other writers
    /// wait meanwhile.
    pub async fn try_roll_back(&self, slot: Slot) -> Result<Option<Position>, StoreError> {
        self.roll_back(slot, Final::RolledBack, Effect::None).await
    }

    /// Returns the size of the journal. Reads only the ends of its indexes, because it can have
    /// millions of rows.
    pub async fn journal_size(&self) -> Result<JournalSize, StoreError> {
        let row = sqlx::query(
            "SELECT coalesce((SELECT max(batch) FROM journal) - (SELECT min(batch) FROM journal) + 1, 0) AS batches,
                    (SELECT min(slot) FROM journal) AS first_slot",
        )
        .fetch_one(&self.pool)
        .await?;
        let first_slot: Option<i64> = row.get("first_slot");
        Ok(JournalSize {
            batches: unsigned(row.get("batches"))?,
            first_slot: first_slot.map(Slot::from_column).transpose()?,
        })
    }

    /// Returns the space on disk of the journal and its indexes. Deleted rows leave free space in
    /// it, so it is the space of the largest recent journal.
    pub async fn journal_bytes(&self) -> Result<u64, StoreError> {
        let bytes = sqlx::query_scalar("SELECT pg_total_relation_size('journal')")
            .fetch_one(&self.pool)
            .await?;
        unsigned(bytes)
    }

    async fn roll_back(
        &self,
        slot: Slot,
        final_slots: Final,
        effect: Effect,
    ) -> Result<Option<Position>, StoreError> {
        let mut transaction = self.begin_rollback(slot).await?;
        let finalized = finalized_slot(&mut transaction).await?;
        if final_slots == Final::Refused && finalized.is_some_and(|finalized| slot < finalized) {
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
                    why: "a later batch has no journal; it was final when it was applied, or was reconciled",
                });
            }
            sqlx::query("SELECT roll_back_batch($1)")
                .bind(number)
                .execute(&mut *transaction)
                .await?;
        };
        crate::roots::check_current(&mut transaction).await?;
        match effect {
            Effect::Commit => transaction.commit().await?,
            Effect::None => transaction.rollback().await?,
        }
        Ok(reached)
    }
}
