//! What is sent to webhooks.

use solana_address::Address;
use sqlx::Row;
use sqlx::postgres::{PgBindIterExt as _, PgRow};

use super::{optional_address, position, webhook_id};
use crate::accounts::account_id;
use crate::values::{integer, unsigned};
use crate::{AccountId, AuditRecord, Position, RandomId, Store, StoreError, audit};

/// Webhooks that one call of [`Store::plan_deliveries`] plans.
const WEBHOOKS_AT_ONCE: i64 = 64;
/// Events that one call of [`Store::plan_deliveries`] reads for each webhook.
const PLANNED_AT_ONCE: i64 = 1_000;
/// Largest number of deliveries of a webhook that have not ended.
const MAX_PENDING: i64 = 10_000;
/// Seconds until a webhook with too little room for a plan is counted again.
const FULL_SECONDS: u32 = 30;
/// Pending deliveries are counted up to this number.
const MAX_COUNTED: i64 = 1_000_000;
/// Seconds between two audit records of a webhook at an internal address.
const REFUSAL_SECONDS: u32 = 3_600;
/// Days for which the deliveries of a webhook that is disabled wait.
const DISABLED_DAYS: u32 = 30;
/// Deliveries that one statement deletes.
const DELETED_AT_ONCE: i64 = 10_000;

/// The state of a delivery.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Delivery {
    /// The position of the event.
    pub position: Position,
    /// The name of the event.
    pub name: String,
    /// `pending`, `delivered` or `dead`.
    pub state: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The HTTP status of the last attempt.
    pub last_status: Option<u16>,
    /// Why the last attempt failed.
    pub last_code: Option<String>,
    /// The time of the next attempt in Unix seconds. `None` if it has ended.
    pub next_attempt_at: Option<i64>,
}

/// A delivery that an instance may attempt.
#[derive(Clone, Debug)]
pub struct DueDelivery {
    /// The webhook that it is sent to.
    pub webhook: RandomId,
    /// The account of the webhook.
    pub account: AccountId,
    /// Where it is sent.
    pub url: String,
    /// The secrets that sign, encrypted: the newest, and the one before while it is valid.
    pub secrets: Vec<Vec<u8>>,
    /// The position of the event.
    pub position: Position,
    /// The name of the event.
    pub name: String,
    /// The scope of the event.
    pub scope: Option<Address>,
    /// The registry of the event.
    pub registry: Option<Address>,
    /// The time of the event in Unix seconds.
    pub time: i64,
    /// The number of this attempt, from 1.
    pub attempt: u32,
}

/// What an attempt led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeliveryOutcome {
    /// The client has it.
    Delivered,
    /// It is due again after these seconds.
    Retry(u32),
    /// It is not attempted again.
    Dead,
}

/// A place that an attempt takes at an instance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BusyPlace {
    /// The webhook of the attempt.
    pub webhook: RandomId,
    /// The account of the webhook.
    pub account: AccountId,
    /// Whether it is one of the places for webhooks whose last attempt succeeded.
    pub answering: bool,
}

/// An attempt that has ended.
#[derive(Clone, Copy, Debug)]
pub struct DeliveryAttempt<'a> {
    /// What it led to.
    pub outcome: DeliveryOutcome,
    /// The HTTP status. `None`: there was no response.
    pub status: Option<u16>,
    /// Why it failed. `None`: it did not.
    pub code: Option<&'a str>,
    /// Why the webhook gets no further messages.
    pub disable: Option<&'a str>,
    /// The audit record of a refusal for reasons of security. It is added at most once in an hour
    /// for a webhook. The second refusal disables the webhook with `code`.
    pub refusal: Option<&'a AuditRecord>,
}

