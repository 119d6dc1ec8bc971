//! Logins of wallets: nonces that are used once, and refresh tokens that are replaced.

use sqlx::{Postgres, Row, Transaction};

use crate::accounts::account_id;
use crate::{AccountId, AuditRecord, Store, StoreError, audit};

/// Number of expired rows that are deleted when a wallet logs in.
const EXPIRED_BATCH: i64 = 10;

/// The code of a refresh token that is not the newest one of its login.
const USED_REFRESH_TOKEN: &str = "used_refresh_token";

/// A login that begins.
#[derive(Clone, Copy, Debug)]
pub struct NewLogin {
    /// The account of the wallet that logs in.
    pub account: AccountId,
    /// SHA-256 of the nonce that the wallet signed.
    pub nonce_hash: [u8; 32],
    /// The time after which no service accepts the nonce, in seconds.
    pub nonce_seconds: u32,
    /// SHA-256 of the login's id.
    pub id_hash: [u8; 32],
    /// SHA-256 of the secret of the first refresh token.
    pub secret_hash: [u8; 32],
    /// The time after which the login ends, in seconds.
    pub seconds: u32,
}

/// A change of an account's own login.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoginChange {
    /// The account whose login has changed.
    pub account: AccountId,
    /// Whether the audit log has the record of it. The transaction adds it only for an account with
    /// a role: everyone has any number of wallets without one, and records are never deleted.
    pub is_recorded: bool,
}

/// The result of a use of a refresh token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refreshed {
    /// The token was the newest one, and is replaced.
    Replaced(AccountId),
    /// The token was used before, so the login has been ended.
    Reused(LoginChange),
    /// The login was ended before.
    Ended,
    /// The login has expired.
    Expired,
    /// There is no such login.
    Unknown,
}

/// The result of a log-out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LoginEnd {
    /// The token was the newest one, and the login has been ended.
    LoggedOut(LoginChange),
    /// The token was used before, and the login has been ended.
    Reused(LoginChange),
    /// There is no such login that lasts.
    Unknown,
}

