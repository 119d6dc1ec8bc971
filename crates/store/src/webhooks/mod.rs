//! Webhooks of accounts, and what is sent to them.
//!
//! ```text
//!   plan:    final events after a webhook's position -> deliveries, and the position moves
//!            one transaction, so a process that dies loses nothing and repeats nothing
//!   lease:   deliveries that are due -> an instance, for a time
//!   finish:  delivered, due again later, or dead
//! ```
//!
//! Every transaction locks the row of a webhook before those of its deliveries.

mod deliveries;

use solana_address::Address;
use sqlx::postgres::PgRow;
use sqlx::{Postgres, Row, Transaction};

use crate::values::{address, integer, unsigned};
pub use deliveries::{BusyPlace, Delivery, DeliveryAttempt, DeliveryOutcome, DueDelivery};

use crate::{AccountId, AuditRecord, Position, RandomId, Slot, Store, StoreError, audit};

/// A webhook to add.
#[derive(Clone, Debug)]
pub struct NewWebhook {
    /// A random id.
    pub id: RandomId,
    /// The developer's account.
    pub account: AccountId,
    /// Where the messages are sent.
    pub url: String,
    /// Only events of this scope.
    pub scope: Option<Address>,
    /// Only events of this registry and its scopes.
    pub registry: Option<Address>,
    /// Only events with these names. Empty: all.
    pub types: Vec<String>,
    /// The secret, encrypted.
    pub secret: Vec<u8>,
}

/// The result of adding a webhook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WebhookAdded {
    /// It is stored.
    Stored,
    /// Nothing was changed: the account has as many as it may have.
    TooMany,
    /// Nothing was changed: the account is no developer any more.
    NotDeveloper,
}

/// The result of a change of a webhook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WebhookChange {
    /// The change and its record are stored.
    Changed,
    /// Nothing was changed: the account has no such webhook.
    Unknown,
    /// Nothing was changed: the account is no developer any more.
    NotDeveloper,
}

/// A webhook.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Webhook {
    /// The id that the routes name it with.
    pub id: RandomId,
    /// Where the messages are sent.
    pub url: String,
    /// Only events of this scope.
    pub scope: Option<Address>,
    /// Only events of this registry and its scopes.
    pub registry: Option<Address>,
    /// Only events with these names. Empty: all.
    pub types: Vec<String>,
    /// The time of its creation in Unix seconds.
    pub created_at: i64,
    /// Why it is disabled. `None`: it is enabled.
    pub disabled: Option<String>,
    /// Number of deliveries that have not ended.
    pub pending: u64,
}