impl Store {
    /// Counts the messages that were not delivered yet, up to 1,000,000, and those that were given up
    /// in the last `seconds`.
    pub async fn webhook_delivery_counts(&self, seconds: u32) -> Result<(u64, u64), StoreError> {
        // Each part has an index.
        let row = sqlx::query(
            "SELECT (SELECT count(*) FROM (SELECT FROM webhook_deliveries WHERE state = 'pending' LIMIT $2) d) AS pending,
                    (SELECT count(*) FROM webhook_deliveries WHERE state <> 'pending' AND state = 'dead'
                       AND ended_at > now() - $1::bigint * interval '1 second') AS dead",
        )
        .bind(i64::from(seconds))
        .bind(MAX_COUNTED)
        .fetch_one(&self.pool)
        .await?;
        Ok((unsigned(row.get("pending"))?, unsigned(row.get("dead"))?))
    }

    /// Adds the deliveries of the next final events to at most 64 webhooks that have not reached the
    /// newest final event, at most 1,000 events for each. Returns `false` if there is no such webhook.
    ///
    /// A webhook has at most 10,000 deliveries that have not ended. With room for fewer than 1,000, it
    /// is planned 30 seconds later. If a repair rolled final events back, the webhook goes back as
    /// well. Deliveries that exist stay as they are.
    pub async fn plan_deliveries(&self) -> Result<bool, StoreError> {
        let mut transaction = self.pool.begin().await?;
        // One look at the newest final event, and none at the events of each webhook.
        let chosen: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT w.id::bytea FROM webhooks w
             WHERE w.disabled_at IS NULL AND w.planned_at <= now()
               AND (w.rewind < (SELECT coalesce(max(number), 0) FROM rewinds)
                    OR (w.slot, w.transaction_index, w.instruction_index, w.inner_index) < (
                        SELECT e.slot, e.transaction_index, e.instruction_index, e.inner_index FROM events e
                        WHERE e.slot <= (SELECT slot FROM finality)
                        ORDER BY e.slot DESC, e.transaction_index DESC, e.instruction_index DESC, e.inner_index DESC
                        LIMIT 1))
             ORDER BY w.planned_at LIMIT $1 FOR NO KEY UPDATE OF w SKIP LOCKED",
        )
        .bind(WEBHOOKS_AT_ONCE)
        .fetch_all(&mut *transaction)
        .await?;
        if chosen.is_empty() {
            return Ok(false);
        }
        // Statements of their own see what was committed before the rows were locked.
        sqlx::query(
            "UPDATE webhooks w SET room = $2 - (
                 SELECT count(*) FROM (SELECT FROM webhook_deliveries d
                                       WHERE d.webhook = w.id AND d.state = 'pending' LIMIT $2) d)
             WHERE w.id = ANY ($1::bytea[]) AND w.room < $3",
        )
        .bind(&chosen)
        .bind(MAX_PENDING)
        .bind(PLANNED_AT_ONCE)
        .execute(&mut *transaction)
        .await?;
        sqlx::query(
            "UPDATE webhooks SET planned_at = now() + $3::bigint * interval '1 second'
             WHERE id = ANY ($1::bytea[]) AND room < $2",
        )
        .bind(&chosen)
        .bind(PLANNED_AT_ONCE)
        .bind(i64::from(FULL_SECONDS))
        .execute(&mut *transaction)
        .await?;
        sqlx::query(PLAN)
            .bind(&chosen)
            .bind(PLANNED_AT_ONCE)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(true)
    }
}

