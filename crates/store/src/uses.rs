//! Nullifiers and verifications.

use bauta_primitives::Nullifier;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::values::{uint64, unsigned};
use crate::{Scope, Signature, Store, StoreError};

/// A nullifier that was used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NullifierUse {
    /// The claim as a track, where the leaf format has tracks.
    pub track: Option<u64>,
    /// When, Unix seconds.
    pub used_at: i64,
    /// The transaction.
    pub signature: Signature,
    /// When its account was closed, if it was.
    pub reclaimed_at: Option<i64>,
}

/// A verification: nothing says whose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verification {
    /// Its number, from 1 in the order of the chain.
    pub id: u64,
    /// The claim as a track, where the leaf format has tracks.
    pub track: Option<u64>,
    /// When, Unix seconds.
    pub timestamp: i64,
    /// Distinct owners live at its root and track; unknown where the registry has no owners.
    pub anonymity_set: Option<u64>,
}

impl Store {
    /// The use of a nullifier in a scope; `None` if it is unused.
    pub async fn nullifier(
        &self,
        scope: &Scope,
        nullifier: Nullifier,
    ) -> Result<Option<NullifierUse>, StoreError> {
        let row = sqlx::query(
            "SELECT track_id::text AS track, extract(epoch FROM used_at)::bigint AS used_at, tx_signature,
                    extract(epoch FROM reclaimed_at)::bigint AS reclaimed_at
             FROM nullifiers WHERE hash = $1 AND scope_id = $2",
        )
        .bind(nullifier.to_bytes().as_slice())
        .bind(scope.id)
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let signature = row.get::<&[u8], _>("tx_signature").try_into();
        Ok(Some(NullifierUse {
            track: row.get::<Option<&str>, _>("track").map(uint64).transpose()?,
            used_at: row.get("used_at"),
            signature: Signature(
                signature.map_err(|_| StoreError::Damaged("a signature of other than 64 bytes".into()))?,
            ),
            reclaimed_at: row.get("reclaimed_at"),
        }))
    }

    /// The newest verifications of a scope, at most `limit`, before the one with number `before` (`None`: the newest).
    pub async fn verifications(
        &self,
        scope: &Scope,
        before: Option<u64>,
        limit: u16,
    ) -> Result<Vec<Verification>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, track_id::text AS track, extract(epoch FROM timestamp)::bigint AS timestamp, anonymity_set
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
                track: row.get::<Option<&str>, _>("track").map(uint64).transpose()?,
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
