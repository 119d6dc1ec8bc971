//! Relayed verifications: the queue, the transactions, and the budgets. `ledger` has the wallets
//! that pay.
//!
//! ```text
//!   queued --> sent --> confirmed --> finalized
//!      |        |  \        |
//!      v        v   \       v
//!   refused  expired  ----> failed
//! ```
//!
//! A reservation is made with the row of a relay, and released when the relay has ended and the
//! ledger has its transaction.

mod attempts;
mod ledger;
mod rent;
mod retention;

use bauta_primitives::Nullifier;
use solana_address::Address;
use solana_signature::Signature;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use self::attempts::FIRST_EPOCH;
pub use self::attempts::{Attempt, NullifierUse, OpenRelay, RelayEnd, RelayLease};
pub use self::ledger::{Execution, LedgerEntry, LedgerKind, RelayWallet};
pub use self::rent::RentDeposit;
use crate::values::{address, bigint, bytes32, signature, text_enum, unsigned};
use crate::{AuditRecord, Store, StoreError, audit};

/// A relay's id, or an instance's: 128 random bits.
pub type RandomId = [u8; 16];

/// Failed relays after which a nullifier is refused.
const MAX_FAILURES: i64 = 2;

text_enum! {
    /// The state of a relay.
    RelayState {
        /// No transaction exists yet.
        Queued = "queued",
        /// A transaction was sent, and may be executed.
        Sent = "sent",
        /// The verification is in a confirmed block.
        Confirmed = "confirmed",
        /// The verification is in a finalized block.
        Finalized = "finalized",
        /// The verification was no longer possible. Nothing was paid.
        Refused = "refused",
        /// The transaction was executed and failed. It cost its fee.
        Failed = "failed",
        /// No transaction was executed in time, and none can be any more. Nothing was paid.
        Expired = "expired",
    }
}

/// A request to relay a verification.
#[derive(Clone, Debug)]
pub struct NewRelay {
    /// The relay's id.
    pub id: RandomId,
    /// The scope account.
    pub scope: Address,
    /// The nullifier that the verification uses.
    pub nullifier: Nullifier,
    /// The wallet that pays.
    pub wallet: Address,
    /// A keyed hash of the request.
    pub request_hash: [u8; 32],
    /// A keyed hash of the client's idempotency key and the request. `None` without such a key.
    pub idempotency_hash: Option<[u8; 32]>,
    /// The request, encrypted.
    pub request: Vec<u8>,
    /// The time after which the program refuses the proof, in Unix seconds.
    pub expiry: i64,
    /// Seconds until the transaction is sent.
    pub delay_seconds: u32,
    /// The most lamports that the relay can cost.
    pub reserved: u64,
    /// Whether the wallet pays the rent of the nullifier account, and receives it back after the
    /// end of the scope.
    pub has_deposit: bool,
    /// The instance that sends it first.
    pub instance: RandomId,
    /// Seconds for which no other instance sends it.
    pub lease_seconds: u32,
    /// The audit record of a relay that the budget of an API key pays for.
    pub record: Option<AuditRecord>,
}

/// What the relays of a budget may use.
#[derive(Clone, Copy, Debug)]
pub struct RelayLimits {
    /// The budget: a scope, or the address that stands for all scopes.
    pub budget: Address,
    /// Lamports for each day (UTC).
    pub lamports_per_day: u64,
    /// Lamports that remain in the wallet.
    pub min_balance: u64,
    /// The largest number of relays of the wallet that have not ended.
    pub max_open: u32,
    /// The largest number of relays of the budget that have not ended. `None`: that of the wallet.
    pub max_open_of_budget: Option<u32>,
}

/// The outcome of a new relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddedRelay {
    /// The relay was added.
    Added,
    /// The same request has this relay already.
    Same(RandomId),
    /// Another request has a relay for the nullifier that has not ended.
    InFlight,
    /// The finalized transaction of another request has used the nullifier.
    Used,
    /// Two relays for the nullifier failed.
    FailedTwice,
    /// The budget of the day is used up.
    BudgetExhausted,
    /// The wallet is at its floor, or the ledger doesn't have the wallet.
    WalletExhausted,
    /// The wallet has too many open relays.
    TooManyOpen,
    /// The budget has too many open relays.
    TooManyOpenOfBudget,
}