/// Plans the webhooks `$1` that have room for `$2` events each.
const PLAN: &str = "WITH chosen AS MATERIALIZED (
         SELECT w.id, w.scope, w.registry, w.types, p.* FROM webhooks w
         CROSS JOIN LATERAL (
             SELECT * FROM (
                 SELECT w.slot, w.transaction_index, w.instruction_index, w.inner_index
                 UNION ALL
                 SELECT r.slot, r.transaction_index, r.instruction_index, r.inner_index FROM rewinds r
                 WHERE r.number > w.rewind) q (a, b, c, d)
             ORDER BY a, b, c, d LIMIT 1) p
         WHERE w.id = ANY ($1::bytea[]) AND w.room >= $2
     ), scanned AS MATERIALIZED (
         SELECT w.id, e.slot, e.transaction_index, e.instruction_index, e.inner_index, e.kind, e.happened_at,
                s.address AS scope, r.address AS registry,
                (w.scope IS NULL OR s.address = w.scope) AND (w.registry IS NULL OR r.address = w.registry)
                    AND (w.types = '{}' OR e.kind = ANY (w.types)) AS is_wanted
         FROM chosen w CROSS JOIN LATERAL (
             SELECT * FROM events e
             WHERE (e.slot, e.transaction_index, e.instruction_index, e.inner_index) > (w.a, w.b, w.c, w.d)
               AND e.slot <= (SELECT slot FROM finality)
             ORDER BY e.slot, e.transaction_index, e.instruction_index, e.inner_index LIMIT $2) e
         LEFT JOIN scopes s ON s.id = e.scope_id LEFT JOIN registries r ON r.id = e.registry_id
     ), added AS (
         INSERT INTO webhook_deliveries (webhook, slot, transaction_index, instruction_index, inner_index,
                                         kind, scope, registry, happened_at)
         SELECT e.id, e.slot, e.transaction_index, e.instruction_index, e.inner_index, e.kind, e.scope,
                e.registry, e.happened_at
         FROM scanned e WHERE e.is_wanted
         ON CONFLICT DO NOTHING
         RETURNING webhook
     ), reached AS (
         SELECT DISTINCT ON (id) * FROM (
             SELECT id, slot, transaction_index, instruction_index, inner_index FROM scanned
             UNION ALL SELECT id, a, b, c, d FROM chosen) q (id, a, b, c, d)
         ORDER BY id, a DESC, b DESC, c DESC, d DESC
     ), used AS (
         SELECT webhook, count(*) AS deliveries FROM added GROUP BY webhook
     )
     UPDATE webhooks w SET slot = p.a, transaction_index = p.b, instruction_index = p.c, inner_index = p.d,
         rewind = greatest(w.rewind, (SELECT coalesce(max(number), 0) FROM rewinds)), planned_at = now(),
         room = w.room - coalesce((SELECT deliveries FROM used WHERE webhook = w.id), 0)
     FROM reached p WHERE w.id = p.id";