impl Store {
    /// Begins a login. Returns `None` and changes nothing if the nonce was used before. Deletes the
    /// oldest logins of the account if it would have more than `max_by_account`.
    pub async fn begin_login(
        &self,
        login: &NewLogin,
        max_by_account: u16,
    ) -> Result<Option<LoginChange>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let used = sqlx::query(
            "INSERT INTO used_nonces (nonce_hash, expires_at)
             VALUES ($1, now() + $2::bigint * interval '1 second') ON CONFLICT DO NOTHING",
        )
        .bind(login.nonce_hash.as_slice())
        .bind(i64::from(login.nonce_seconds))
        .execute(&mut *transaction)
        .await?;
        if used.rows_affected() == 0 {
            return Ok(None);
        }
        sqlx::query(
            "INSERT INTO logins (id_hash, account, secret_hash, expires_at)
             VALUES ($1, $2, $3, now() + $4::bigint * interval '1 second')",
        )
        .bind(login.id_hash.as_slice())
        .bind(login.account.0.as_slice())
        .bind(login.secret_hash.as_slice())
        .bind(i64::from(login.seconds))
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "DELETE FROM logins WHERE id_hash IN (
                 SELECT id_hash FROM logins WHERE account = $1
                 ORDER BY id_hash = $2 DESC, created_at DESC OFFSET $3)",
        )
        .bind(login.account.0.as_slice())
        .bind(login.id_hash.as_slice())
        .bind(i64::from(max_by_account))
        .execute(&mut *transaction)
        .await?;
        let is_recorded = append(&mut transaction, "logged_in", login.account).await?;
        transaction.commit().await?;
        self.delete_expired_logins().await?;
        Ok(Some(LoginChange {
            account: login.account,
            is_recorded,
        }))
    }

    /// Deletes some expired nonces and logins. Rows that another transaction deletes are skipped.
    async fn delete_expired_logins(&self) -> Result<(), StoreError> {
        for statement in [
            "DELETE FROM used_nonces WHERE nonce_hash IN (
                 SELECT nonce_hash FROM used_nonces WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)",
            "DELETE FROM logins WHERE id_hash IN (
                 SELECT id_hash FROM logins WHERE expires_at <= now() LIMIT $1 FOR UPDATE SKIP LOCKED)",
        ] {
            sqlx::query(statement)
                .bind(EXPIRED_BATCH)
                .execute(&self.pool)
                .await?;
        }
        Ok(())
    }

    /// Replaces the refresh token of a login. If the token is not the newest one, ends the login:
    /// one of the two who have used it is not the wallet's owner. For an account with a role, the
    /// audit log has a record of it, once for each login. It ends even if the record can't be added.
    pub async fn refresh_login(
        &self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
        next_hash: &[u8; 32],
    ) -> Result<Refreshed, StoreError> {
        let replaced: Option<Vec<u8>> = sqlx::query_scalar(
            "UPDATE logins SET secret_hash = $3
             WHERE id_hash = $1 AND secret_hash = $2 AND ended_at IS NULL AND expires_at > now()
             RETURNING account::bytea",
        )
        .bind(id_hash.as_slice())
        .bind(secret_hash.as_slice())
        .bind(next_hash.as_slice())
        .fetch_optional(&self.pool)
        .await?;
        if let Some(account) = replaced {
            return Ok(Refreshed::Replaced(account_id(&account)?));
        }
        if let Some(ended) = self.end_reused_login(id_hash, secret_hash).await? {
            return Ok(Refreshed::Reused(ended));
        }
        let row = sqlx::query("SELECT ended_at IS NOT NULL AS ended FROM logins WHERE id_hash = $1")
            .bind(id_hash.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        Ok(match row.map(|row| row.get("ended")) {
            None => Refreshed::Unknown,
            Some(true) => Refreshed::Ended,
            Some(false) => Refreshed::Expired,
        })
    }

    /// Ends a login, and records it as a use of an old token. Returns `None` and changes nothing if
    /// the token is the newest one, or of no login that lasts.
    async fn end_reused_login(
        &self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
    ) -> Result<Option<LoginChange>, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let ended: Option<Vec<u8>> = sqlx::query_scalar(
            "UPDATE logins SET ended_at = now()
             WHERE id_hash = $1 AND secret_hash <> $2 AND ended_at IS NULL AND expires_at > now()
             RETURNING account::bytea",
        )
        .bind(id_hash.as_slice())
        .bind(secret_hash.as_slice())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(account) = ended else {
            return Ok(None);
        };
        let account = account_id(&account)?;
        let record = AuditRecord {
            code: Some(USED_REFRESH_TOKEN.to_owned()),
            ..of_account("login_ended", account)
        };
        let is_recorded = has_role(&mut transaction, account).await?
            && audit::try_append(&mut transaction, &record).await?;
        transaction.commit().await?;
        Ok(Some(LoginChange { account, is_recorded }))
    }

    /// Ends a login, with each of its tokens. A token that is not the newest one was used before, so
    /// the end is recorded like that of [`Store::refresh_login`].
    pub async fn end_login(
        &self,
        id_hash: &[u8; 32],
        secret_hash: &[u8; 32],
    ) -> Result<LoginEnd, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let ended: Option<Vec<u8>> = sqlx::query_scalar(
            "UPDATE logins SET ended_at = now()
             WHERE id_hash = $1 AND secret_hash = $2 AND ended_at IS NULL AND expires_at > now()
             RETURNING account::bytea",
        )
        .bind(id_hash.as_slice())
        .bind(secret_hash.as_slice())
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(account) = ended else {
            drop(transaction);
            let reused = self.end_reused_login(id_hash, secret_hash).await?;
            return Ok(reused.map_or(LoginEnd::Unknown, LoginEnd::Reused));
        };
        let account = account_id(&account)?;
        let is_recorded = append(&mut transaction, "logged_out", account).await?;
        transaction.commit().await?;
        Ok(LoginEnd::LoggedOut(LoginChange { account, is_recorded }))
    }
}

/// Adds the record of a change in its transaction if the account has a role. Returns whether it did.
async fn append(
    transaction: &mut Transaction<'static, Postgres>,
    event: &str,
    account: AccountId,
) -> Result<bool, StoreError> {
    let has_role = has_role(transaction, account).await?;
    if has_role {
        audit::append(transaction, &of_account(event, account)).await?;
    }
    Ok(has_role)
}

async fn has_role(
    transaction: &mut Transaction<'static, Postgres>,
    account: AccountId,
) -> Result<bool, StoreError> {
    let has_role = sqlx::query_scalar("SELECT EXISTS (SELECT FROM accounts WHERE id = $1)")
        .bind(account.0.as_slice())
        .fetch_one(&mut **transaction);
    Ok(has_role.await?)
}

/// Creates a record of a change of an account's own login.
fn of_account(event: &str, account: AccountId) -> AuditRecord {
    let account = account.to_string();
    AuditRecord::of(event, &account, &account)
}
