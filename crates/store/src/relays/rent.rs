//! The rent of nullifier accounts, which their wallets get back after the end of the scope.

use bauta_primitives::Nullifier;
use solana_address::Address;
use solana_signature::Signature;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::values::{address, element, time};
use crate::{Store, StoreError};

/// The rent of a nullifier account that a wallet can get back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RentDeposit {
    /// The scope account, which is over.
    pub scope: Address,
    /// The nullifier whose account has the rent.
    pub nullifier: Nullifier,
}

impl Store {
    /// Leases the reclaiming of a wallet's rent for a number of seconds. Returns `false` if another
    /// instance has it.
    pub async fn take_reclaim(&self, wallet: Address, seconds: u32) -> Result<bool, StoreError> {
        let taken = sqlx::query(
            "UPDATE relay_wallets SET next_reclaim = now() + $2::bigint * interval '1 second'
             WHERE wallet = $1 AND next_reclaim <= now()",
        )
        .bind(wallet.to_bytes())
        .bind(i64::from(seconds))
        .execute(&self.pool)
        .await?;
        Ok(taken.rows_affected() == 1)
    }

    /// Takes at most `limit` deposits of a wallet in scopes that are over at `now` (Unix seconds),
    /// those that were taken longest ago first. A deposit is not taken again for a number of
    /// seconds. Those of one scope are next to each other.
    pub async fn take_rent_deposits(
        &self,
        wallet: Address,
        now: i64,
        seconds: u32,
        limit: u16,
    ) -> Result<Vec<RentDeposit>, StoreError> {
        let rows = sqlx::query(
            "WITH due AS (
                 SELECT r.id FROM relays r JOIN scopes s ON s.address = r.scope
                 WHERE r.wallet = $1 AND (r.state = 'finalized' OR r.landed IS NOT NULL) AND NOT r.reclaimed
                   AND (s.status = 'closed' OR s.closes_at <= $2)
                   AND r.rent_tried_at <= now() - $3::bigint * interval '1 second'
                 ORDER BY r.rent_tried_at, r.id LIMIT $4 FOR UPDATE OF r SKIP LOCKED),
             taken AS (UPDATE relays r SET rent_tried_at = now() FROM due WHERE r.id = due.id
                       RETURNING r.scope, r.nullifier)
             SELECT scope::bytea AS scope, nullifier::bytea AS nullifier FROM taken ORDER BY scope",
        )
        .bind(wallet.to_bytes())
        .bind(time(now)?)
        .bind(i64::from(seconds))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let deposit = |row: &PgRow| {
            Ok(RentDeposit {
                scope: address(row.get("scope"))?,
                nullifier: Nullifier::new(element(row.get("nullifier"))?),
            })
        };
        rows.iter().map(deposit).collect()
    }

    /// Records a transaction that reclaims rent, before it is sent.
    pub async fn add_reclaim(&self, signature: Signature, wallet: Address) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO relay_reclaims (signature, wallet) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(signature.as_ref())
            .bind(wallet.to_bytes())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Records the nullifier accounts of a wallet's relays that are closed, according to the events
    /// of finalized slots. That a node doesn't have an account is no evidence. Returns their
    /// number.
    pub async fn mark_reclaimed(&self, wallet: Address) -> Result<u64, StoreError> {
        let marked = sqlx::query(
            "UPDATE relays r SET reclaimed = true
             FROM scopes s, nullifiers n, finality f
             WHERE r.wallet = $1 AND (r.state = 'finalized' OR r.landed IS NOT NULL) AND NOT r.reclaimed
               AND s.address = r.scope AND n.scope_id = s.id AND n.hash = r.nullifier
               AND n.reclaimed_at IS NOT NULL
               AND NOT EXISTS (SELECT FROM events e WHERE e.slot > f.slot AND e.kind = 'NullifierReclaimed'
                                 AND e.happened_at = n.reclaimed_at)",
        )
        .bind(wallet.to_bytes())
        .execute(&self.pool)
        .await?;
        Ok(marked.rows_affected())
    }
}
