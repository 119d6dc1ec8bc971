//! The cluster that the database follows.

use sqlx::Row;

use crate::values::bytes32;
use crate::{Store, StoreError};

impl Store {
    /// Returns the genesis hash of the cluster that the database follows. `None` if no indexer has
    /// recorded one.
    pub async fn genesis_hash(&self) -> Result<Option<[u8; 32]>, StoreError> {
        let row = sqlx::query("SELECT genesis_hash FROM cluster")
            .fetch_optional(&self.pool)
            .await?;
        row.map(|row| bytes32(row.get(0))).transpose()
    }

    /// Records the genesis hash of the cluster, unless one is recorded. Returns the recorded one.
    pub async fn record_genesis_hash(&self, hash: [u8; 32]) -> Result<[u8; 32], StoreError> {
        sqlx::query("INSERT INTO cluster (genesis_hash) VALUES ($1) ON CONFLICT DO NOTHING")
            .bind(hash)
            .execute(&self.pool)
            .await?;
        Ok(self.genesis_hash().await?.unwrap_or(hash))
    }
}
