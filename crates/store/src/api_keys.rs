//! API keys of the services.

use std::collections::HashSet;

use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Row};

use crate::values::{bytes32, time};
use crate::{AuditRecord, Store, StoreError, audit};

/// Time in seconds for which an account's list has an expired key.
pub const EXPIRED_KEYS_SECONDS: i64 = 30 * 86_400;
/// Time in seconds for which services read an expired key, so that its client gets a precise error.
/// An account can make 100 keys in a day, and every service reads all of this time after each
/// change.
const READ_EXPIRED_SECONDS: i64 = 86_400;
/// Time in seconds after which the row of an expired key is deleted. Migration 51 has the same.
const REMOVED_SECONDS: i64 = 90 * 86_400;
/// The actor of changes that are made with a command.
const OPERATOR: &str = "operator";
/// The columns that [`api_key`] reads.
pub const COLUMNS: &str =
    "prefix, owner, secret_hash::bytea AS secret_hash, permissions, requests_per_minute,
    proofs_per_minute, origins, floor(extract(epoch FROM expires_at))::bigint AS expires_at";

/// An API key without its secret.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiKey {
    /// 8 hexadecimal digits that identify the key.
    pub prefix: String,
    /// The owner of the key's jobs: the prefix of the client's first key.
    pub owner: String,
    /// SHA-256 of the secret.
    pub secret_hash: [u8; 32],
    /// What the key may do.
    pub permissions: Vec<String>,
    /// Requests per minute. 0: no limit. `None`: the default of the service.
    pub requests_per_minute: Option<u32>,
    /// Proofs per minute. 0: no limit. `None`: the default of the service.
    pub proofs_per_minute: Option<u32>,
    /// The origins of the web pages that may use the key. Empty: the key is for servers.
    pub origins: Vec<String>,
    /// The time from which the key is refused, in Unix seconds.
    pub expires_at: i64,
}

/// All API keys at one time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiKeyList {
    /// The number of changes before this time.
    pub changes: i64,
    /// The keys that have not expired, and those that expired in the last 24 hours.
    pub keys: Vec<ApiKey>,
    /// The prefixes of the keys that have expired according to the clock of the database. A clock
    /// of a service can be behind it.
    pub expired: HashSet<String>,
    /// The prefixes of the keys that accounts have created.
    pub of_accounts: HashSet<String>,
}

impl Store {
    /// Returns all API keys if they have changed since a list with this number of changes. The
    /// query reads one row if they have not.
    pub async fn api_keys_after(&self, changes: Option<i64>) -> Result<Option<ApiKeyList>, StoreError> {
        let rows = sqlx::query(AssertSqlSafe(format!(
            "SELECT number, expires_at <= now() AS has_expired, account IS NOT NULL AS is_of_account, {COLUMNS}
             FROM api_key_changes LEFT JOIN api_keys
                  ON number IS DISTINCT FROM $1 AND expires_at > now() - $2::bigint * interval '1 second'"
        )))
        .bind(changes)
        .bind(READ_EXPIRED_SECONDS)
        .fetch_all(&self.pool)
        .await?;
        let Some(first) = rows.first() else {
            return Err(StoreError::Damaged("api_key_changes has no row".to_owned()));
        };
        let number: i64 = first.get("number");
        if changes == Some(number) {
            return Ok(None);
        }
        // Without keys, the only row has no prefix.
        let keys = rows
            .iter()
            .filter(|row| row.get::<Option<&str>, _>("prefix").is_some());
        let expired = keys.clone().filter(|row| row.get("has_expired"));
        let of_accounts = keys.clone().filter(|row| row.get("is_of_account"));
        Ok(Some(ApiKeyList {
            changes: number,
            expired: expired.map(|row| row.get("prefix")).collect(),
            of_accounts: of_accounts.map(|row| row.get("prefix")).collect(),
            keys: keys.map(api_key).collect::<Result<_, _>>()?,
        }))
    }

    /// Adds an API key for an operator, with a record in the audit log. Its owner is the owner of
    /// the key `key.owner`, or that prefix itself if the database doesn't have that key. Limits
    /// that are `None` are those of that key. Returns `false` and changes nothing if a key has the
    /// prefix already.
    pub async fn add_api_key(&self, key: &ApiKey) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let added = sqlx::query(
            "INSERT INTO api_keys (prefix, owner, secret_hash, permissions, requests_per_minute, proofs_per_minute, expires_at,
                                   origins)
             SELECT $1, coalesce(replaced.owner, $2), $3, $4, coalesce($5, replaced.requests_per_minute),
                    coalesce($6, replaced.proofs_per_minute), to_timestamp($7::bigint), $8
             FROM (VALUES ($2)) AS given (prefix) LEFT JOIN api_keys AS replaced USING (prefix)
             ON CONFLICT DO NOTHING",
        )
        .bind(&key.prefix)
        .bind(&key.owner)
        .bind(key.secret_hash.as_slice())
        .bind(&key.permissions)
        .bind(key.requests_per_minute.map(i64::from))
        .bind(key.proofs_per_minute.map(i64::from))
        .bind(time(key.expires_at)?)
        .bind(&key.origins)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        let record = AuditRecord::of("key_created", OPERATOR, &key.prefix);
        audit::append(&mut transaction, &record).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Deletes keys that expired at least 90 days ago, at most `limit` at once. A key that owns a
    /// later one stays. Returns the number of deleted keys.
    pub async fn remove_expired_keys(&self, limit: u32) -> Result<u64, StoreError> {
        let found: Vec<String> = sqlx::query_scalar(
            "SELECT prefix FROM api_keys e
             WHERE expires_at <= now() - $1::bigint * interval '1 second'
               AND NOT EXISTS (SELECT FROM api_keys k WHERE k.owner = e.prefix AND k.prefix <> e.prefix
                               AND k.expires_at > now() - $1::bigint * interval '1 second')
             ORDER BY expires_at LIMIT $2",
        )
        .bind(REMOVED_SECONDS)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        // A statement counts as a change of the keys, even if it deletes none.
        if found.is_empty() {
            return Ok(0);
        }
        let removed = sqlx::query("DELETE FROM api_keys WHERE prefix = ANY($1)")
            .bind(&found)
            .execute(&self.pool)
            .await?;
        Ok(removed.rows_affected())
    }

    /// Makes an API key expire now for an operator, with a record in the audit log. Returns `false`
    /// if the database has no such key, or if it has expired already.
    pub async fn revoke_api_key(&self, prefix: &str) -> Result<bool, StoreError> {
        let record = AuditRecord::of("key_revoked", OPERATOR, prefix);
        self.revoke_audited_key(None, prefix, &record).await
    }
}

pub fn api_key(row: &PgRow) -> Result<ApiKey, StoreError> {
    Ok(ApiKey {
        prefix: row.get("prefix"),
        owner: row.get("owner"),
        secret_hash: bytes32(row.get("secret_hash"))?,
        permissions: row.get("permissions"),
        requests_per_minute: limit(row, "requests_per_minute")?,
        proofs_per_minute: limit(row, "proofs_per_minute")?,
        origins: row.get("origins"),
        expires_at: row.get("expires_at"),
    })
}

fn limit(row: &PgRow, column: &str) -> Result<Option<u32>, StoreError> {
    let limit: Option<i64> = row.get(column);
    let limit = limit.map(u32::try_from).transpose();
    limit.map_err(|_| StoreError::Damaged(format!("{column} is not a limit")))
}
