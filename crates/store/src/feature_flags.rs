//! The flags that operators set for all instances.

use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::relays::{RandomId, random_id};
use crate::values::unsigned;
use crate::{AuditRecord, Store, StoreError, audit};

/// The columns of [`FeatureFlags`].
macro_rules! columns {
    () => {
        "zkp_enabled, rollout_percentage, salt::bytea AS salt, sponsorship_paused, version"
    };
}

/// The flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeatureFlags {
    /// Whether the service makes, verifies and relays proofs.
    pub zkp_enabled: bool,
    /// The percentage of clients that may use them, 0 to 100.
    pub rollout_percentage: u8,
    /// What front ends hash with a number of their own.
    pub salt: RandomId,
    /// Whether the operator pays for no new relay.
    pub sponsorship_paused: bool,
    /// The number of the change that set them.
    pub version: u64,
}

/// What a change sets. The other flags stay as they are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FlagChange {
    /// Proofs and relays.
    Zkp {
        /// Whether the service makes, verifies and relays proofs.
        enabled: bool,
        /// The percentage of clients that may use them. More than 100 fails.
        rollout_percentage: u8,
    },
    /// Whether the operator pays for no new relay.
    SponsorshipPaused(bool),
}

impl Store {
    /// Returns the flags.
    pub async fn feature_flags(&self) -> Result<FeatureFlags, StoreError> {
        let row = sqlx::query(concat!("SELECT ", columns!(), " FROM feature_flags"))
            .fetch_one(&self.pool)
            .await?;
        flags(&row)
    }

    /// Changes the flags, with a record in the audit log. Returns the new flags. `None` if a version
    /// is given and the flags have another one. Then nothing is changed or recorded.
    pub async fn set_feature_flags(
        &self,
        change: FlagChange,
        version: Option<u64>,
        record: &AuditRecord,
    ) -> Result<Option<FeatureFlags>, StoreError> {
        let (enabled, percentage, is_paused) = match change {
            FlagChange::Zkp {
                enabled,
                rollout_percentage,
            } => (Some(enabled), Some(i16::from(rollout_percentage)), None),
            FlagChange::SponsorshipPaused(is_paused) => (None, None, Some(is_paused)),
        };
        // No row has this version.
        let version = version.map(|version| i64::try_from(version).unwrap_or(-1));
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query(concat!(
            "UPDATE feature_flags SET zkp_enabled = coalesce($1, zkp_enabled),
                 rollout_percentage = coalesce($2, rollout_percentage),
                 sponsorship_paused = coalesce($3, sponsorship_paused), version = version + 1
             WHERE $4::bigint IS NULL OR version = $4 RETURNING ",
            columns!()
        ))
        .bind(enabled)
        .bind(percentage)
        .bind(is_paused)
        .bind(version)
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        audit::append(&mut transaction, record).await?;
        transaction.commit().await?;
        flags(&row).map(Some)
    }
}

fn flags(row: &PgRow) -> Result<FeatureFlags, StoreError> {
    let percentage = u8::try_from(row.get::<i16, _>("rollout_percentage"));
    Ok(FeatureFlags {
        zkp_enabled: row.get("zkp_enabled"),
        rollout_percentage: percentage
            .map_err(|_| StoreError::Damaged("rollout_percentage is not a percentage".to_owned()))?,
        salt: random_id(row.get("salt"))?,
        sponsorship_paused: row.get("sponsorship_paused"),
        version: unsigned(row.get("version"))?,
    })
}
