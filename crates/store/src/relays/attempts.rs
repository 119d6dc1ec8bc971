//! The transactions of relays, and the leases of the instances that send them.

use bauta_primitives::Nullifier;
use solana_address::Address;
use solana_signature::Signature;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{RandomId, RelayState, random_id, settle};
use crate::values::{address, bigint, element, signature, unsigned};
use crate::{Store, StoreError};

/// The right of an instance to send a relay, to record its outcome, and to end it. Each lease of a
/// relay has another number. Once another instance has leased the relay, nothing can be changed
/// with this one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct RelayLease {
    /// The id of the leased relay.
    pub relay: RandomId,
    /// The instance that has the lease.
    pub instance: RandomId,
    /// The number of the lease.
    pub epoch: u64,
}

impl RelayLease {
    /// The lease that an instance gets with a relay that it adds.
    #[must_use]
    pub const fn first(relay: RandomId, instance: RandomId) -> Self {
        Self {
            relay,
            instance,
            epoch: FIRST_EPOCH,
        }
    }
}

/// A relay that has not ended.
#[derive(Clone, Debug)]
pub struct OpenRelay {
    /// The lease with which the relay was read.
    pub lease: RelayLease,
    /// The scope account.
    pub scope: Address,
    /// The nullifier that the relay uses.
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
    /// The signature of the transaction.
    pub signature: Signature,
    /// For each node, its last block height at which the transaction can be executed. Nodes can
    /// disagree about heights.
    pub last_heights: Vec<u64>,
    /// Micro-lamports for each compute unit.
    pub price: u64,
    /// The transaction, encrypted.
    pub transaction: Vec<u8>,
}

/// How a relay ended.
#[derive(Clone, Debug)]
pub enum RelayEnd {
    /// A transaction is in a finalized block.
    Finalized {
        /// The transaction.
        signature: Signature,
    },
    /// A transaction was executed and failed.
    Failed {
        /// The transaction.
        signature: Signature,
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

/// Who used the nullifier of a relay.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NullifierUse {
    /// This transaction of the relay.
    Own(Signature),
    /// A transaction that is not the relay's.
    Other,
}

/// The number of the first lease of a relay.
pub(super) const FIRST_EPOCH: u64 = 1;

const OPEN: &str = "r.id::bytea AS id, r.leased_by::bytea AS instance, r.lease_epoch AS epoch, r.scope::bytea AS scope, r.nullifier::bytea AS nullifier,
    r.wallet::bytea AS wallet, r.request::bytea AS request, r.state, r.expiry,
    greatest(extract(epoch FROM now() - r.created_at)::bigint, 0) AS age,
    a.number::integer AS number, a.signature::bytea AS signature, a.last_heights, a.price,
    a.transaction::bytea AS transaction";

impl Store {
    /// Leases relays of these wallets that are due and that no other instance sends, for a number
    /// of seconds. The oldest are first.
    pub async fn lease_relays(
        &self,
        instance: RandomId,
        wallets: &[Address],
        lease_seconds: u32,
        limit: u16,
    ) -> Result<Vec<OpenRelay>, StoreError> {
        let query = format!(
            "WITH due AS (
                 SELECT id FROM relays
                 WHERE state IN ('queued', 'sent', 'confirmed') AND send_at <= now() AND leased_until <= now()
                   AND wallet = ANY($4::bytea[])
                 ORDER BY send_at LIMIT $3 FOR UPDATE SKIP LOCKED),
             r AS (UPDATE relays SET leased_by = $1, leased_until = now() + $2::bigint * interval '1 second',
                       lease_epoch = lease_epoch + 1
                   FROM due WHERE relays.id = due.id RETURNING relays.*)
             SELECT {OPEN} FROM r LEFT JOIN relay_attempts a ON a.relay = r.id AND a.state <> 'dead'"
        );
        let wallets: Vec<&[u8]> = wallets.iter().map(AsRef::as_ref).collect();
        let rows = sqlx::query(sqlx::AssertSqlSafe(query))
            .bind(instance)
            .bind(i64::from(lease_seconds))
            .bind(i64::from(limit))
            .bind(wallets)
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(open_relay).collect()
    }

