//! The stored part of a backfill: entries of the nodes' histories that wait to be applied.
//!
//! The tables do not follow the chain: no reader uses them, and a rollback does not change them.

use solana_signature::Signature;
use sqlx::postgres::{PgBindIterExt, PgRow};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::values::{signature, unsigned};
use crate::{Slot, Store, StoreError};

/// The range of slots that a backfill reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackfillRange {
    /// The slot after which the backfill begins. `None` means the beginning of the chain.
    pub after: Option<Slot>,
    /// The last slot.
    pub until: Slot,
}

/// How far the history of a node is stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredHistory {
    /// The name of the node.
    pub node: String,
    /// The oldest stored entry. `None` if none is stored.
    pub before: Option<Signature>,
    /// Whether the history is stored up to the beginning of the range.
    pub complete: bool,
}

/// A transaction that waits to be applied.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackfillTransaction {
    /// The slot of the transaction.
    pub slot: Slot,
    /// The transaction's first signature.
    pub signature: Signature,
    /// Whether the transaction succeeded. A failed one refused the reuse of a nullifier.
    pub succeeded: bool,
}

/// The progress of a backfill.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BackfillProgress {
    /// The last slot of the backfill.
    pub until: Slot,
    /// The number of stored transactions.
    pub listed: u64,
    /// The number of stored transactions after the checkpoint.
    pub waiting: u64,
}

