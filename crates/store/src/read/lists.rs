//! Pages of registries, collections, scopes and valid roots.

use solana_address::Address;
use sqlx::postgres::PgBindIterExt;
use sqlx::{AssertSqlSafe, Row};

use super::key;
use crate::values::{bigint, time, unsigned};
use crate::{Collection, Registry, RootRecord, Scope, Sequence, Store, StoreError};
use crate::{registries, roots, scopes};

impl Store {
    /// Returns at most `limit` registries ordered by address, from the first one after `after`.
    pub async fn registries_after(
        &self,
        after: Option<Address>,
        limit: u16,
    ) -> Result<Vec<Registry>, StoreError> {
        let query = format!(
            "{} WHERE address > $1 ORDER BY address LIMIT $2",
            registries::SELECT
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(key(after))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(registries::registry).collect()
    }

    /// Returns at most `limit` collections of a registry ordered by key, from the first one after
    /// `after`.
    pub async fn collections_after(
        &self,
        registry: &Registry,
        after: Option<Address>,
        limit: u16,
    ) -> Result<Vec<Collection>, StoreError> {
        let query = format!(
            "{} WHERE registry_id = $1 AND key > $2 ORDER BY key LIMIT $3",
            registries::SELECT_COLLECTIONS
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(registry.id)
            .bind(key(after))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(registries::collection).collect()
    }

    /// Returns the collections of a registry that have one of these keys, in any order.
    pub async fn collections_with_keys(
        &self,
        registry: &Registry,
        keys: &[Address],
    ) -> Result<Vec<Collection>, StoreError> {
        let query = format!(
            "{} WHERE registry_id = $1 AND key = ANY ($2::bytea[])",
            registries::SELECT_COLLECTIONS
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(registry.id)
            .bind(keys.iter().map(Address::to_bytes).bind_iter())
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(registries::collection).collect()
    }

    /// Returns at most `limit` collections of a registry that have one of these kinds, ordered by
    /// key.
    pub async fn collections_of_kinds(
        &self,
        registry: &Registry,
        kinds: &[u8],
        limit: u16,
    ) -> Result<Vec<Collection>, StoreError> {
        let query = format!(
            "{} WHERE registry_id = $1 AND kind = ANY ($2::smallint[]) ORDER BY key LIMIT $3",
            registries::SELECT_COLLECTIONS
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(registry.id)
            .bind(kinds.iter().map(|kind| i16::from(*kind)).bind_iter())
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(registries::collection).collect()
    }

    /// Returns at most `limit` scopes ordered by address, from the first one after `after`: those
    /// of one registry, or all.
    pub async fn scopes_after(
        &self,
        registry: Option<&Registry>,
        after: Option<Address>,
        limit: u16,
    ) -> Result<Vec<Scope>, StoreError> {
        let query = format!(
            "{} WHERE s.address > $1 AND ($2::integer IS NULL OR s.registry_id = $2)
             ORDER BY s.address LIMIT $3",
            scopes::SELECT
        );
        let rows = sqlx::query(AssertSqlSafe(query))
            .bind(key(after))
            .bind(registry.map(|registry| registry.id))
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await?;
        rows.iter().map(scopes::scope).collect()
    }

    /// Returns at most `limit` of the roots that are valid at `now` (Unix seconds), newest first.
    /// With `before`, only those of earlier tree changes.
    pub async fn valid_roots_before(
        &self,
        registry: &Registry,
        now: i64,
        before: Option<Sequence>,
        limit: u16,
    ) -> Result<Vec<RootRecord>, StoreError> {
        let before = before.map_or(Ok(i64::MAX), |sequence| bigint("sequence", sequence.get()))?;
        let rows = sqlx::query(
            "SELECT root, sequence, extract(epoch FROM created_at)::bigint AS created_at, leaf_count,
                    extract(epoch FROM replaced_at)::bigint AS replaced_at,
                    extract(epoch FROM valid_until)::bigint AS valid_until
             FROM valid_roots($1, to_timestamp($2::bigint)) WHERE sequence < $3
             ORDER BY sequence DESC LIMIT $4",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .bind(before)
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(roots::root_record).collect()
    }

    /// Returns the number of nullifiers that were used in a scope. The query reads rollups, so its
    /// cost does not depend on the number.
    pub async fn nullifier_count(&self, scope: &Scope) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "SELECT coalesce(sum(verifications), 0)::bigint AS nullifiers FROM verifications_by_day
             WHERE scope_id = $1",
        )
        .bind(scope.id)
        .fetch_one(&self.pool)
        .await?;
        unsigned(row.get("nullifiers"))
    }
}
