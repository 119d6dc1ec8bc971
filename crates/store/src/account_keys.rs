//! The API keys that an account creates.

use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row, Transaction};

use crate::api_keys::{COLUMNS, EXPIRED_KEYS_SECONDS, api_key};
use crate::values::time;
use crate::{AccountId, ApiKey, AuditRecord, Store, StoreError, audit};

/// Largest number of keys that a list has.
const LISTED_KEYS: i64 = 1_000;

/// An API key of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccountKey {
    /// The prefix, the hash of the secret, and what the key may do.
    pub key: ApiKey,
    /// The name that the account gave it.
    pub name: String,
    /// The time of its creation in Unix seconds.
    pub created_at: i64,
}

/// The result of adding or rotating a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyChange {
    /// The new key is stored.
    Stored,
    /// Nothing was changed: the account has as many valid keys as it may have.
    TooMany,
    /// Nothing was changed: the account has as many valid keys for web pages as it may have.
    TooManyForPages,
    /// Nothing was changed: the account has created as many keys in the last 24 hours as it may.
    TooManyToday,
    /// Nothing was changed: the account is no developer any more.
    NotDeveloper,
    /// Nothing was changed: the account has no such key that is valid now.
    Unknown,
    /// Nothing was changed: a key has the prefix already.
    PrefixTaken,
}

/// How many keys an account may have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyLimits {
    /// Valid keys. A key that replaces another one takes its place.
    pub valid: u16,
    /// Valid keys for web pages, each of which has rate limits and streams of its own. A key and
    /// those that replace it count as one.
    pub for_pages: u16,
    /// Keys that are created in 24 hours, with those that replace others.
    pub per_day: u16,
}