/// Locks the present backfill until the end of the transaction. Returns `false` if its range is
/// another one.
async fn lock_range(
    connection: &mut PgConnection,
    range: BackfillRange,
    mode: &'static str,
) -> Result<bool, StoreError> {
    let query = format!(
        "SELECT FROM backfill WHERE after_slot IS NOT DISTINCT FROM $1 AND until_slot = $2 FOR {mode}"
    );
    let row = sqlx::query(AssertSqlSafe(query))
        .bind(range.after.map(Slot::to_column).transpose()?)
        .bind(range.until.to_column()?)
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

impl Store {
    /// Returns the range of the backfill that has begun and has not ended.
    pub async fn backfill(&self) -> Result<Option<BackfillRange>, StoreError> {
        let row = sqlx::query("SELECT after_slot, until_slot FROM backfill")
            .fetch_optional(&self.pool)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let after: Option<i64> = row.get("after_slot");
        Ok(Some(BackfillRange {
            after: after.map(Slot::from_column).transpose()?,
            until: Slot::from_column(row.get("until_slot"))?,
        }))
    }

    /// Begins a backfill. Returns `false` and changes nothing if another one has begun and has not
    /// ended.
    pub async fn begin_backfill(&self, range: BackfillRange) -> Result<bool, StoreError> {
        let begun = sqlx::query(
            "INSERT INTO backfill (after_slot, until_slot) VALUES ($1, $2) ON CONFLICT DO NOTHING",
        )
        .bind(range.after.map(Slot::to_column).transpose()?)
        .bind(range.until.to_column()?)
        .execute(&self.pool)
        .await?;
        Ok(begun.rows_affected() > 0)
    }

    /// Deletes everything that the backfill of a range has stored. Returns `false` and changes
    /// nothing if the present backfill has another range: another replica has begun it.
    pub async fn end_backfill(&self, range: BackfillRange) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if !lock_range(&mut transaction, range, "UPDATE").await? {
            return Ok(false);
        }
        for table in ["backfill_transactions", "backfill_histories", "backfill"] {
            sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}")))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Returns how far the histories of the nodes are stored.
    pub async fn stored_histories(&self) -> Result<Vec<StoredHistory>, StoreError> {
        let rows = sqlx::query("SELECT node, before, complete FROM backfill_histories ORDER BY node")
            .fetch_all(&self.pool)
            .await?;
        let stored = |row: &PgRow| {
            let before: Option<&[u8]> = row.get("before");
            Ok(StoredHistory {
                node: row.get("node"),
                before: before.map(signature).transpose()?,
                complete: row.get("complete"),
            })
        };
        rows.iter().map(stored).collect()
    }

    /// Stores a page of a node's history together with the position after it. An entry that another
    /// node has listed is stored once, as a successful one if a node says so. Returns `false` and
    /// stores nothing if `range` is no longer the range of the present backfill.
    pub async fn store_history_page(
        &self,
        range: BackfillRange,
        history: &StoredHistory,
        page: &[BackfillTransaction],
    ) -> Result<bool, StoreError> {
        let slots = page.iter().map(|entry| entry.slot.to_column());
        let slots = slots.collect::<Result<Vec<_>, _>>()?;
        let mut transaction = self.pool.begin().await?;
        if !lock_range(&mut transaction, range, "SHARE").await? {
            return Ok(false);
        }
        sqlx::query(
            "INSERT INTO backfill_transactions AS stored (slot, signature, succeeded)
             SELECT DISTINCT ON (slot, signature) * FROM unnest($1::bigint[], $2::bytea[], $3::boolean[])
                 AS listed (slot, signature, succeeded)
             ORDER BY slot, signature, succeeded DESC
             ON CONFLICT (slot, signature) DO UPDATE SET succeeded = true
                 WHERE excluded.succeeded AND NOT stored.succeeded",
        )
        .bind(slots)
        .bind(page.iter().map(|entry| entry.signature.as_ref()).bind_iter())
        .bind(page.iter().map(|entry| entry.succeeded).bind_iter())
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "INSERT INTO backfill_histories (node, before, complete) VALUES ($1, $2, $3)
             ON CONFLICT (node) DO UPDATE SET before = excluded.before, complete = excluded.complete",
        )
        .bind(&history.node)
        .bind(history.before.as_ref().map(AsRef::<[u8]>::as_ref))
        .bind(history.complete)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Marks the histories of all nodes as complete, so that a restart does not read them on. Does
    /// nothing if `range` is no longer the range of the present backfill.
    pub async fn end_histories(&self, range: BackfillRange) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        if lock_range(&mut transaction, range, "SHARE").await? {
            sqlx::query("UPDATE backfill_histories SET complete = true")
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Deletes a listed transaction that is not on the chain.
    pub async fn delete_backfill_transaction(
        &self,
        slot: Slot,
        signature: Signature,
    ) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM backfill_transactions WHERE slot = $1 AND signature = $2")
            .bind(slot.to_column()?)
            .bind(signature.as_ref())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Stores the opposite outcome of a transaction. Nodes can disagree about it, and the node that
    /// listed it first may be wrong.
    pub async fn change_backfill_outcome(&self, slot: Slot, signature: Signature) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE backfill_transactions SET succeeded = NOT succeeded WHERE slot = $1 AND signature = $2",
        )
        .bind(slot.to_column()?)
        .bind(signature.as_ref())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns the first stored transactions after a slot, about `limit` of them, ordered by slot.
    /// A slot is never divided, so the list can be longer. `None` if `range` is no longer the range
    /// of the present backfill.
    pub async fn backfill_transactions(
        &self,
        range: BackfillRange,
        after: Option<Slot>,
        limit: usize,
    ) -> Result<Option<Vec<BackfillTransaction>>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if !lock_range(&mut transaction, range, "SHARE").await? {
            return Ok(None);
        }
        let after = after.map(Slot::to_column).transpose()?.unwrap_or(-1);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = sqlx::query(
            "WITH first AS (
                 SELECT slot, signature, succeeded FROM backfill_transactions WHERE slot > $1
                 ORDER BY slot, signature LIMIT $2)
             SELECT * FROM first
             UNION
             SELECT slot, signature, succeeded FROM backfill_transactions
             WHERE slot = (SELECT max(slot) FROM first)
             ORDER BY slot",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let listed = |row: &PgRow| {
            Ok(BackfillTransaction {
                slot: Slot::from_column(row.get("slot"))?,
                signature: signature(row.get("signature"))?,
                succeeded: row.get("succeeded"),
            })
        };
        rows.iter().map(listed).collect::<Result<_, _>>().map(Some)
    }

    /// Returns the progress of the present backfill. It counts the stored transactions, so it takes
    /// seconds after millions of them.
    pub async fn backfill_progress(&self) -> Result<Option<BackfillProgress>, StoreError> {
        let row = sqlx::query(
            "SELECT until_slot, count(t.slot) AS listed,
                    count(t.slot) FILTER (WHERE t.slot > coalesce((SELECT slot FROM checkpoint), -1)) AS waiting
             FROM backfill LEFT JOIN backfill_transactions t ON true GROUP BY until_slot",
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(BackfillProgress {
            until: Slot::from_column(row.get("until_slot"))?,
            listed: unsigned(row.get("listed"))?,
            waiting: unsigned(row.get("waiting"))?,
        }))
    }
}
