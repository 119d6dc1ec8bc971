//! The audit log. Its records are a chain of hashes, and are only added.
//!
//! ```text
//!   hash of record n = SHA-256(domain | hash of record n - 1 | n | time
//!                              | event | code | actor | subject)
//! ```
//!
//! A change and its record are in one transaction. Writers wait for each other at the row
//! `audit_head`, so the numbers have no gaps.

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};
use sqlx::postgres::PgRow;
use sqlx::{Connection as _, PgConnection, Postgres, Row, Transaction};

use crate::values::{bytes32, unsigned};
use crate::{Store, StoreError};

/// The first input of each hash.
const DOMAIN: &[u8] = b"bauta audit log v1";
/// Time in milliseconds for which records that belong to no change wait for the end of the chain.
const MAX_WAIT_MS: u32 = 1_000;
/// Number of records that the checker reads at a time.
const CHECKED_AT_ONCE: i64 = 1_000;

/// What an audit record says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AuditRecord {
    /// What was done or refused, for example `key_revoked`.
    pub event: String,
    /// The code of a refusal.
    pub code: Option<String>,
    /// The account or the API key that did it.
    pub actor: Option<String>,
    /// What was changed.
    pub subject: Option<String>,
}

impl AuditRecord {
    /// Creates a record of a change by an actor.
    #[must_use]
    pub fn of(event: &str, actor: &str, subject: &str) -> Self {
        Self {
            event: event.to_owned(),
            code: None,
            actor: Some(actor.to_owned()),
            subject: Some(subject.to_owned()),
        }
    }

    /// Creates a record of a refusal.
    #[must_use]
    pub fn refusal(event: &str, code: &str, actor: Option<&str>) -> Self {
        Self {
            event: event.to_owned(),
            code: Some(code.to_owned()),
            actor: actor.map(str::to_owned),
            subject: None,
        }
    }
}

/// A record of the log.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredAuditRecord {
    /// The number, from 1.
    pub number: u64,
    /// The time in Unix seconds.
    pub at: i64,
    /// What it says.
    pub record: AuditRecord,
    /// The hash of the chain up to this record.
    pub hash: [u8; 32],
}

/// The end of the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AuditHead {
    /// The number of records.
    pub records: u64,
    /// The hash of the last one. Zero without records.
    pub hash: [u8; 32],
}

/// What the checker found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditCheck {
    /// The chain is complete.
    Complete(AuditHead),
    /// The record with this number is missing, or its content has been changed.
    Broken(u64),
    /// The records end before the head, or after it.
    OtherHead {
        /// The number of records.
        records: u64,
        /// The number that the head has.
        head: u64,
    },
}

impl Store {
    /// Adds records that belong to no change, in their order. Fails if another writer keeps the end
    /// of the chain for longer than a second.
    pub async fn add_audit_records(&self, records: &[AuditRecord]) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("SELECT set_config('lock_timeout', $1, true)")
            .bind(MAX_WAIT_MS.to_string())
            .execute(&mut *transaction)
            .await?;
        for record in records {
            append(&mut transaction, record).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Returns the end of the chain.
    pub async fn audit_head(&self) -> Result<AuditHead, StoreError> {
        let row = sqlx::query("SELECT records, hash::bytea AS hash FROM audit_head")
            .fetch_one(&self.pool)
            .await?;
        head(&row)
    }

    /// Returns the records after a number, at most `limit`.
    pub async fn audit_log(&self, after: u64, limit: u16) -> Result<Vec<StoredAuditRecord>, StoreError> {
        self.records_after(i64::try_from(after).unwrap_or(i64::MAX), i64::from(limit))
            .await
    }

    /// Computes the hashes of all records again, and compares them with the seals. With a
    /// checkpoint, the number of records at an earlier time and the hash of the chain then, also
    /// compares that hash. The signatures of the seals are not checked.
    pub async fn check_audit_log(
        &self,
        checkpoint: Option<(u64, [u8; 32])>,
    ) -> Result<AuditCheck, StoreError> {
        // Records and seals that are added meanwhile are after these.
        let sealed = self.last_audit_seal().await?.map_or(0, |seal| seal.head.records);
        let head = self.audit_head().await?;
        let of_head = Some((head.records, head.hash));
        let mut checked = AuditHead {
            records: 0,
            hash: [0; 32],
        };
        loop {
            let after = i64::try_from(checked.records).unwrap_or(i64::MAX);
            let records = self.records_after(after, CHECKED_AT_ONCE).await?;
            let Some(last) = records.last() else {
                break;
            };
            let seals = self.seals_between(checked.records, last.number).await?;
            for stored in records {
                let number = checked.records + 1;
                let hash = hash(&checked.hash, number, stored.at, &stored.record);
                let of_seal = seals.get(&number).map(|hash| (number, *hash));
                let is_known = [of_head, checkpoint, of_seal]
                    .into_iter()
                    .flatten()
                    .all(|(records, known)| records != number || known == hash);
                if stored.number != number || stored.hash != hash || !is_known {
                    return Ok(AuditCheck::Broken(number));
                }
                checked = AuditHead {
                    records: number,
                    hash,
                };
            }
        }
        let needed = checkpoint
            .map_or(0, |(records, _)| records)
            .max(head.records)
            .max(sealed);
        if checked.records < needed || self.audit_head().await?.records < checked.records {
            return Ok(AuditCheck::OtherHead {
                records: checked.records,
                head: needed,
            });
        }
        Ok(AuditCheck::Complete(checked))
    }

    /// Computes the hashes of the records from one head to a later one again, at most `limit`.
    /// Complete: returns the head of the last of these records, which is `to` if there are no more.
    pub async fn follow_audit_log(
        &self,
        from: AuditHead,
        to: AuditHead,
        limit: u16,
    ) -> Result<AuditCheck, StoreError> {
        let Some(missing) = to.records.checked_sub(from.records) else {
            return Ok(AuditCheck::OtherHead {
                records: to.records,
                head: from.records,
            });
        };
        let number = missing.min(u64::from(limit));
        let mut records = Vec::new();
        if number > 0 {
            let limit = i64::try_from(number).unwrap_or(i64::MAX);
            let after = i64::try_from(from.records).unwrap_or(i64::MAX);
            records = self.records_after(after, limit).await?;
        }
        let mut records = records.into_iter();
        let mut checked = from;
        for number in (from.records..from.records + number).map(|before| before + 1) {
            let is_right = |stored: &StoredAuditRecord| {
                stored.number == number
                    && stored.hash == hash(&checked.hash, number, stored.at, &stored.record)
            };
            let Some(stored) = records.next().filter(is_right) else {
                return Ok(AuditCheck::Broken(number));
            };
            checked = AuditHead {
                records: number,
                hash: stored.hash,
            };
        }
        if checked.records == to.records && checked.hash != to.hash {
            return Ok(AuditCheck::Broken(to.records));
        }
        Ok(AuditCheck::Complete(checked))
    }

    /// Returns the hashes of the seals of more than `after` and at most `last` records, by the
    /// number of records.
    async fn seals_between(&self, after: u64, last: u64) -> Result<HashMap<u64, [u8; 32]>, StoreError> {
        // A seal has more records than the one before, so there are no more seals than records.
        let limit = u16::try_from(CHECKED_AT_ONCE).unwrap_or(u16::MAX);
        let seals = self.audit_seals(after, limit).await?.into_iter();
        let within = seals.filter(|seal| seal.head.records <= last);
        Ok(within.map(|seal| (seal.head.records, seal.head.hash)).collect())
    }

    async fn records_after(&self, after: i64, limit: i64) -> Result<Vec<StoredAuditRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT number, at, event, code, actor, subject, hash::bytea AS hash
             FROM audit_log WHERE number > $1 ORDER BY number LIMIT $2",
        )
        .bind(after)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(stored_record).collect()
    }
}

