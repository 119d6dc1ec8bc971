//! The rent of nullifier accounts, which their wallets get back after the end of the scope.

use bauta_primitives::Nullifier;
use solana_address::Address;
use solana_signature::Signature;
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::{RandomId, random_id};
use crate::values::{address, element, time};
use crate::{Store, StoreError};

/// The rent of a nullifier account that a wallet can get back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RentDeposit {
    /// The relay that paid the rent.
    pub relay: RandomId,
    /// The scope account, which is over.
    pub scope: Address,
    /// The nullifier.
    pub nullifier: Nullifier,
}

impl Store {
    /// Takes the turn to reclaim a wallet's rent, for a number of seconds. Returns `false` if
    /// another instance has it.
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

    /// Returns at most `limit` deposits of a wallet in scopes that are over at `now` (Unix
    /// seconds).
    pub async fn rent_deposits(
        &self,
        wallet: Address,
        now: i64,
        limit: u16,
    ) -> Result<Vec<RentDeposit>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.id::bytea AS id, r.scope::bytea AS scope, r.nullifier::bytea AS nullifier
             FROM relays r JOIN scopes s ON s.address = r.scope
             WHERE r.wallet = $1 AND r.state = 'finalized' AND NOT r.reclaimed
               AND (s.status = 'closed' OR s.closes_at <= $2)
             LIMIT $3",
        )
        .bind(wallet.to_bytes())
        .bind(time(now)?)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let deposit = |row: &PgRow| {
            Ok(RentDeposit {
                relay: random_id(row.get("id"))?,
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

    /// Records that the nullifier accounts of relays are closed.
    pub async fn mark_reclaimed(&self, relays: &[RandomId]) -> Result<(), StoreError> {
        let ids: Vec<&[u8]> = relays.iter().map(<[u8; 16]>::as_slice).collect();
        sqlx::query("UPDATE relays SET reclaimed = true WHERE id = ANY($1)")
            .bind(ids)
            .execute(&self.pool)
            .await?;
        Ok(())
    }
}
