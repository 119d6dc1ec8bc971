//! Listed transactions that are not applied, because no node has returned them yet.
//!
//! The table does not follow the chain: no reader uses it, and a rollback does not change it.

use solana_signature::Signature;
use sqlx::Row;
use sqlx::postgres::{PgBindIterExt, PgRow};

use crate::values::{signature, unsigned};
use crate::{Slot, Store, StoreError};

/// A listed transaction that is not applied.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct QuarantinedTransaction {
    /// The slot in which the transaction is listed.
    pub slot: Slot,
    /// The transaction's first signature.
    pub signature: Signature,
    /// Whether the list says that the transaction succeeded.
    pub succeeded: bool,
    /// Why the last request for it failed, or who added it.
    pub reason: String,
    /// For how many seconds it has been in the quarantine.
    pub seconds: u64,
    /// The number of requests since then.
    pub attempts: u64,
    /// Whether it should be requested again now.
    pub is_due: bool,
}

/// The key of a transaction in the quarantine.
pub type QuarantineKey = (Slot, Signature);

fn columns(keys: &[QuarantineKey]) -> Result<Vec<i64>, StoreError> {
    keys.iter().map(|(slot, _)| slot.to_column()).collect()
}

impl Store {
    /// Adds transactions to the quarantine, due at once if `is_due` and otherwise after a minute.
    /// Those that it contains already stay as they are.
    pub async fn quarantine(
        &self,
        transactions: &[(QuarantineKey, bool)],
        reason: &str,
        is_due: bool,
    ) -> Result<(), StoreError> {
        let keys: Vec<QuarantineKey> = transactions.iter().map(|(key, _)| *key).collect();
        sqlx::query(
            "INSERT INTO quarantine (slot, signature, succeeded, reason, next_attempt_at)
             SELECT slot, signature, bool_or(succeeded), $4,
                    CASE WHEN $5 THEN now() ELSE now() + interval '1 minute' END
             FROM unnest($1::bigint[], $2::bytea[], $3::boolean[]) AS t (slot, signature, succeeded)
             GROUP BY slot, signature
             ON CONFLICT DO NOTHING",
        )
        .bind(columns(&keys)?)
        .bind(keys.iter().map(|(_, signature)| signature.as_ref()).bind_iter())
        .bind(transactions.iter().map(|(_, succeeded)| *succeeded).bind_iter())
        .bind(reason)
        .bind(is_due)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Returns the transactions in the quarantine, ordered by slot.
    pub async fn quarantined(&self) -> Result<Vec<QuarantinedTransaction>, StoreError> {
        let rows = sqlx::query(
            "SELECT slot, signature, succeeded, reason, attempts::bigint AS attempts,
                    greatest(0, extract(epoch FROM now() - since))::bigint AS seconds,
                    next_attempt_at <= now() AS is_due
             FROM quarantine ORDER BY slot, signature",
        )
        .fetch_all(&self.pool)
        .await?;
        let transaction = |row: &PgRow| {
            Ok(QuarantinedTransaction {
                slot: Slot::from_column(row.get("slot"))?,
                signature: signature(row.get("signature"))?,
                succeeded: row.get("succeeded"),
                reason: row.get("reason"),
                seconds: unsigned(row.get("seconds"))?,
                attempts: unsigned(row.get("attempts"))?,
                is_due: row.get("is_due"),
            })
        };
        rows.iter().map(transaction).collect()
    }

    /// Records that a request for a quarantined transaction failed. The pause until the next one
    /// doubles from a minute to an hour.
    pub async fn postpone_quarantined(&self, key: QuarantineKey, reason: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE quarantine SET reason = $3, attempts = attempts + 1,
                 next_attempt_at = now() + least(interval '1 hour', interval '1 minute' * 2 ^ least(attempts, 6))
             WHERE slot = $1 AND signature = $2",
        )
        .bind(key.0.to_column()?)
        .bind(key.1.as_ref())
        .bind(reason)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Removes transactions from the quarantine: they are applied, or they do not exist.
    pub async fn release_quarantined(&self, keys: &[QuarantineKey]) -> Result<(), StoreError> {
        sqlx::query(
            "DELETE FROM quarantine q USING unnest($1::bigint[], $2::bytea[]) AS t (slot, signature)
             WHERE q.slot = t.slot AND q.signature = t.signature",
        )
        .bind(columns(keys)?)
        .bind(keys.iter().map(|(_, signature)| signature.as_ref()).bind_iter())
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
