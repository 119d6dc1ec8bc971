use crate::values::time;
use crate::{Store, StoreError};

impl Store {
    /// Deletes the tile versions that no root valid at `now` (Unix seconds) reaches and that no
    /// rollback needs. Returns how many it deleted. Readers do not wait for it. The indexer calls
    /// it periodically.
    pub async fn prune(&self, now: i64) -> Result<u64, StoreError> {
        // A rollback reopens the versions that ended after the change that it returns to. That
        // change is at the earliest the oldest one in the journal.
        let deleted = sqlx::query(
            "WITH journaled AS (
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
               AND NOT EXISTS (SELECT FROM journaled j WHERE j.registry_id = t.registry_id
                               AND t.until_sequence > j.sequence)",
        )
        .bind(time(now)?)
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }
}