impl Store {
    /// Leases deliveries that are due, at most `limit` in all, and at most `of_account` of each
    /// account with those of the group in `busy`. `answering`: of the webhooks whose last attempt succeeded, as
    /// many of each as its successes in sequence, up to four; otherwise of the others, one of each.
    /// Those that wait longest come first. A webhook in `busy` gets none. Another instance leases
    /// them after `seconds`, if they have not been finished.
    pub async fn lease_deliveries(
        &self,
        answering: bool,
        limit: u16,
        of_account: u16,
        seconds: u32,
        busy: &[BusyPlace],
    ) -> Result<Vec<DueDelivery>, StoreError> {
        let rows = sqlx::query(
            "WITH busy AS (
                 SELECT * FROM unnest($4::bytea[], $6::bytea[], $7::boolean[]) b (webhook, account, answering)
             ), ranked AS (
                 SELECT w.id, p.places, coalesce(u.used, 0)
                        + sum(p.places) OVER (PARTITION BY w.account ORDER BY w.leased_at, w.id) - p.places AS before
                 FROM webhooks w
                 CROSS JOIN LATERAL (
                     SELECT CASE WHEN w.answers THEN greatest(w.successes, 1) ELSE 1 END AS places) p
                 LEFT JOIN (SELECT account, count(*) AS used FROM busy WHERE answering = $5 GROUP BY account) u ON u.account = w.account
                 WHERE w.disabled_at IS NULL AND w.answers = $5 AND w.id NOT IN (SELECT webhook FROM busy)
                   AND EXISTS (SELECT FROM webhook_deliveries d WHERE d.webhook = w.id AND d.state = 'pending'
                                                                  AND d.next_attempt_at <= now())
             ), chosen AS MATERIALIZED (
                 SELECT w.id, least(r.places, $1 - r.before) AS places FROM webhooks w JOIN ranked r ON r.id = w.id
                 WHERE r.before < $1 AND w.disabled_at IS NULL AND w.answers = $5
                 ORDER BY w.leased_at, w.id LIMIT $2 FOR NO KEY UPDATE OF w SKIP LOCKED
             ), due AS MATERIALIZED (
                 SELECT d.* FROM chosen c CROSS JOIN LATERAL (
                     SELECT d.webhook, d.slot, d.transaction_index, d.instruction_index, d.inner_index
                     FROM webhook_deliveries d
                     WHERE d.webhook = c.id AND d.state = 'pending' AND d.next_attempt_at <= now()
                     ORDER BY d.next_attempt_at, d.slot, d.transaction_index, d.instruction_index, d.inner_index
                     LIMIT c.places FOR UPDATE SKIP LOCKED) d
                 LIMIT $2
             ), turns AS (
                 UPDATE webhooks w SET leased_at = clock_timestamp() WHERE w.id IN (SELECT webhook FROM due)
             )
             UPDATE webhook_deliveries d
             SET attempts = d.attempts + 1, next_attempt_at = now() + $3::bigint * interval '1 second'
             FROM due, webhooks w
             WHERE w.id = d.webhook AND d.webhook = due.webhook AND d.slot = due.slot
               AND d.transaction_index = due.transaction_index AND d.instruction_index = due.instruction_index
               AND d.inner_index = due.inner_index
             RETURNING d.webhook::bytea AS webhook, w.account::bytea AS account, w.url, w.secret::bytea AS secret,
                       CASE WHEN w.previous_until > now() THEN w.previous_secret::bytea END AS previous_secret,
                       d.slot, d.transaction_index, d.instruction_index, d.inner_index, d.kind,
                       d.scope::bytea AS scope, d.registry::bytea AS registry,
                       extract(epoch FROM d.happened_at)::bigint AS time, d.attempts",
        )
        .bind(i64::from(of_account))
        .bind(i64::from(limit))
        .bind(i64::from(seconds))
        .bind(busy.iter().map(|place| place.webhook).bind_iter())
        .bind(answering)
        .bind(busy.iter().map(|place| place.account.0).bind_iter())
        .bind(busy.iter().map(|place| place.answering).bind_iter())
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(due).collect()
    }

    /// Records what an attempt led to. Does nothing if another instance has leased the delivery
    /// since, or if it was replayed. After `lasting` seconds without a success, or with
    /// [`DeliveryAttempt::disable`], disables the webhook. Returns whether the attempt counted.
    pub async fn finish_delivery(
        &self,
        delivery: &DueDelivery,
        attempt: &DeliveryAttempt<'_>,
        lasting: u32,
    ) -> Result<bool, StoreError> {
        let (state, seconds) = match attempt.outcome {
            DeliveryOutcome::Delivered => ("delivered", 0),
            DeliveryOutcome::Retry(seconds) => ("pending", seconds),
            DeliveryOutcome::Dead => ("dead", 0),
        };
        let position = delivery.position;
        let mut transaction = self.pool.begin().await?;
        let refused = sqlx::query(
            "SELECT refused_at IS NOT NULL AS before,
                    coalesce(refused_at > now() - $2::bigint * interval '1 second', false) AS recently
             FROM webhooks WHERE id = $1 FOR NO KEY UPDATE",
        )
        .bind(delivery.webhook.as_slice())
        .bind(i64::from(REFUSAL_SECONDS))
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(refused) = refused else {
            return Ok(false);
        };
        let changed = sqlx::query(
            "UPDATE webhook_deliveries
             SET state = $7, next_attempt_at = now() + $8::bigint * interval '1 second', last_status = $9,
                 last_code = $10, ended_at = CASE WHEN $7 <> 'pending' THEN now() END
             WHERE webhook = $1 AND slot = $2 AND transaction_index = $3 AND instruction_index = $4
               AND inner_index = $5 AND attempts = $6 AND state = 'pending'",
        )
        .bind(delivery.webhook.as_slice())
        .bind(position.slot.to_column()?)
        .bind(integer("transaction index", position.transaction_index)?)
        .bind(integer("instruction index", position.instruction_index)?)
        .bind(integer("inner index", position.inner_index)?)
        .bind(integer("attempt", delivery.attempt)?)
        .bind(state)
        .bind(i64::from(seconds))
        .bind(attempt.status.map(i32::from))
        .bind(attempt.code)
        .execute(&mut *transaction)
        .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "UPDATE webhooks
             SET answers = $2, failing_since = CASE WHEN $2 THEN NULL ELSE coalesce(failing_since, now()) END,
                 successes = CASE WHEN $2 THEN least(successes + 1, 4) ELSE 0 END
             WHERE id = $1 AND (answers <> $2 OR (failing_since IS NULL) <> $2
                                OR successes <> CASE WHEN $2 THEN 4 ELSE 0 END)",
        )
        .bind(delivery.webhook.as_slice())
        .bind(attempt.outcome == DeliveryOutcome::Delivered)
        .execute(&mut *transaction)
        .await?;
        let (was_refused, recently): (bool, bool) = (refused.get("before"), refused.get("recently"));
        let refusal = attempt.refusal.filter(|_| !recently);
        let again = attempt.refusal.and(attempt.code).filter(|_| was_refused);
        sqlx::query(
            "UPDATE webhooks SET disabled_at = now(), disabled_code = coalesce($2, 'failing')
             WHERE id = $1 AND disabled_at IS NULL
               AND ($2::text IS NOT NULL OR failing_since <= now() - $3::bigint * interval '1 second')",
        )
        .bind(delivery.webhook.as_slice())
        .bind(attempt.disable.or(again))
        .bind(i64::from(lasting))
        .execute(&mut *transaction)
        .await?;
        if let Some(record) = refusal {
            sqlx::query("UPDATE webhooks SET refused_at = now() WHERE id = $1")
                .bind(delivery.webhook.as_slice())
                .execute(&mut *transaction)
                .await?;
            audit::append(&mut transaction, record).await?;
        }
        transaction.commit().await?;
        Ok(true)
    }
}