/// Adds a record in the transaction of a change.
pub async fn append(
    transaction: &mut Transaction<'static, Postgres>,
    record: &AuditRecord,
) -> Result<(), StoreError> {
    append_on(transaction, record).await
}

/// Adds a record in the transaction of a change that must be made even if the record can't be
/// added, or not within a second. Returns whether it was added.
pub async fn try_append(
    transaction: &mut Transaction<'static, Postgres>,
    record: &AuditRecord,
) -> Result<bool, StoreError> {
    let mut savepoint = transaction.begin().await?;
    sqlx::query("SELECT set_config('lock_timeout', $1, true)")
        .bind(MAX_WAIT_MS.to_string())
        .execute(&mut *savepoint)
        .await?;
    if append_on(&mut savepoint, record).await.is_err() {
        savepoint.rollback().await?;
        return Ok(false);
    }
    savepoint.commit().await?;
    Ok(true)
}

async fn append_on(connection: &mut PgConnection, record: &AuditRecord) -> Result<(), StoreError> {
    let row = sqlx::query(
        "SELECT records, hash::bytea AS hash, extract(epoch FROM now())::bigint AS now FROM audit_head FOR UPDATE",
    )
    .fetch_one(&mut *connection)
    .await?;
    let (last, at): (AuditHead, i64) = (head(&row)?, row.get("now"));
    let number = last.records + 1;
    let hash = hash(&last.hash, number, at, record);
    let number = i64::try_from(number).map_err(|_| StoreError::Damaged("audit_head is full".to_owned()))?;
    sqlx::query(
        "INSERT INTO audit_log (number, at, event, code, actor, subject, hash) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(number)
    .bind(at)
    .bind(&record.event)
    .bind(&record.code)
    .bind(&record.actor)
    .bind(&record.subject)
    .bind(hash.as_slice())
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE audit_head SET records = $1, hash = $2")
        .bind(number)
        .bind(hash.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}

/// Computes the hash of a record. A byte before each text says whether it is present, and its
/// length follows.
fn hash(previous: &[u8; 32], number: u64, at: i64, record: &AuditRecord) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(DOMAIN);
    hash.update(previous);
    hash.update(number.to_be_bytes());
    hash.update(at.to_be_bytes());
    for text in [
        &Some(record.event.clone()),
        &record.code,
        &record.actor,
        &record.subject,
    ] {
        match text {
            None => hash.update([0]),
            Some(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
        }
    }
    hash.finalize().into()
}

fn head(row: &PgRow) -> Result<AuditHead, StoreError> {
    Ok(AuditHead {
        records: unsigned(row.get("records"))?,
        hash: bytes32(row.get("hash"))?,
    })
}

fn stored_record(row: &PgRow) -> Result<StoredAuditRecord, StoreError> {
    Ok(StoredAuditRecord {
        number: unsigned(row.get("number"))?,
        at: row.get("at"),
        record: AuditRecord {
            event: row.get("event"),
            code: row.get("code"),
            actor: row.get("actor"),
            subject: row.get("subject"),
        },
        hash: bytes32(row.get("hash"))?,
    })
}
