//! Deletes history that nothing needs any more, so that its tables do not grow without bound.

use sqlx::Row;

use crate::values::time;
use crate::{Store, StoreError};

/// The number of rows that one call deletes from each table. Postgres would end a statement that
/// deletes the history of years.
const ROWS_PER_CALL: i64 = 50_000;

/// What [`Store::prune_history`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrunedHistory {
    /// The number of deleted rows.
    pub rows: u64,
    /// Whether nothing is left to delete.
    pub is_complete: bool,
}

impl Store {
    /// Returns the time of the newest applied event, in Unix seconds. `None` if there is none.
    pub async fn newest_event_time(&self) -> Result<Option<i64>, StoreError> {
        let query = "SELECT extract(epoch FROM happened_at)::bigint FROM events ORDER BY slot DESC LIMIT 1";
        Ok(sqlx::query_scalar(query).fetch_optional(&self.pool).await?)
    }

    /// Deletes the roots and the sizes of anonymity sets that no later batch can need, if they were
    /// replaced before `before` (Unix seconds): roots that are not valid, that no scope has copied
    /// and that no verification used; and sizes that belong to no valid root. One call deletes at
    /// most 50,000 rows of each kind.
    ///
    /// A rollback can return to the beginning of the journal. So what was valid at that time stays.
    pub async fn prune_history(&self, before: i64) -> Result<PrunedHistory, StoreError> {
        let Some(before) = self.limit_of_history(before).await? else {
            return Ok(PrunedHistory {
                rows: 0,
                is_complete: true,
            });
        };
        // If another change gave the same root, a verification at it belongs to the newest of them.
        let roots = sqlx::query(
            "DELETE FROM roots d USING (
                 SELECT r.registry_id, r.sequence FROM roots r
                 WHERE greatest(r.replaced_at, r.valid_until) < to_timestamp($1::bigint)
                   AND r.replaced_at IS NOT NULL AND r.first_used_at IS NULL
                   AND NOT EXISTS (SELECT FROM scopes s
                                   WHERE s.registry_id = r.registry_id AND s.root_sequence = r.sequence)
                   AND NOT EXISTS (SELECT FROM roots o WHERE o.registry_id = r.registry_id AND o.root = r.root
                                   AND o.sequence <> r.sequence)
                 LIMIT $2) unused
             WHERE d.registry_id = unused.registry_id AND d.sequence = unused.sequence",
        )
        .bind(before)
        .bind(ROWS_PER_CALL)
        .execute(&self.pool)
        .await?;
        // The newest root at that time, and all later ones, were current at that time or later.
        let sizes = sqlx::query(
            "WITH registry AS MATERIALIZED (
                 SELECT g.id, (SELECT sequence FROM roots r
                               WHERE r.registry_id = g.id AND r.created_at <= to_timestamp($1::bigint)
                               ORDER BY sequence DESC LIMIT 1) AS newest
                 FROM registries g WHERE g.kind = 'holders'
             ), valid AS MATERIALIZED (
                 SELECT v.registry_id, v.sequence FROM registry g
                 CROSS JOIN LATERAL valid_roots(g.id, to_timestamp($1::bigint)) v
             )
             DELETE FROM anonymity_sets d USING (
                 SELECT a.registry_id, a.track_id, a.since_sequence
                 FROM registry g JOIN anonymity_sets a ON a.registry_id = g.id AND a.since_sequence <= g.newest
                 CROSS JOIN LATERAL (SELECT n.since_sequence FROM anonymity_sets n
                                     WHERE n.registry_id = a.registry_id AND n.track_id = a.track_id
                                       AND n.since_sequence > a.since_sequence AND n.since_sequence <= g.newest
                                     ORDER BY n.since_sequence LIMIT 1) next
                 WHERE NOT EXISTS (SELECT FROM valid v WHERE v.registry_id = a.registry_id
                                   AND v.sequence >= a.since_sequence AND v.sequence < next.since_sequence)
                 LIMIT $2) old
             WHERE d.registry_id = old.registry_id AND d.track_id = old.track_id
               AND d.since_sequence = old.since_sequence",
        )
        .bind(before)
        .bind(ROWS_PER_CALL)
        .execute(&self.pool)
        .await?;
        let (roots, sizes) = (roots.rows_affected(), sizes.rows_affected());
        Ok(PrunedHistory {
            rows: roots + sizes,
            is_complete: roots.max(sizes) < ROWS_PER_CALL.unsigned_abs(),
        })
    }

    /// Returns the time before which history can be deleted: `before`, or the time of the last event
    /// before the journal. `None` if the journal reaches back to the beginning of the chain.
    async fn limit_of_history(&self, before: i64) -> Result<Option<i64>, StoreError> {
        let before = time(before)?;
        // The entry of the checkpoint has the checkpoint before the batch.
        let first = sqlx::query(
            "SELECT (SELECT (before ->> 'slot')::bigint FROM journal
                     WHERE batch = first.batch AND relation = 'checkpoint' ORDER BY id LIMIT 1) AS slot
             FROM (SELECT batch FROM journal ORDER BY batch LIMIT 1) first",
        )
        .fetch_optional(&self.pool)
        .await?;
        let slot = match first.map(|row| row.get::<Option<i64>, _>("slot")) {
            None => i64::MAX,
            Some(Some(slot)) => slot,
            Some(None) => return Ok(None),
        };
        let last: Option<i64> = sqlx::query_scalar(
            "SELECT extract(epoch FROM happened_at)::bigint FROM events WHERE slot <= $1 ORDER BY slot DESC LIMIT 1",
        )
        .bind(slot)
        .fetch_optional(&self.pool)
        .await?;
        Ok(last.map(|last| last.min(before)))
    }
}
