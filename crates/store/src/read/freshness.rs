use sqlx::Row;

use crate::{Slot, Store, StoreError};

/// The slots up to which the database follows the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Freshness {
    /// The slot of the checkpoint. `None` if no batch has been applied.
    pub slot: Option<Slot>,
    /// The newest final slot: no fork can undo it. `None` if none is known.
    pub finalized_slot: Option<Slot>,
}

impl Store {
    /// Returns the slots up to which the database follows the chain.
    pub async fn freshness(&self) -> Result<Freshness, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT slot FROM checkpoint) AS slot, (SELECT slot FROM finality) AS finalized_slot",
        )
        .fetch_one(&self.pool)
        .await?;
        let slot = |column: &str| {
            row.get::<Option<i64>, _>(column)
                .map(Slot::from_column)
                .transpose()
        };
        Ok(Freshness {
            slot: slot("slot")?,
            finalized_slot: slot("finalized_slot")?,
        })
    }

    /// Returns the threshold below which counts of people are not shown.
    pub async fn anonymity_threshold(&self) -> Result<u64, StoreError> {
        let threshold: i32 = sqlx::query_scalar("SELECT anonymity_threshold()")
            .fetch_one(&self.pool)
            .await?;
        crate::values::unsigned(threshold.into())
    }
}
