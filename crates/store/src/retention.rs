//! Deletes history that nothing needs any more, so that its tables do not grow without bound.

use std::collections::HashMap;

use sqlx::Row;

use crate::values::time;
use crate::{Store, StoreError};

/// The number of rows that one call deletes from each table. Postgres would end a statement that
/// deletes the history of years.
const ROWS_PER_CALL: i64 = 50_000;

/// The number of registries whose states one call reads.
const REGISTRIES_PER_CALL: i64 = 500;

/// Where [`Store::prune_history`] has stopped, and which registries have nothing to delete until
/// they change. The default is the state at the start of a process.
#[derive(Default, Debug)]
pub struct HistoryCursor {
    /// The last registry of the last call. The next call begins after it.
    registry: i32,
    /// What each registry was like when its sizes were last deleted.
    pruned: HashMap<i32, RegistryState>,
}

/// What determines which sizes of a registry are needed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct RegistryState {
    /// The newest change at the time before which history is deleted.
    newest: i64,
    /// The number of replaced roots that are still valid.
    kept: i64,
    /// The number of roots that open scopes have copied.
    copied: i64,
}

/// What [`Store::prune_history`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrunedHistory {
    /// The number of deleted rows.
    pub rows: u64,
    /// The number of registries whose sizes of anonymity sets were examined. Those that have not
    /// changed since they were examined last are left out.
    pub examined: usize,
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
    /// most 50,000 rows of each kind, and reads the states of at most 500 registries. The next call
    /// with the same cursor continues.
    ///
    /// A rollback can return to the beginning of the journal. So what was valid at that time stays.
    pub async fn prune_history(
        &self,
        before: i64,
        cursor: &mut HistoryCursor,
    ) -> Result<PrunedHistory, StoreError> {
        let Some(before) = self.limit_of_history(before).await? else {
            return Ok(PrunedHistory {
                rows: 0,
                examined: 0,
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
        let roots = roots.rows_affected();
        let states = self.states_of_registries(before, cursor.registry).await?;
        let is_last = states.len() < usize::try_from(REGISTRIES_PER_CALL).unwrap_or(usize::MAX);
        let (mut sizes, mut examined) = (0, 0);
        let mut is_complete = is_last && roots < ROWS_PER_CALL.unsigned_abs();
        for (registry, state) in states {
            if cursor.pruned.get(&registry) != Some(&state) {
                examined += 1;
                let limit = ROWS_PER_CALL - i64::try_from(sizes).unwrap_or(ROWS_PER_CALL);
                let deleted = self.prune_sizes(registry, before, state.newest, limit).await?;
                sizes += deleted;
                if deleted >= limit.unsigned_abs() {
                    // The next call continues with this registry.
                    is_complete = false;
                    break;
                }
                cursor.pruned.insert(registry, state);
            }
            cursor.registry = registry;
        }
        if is_complete {
            cursor.registry = 0;
        }
        Ok(PrunedHistory {
            rows: roots + sizes,
            examined,
            is_complete,
        })
    }

    /// Returns the states of the registries of holders after `registry`, ordered by id.
    async fn states_of_registries(
        &self,
        before: i64,
        registry: i32,
    ) -> Result<Vec<(i32, RegistryState)>, StoreError> {
        // The newest root at that time, and all later ones, were current at that time or later.
        let rows = sqlx::query(
            "WITH copied AS MATERIALIZED (
                 SELECT registry_id, count(*) AS roots FROM scopes
                 WHERE root_sequence IS NOT NULL AND status = 'open' AND closes_at > $1
                 GROUP BY registry_id
             )
             SELECT g.id, newest.sequence AS newest, coalesce(copied.roots, 0) AS copied,
                    (SELECT count(*) FROM roots r
                     WHERE r.registry_id = g.id AND r.valid_until > to_timestamp($1::bigint)) AS kept
             FROM registries g
             CROSS JOIN LATERAL (SELECT sequence FROM roots r
                                 WHERE r.registry_id = g.id AND r.created_at <= to_timestamp($1::bigint)
                                 ORDER BY sequence DESC LIMIT 1) newest
             LEFT JOIN copied ON copied.registry_id = g.id
             WHERE g.kind = 'holders' AND g.id > $2
             ORDER BY g.id LIMIT $3",
        )
        .bind(before)
        .bind(registry)
        .bind(REGISTRIES_PER_CALL)
        .fetch_all(&self.pool)
        .await?;
        let state = |row: &sqlx::postgres::PgRow| {
            let state = RegistryState {
                newest: row.get("newest"),
                kept: row.get("kept"),
                copied: row.get("copied"),
            };
            (row.get("id"), state)
        };
        Ok(rows.iter().map(state).collect())
    }

    /// Deletes the sizes of a registry that belong to no valid root, at most `limit`. Returns how
    /// many it deleted.
    async fn prune_sizes(
        &self,
        registry: i32,
        before: i64,
        newest: i64,
        limit: i64,
    ) -> Result<u64, StoreError> {
        let deleted = sqlx::query(
            "WITH valid AS MATERIALIZED (
                 SELECT v.sequence FROM valid_roots($1, to_timestamp($2::bigint)) v
             )
             DELETE FROM anonymity_sets d USING (
                 SELECT a.track_id, a.since_sequence
                 FROM anonymity_sets a
                 CROSS JOIN LATERAL (SELECT n.since_sequence FROM anonymity_sets n
                                     WHERE n.registry_id = a.registry_id AND n.track_id = a.track_id
                                       AND n.since_sequence > a.since_sequence AND n.since_sequence <= $3
                                     ORDER BY n.since_sequence LIMIT 1) next
                 WHERE a.registry_id = $1 AND a.since_sequence <= $3
                   AND NOT EXISTS (SELECT FROM valid v
                                   WHERE v.sequence >= a.since_sequence AND v.sequence < next.since_sequence)
                 LIMIT $4) old
             WHERE d.registry_id = $1 AND d.track_id = old.track_id AND d.since_sequence = old.since_sequence",
        )
        .bind(registry)
        .bind(before)
        .bind(newest)
        .bind(limit)
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }

    /// Returns the time before which history can be deleted: `before`, or the time of the last
    /// event before the journal. `None` if the journal reaches back to the beginning of the chain.
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
