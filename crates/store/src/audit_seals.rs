//! The seals of the audit log: its signed checkpoints. They are only added.

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::values::{bigint, bytes32, unsigned};
use crate::{AuditHead, Store, StoreError};

/// A signed checkpoint of the audit log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditSeal {
    /// The minute in which it was added, in Unix seconds.
    pub at: i64,
    /// The end of the chain then.
    pub head: AuditHead,
    /// The signed note.
    pub note: String,
}

impl Store {
    /// Adds the seal of a head for this minute. Returns `false` and changes nothing if the minute
    /// has a seal, or if a seal has these records or later ones.
    pub async fn add_audit_seal(&self, head: &AuditHead, note: &str) -> Result<bool, StoreError> {
        let records = bigint("records", head.records)?;
        let mut transaction = self.pool.begin().await?;
        // One after the other, so that the order of the seals is that of their records.
        sqlx::query("SELECT pg_advisory_xact_lock(hashtext('bauta_audit_seals'))")
            .execute(&mut *transaction)
            .await?;
        // The clock, because the transaction can have begun in another minute.
        let added = sqlx::query(
            "INSERT INTO audit_seals (minute, records, hash, note)
             SELECT floor(extract(epoch FROM clock_timestamp()) / 60)::bigint, $1, $2, $3
             WHERE NOT EXISTS (SELECT FROM audit_seals WHERE records >= $1)
             ON CONFLICT DO NOTHING",
        )
        .bind(records)
        .bind(head.hash.as_slice())
        .bind(note)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(added.rows_affected() > 0)
    }

    /// Returns the seals of more than a number of records, at most `limit`, the oldest first.
    pub async fn audit_seals(&self, after: u64, limit: u16) -> Result<Vec<AuditSeal>, StoreError> {
        let rows = sqlx::query(
            "SELECT minute, records, hash::bytea AS hash, note
             FROM audit_seals WHERE records > $1 ORDER BY records LIMIT $2",
        )
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(seal).collect()
    }

    /// Returns the seals of fewer than a number of records, at most `limit`, the newest first.
    pub async fn audit_seals_before(&self, records: u64, limit: u16) -> Result<Vec<AuditSeal>, StoreError> {
        let rows = sqlx::query(
            "SELECT minute, records, hash::bytea AS hash, note
             FROM audit_seals WHERE records < $1 ORDER BY records DESC LIMIT $2",
        )
        .bind(i64::try_from(records).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(seal).collect()
    }

    /// Returns the newest seal.
    pub async fn last_audit_seal(&self) -> Result<Option<AuditSeal>, StoreError> {
        let row = sqlx::query(
            "SELECT minute, records, hash::bytea AS hash, note FROM audit_seals ORDER BY records DESC LIMIT 1",
        )
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(seal).transpose()
    }
}

fn seal(row: &PgRow) -> Result<AuditSeal, StoreError> {
    Ok(AuditSeal {
        at: row.get::<i64, _>("minute").saturating_mul(60),
        head: AuditHead {
            records: unsigned(row.get("records"))?,
            hash: bytes32(row.get("hash"))?,
        },
        note: row.get("note"),
    })
}
