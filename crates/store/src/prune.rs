//! Dropping tiles that no valid root reaches.

use crate::values::time;
use crate::{Store, StoreError};

impl Store {
    /// Drops the tile versions that no root valid at `now` (Unix seconds) reaches and that no undo needs. Returns how many.
    /// An indexer calls it from time to time; reading never waits for it.
    pub async fn prune(&self, now: i64) -> Result<u64, StoreError> {
        // An undo reopens what ended after the change that it goes back to: the oldest in the journal.
        let dropped = sqlx::query(
            "WITH undoable AS (
                 SELECT (key ->> 'id')::integer AS registry_id, min((before ->> 'sequence')::bigint) AS sequence
                 FROM journal WHERE relation = 'registries' AND before IS NOT NULL GROUP BY 1
             ), valid AS MATERIALIZED (
                 SELECT v.registry_id, v.sequence FROM registries r
                 CROSS JOIN LATERAL valid_roots(r.id, to_timestamp($1::bigint)) v
             )
             DELETE FROM tiles t
             WHERE t.until_sequence IS NOT NULL
               AND NOT EXISTS (SELECT FROM valid v WHERE v.registry_id = t.registry_id
                               AND v.sequence >= t.since_sequence AND v.sequence < t.until_sequence)
               AND NOT EXISTS (SELECT FROM undoable u WHERE u.registry_id = t.registry_id
                               AND t.until_sequence > u.sequence)",
        )
        .bind(time(now)?)
        .execute(&self.pool)
        .await?;
        Ok(dropped.rows_affected())
    }
}
