//! The transactions of relays, and the leases of the instances that send them.

use bauta_primitives::Nullifier;
use solana_address::Address;
use solana_signature::Signature;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{RandomId, RelayState, random_id, settle};
use crate::values::{address, bigint, element, signature, unsigned};
use crate::{Store, StoreError};

/// A relay that has not ended.
#[derive(Clone, Debug)]
pub struct OpenRelay {
    /// The id.
    pub id: RandomId,
    /// The scope account.
    pub scope: Address,
    /// The nullifier.
    pub nullifier: Nullifier,
    /// The wallet that pays.
    pub wallet: Address,
    /// The request, encrypted.
    pub request: Vec<u8>,
    /// Whether the verification was seen in a confirmed block.
    pub is_confirmed: bool,
    /// The time after which the program refuses the proof, in Unix seconds.
    pub expiry: i64,
    /// Seconds since the relay was accepted.
    pub age_seconds: u64,
    /// The last transaction, which may be executed. `None` if there is none yet.
    pub attempt: Option<Attempt>,
}

/// A transaction of a relay.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// 1 for the first transaction.
    pub number: u16,
    /// The signature.
    pub signature: Signature,
    /// For each node, its last block height at which the transaction can be executed. Nodes can
    /// disagree about heights.
    pub last_heights: Vec<u64>,
    /// Micro-lamports for each compute unit.
    pub price: u64,
    /// The transaction, encrypted.
    pub transaction: Vec<u8>,
}

/// A transaction that replaces a dead one, or is the first one.
#[derive(Clone, Debug)]
pub struct NewAttempt {
    /// The relay.
    pub relay: RandomId,
    /// The transaction.
    pub attempt: Attempt,
}

/// How a relay ended.
#[derive(Clone, Debug)]
pub enum RelayEnd {
    /// The transaction is in a finalized block.
    Finalized,
    /// The transaction was executed and failed.
    Failed {
        /// Why.
        reason: String,
    },
    /// No transaction was executed.
    NotExecuted {
        /// `Refused` or `Expired`.
        state: RelayState,
        /// Why.
        reason: String,
    },
}

const OPEN: &str = "r.id::bytea AS id, r.scope::bytea AS scope, r.nullifier::bytea AS nullifier,
    r.wallet::bytea AS wallet, r.request::bytea AS request, r.state, r.expiry,
    greatest(extract(epoch FROM now() - r.created_at)::bigint, 0) AS age,
    a.number::integer AS number, a.signature::bytea AS signature, a.last_heights, a.price,
    a.transaction::bytea AS transaction";

