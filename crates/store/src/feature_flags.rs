//! The flags that operators set for all instances.

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::relays::{RandomId, random_id};
use crate::{AuditRecord, Store, StoreError, audit};

/// The flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeatureFlags {
    /// Whether the service makes, verifies and relays proofs.
    pub zkp_enabled: bool,
    /// The percentage of clients that may use them, 0 to 100.
    pub rollout_percentage: u8,
    /// What front ends hash with a number of their own.
    pub salt: RandomId,
}

impl Store {
    /// Returns the flags.
    pub async fn feature_flags(&self) -> Result<FeatureFlags, StoreError> {
        let row =
            sqlx::query("SELECT zkp_enabled, rollout_percentage, salt::bytea AS salt FROM feature_flags")
                .fetch_one(&self.pool)
                .await?;
        flags(&row)
    }

    /// Sets the flags, with a record in the audit log. A percentage above 100 fails. Returns the new
    /// flags.
    pub async fn set_feature_flags(
        &self,
        zkp_enabled: bool,
        rollout_percentage: u8,
        record: &AuditRecord,
    ) -> Result<FeatureFlags, StoreError> {
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query(
            "UPDATE feature_flags SET zkp_enabled = $1, rollout_percentage = $2
             RETURNING zkp_enabled, rollout_percentage, salt::bytea AS salt",
        )
        .bind(zkp_enabled)
        .bind(i16::from(rollout_percentage))
        .fetch_one(&mut *transaction)
        .await?;
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        flags(&row)
    }
}

fn flags(row: &PgRow) -> Result<FeatureFlags, StoreError> {
    let percentage = u8::try_from(row.get::<i16, _>("rollout_percentage"));
    Ok(FeatureFlags {
        zkp_enabled: row.get("zkp_enabled"),
        rollout_percentage: percentage
            .map_err(|_| StoreError::Damaged("rollout_percentage is not a percentage".to_owned()))?,
        salt: random_id(row.get("salt"))?,
    })
}
