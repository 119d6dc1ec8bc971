//! The stored part of a backfill: entries of the nodes' histories that wait to be applied.
//!
//! The tables do not follow the chain: no reader uses them, and a rollback does not change them.

use solana_signature::Signature;
use sqlx::postgres::{PgBindIterExt, PgRow};
use sqlx::{AssertSqlSafe, PgConnection, Row};

use crate::values::{signature, unsigned};
use crate::{Slot, Store, StoreError, limits};

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
    /// The number that identifies the history within the backfill.
    pub number: i16,
    /// The oldest stored entry. `None` if none is stored.
    pub before: Option<Signature>,
    /// Whether the history is stored up to the beginning of the range.
    pub complete: bool,
    /// Whether the history is not read on, although it may not be complete.
    pub ended: bool,
    /// Whether the history does not count, because its node listed transactions that do not exist.
    pub left_out: bool,
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
    /// The number of the only history with the transaction. `None` if several have it, or if it is
    /// not known which one.
    pub history: Option<i16>,
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
        for table in [
            "backfill_transactions",
            "backfill_histories",
            "backfill_lists",
            "backfill",
        ] {
            sqlx::query(AssertSqlSafe(format!("DELETE FROM {table}")))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Returns how far the histories of some nodes are stored, in the order of their names in
    /// `nodes`. Adds those that have none. `None` if `range` is no longer the range of the present
    /// backfill.
    pub async fn stored_histories(
        &self,
        range: BackfillRange,
        nodes: &[String],
    ) -> Result<Option<Vec<StoredHistory>>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if !lock_range(&mut transaction, range, "UPDATE").await? {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO backfill_lists (node, number)
             SELECT name, place + (SELECT coalesce(max(number), 0) FROM backfill_lists)
             FROM unnest($1::text[]) WITH ORDINALITY AS names (name, place)
             ON CONFLICT (node) DO NOTHING",
        )
        .bind(nodes)
        .execute(&mut *transaction)
        .await?;
        let rows = sqlx::query(
            "SELECT node, number, before, complete, ended, left_out FROM backfill_lists
             JOIN unnest($1::text[]) WITH ORDINALITY AS names (name, place) ON node = name ORDER BY place",
        )
        .bind(nodes)
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let stored = |row: &PgRow| {
            let before: Option<&[u8]> = row.get("before");
            Ok(StoredHistory {
                node: row.get("node"),
                number: row.get("number"),
                before: before.map(signature).transpose()?,
                complete: row.get("complete"),
                ended: row.get("ended"),
                left_out: row.get("left_out"),
            })
        };
        rows.iter().map(stored).collect::<Result<_, _>>().map(Some)
    }

    /// Stores a page of a node's history together with the position after it. An entry that another
    /// node has listed is stored once, as a successful one if a node lists it so. Returns `false`
    /// and stores nothing if `range` is no longer the range of the present backfill.
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
            "INSERT INTO backfill_transactions AS stored (slot, signature, succeeded, list)
             SELECT DISTINCT ON (slot, signature) *, $4
             FROM unnest($1::bigint[], $2::bytea[], $3::boolean[]) AS listed (slot, signature, succeeded)
             ORDER BY slot, signature, succeeded DESC
             ON CONFLICT (slot, signature) DO UPDATE SET
                 succeeded = stored.succeeded OR excluded.succeeded,
                 list = CASE WHEN stored.list = excluded.list THEN stored.list END
             WHERE excluded.succeeded AND NOT stored.succeeded OR stored.list <> excluded.list",
        )
        .bind(slots)
        .bind(page.iter().map(|entry| entry.signature.as_ref()).bind_iter())
        .bind(page.iter().map(|entry| entry.succeeded).bind_iter())
        .bind(history.number)
        .execute(&mut *transaction)
        .await?;
        sqlx::query("UPDATE backfill_lists SET before = $2, complete = $3 WHERE number = $1")
            .bind(history.number)
            .bind(history.before.as_ref().map(AsRef::<[u8]>::as_ref))
            .bind(history.complete)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Ends reading the histories of all nodes, so that a restart does not read them on. Does
    /// nothing if `range` is no longer the range of the present backfill.
    pub async fn end_histories(&self, range: BackfillRange) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        if lock_range(&mut transaction, range, "SHARE").await? {
            sqlx::query("UPDATE backfill_lists SET ended = true")
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Leaves out the history with a number: deletes what only this history has, with one
    /// statement, and makes the others that are not complete be read on. Returns the number of
    /// deleted transactions. `None` if nothing was changed, because it is the only history, or is
    /// left out already, or `range` is no longer the range of the present backfill.
    pub async fn leave_out_history(
        &self,
        range: BackfillRange,
        number: i16,
    ) -> Result<Option<u64>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if !lock_range(&mut transaction, range, "UPDATE").await? {
            return Ok(None);
        }
        let changed = sqlx::query(
            "UPDATE backfill_lists SET left_out = true WHERE number = $1 AND NOT left_out
             AND EXISTS (SELECT FROM backfill_lists WHERE number <> $1 AND NOT left_out)",
        )
        .bind(number)
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(None);
        }
        sqlx::query("UPDATE backfill_lists SET ended = false WHERE NOT complete AND NOT left_out")
            .execute(&mut *transaction)
            .await?;
        // It can be most of a table with millions of rows.
        limits::lift_statement_limit(&mut transaction).await?;
        let deleted = sqlx::query("DELETE FROM backfill_transactions WHERE list = $1")
            .bind(number)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(Some(deleted.rows_affected()))
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
                 SELECT slot, signature, succeeded, list FROM backfill_transactions WHERE slot > $1
                 ORDER BY slot, signature LIMIT $2)
             SELECT * FROM first
             UNION
             SELECT slot, signature, succeeded, list FROM backfill_transactions
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
                history: row.get("list"),
            })
        };
        rows.iter().map(listed).collect::<Result<_, _>>().map(Some)
    }

    /// Returns the progress of the present backfill. It counts the stored transactions, so it takes
    /// seconds after millions of them, and no time limit ends it.
    pub async fn backfill_progress(&self) -> Result<Option<BackfillProgress>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        limits::lift_statement_limit(&mut transaction).await?;
        let row = sqlx::query(
            "SELECT until_slot, count(t.slot) AS listed,
                    count(t.slot) FILTER (WHERE t.slot > coalesce((SELECT slot FROM checkpoint), -1)) AS waiting
             FROM backfill LEFT JOIN backfill_transactions t ON true GROUP BY until_slot",
        )
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(BackfillProgress {
            until: Slot::from_column(row.get("until_slot"))?,
            listed: unsigned(row.get("listed"))?,
            waiting: unsigned(row.get("waiting"))?,
        }))
    }
}
