//! Deletes what is no longer needed of relays that have ended.

use sqlx::Row;

use crate::{Store, StoreError};

/// The hash of a request that was deleted.
const NO_HASH: [u8; 32] = [0; 32];

impl Store {
    /// Deletes relays that ended at least `days` days ago, at most `limit` at once. Their entries
    /// in the ledger stay, without the relay. Of a relay whose rent can still be returned, only the
    /// hashes of the request are deleted. Returns the number of relays that were deleted or
    /// changed.
    pub async fn prune_relays(&self, days: u32, limit: u32) -> Result<u64, StoreError> {
        let row = sqlx::query(
            "WITH old AS (
                 SELECT id, settled AND (reclaimed OR state <> 'finalized' AND landed IS NULL) AS is_done FROM relays
                 WHERE state IN ('finalized', 'refused', 'failed', 'expired')
                   AND created_at <= now() - $1::bigint * interval '1 day'
                   AND (settled AND (reclaimed OR state <> 'finalized' AND landed IS NULL) OR request_hash <> $3)
                 ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED),
             deleted AS (DELETE FROM relays r USING old WHERE r.id = old.id AND old.is_done RETURNING 1),
             kept AS (UPDATE relays r SET request_hash = $3, idempotency_hash = NULL FROM old WHERE r.id = old.id AND NOT old.is_done
                      RETURNING 1)
             SELECT (SELECT count(*) FROM deleted) + (SELECT count(*) FROM kept) AS changed",
        )
        .bind(i64::from(days))
        .bind(i64::from(limit))
        .bind(NO_HASH)
        .fetch_one(&self.pool)
        .await?;
        Ok(row.get::<i64, _>("changed").unsigned_abs())
    }
}