impl Store {
    /// Returns the newest deliveries of a webhook of an account, at most `limit`, the newest event
    /// first. `None` if the account has no such webhook.
    pub async fn deliveries(
        &self,
        account: AccountId,
        id: &RandomId,
        limit: u16,
    ) -> Result<Option<Vec<Delivery>>, StoreError> {
        let known = sqlx::query("SELECT FROM webhooks WHERE account = $1 AND id = $2")
            .bind(account.0.as_slice())
            .bind(id.as_slice())
            .fetch_optional(&self.pool)
            .await?;
        if known.is_none() {
            return Ok(None);
        }
        let rows = sqlx::query(
            "SELECT slot, transaction_index, instruction_index, inner_index, kind, state, attempts, last_status,
                    last_code, CASE WHEN state = 'pending' THEN floor(extract(epoch FROM next_attempt_at))::bigint END
                    AS next_attempt_at
             FROM webhook_deliveries WHERE webhook = $1
             ORDER BY slot DESC, transaction_index DESC, instruction_index DESC, inner_index DESC LIMIT $2",
        )
        .bind(id.as_slice())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(delivery).collect::<Result<_, _>>().map(Some)
    }

    /// Deletes deliveries that ended more than `days` ago, those of a webhook before the newest
    /// `kept` that ended, and those of webhooks that have been disabled for 30 days, at most 10,000
    /// of each. Deletes replaced secrets that sign no more. Returns the number of deliveries. Does
    /// nothing while another instance does this.
    pub async fn tidy_webhooks(&self, days: u32, kept: u16) -> Result<u64, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let is_alone: bool =
            sqlx::query_scalar("SELECT pg_try_advisory_xact_lock(hashtext('bauta_tidy_webhooks'))")
                .fetch_one(&mut *transaction)
                .await?;
        if !is_alone {
            return Ok(0);
        }
        // Rows that another transaction has locked are skipped, so this waits for none.
        sqlx::query(
            "UPDATE webhooks SET previous_secret = NULL, previous_until = NULL WHERE id IN (
                 SELECT id FROM webhooks WHERE previous_until <= now() FOR NO KEY UPDATE SKIP LOCKED)",
        )
        .execute(&mut *transaction)
        .await?;
        let old = sqlx::query(
            "DELETE FROM webhook_deliveries WHERE ctid IN (
                 SELECT ctid FROM webhook_deliveries
                 WHERE state <> 'pending' AND ended_at <= now() - $1::bigint * interval '1 day'
                 LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )
        .bind(i64::from(days))
        .bind(DELETED_AT_ONCE)
        .execute(&mut *transaction)
        .await?;
        let surplus = sqlx::query(
            "DELETE FROM webhook_deliveries WHERE ctid IN (
                 SELECT d.ctid FROM webhooks w CROSS JOIN LATERAL (
                     SELECT e.slot, e.transaction_index, e.instruction_index, e.inner_index
                     FROM webhook_deliveries e WHERE e.webhook = w.id AND e.state <> 'pending'
                     ORDER BY e.slot DESC, e.transaction_index DESC, e.instruction_index DESC, e.inner_index DESC
                     OFFSET $1 LIMIT 1) newest
                 JOIN webhook_deliveries d ON d.webhook = w.id AND d.state <> 'pending'
                      AND (d.slot, d.transaction_index, d.instruction_index, d.inner_index)
                          <= (newest.slot, newest.transaction_index, newest.instruction_index, newest.inner_index)
                 LIMIT $2 FOR UPDATE OF d SKIP LOCKED)",
        )
        .bind(i64::from(kept))
        .bind(DELETED_AT_ONCE)
        .execute(&mut *transaction)
        .await?;
        let abandoned = sqlx::query(
            "DELETE FROM webhook_deliveries WHERE ctid IN (
                 SELECT d.ctid FROM webhooks w JOIN webhook_deliveries d ON d.webhook = w.id AND d.state = 'pending'
                 WHERE w.disabled_at <= now() - $1::bigint * interval '1 day'
                 LIMIT $2 FOR UPDATE OF d SKIP LOCKED)",
        )
        .bind(i64::from(DISABLED_DAYS))
        .bind(DELETED_AT_ONCE)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(old.rows_affected() + surplus.rows_affected() + abandoned.rows_affected())
    }
}

fn count(column: i32) -> u32 {
    column.unsigned_abs()
}

fn status(row: &PgRow) -> Option<u16> {
    let status: Option<i32> = row.get("last_status");
    status.and_then(|status| u16::try_from(status).ok())
}

fn delivery(row: &PgRow) -> Result<Delivery, StoreError> {
    Ok(Delivery {
        position: position(row)?,
        name: row.get("kind"),
        state: row.get("state"),
        attempts: count(row.get("attempts")),
        last_status: status(row),
        last_code: row.get("last_code"),
        next_attempt_at: row.get("next_attempt_at"),
    })
}

fn due(row: &PgRow) -> Result<DueDelivery, StoreError> {
    let previous: Option<Vec<u8>> = row.get("previous_secret");
    let account: Vec<u8> = row.get("account");
    let secrets = std::iter::once(row.get("secret")).chain(previous);
    Ok(DueDelivery {
        webhook: webhook_id(row, "webhook")?,
        account: account_id(&account)?,
        url: row.get("url"),
        secrets: secrets.collect(),
        position: position(row)?,
        name: row.get("kind"),
        scope: optional_address(row, "scope")?,
        registry: optional_address(row, "registry")?,
        time: row.get("time"),
        attempt: count(row.get("attempts")),
    })
}