impl Store {
    /// Leases relays that are due and that no other instance sends, for a number of seconds. The
    /// oldest are first.
    pub async fn lease_relays(
        &self,
        instance: RandomId,
        lease_seconds: u32,
        limit: u16,
    ) -> Result<Vec<OpenRelay>, StoreError> {
        let query = format!(
            "WITH due AS (
                 SELECT id FROM relays
                 WHERE state IN ('queued', 'sent', 'confirmed') AND send_at <= now() AND leased_until <= now()
                 ORDER BY send_at LIMIT $3 FOR UPDATE SKIP LOCKED),
             r AS (UPDATE relays SET leased_by = $1, leased_until = now() + $2::bigint * interval '1 second'
                   FROM due WHERE relays.id = due.id RETURNING relays.*)
             SELECT {OPEN} FROM r LEFT JOIN relay_attempts a ON a.relay = r.id AND a.state <> 'dead'"
        );
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(instance)
            .bind(i64::from(lease_seconds))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(open_relay).collect()
    }

    /// Extends the leases of an instance. Returns the relays that it still has.
    pub async fn renew_relays(
        &self,
        instance: RandomId,
        lease_seconds: u32,
        relays: &[RandomId],
    ) -> Result<Vec<RandomId>, StoreError> {
        let ids: Vec<&[u8]> = relays.iter().map(<[u8; 16]>::as_slice).collect();
        let rows = sqlx::query(
            "UPDATE relays SET leased_until = now() + $2::bigint * interval '1 second'
             WHERE id IN (SELECT id FROM relays WHERE leased_by = $1 AND id = ANY($3) ORDER BY id FOR UPDATE)
             RETURNING id::bytea AS id",
        )
        .bind(instance)
        .bind(i64::from(lease_seconds))
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| random_id(row.get("id"))).collect()
    }

    /// Ends the leases of an instance that stops, so that another one continues at once.
    pub async fn release_relays(&self, instance: RandomId) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE relays SET leased_until = '-infinity' WHERE leased_by = $1 AND leased_until > now()",
        )
        .bind(instance)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Stores a transaction before it is sent. The former one must be certainly dead. Returns
    /// `false` and changes nothing if another instance has stored a transaction, or has ended the
    /// relay.
    pub async fn add_attempt(&self, new: &NewAttempt) -> Result<bool, StoreError> {
        let attempt = &new.attempt;
        // A node that lies can report any height.
        let height = |height: &u64| i64::try_from(*height).unwrap_or(i64::MAX);
        let heights: Vec<i64> = attempt.last_heights.iter().map(height).collect();
        let number = i32::from(attempt.number);
        let mut transaction = self.pool.begin().await?;
        let open = sqlx::query(
            "UPDATE relays r SET state = 'sent'
             WHERE id = $1 AND state IN ('queued', 'sent', 'confirmed')
               AND coalesce((SELECT max(number) FROM relay_attempts WHERE relay = $1), 0) = $2 - 1",
        )
        .bind(new.relay)
        .bind(number)
        .execute(&mut *transaction)
        .await?;
        if open.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "UPDATE relay_attempts SET state = 'dead', transaction = NULL WHERE relay = $1 AND state = 'sent'",
        )
        .bind(new.relay)
        .execute(&mut *transaction)
        .await?;
        let added = sqlx::query(
            "INSERT INTO relay_attempts (relay, number, signature, last_heights, price, transaction)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(new.relay)
        .bind(number)
        .bind(attempt.signature.as_ref())
        .bind(heights)
        .bind(bigint("a price", attempt.price)?)
        .bind(&attempt.transaction)
        .execute(&mut *transaction)
        .await?;
        if added.rows_affected() == 0 {
            return Ok(false);
        }
        transaction.commit().await?;
        Ok(true)
    }

    /// Records that transactions are in confirmed blocks. Returns the relays that were not
    /// confirmed before.
    pub async fn confirm_relays(&self, relays: &[RandomId]) -> Result<Vec<RandomId>, StoreError> {
        let ids: Vec<&[u8]> = relays.iter().map(<[u8; 16]>::as_slice).collect();
        let rows = sqlx::query(
            "UPDATE relays SET state = 'confirmed'
             WHERE id IN (SELECT id FROM relays WHERE id = ANY($1) AND state = 'sent' ORDER BY id FOR UPDATE)
             RETURNING id::bytea AS id",
        )
        .bind(ids)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(|row| random_id(row.get("id"))).collect()
    }

    /// Ends a relay and deletes its request. Returns `false` and changes nothing if it has ended
    /// already.
    pub async fn end_relay(&self, id: RandomId, end: &RelayEnd) -> Result<bool, StoreError> {
        let (state, reason, attempts) = match end {
            RelayEnd::Finalized => (RelayState::Finalized, None, "landed"),
            RelayEnd::Failed { reason } => (RelayState::Failed, Some(reason), "landed"),
            RelayEnd::NotExecuted { state, reason } => (*state, Some(reason), "dead"),
        };
        let mut transaction = self.pool.begin().await?;
        let ended = sqlx::query(
            "UPDATE relays SET state = $2, reason = $3, request = NULL
             WHERE id = $1 AND state IN ('queued', 'sent', 'confirmed')",
        )
        .bind(id)
        .bind(state.as_str())
        .bind(reason)
        .execute(&mut *transaction)
        .await?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "UPDATE relay_attempts SET state = $2, transaction = NULL WHERE relay = $1 AND state = 'sent'",
        )
        .bind(id)
        .bind(attempts)
        .execute(&mut *transaction)
        .await?;
        settle(&mut transaction, &id).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

fn open_relay(row: &PgRow) -> Result<OpenRelay, StoreError> {
    let number: Option<i32> = row.get("number");
    let attempt = number.map(|number| {
        Ok::<_, StoreError>(Attempt {
            number: u16::try_from(number).unwrap_or(u16::MAX),
            signature: signature(row.get("signature"))?,
            last_heights: row
                .get::<Option<Vec<i64>>, _>("last_heights")
                .unwrap_or_default()
                .into_iter()
                .map(unsigned)
                .collect::<Result<_, _>>()?,
            price: unsigned(row.get("price"))?,
            transaction: row.get::<Option<Vec<u8>>, _>("transaction").unwrap_or_default(),
        })
    });
    Ok(OpenRelay {
        id: random_id(row.get("id"))?,
        scope: address(row.get("scope"))?,
        nullifier: Nullifier::new(element(row.get("nullifier"))?),
        wallet: address(row.get("wallet"))?,
        request: row.get::<Option<Vec<u8>>, _>("request").unwrap_or_default(),
        is_confirmed: RelayState::parse(row.get("state"))? == RelayState::Confirmed,
        expiry: row.get("expiry"),
        age_seconds: unsigned(row.get("age"))?,
        attempt: attempt.transpose()?,
    })
}
