use crate::values::time;
use crate::{Store, StoreError};

/// The number of tile versions that one call deletes.
pub const TILES_PER_CALL: i64 = 50_000;

impl Store {
    /// Deletes tile versions that no root valid at `now` (Unix seconds) reaches and that no
    /// rollback needs, at most [`TILES_PER_CALL`] of them. Returns how many it deleted. Readers do
    /// not wait for it. The indexer calls it periodically.
    ///
    /// It examines only registries with replaced versions, and only these versions. They have an
    /// index of their own, and those that stay belong to valid roots or to the journal.
    pub async fn prune(&self, now: i64) -> Result<u64, StoreError> {
        // A rollback reopens the versions that ended after the change that it returns to. That
        // change is at the earliest the oldest one in the journal.
        let deleted = sqlx::query(
            "WITH RECURSIVE changed AS (
                 (SELECT min(registry_id) AS registry_id FROM tiles WHERE until_sequence IS NOT NULL)
                 UNION ALL
                 SELECT (SELECT min(registry_id) FROM tiles
                         WHERE until_sequence IS NOT NULL AND registry_id > changed.registry_id)
                 FROM changed WHERE registry_id IS NOT NULL
             ), registry AS MATERIALIZED (
                 SELECT c.registry_id, (
                     SELECT (before ->> 'sequence')::bigint FROM journal
                     WHERE relation = 'registries' AND before IS NOT NULL AND key ->> 'id' = c.registry_id::text
                     ORDER BY id LIMIT 1) AS journaled
                 FROM changed c WHERE c.registry_id IS NOT NULL
             ), valid AS MATERIALIZED (
                 SELECT v.registry_id, v.sequence FROM registry r
                 CROSS JOIN LATERAL valid_roots(r.registry_id, to_timestamp($1::bigint)) v
             )
             DELETE FROM tiles d USING (
                 SELECT t.registry_id, t.level, t.position, t.since_sequence
                 FROM tiles t JOIN registry r ON r.registry_id = t.registry_id
                 WHERE t.until_sequence IS NOT NULL
                   AND t.until_sequence <= coalesce(r.journaled, 9223372036854775807)
                   AND NOT EXISTS (SELECT FROM valid v WHERE v.registry_id = t.registry_id
                                   AND v.sequence >= t.since_sequence AND v.sequence < t.until_sequence)
                 LIMIT $2) unused
             WHERE d.registry_id = unused.registry_id AND d.level = unused.level
               AND d.position = unused.position AND d.since_sequence = unused.since_sequence",
        )
        .bind(time(now)?)
        .bind(TILES_PER_CALL)
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }
}