/// A relay as its client sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RelayStatus {
    /// Whether the relay waits, is on chain or has ended.
    pub state: RelayState,
    /// Why the relay was refused, has failed or has expired.
    pub reason: Option<String>,
    /// The signature of the last transaction.
    pub signature: Option<Signature>,
    /// The number of transactions, of which at most one was executed.
    pub attempts: u32,
}

impl Store {
    /// Returns the relay of the same request, or the conflict that would refuse a new relay for the
    /// nullifier. `None` if a new relay can be added.
    pub async fn find_relay(
        &self,
        scope: Address,
        nullifier: Nullifier,
        request_hash: &[u8; 32],
    ) -> Result<Option<AddedRelay>, StoreError> {
        find(&mut *self.pool.acquire().await?, scope, nullifier, request_hash).await
    }

    /// Returns the relay of a request with an idempotency key, in whatever state it is. `None` if
    /// there is none.
    pub async fn find_repeated_relay(
        &self,
        idempotency_hash: &[u8; 32],
    ) -> Result<Option<RandomId>, StoreError> {
        let found: Option<Vec<u8>> =
            sqlx::query_scalar("SELECT id::bytea FROM relays WHERE idempotency_hash = $1")
                .bind(idempotency_hash)
                .fetch_optional(&self.pool)
                .await?;
        found.as_deref().map(random_id).transpose()
    }

