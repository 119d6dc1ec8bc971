//! Pages of holdings and nullifiers within a range of keys. Keys that begin with the same bits are
//! a range.

use std::ops::RangeInclusive;

use bauta_primitives::Nullifier;
use solana_address::Address;
use sqlx::{AssertSqlSafe, Row};

use super::key;
use crate::leaves::{SELECT_HOLDING, holding};
use crate::values::{address, element};
use crate::{Holding, Registry, Scope, Store, StoreError};

impl Store {
    /// Returns at most `limit` mints and holdings of a registry whose mint is in a range, ordered
    /// by mint, from the first one after `after`.
    pub async fn holdings_within(
        &self,
        registry: &Registry,
        range: &RangeInclusive<[u8; 32]>,
        after: Option<Address>,
        limit: u16,
    ) -> Result<Vec<(Address, Holding)>, StoreError> {
        let query =
            format!("{SELECT_HOLDING} AND mint >= $2 AND mint <= $3 AND mint > $4 ORDER BY mint LIMIT $5");
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(registry.id)
            .bind(*range.start())
            .bind(*range.end())
            .bind(key(after))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter()
            .map(|row| Ok((address(row.get("mint"))?, holding(registry.depth, row)?)))
            .collect()
    }

    /// Returns at most `limit` nullifiers that were used in a scope and are in a range, in order,
    /// from the first one after `after`.
    pub async fn nullifiers_within(
        &self,
        scope: &Scope,
        range: &RangeInclusive<[u8; 32]>,
        after: Option<Nullifier>,
        limit: u16,
    ) -> Result<Vec<Nullifier>, StoreError> {
        let rows = sqlx::query(
            "SELECT hash FROM nullifiers
             WHERE scope_id = $1 AND hash >= $2 AND hash <= $3 AND hash > $4 ORDER BY hash LIMIT $5",
        )
        .bind(scope.id)
        .bind(*range.start())
        .bind(*range.end())
        .bind(
            after
                .map(|nullifier| nullifier.to_bytes().to_vec())
                .unwrap_or_default(),
        )
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter()
            .map(|row| Ok(Nullifier::new(element(row.get("hash"))?)))
            .collect()
    }
}