    /// Extends leases. Returns those that the instance still has.
    pub async fn renew_relays(
        &self,
        leases: &[RelayLease],
        lease_seconds: u32,
    ) -> Result<Vec<RelayLease>, StoreError> {
        let (ids, instances, epochs) = columns(leases)?;
        let rows = sqlx::query(
            "UPDATE relays SET leased_until = now() + $4::bigint * interval '1 second'
             WHERE id IN (SELECT r.id FROM relays r
                          JOIN unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS l (id, instance, epoch)
                            ON r.id = l.id AND r.leased_by = l.instance AND r.lease_epoch = l.epoch
                          ORDER BY r.id FOR UPDATE OF r)
             RETURNING id::bytea AS id, leased_by::bytea AS instance, lease_epoch AS epoch",
        )
        .bind(ids)
        .bind(instances)
        .bind(epochs)
        .bind(i64::from(lease_seconds))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(lease).collect()
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

    /// Ends one lease. The relay can be leased again after `pause_seconds`. Changes nothing if
    /// another instance has leased the relay since.
    pub async fn release_relay(&self, lease: &RelayLease, pause_seconds: u32) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE relays SET leased_by = NULL, leased_until = now() + $4::bigint * interval '1 second'
             WHERE id = $1 AND leased_by = $2 AND lease_epoch = $3",
        )
        .bind(lease.relay)
        .bind(lease.instance)
        .bind(bigint("epoch", lease.epoch)?)
        .bind(i64::from(pause_seconds))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Stores a transaction before it is sent. The former one must be certainly dead. Returns
    /// `false` and changes nothing if another instance has the relay, or if the relay has ended.
    pub async fn add_attempt(&self, lease: &RelayLease, attempt: &Attempt) -> Result<bool, StoreError> {
        // A faulty node can report any height.
        let height = |height: &u64| i64::try_from(*height).unwrap_or(i64::MAX);
        let heights: Vec<i64> = attempt.last_heights.iter().map(height).collect();
        let number = i32::from(attempt.number);
        let mut transaction = self.pool.begin().await?;
        let open = sqlx::query(
            "UPDATE relays r SET state = 'sent'
             WHERE id = $1 AND leased_by = $3 AND lease_epoch = $4
               AND state IN ('queued', 'sent', 'confirmed')
               AND coalesce((SELECT max(number) FROM relay_attempts WHERE relay = $1), 0) = $2 - 1",
        )
        .bind(lease.relay)
        .bind(number)
        .bind(lease.instance)
        .bind(bigint("epoch", lease.epoch)?)
        .execute(&mut *transaction)
        .await?;
        if open.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query(
            "UPDATE relay_attempts SET state = 'dead', transaction = NULL WHERE relay = $1 AND state = 'sent'",
        )
        .bind(lease.relay)
        .execute(&mut *transaction)
        .await?;
        let added = sqlx::query(
            "INSERT INTO relay_attempts (relay, number, signature, last_heights, price, transaction)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        )
        .bind(lease.relay)
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
    /// confirmed before, and that the instance still has.
    pub async fn confirm_relays(&self, leases: &[RelayLease]) -> Result<Vec<RelayLease>, StoreError> {
        let (ids, instances, epochs) = columns(leases)?;
        let rows = sqlx::query(
            "UPDATE relays SET state = 'confirmed'
             WHERE id IN (SELECT r.id FROM relays r
                          JOIN unnest($1::bytea[], $2::bytea[], $3::bigint[]) AS l (id, instance, epoch)
                            ON r.id = l.id AND r.leased_by = l.instance AND r.lease_epoch = l.epoch
                          WHERE r.state = 'sent' ORDER BY r.id FOR UPDATE OF r)
             RETURNING id::bytea AS id, leased_by::bytea AS instance, lease_epoch AS epoch",
        )
        .bind(ids)
        .bind(instances)
        .bind(epochs)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(lease).collect()
    }

    /// Ends a relay, deletes its request, and keeps only the day of its times. `last_attempt` is
    /// the number of the last transaction that the end is about, or 0. Returns `false` and changes
    /// nothing if another instance has the relay, if there is a newer transaction, or if the relay
    /// has ended already.
    pub async fn end_relay(
        &self,
        lease: &RelayLease,
        last_attempt: u16,
        end: &RelayEnd,
    ) -> Result<bool, StoreError> {
        let (state, reason, executed) = match end {
            RelayEnd::Finalized { signature } => (RelayState::Finalized, None, Some(signature)),
            RelayEnd::Failed { signature, reason } => (RelayState::Failed, Some(reason), Some(signature)),
            RelayEnd::NotExecuted { state, reason } => (*state, Some(reason), None),
        };
        let landed = executed.filter(|_| state == RelayState::Finalized);
        let mut transaction = self.pool.begin().await?;
        let ended = sqlx::query(
            "UPDATE relays SET state = $2, reason = $3, request = NULL, landed = coalesce($7, landed),
                 created_at = date_trunc('day', created_at, 'UTC'), send_at = date_trunc('day', send_at, 'UTC')
             WHERE id = $1 AND leased_by = $4 AND lease_epoch = $5
               AND state IN ('queued', 'sent', 'confirmed')
               AND coalesce((SELECT max(number) FROM relay_attempts WHERE relay = $1), 0) = $6",
        )
        .bind(lease.relay)
        .bind(state.as_str())
        .bind(reason)
        .bind(lease.instance)
        .bind(bigint("epoch", lease.epoch)?)
        .bind(i32::from(last_attempt))
        .bind(landed.map(|signature| signature.as_ref().to_vec()))
        .execute(&mut *transaction)
        .await?;
        if ended.rows_affected() == 0 {
            return Ok(false);
        }
        sqlx::query("UPDATE relay_attempts SET state = 'dead', transaction = NULL WHERE relay = $1")
            .bind(lease.relay)
            .execute(&mut *transaction)
            .await?;
        if let Some(signature) = executed {
            sqlx::query("UPDATE relay_attempts SET state = 'landed' WHERE relay = $1 AND signature = $2")
                .bind(lease.relay)
                .bind(signature.as_ref())
                .execute(&mut *transaction)
                .await?;
        }
        settle(&mut transaction, &lease.relay).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Returns who used the nullifier of a relay, according to the events of finalized slots.
    /// `None` if no event shows it yet.
    pub async fn nullifier_use(&self, relay: RandomId) -> Result<Option<NullifierUse>, StoreError> {
        let row = sqlx::query(
            "SELECT n.tx_signature::bytea AS signature,
                    EXISTS (SELECT FROM relay_attempts a WHERE a.relay = r.id AND a.signature = n.tx_signature) AS is_own
             FROM relays r
             JOIN scopes s ON s.address = r.scope
             JOIN nullifiers n ON n.scope_id = s.id AND n.hash = r.nullifier
             CROSS JOIN finality f
             WHERE r.id = $1
               AND NOT EXISTS (SELECT FROM events e WHERE e.slot > f.slot AND e.signature = n.tx_signature)",
        )
        .bind(relay)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(if row.get("is_own") {
            NullifierUse::Own(signature(row.get("signature"))?)
        } else {
            NullifierUse::Other
        }))
    }
}

/// The ids, instances and numbers of leases.
type LeaseColumns = (Vec<Vec<u8>>, Vec<Vec<u8>>, Vec<i64>);

fn columns(leases: &[RelayLease]) -> Result<LeaseColumns, StoreError> {
    let mut columns = LeaseColumns::default();
    for lease in leases {
        columns.0.push(lease.relay.to_vec());
        columns.1.push(lease.instance.to_vec());
        columns.2.push(bigint("epoch", lease.epoch)?);
    }
    Ok(columns)
}

fn lease(row: &PgRow) -> Result<RelayLease, StoreError> {
    Ok(RelayLease {
        relay: random_id(row.get("id"))?,
        instance: random_id(row.get("instance"))?,
        epoch: unsigned(row.get("epoch"))?,
    })
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
        lease: lease(row)?,
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