    /// Adds a relay and reserves what it can cost, or changes nothing.
    pub async fn add_relay(&self, relay: &NewRelay, limits: &RelayLimits) -> Result<AddedRelay, StoreError> {
        let reserved = bigint("lamports", relay.reserved)?;
        let mut transaction = self.pool.begin().await?;
        let found = find(
            &mut transaction,
            relay.scope,
            relay.nullifier,
            &relay.request_hash,
        )
        .await?;
        if let Some(found) = found {
            return Ok(found);
        }
        let wallet = sqlx::query(
            "UPDATE relay_wallets SET reserved = reserved + $2
             WHERE wallet = $1 AND balance - reserved - $2 >= $3",
        )
        .bind(relay.wallet.to_bytes())
        .bind(reserved)
        .bind(bigint("lamports", limits.min_balance)?)
        .execute(&mut *transaction)
        .await?;
        if wallet.rows_affected() == 0 {
            return Ok(AddedRelay::WalletExhausted);
        }
        // The wallet's row is locked, so that requests at the same time are counted one by one.
        let open: i64 = sqlx::query(
            "SELECT count(*) FROM relays WHERE wallet = $1 AND state IN ('queued', 'sent', 'confirmed')",
        )
        .bind(relay.wallet.to_bytes())
        .fetch_one(&mut *transaction)
        .await?
        .get(0);
        if open >= i64::from(limits.max_open) {
            return Ok(AddedRelay::TooManyOpen);
        }
        let budget = sqlx::query(
            "INSERT INTO relay_budgets AS b (scope, day, reserved)
             SELECT $1, (now() AT TIME ZONE 'UTC')::date, $2::bigint WHERE $2::bigint <= $3::bigint
             ON CONFLICT (scope, day) DO UPDATE SET reserved = b.reserved + $2::bigint
                 WHERE b.reserved + b.spent + $2::bigint <= $3::bigint",
        )
        .bind(limits.budget.to_bytes())
        .bind(reserved)
        .bind(bigint("lamports", limits.lamports_per_day)?)
        .execute(&mut *transaction)
        .await?;
        if budget.rows_affected() == 0 {
            return Ok(AddedRelay::BudgetExhausted);
        }
        if let Some(most) = limits.max_open_of_budget
            && open_of_budget(&mut transaction, &limits.budget).await? >= i64::from(most)
        {
            return Ok(AddedRelay::TooManyOpenOfBudget);
        }
        let added = sqlx::query(
            "INSERT INTO relays (id, scope, budget, nullifier, wallet, request_hash, request, expiry, send_at, day,
                 reserved, leased_by, leased_until, lease_epoch,
                 idempotency_hash, reclaimed)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, now() + $9::bigint * interval '1 second',
                 (now() AT TIME ZONE 'UTC')::date, $10, CASE WHEN $9::bigint = 0 THEN $11::bytea END,
                 CASE WHEN $9::bigint = 0 THEN now() + $12::bigint * interval '1 second' ELSE '-infinity' END,
                 CASE WHEN $9::bigint = 0 THEN $13::bigint ELSE 0 END, $14, NOT $15::boolean
             ON CONFLICT DO NOTHING",
        )
        .bind(relay.id)
        .bind(relay.scope.to_bytes())
        .bind(limits.budget.to_bytes())
        .bind(relay.nullifier.to_bytes())
        .bind(relay.wallet.to_bytes())
        .bind(relay.request_hash)
        .bind(&relay.request)
        .bind(relay.expiry)
        .bind(i64::from(relay.delay_seconds))
        .bind(reserved)
        .bind(relay.instance)
        .bind(i64::from(relay.lease_seconds))
        .bind(bigint("epoch", FIRST_EPOCH)?)
        .bind(relay.idempotency_hash)
        .bind(relay.has_deposit)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            // Another transaction has added a relay for the nullifier in the meantime.
            transaction.rollback().await?;
            if let Some(hash) = &relay.idempotency_hash
                && let Some(same) = self.find_repeated_relay(hash).await?
            {
                return Ok(AddedRelay::Same(same));
            }
            let found = self.find_relay(relay.scope, relay.nullifier, &relay.request_hash);
            return Ok(found.await?.unwrap_or(AddedRelay::InFlight));
        }
        // The last row to lock, because all writers of records wait for it.
        if let Some(record) = &relay.record {
            audit::append(&mut transaction, record).await?;
        }
        transaction.commit().await?;
        Ok(AddedRelay::Added)
    }

    /// Returns the state of a relay. `None` if there is none with this id.
    pub async fn relay_status(&self, id: RandomId) -> Result<Option<RelayStatus>, StoreError> {
        let found = self.relay_statuses(&[id]).await?;
        Ok(found.into_iter().next().map(|(_, status)| status))
    }

    /// Returns the states of the relays that exist, in any order.
    pub async fn relay_statuses(&self, ids: &[RandomId]) -> Result<Vec<(RandomId, RelayStatus)>, StoreError> {
        let ids: Vec<&[u8]> = ids.iter().map(RandomId::as_slice).collect();
        // A transaction that was executed after all is more than the end that was recorded.
        let rows = sqlx::query(
            "SELECT r.id::bytea AS id,
                    CASE WHEN r.landed IS NOT NULL AND r.state IN ('refused', 'failed', 'expired') THEN 'finalized'
                         ELSE r.state::text END AS state,
                    CASE WHEN r.landed IS NULL THEN r.reason END AS reason,
                    coalesce(r.landed::bytea, a.signature::bytea) AS signature,
                    coalesce(a.number, 0)::integer AS attempts
             FROM relays r LEFT JOIN LATERAL (
                 SELECT signature, number FROM relay_attempts WHERE relay = r.id ORDER BY number DESC LIMIT 1
             ) a ON true
             WHERE r.id = ANY($1::bytea[])",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok((random_id(row.get("id"))?, status(row)?)))
            .collect()
    }

    /// Returns the number of relays that have not ended, also of confirmed ones, and the seconds
    /// since the oldest of them should have been sent.
    pub async fn open_relays(&self) -> Result<(u64, u64), StoreError> {
        let row = sqlx::query(
            "SELECT count(*) AS open,
                    greatest(extract(epoch FROM now() - min(send_at))::bigint, 0) AS oldest
             FROM relays WHERE state IN ('queued', 'sent', 'confirmed')",
        )
        .fetch_one(&self.pool)
        .await?;
        let oldest: Option<i64> = row.get("oldest");
        Ok((unsigned(row.get("open"))?, unsigned(oldest.unwrap_or(0))?))
    }
}

impl Store {
    /// Counts the relays that have not ended, and those of the last `seconds` that have ended, by
    /// state. A state without relays is absent.
    pub async fn relay_counts(&self, seconds: u32) -> Result<Vec<(RelayState, u64)>, StoreError> {
        // Each part has an index.
        let rows = sqlx::query(
            "SELECT state::text AS state, count(*) AS relays FROM relays
             WHERE state IN ('queued', 'sent', 'confirmed') GROUP BY state
             UNION ALL
             SELECT state::text, count(*) FROM relays
             WHERE state IN ('finalized', 'refused', 'failed', 'expired')
               AND created_at > now() - $1::bigint * interval '1 second' GROUP BY state",
        )
        .bind(i64::from(seconds))
        .fetch_all(&self.pool)
        .await?;
        let counts = rows.iter().map(|row| {
            let state = RelayState::parse(row.get("state"))?;
            Ok((state, unsigned(row.get("relays"))?))
        });
        counts.collect()
    }
}