impl Store {
    /// Returns the keys of an account that are valid, the newest first, and then those that expired
    /// in the last 30 days. Returns at most 1,000 keys, which are more than the valid ones.
    pub async fn account_keys(&self, account: AccountId) -> Result<Vec<AccountKey>, StoreError> {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS}, coalesce(name, '') AS name, floor(extract(epoch FROM created_at))::bigint AS created_at
             FROM api_keys WHERE account = $1 AND expires_at > now() - $2::bigint * interval '1 second'
             ORDER BY api_keys.expires_at > now() DESC, api_keys.created_at DESC, prefix LIMIT $3"
        )))
        .bind(account.0.as_slice())
        .bind(EXPIRED_KEYS_SECONDS)
        .bind(LISTED_KEYS)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(account_key).collect()
    }

    /// Returns a key of an account that is valid, or that expired in the last 30 days.
    pub async fn account_key(
        &self,
        account: AccountId,
        prefix: &str,
    ) -> Result<Option<AccountKey>, StoreError> {
        let row = sqlx::query(sqlx::AssertSqlSafe(format!(
            "SELECT {COLUMNS}, coalesce(name, '') AS name, floor(extract(epoch FROM created_at))::bigint AS created_at
             FROM api_keys
             WHERE account = $1 AND prefix = $2 AND expires_at > now() - $3::bigint * interval '1 second'"
        )))
        .bind(account.0.as_slice())
        .bind(prefix)
        .bind(EXPIRED_KEYS_SECONDS)
        .fetch_optional(&self.pool)
        .await?;
        row.as_ref().map(account_key).transpose()
    }

    /// Adds a key to an account that is a developer. The keys for servers of an account have one
    /// owner. A key for web pages is its own owner, so that pages don't use up what servers need.
    pub async fn add_account_key(
        &self,
        account: AccountId,
        key: &ApiKey,
        name: &str,
        limits: KeyLimits,
        record: &AuditRecord,
    ) -> Result<KeyChange, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if let Some(refused) = check(&mut transaction, account, Some(limits.valid), limits.per_day).await? {
            return Ok(refused);
        }
        if !key.origins.is_empty()
            && owners_for_pages(&mut transaction, account).await? >= limits.for_pages.into()
        {
            return Ok(KeyChange::TooManyForPages);
        }
        let added = sqlx::query(
            "INSERT INTO api_keys (prefix, owner, secret_hash, permissions, expires_at, account, name, origins)
             SELECT $1, coalesce((SELECT owner FROM api_keys WHERE account = $5 AND origins = '{}' AND $7::text[] = '{}'
                                  ORDER BY created_at, prefix LIMIT 1), $1),
                    $2, $3, to_timestamp($4::bigint), $5, $6, $7
             ON CONFLICT DO NOTHING",
        )
        .bind(&key.prefix)
        .bind(key.secret_hash.as_slice())
        .bind(&key.permissions)
        .bind(time(key.expires_at)?)
        .bind(account.0.as_slice())
        .bind(name)
        .bind(&key.origins)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(KeyChange::PrefixTaken);
        }
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(KeyChange::Stored)
    }

    /// Replaces a valid key of an account by `new`, which has the permissions, origins, limits,
    /// name and owner of the old one. The old key expires after `seconds`, if not before. Keys that
    /// expire by then do not count for the limit of valid keys. So an account with as many keys as it
    /// may have can replace one that was stolen.
    pub async fn rotate_account_key(
        &self,
        account: AccountId,
        prefix: &str,
        new: &ApiKey,
        seconds: u32,
        limits: KeyLimits,
        record: &AuditRecord,
    ) -> Result<KeyChange, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if let Some(refused) = check(&mut transaction, account, None, limits.per_day).await? {
            return Ok(refused);
        }
        let old = sqlx::query(
            "UPDATE api_keys SET expires_at = least(expires_at, now() + $3::bigint * interval '1 second')
             WHERE account = $1 AND prefix = $2 AND expires_at > now()",
        )
        .bind(account.0.as_slice())
        .bind(prefix)
        .bind(i64::from(seconds))
        .execute(&mut *transaction)
        .await?;
        if old.rows_affected() == 0 {
            return Ok(KeyChange::Unknown);
        }
        // Keys that replace one key after the other must not add up.
        let lasting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM api_keys
             WHERE account = $1 AND expires_at > now() + $2::bigint * interval '1 second'",
        )
        .bind(account.0.as_slice())
        .bind(i64::from(seconds))
        .fetch_one(&mut *transaction)
        .await?;
        if lasting >= i64::from(limits.valid) {
            return Ok(KeyChange::TooMany);
        }
        let added = sqlx::query(
            "INSERT INTO api_keys (prefix, owner, secret_hash, permissions, requests_per_minute, proofs_per_minute,
                                   expires_at, account, name, origins)
             SELECT $3, owner, $4, permissions, requests_per_minute, proofs_per_minute, to_timestamp($5::bigint),
                    account, name, origins
             FROM api_keys WHERE account = $1 AND prefix = $2
             ON CONFLICT DO NOTHING",
        )
        .bind(account.0.as_slice())
        .bind(prefix)
        .bind(&new.prefix)
        .bind(new.secret_hash.as_slice())
        .bind(time(new.expires_at)?)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(KeyChange::PrefixTaken);
        }
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(KeyChange::Stored)
    }

    /// Makes a key expire now: a key of an account, or any key of the database. Returns `false` if
    /// there is no such key that is valid now.
    pub async fn revoke_audited_key(
        &self,
        account: Option<AccountId>,
        prefix: &str,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let revoked = sqlx::query(
            "UPDATE api_keys SET expires_at = now()
             WHERE ($1::bytea IS NULL OR account = $1) AND prefix = $2 AND expires_at > now()",
        )
        .bind(account.as_ref().map(|account| account.0.as_slice()))
        .bind(prefix)
        .execute(&mut *transaction)
        .await?;
        if revoked.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Locks the row of an account, so that its changes of keys and roles wait for each other. Returns
/// why it can't have a further key.
async fn check(
    transaction: &mut Transaction<'static, Postgres>,
    account: AccountId,
    max_valid: Option<u16>,
    max_per_day: u16,
) -> Result<Option<KeyChange>, StoreError> {
    let developer = sqlx::query("SELECT FROM accounts WHERE id = $1 AND 'developer' = ANY(roles) FOR UPDATE")
        .bind(account.0.as_slice())
        .fetch_optional(&mut **transaction)
        .await?;
    if developer.is_none() {
        return Ok(Some(KeyChange::NotDeveloper));
    }
    let counted = sqlx::query(
        "SELECT count(*) FILTER (WHERE expires_at > now()) AS valid,
                count(*) FILTER (WHERE created_at > now() - interval '1 day') AS today
         FROM api_keys WHERE account = $1",
    )
    .bind(account.0.as_slice())
    .fetch_one(&mut **transaction)
    .await?;
    let (valid, today): (i64, i64) = (counted.get("valid"), counted.get("today"));
    Ok(if max_valid.is_some_and(|max| valid >= i64::from(max)) {
        Some(KeyChange::TooMany)
    } else {
        (today >= i64::from(max_per_day)).then_some(KeyChange::TooManyToday)
    })
}

/// Counts the owners of the valid keys for web pages of an account.
async fn owners_for_pages(
    transaction: &mut Transaction<'static, Postgres>,
    account: AccountId,
) -> Result<i64, StoreError> {
    let count = sqlx::query_scalar(
        "SELECT count(DISTINCT owner) FROM api_keys WHERE account = $1 AND origins <> '{}' AND expires_at > now()",
    )
    .bind(account.0.as_slice())
    .fetch_one(&mut **transaction)
    .await?;
    Ok(count)
}

fn account_key(row: &PgRow) -> Result<AccountKey, StoreError> {
    Ok(AccountKey {
        key: api_key(row)?,
        name: row.get("name"),
        created_at: row.get("created_at"),
    })
}
