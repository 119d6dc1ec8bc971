use sqlx::Row;
use sqlx::postgres::PgListener;

use crate::{Slot, Store, StoreError};

/// The channel of migration 0020.
const CHAIN_CHANNEL: &str = "bauta_chain";

/// The slots up to which the database follows the chain.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Freshness {
    /// The slot of the checkpoint. `None` if no batch has been applied.
    pub slot: Option<Slot>,
    /// The newest final slot: no fork can undo it. `None` if none is known.
    pub finalized_slot: Option<Slot>,
}

/// A connection that is notified when the database follows the chain further or rolls back.
pub struct ChainListener(PgListener);

impl ChainListener {
    /// Waits for the next notification. Returns `false` if the connection was lost: open another
    /// one, and expect that notifications are missing. Dropping the future loses no notification.
    pub async fn next(&mut self) -> Result<bool, StoreError> {
        Ok(self.0.try_recv().await?.is_some())
    }
}

impl Store {
    /// Opens a connection that is notified of each commit of a batch, a rollback or finality. A
    /// replica can't notify.
    pub async fn listen_to_chain(&self) -> Result<ChainListener, StoreError> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        // An automatic reconnection would hide that notifications were lost.
        listener.eager_reconnect(false);
        listener.listen(CHAIN_CHANNEL).await?;
        Ok(ChainListener(listener))
    }

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