impl Store {
    /// Adds a webhook of a developer, which gets the events that become final from now on.
    pub async fn add_webhook(
        &self,
        webhook: &NewWebhook,
        max: u16,
        record: &AuditRecord,
    ) -> Result<WebhookAdded, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if !lock_developer(&mut transaction, webhook.account).await? {
            return Ok(WebhookAdded::NotDeveloper);
        }
        let added = sqlx::query(
            "INSERT INTO webhooks (id, account, url, scope, registry, types, secret,
                                   slot, transaction_index, instruction_index, inner_index, rewind)
             SELECT $1, $2, $3, $4, $5, $6, $7, coalesce((SELECT slot FROM finality), 0),
                    2147483647, 2147483647, 2147483647, (SELECT coalesce(max(number), 0) FROM rewinds)
             WHERE (SELECT count(*) FROM webhooks WHERE account = $2) < $8",
        )
        .bind(webhook.id.as_slice())
        .bind(webhook.account.0.as_slice())
        .bind(&webhook.url)
        .bind(webhook.scope.map(|scope| scope.to_bytes()))
        .bind(webhook.registry.map(|registry| registry.to_bytes()))
        .bind(&webhook.types)
        .bind(&webhook.secret)
        .bind(i64::from(max))
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(WebhookAdded::TooMany);
        }
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(WebhookAdded::Stored)
    }

    /// Returns the webhooks of an account, the oldest first.
    pub async fn webhooks(&self, account: AccountId) -> Result<Vec<Webhook>, StoreError> {
        let rows = sqlx::query(
            "SELECT id::bytea AS id, url, scope::bytea AS scope, registry::bytea AS registry, types,
                    floor(extract(epoch FROM created_at))::bigint AS created_at, disabled_code,
                    disabled_at IS NOT NULL AS is_disabled,
                    (SELECT count(*) FROM webhook_deliveries d WHERE d.webhook = webhooks.id AND d.state = 'pending')
                        AS pending
             FROM webhooks WHERE account = $1 ORDER BY webhooks.created_at, webhooks.id",
        )
        .bind(account.0.as_slice())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(webhook).collect()
    }

    /// Counts the webhooks of an account.
    pub async fn webhook_count(&self, account: AccountId) -> Result<u64, StoreError> {
        let count = sqlx::query_scalar("SELECT count(*) FROM webhooks WHERE account = $1")
            .bind(account.0.as_slice())
            .fetch_one(&self.pool)
            .await?;
        unsigned(count)
    }

    /// Deletes a webhook with its deliveries: one of an account, or any. Returns `false` if there is
    /// none.
    pub async fn delete_webhook(
        &self,
        account: Option<AccountId>,
        id: &RandomId,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let deleted =
            sqlx::query("DELETE FROM webhooks WHERE ($1::bytea IS NULL OR account = $1) AND id = $2")
                .bind(account.as_ref().map(|account| account.0.as_slice()))
                .bind(id.as_slice())
                .execute(&mut *transaction)
                .await?;
        if deleted.rows_affected() == 0 {
            return Ok(false);
        }
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Replaces the secret of a developer's webhook. The one before signs as well for `seconds`.
    pub async fn rotate_webhook_secret(
        &self,
        account: AccountId,
        id: &RandomId,
        secret: &[u8],
        seconds: u32,
        record: &AuditRecord,
    ) -> Result<WebhookChange, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if !lock_developer(&mut transaction, account).await? {
            return Ok(WebhookChange::NotDeveloper);
        }
        let changed = sqlx::query(
            "UPDATE webhooks SET previous_secret = secret, secret = $3,
                                 previous_until = now() + $4::bigint * interval '1 second'
             WHERE account = $1 AND id = $2",
        )
        .bind(account.0.as_slice())
        .bind(id.as_slice())
        .bind(secret)
        .bind(i64::from(seconds))
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(WebhookChange::Unknown);
        }
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(WebhookChange::Changed)
    }

    /// Enables a developer's webhook that was disabled. It counts as one that does not answer until
    /// it does.
    pub async fn enable_webhook(
        &self,
        account: AccountId,
        id: &RandomId,
        record: &AuditRecord,
    ) -> Result<WebhookChange, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if !lock_developer(&mut transaction, account).await? {
            return Ok(WebhookChange::NotDeveloper);
        }
        let changed = sqlx::query(
            "UPDATE webhooks SET disabled_at = NULL, disabled_code = NULL, failing_since = NULL, answers = false,
                                 successes = 0
             WHERE account = $1 AND id = $2",
        )
        .bind(account.0.as_slice())
        .bind(id.as_slice())
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(WebhookChange::Unknown);
        }
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(WebhookChange::Changed)
    }

    /// Sends the events after a position to a developer's webhook again, as far as they are final, and
    /// those that are not stored any more for the first time.
    pub async fn replay_webhook(
        &self,
        account: AccountId,
        id: &RandomId,
        after: Position,
        record: &AuditRecord,
    ) -> Result<WebhookChange, StoreError> {
        let mut transaction = self.pool.begin().await?;
        if !lock_developer(&mut transaction, account).await? {
            return Ok(WebhookChange::NotDeveloper);
        }
        let columns = (
            after.slot.to_column()?,
            integer("transaction index", after.transaction_index)?,
            integer("instruction index", after.instruction_index)?,
            integer("inner index", after.inner_index)?,
        );
        let changed = sqlx::query(
            "UPDATE webhooks SET (slot, transaction_index, instruction_index, inner_index) = (
                 SELECT * FROM (VALUES (slot, transaction_index, instruction_index, inner_index),
                                       ($3::bigint, $4::integer, $5::integer, $6::integer)) p (a, b, c, d)
                 ORDER BY a, b, c, d LIMIT 1), room = 0, planned_at = least(planned_at, now())
             WHERE account = $1 AND id = $2",
        )
        .bind(account.0.as_slice())
        .bind(id.as_slice())
        .bind(columns.0)
        .bind(columns.1)
        .bind(columns.2)
        .bind(columns.3)
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(WebhookChange::Unknown);
        }
        sqlx::query(
            "UPDATE webhook_deliveries SET state = 'pending', attempts = 0, next_attempt_at = now(), ended_at = NULL
             WHERE webhook = $1 AND state <> 'pending'
               AND (slot, transaction_index, instruction_index, inner_index) > ($2, $3, $4, $5)",
        )
        .bind(id.as_slice())
        .bind(columns.0)
        .bind(columns.1)
        .bind(columns.2)
        .bind(columns.3)
        .execute(&mut *transaction)
        .await?;
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        Ok(WebhookChange::Changed)
    }
}

/// Locks the row of an account, so that a change of its webhooks and one of its roles wait for each
/// other. Returns whether it is a developer.
async fn lock_developer(
    transaction: &mut Transaction<'static, Postgres>,
    account: AccountId,
) -> Result<bool, StoreError> {
    let developer = sqlx::query("SELECT FROM accounts WHERE id = $1 AND 'developer' = ANY(roles) FOR UPDATE")
        .bind(account.0.as_slice())
        .fetch_optional(&mut **transaction)
        .await?;
    Ok(developer.is_some())
}

pub(super) fn position(row: &PgRow) -> Result<Position, StoreError> {
    let index = |column: &str| row.get::<i32, _>(column).unsigned_abs();
    Ok(Position {
        slot: Slot::from_column(row.get("slot"))?,
        transaction_index: index("transaction_index"),
        instruction_index: index("instruction_index"),
        inner_index: index("inner_index"),
    })
}

pub(super) fn optional_address(row: &PgRow, column: &str) -> Result<Option<Address>, StoreError> {
    let bytes: Option<Vec<u8>> = row.get(column);
    bytes.map(|bytes| address(&bytes)).transpose()
}

pub(super) fn webhook_id(row: &PgRow, column: &str) -> Result<RandomId, StoreError> {
    let id: Vec<u8> = row.get(column);
    RandomId::try_from(id)
        .map_err(|_| StoreError::Damaged("the id of a webhook has another length".to_owned()))
}

fn webhook(row: &PgRow) -> Result<Webhook, StoreError> {
    let (is_disabled, code): (bool, Option<String>) = (row.get("is_disabled"), row.get("disabled_code"));
    Ok(Webhook {
        id: webhook_id(row, "id")?,
        url: row.get("url"),
        scope: optional_address(row, "scope")?,
        registry: optional_address(row, "registry")?,
        types: row.get("types"),
        created_at: row.get("created_at"),
        disabled: is_disabled.then(|| code.unwrap_or_default()),
        pending: unsigned(row.get("pending"))?,
    })
}
