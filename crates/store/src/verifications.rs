//! Nullifiers and verifications.

use bauta_primitives::Nullifier;
use solana_signature::Signature;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::uint64::optional_uint64;
use crate::values::{signature, unsigned};
use crate::{Scope, Store, StoreError};

/// A nullifier that was used in a scope.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UsedNullifier {
    /// The claim as a track. `None` if the claim is not a track.
    pub track: Option<u64>,
    /// The time of the verification, in Unix seconds.
    pub used_at: i64,
    /// The first signature of the transaction.
    pub signature: Signature,
    /// The time at which the nullifier's account was closed, in Unix seconds.
    pub reclaimed_at: Option<i64>,
}

/// A verification. It does not say who proved or who paid.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verification {
    /// The number of the verification, from 1 in the order of the chain.
    pub id: u64,
    /// The claim as a track. `None` if the claim is not a track.
    pub track: Option<u64>,
    /// The time of the verification, in Unix seconds.
    pub timestamp: i64,
    /// The number of distinct owners with a live token in the track at the root of the proof.
    /// `None` if the registry has no owners, if the claim is not a track, or if the number is below
    /// the threshold from which it is recorded.
    pub anonymity_set: Option<u64>,
}

impl Store {
    /// Returns a nullifier that was used in a scope. `None` if it is unused.
    pub async fn nullifier(
        &self,
        scope: &Scope,
        nullifier: Nullifier,
    ) -> Result<Option<UsedNullifier>, StoreError> {
        let row = sqlx::query(
            "SELECT track_id, extract(epoch FROM used_at)::bigint AS used_at, tx_signature,
                    extract(epoch FROM reclaimed_at)::bigint AS reclaimed_at
             FROM nullifiers WHERE hash = $1 AND scope_id = $2",
        )
        .bind(nullifier.to_bytes())
        .bind(scope.id)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(UsedNullifier {
            track: optional_uint64(&row, "track_id")?,
            used_at: row.get("used_at"),
            signature: signature(row.get("tx_signature"))?,
            reclaimed_at: row.get("reclaimed_at"),
        }))
    }

    /// Returns the newest verifications of a scope, at most `limit`, newest first. With `before`,
    /// only those with a smaller number.
    pub async fn verifications(
        &self,
        scope: &Scope,
        before: Option<u64>,
        limit: u16,
    ) -> Result<Vec<Verification>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, track_id, extract(epoch FROM timestamp)::bigint AS timestamp, anonymity_set
             FROM verifications WHERE scope_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3",
        )
        .bind(scope.id)
        .bind(before.and_then(|id| i64::try_from(id).ok()).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let verification = |row: &PgRow| {
            Ok(Verification {
                id: unsigned(row.get("id"))?,
                track: optional_uint64(row, "track_id")?,
                timestamp: row.get("timestamp"),
                anonymity_set: row
                    .get::<Option<i32>, _>("anonymity_set")
                    .map(|owners| unsigned(owners.into()))
                    .transpose()?,
            })
        };
        rows.iter().map(verification).collect()
    }
}