fn status(row: &PgRow) -> Result<RelayStatus, StoreError> {
    let sent: Option<&[u8]> = row.get("signature");
    let attempts: i32 = row.get("attempts");
    Ok(RelayStatus {
        state: RelayState::parse(row.get("state"))?,
        reason: row.get("reason"),
        signature: sent.map(signature).transpose()?,
        attempts: attempts.unsigned_abs(),
    })
}

async fn find(
    connection: &mut PgConnection,
    scope: Address,
    nullifier: Nullifier,
    request_hash: &[u8; 32],
) -> Result<Option<AddedRelay>, StoreError> {
    let rows = sqlx::query(
        "SELECT id::bytea AS id, request_hash::bytea AS request_hash, state FROM relays
         WHERE scope = $1 AND nullifier = $2
           AND state IN ('queued', 'sent', 'confirmed', 'finalized')
         UNION ALL
         SELECT id::bytea, request_hash::bytea, state FROM relays
         WHERE scope = $1 AND nullifier = $2 AND state = 'failed' AND landed IS NULL
         UNION ALL
         SELECT id::bytea, request_hash::bytea, 'finalized' FROM relays
         WHERE scope = $1 AND nullifier = $2 AND landed IS NOT NULL AND state IN ('refused', 'failed', 'expired')",
    )
    .bind(scope.to_bytes())
    .bind(nullifier.to_bytes())
    .fetch_all(connection)
    .await?;
    let (mut failures, mut other) = (0, None);
    for row in &rows {
        let state = RelayState::parse(row.get("state"))?;
        if state == RelayState::Failed {
            failures += 1;
        } else if bytes32(row.get("request_hash"))? == *request_hash {
            return Ok(Some(AddedRelay::Same(random_id(row.get("id"))?)));
        } else if state == RelayState::Finalized {
            other = Some(AddedRelay::Used);
        } else {
            other = other.or(Some(AddedRelay::InFlight));
        }
    }
    Ok(other.or_else(|| (failures >= MAX_FAILURES).then_some(AddedRelay::FailedTwice)))
}

/// Counts the relays of a budget that have not ended. The row of the budget is locked, so that
/// requests at the same time are counted one by one.
async fn open_of_budget(connection: &mut PgConnection, budget: &Address) -> Result<i64, StoreError> {
    let open = sqlx::query_scalar(
        "SELECT count(*) FROM relays WHERE budget = $1 AND state IN ('queued', 'sent', 'confirmed')",
    )
    .bind(budget.to_bytes())
    .fetch_one(connection);
    Ok(open.await?)
}

/// Releases the reservation of a relay that has ended, if the ledger has its transaction.
async fn settle(connection: &mut PgConnection, id: &[u8]) -> Result<(), StoreError> {
    let settled = sqlx::query(
        "UPDATE relays r SET settled = true
         WHERE id = $1 AND NOT settled AND state IN ('finalized', 'refused', 'failed', 'expired')
           AND NOT EXISTS (SELECT FROM relay_attempts a WHERE a.relay = r.id AND a.state = 'landed'
                             AND NOT EXISTS (SELECT FROM relay_ledger l
                                             WHERE l.signature = a.signature AND l.wallet = r.wallet))
         RETURNING budget::bytea AS budget, day::text AS day, wallet::bytea AS wallet, reserved, cost",
    )
    .bind(id)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = settled else { return Ok(()) };
    let (reserved, cost): (i64, i64) = (row.get("reserved"), row.get("cost"));
    sqlx::query("UPDATE relay_wallets SET reserved = reserved - $2 WHERE wallet = $1")
        .bind(address(row.get("wallet"))?.to_bytes())
        .bind(reserved)
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE relay_budgets SET reserved = reserved - $3, spent = spent + $4 WHERE scope = $1 AND day = $2::date",
    )
    .bind(address(row.get("budget"))?.to_bytes())
    .bind(row.get::<String, _>("day"))
    .bind(reserved)
    .bind(cost)
    .execute(connection)
    .await?;
    Ok(())
}

pub fn random_id(column: &[u8]) -> Result<RandomId, StoreError> {
    column
        .try_into()
        .map_err(|_| StoreError::Damaged(format!("an id has {} bytes instead of 16", column.len())))
}
