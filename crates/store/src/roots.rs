//! Roots and until when they are valid.

use bauta_primitives::Root;
use bauta_primitives::tree::EMPTY_SUBTREES;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::values::{address, element, time, unsigned};
use crate::{Registry, Store, StoreError};

/// A root that a registry has or had.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RootRecord {
    /// The root.
    pub root: Root,
    /// The tree change that made it.
    pub sequence: u64,
    /// When it became current, Unix seconds.
    pub created_at: i64,
    /// When it was replaced; `None`: it is current.
    pub replaced_at: Option<i64>,
    /// For a root that entered the ring of kept roots: from when on it is refused.
    pub valid_until: Option<i64>,
    /// Leaves ever appended, the emptied ones included.
    pub leaf_count: u64,
}

fn record(row: &PgRow) -> Result<RootRecord, StoreError> {
    Ok(RootRecord {
        root: Root::new(element(row.get("root"))?),
        sequence: unsigned(row.get("sequence"))?,
        created_at: row.get("created_at"),
        replaced_at: row.get("replaced_at"),
        valid_until: row.get("valid_until"),
        leaf_count: unsigned(row.get("leaf_count"))?,
    })
}

impl Store {
    /// Every root that a proof may be made against at `now` (Unix seconds), newest first: the current one, those kept, those
    /// that an open scope has copied.
    pub async fn valid_roots(&self, registry: &Registry, now: i64) -> Result<Vec<RootRecord>, StoreError> {
        let rows = sqlx::query(
            "SELECT root, sequence, extract(epoch FROM created_at)::bigint AS created_at, leaf_count,
                    extract(epoch FROM replaced_at)::bigint AS replaced_at,
                    extract(epoch FROM valid_until)::bigint AS valid_until
             FROM valid_roots($1, to_timestamp($2::bigint)) ORDER BY sequence DESC",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .fetch_all(&self.pool)
        .await?;
        rows.iter().map(record).collect()
    }

    /// The root to prove against at `now` in a live scope: the current one when it has been there for a sixteenth of the
    /// time-to-live (it will be kept when it is replaced), else the newest kept one, else the current one.
    pub async fn root_to_prove(&self, registry: &Registry, now: i64) -> Result<RootRecord, StoreError> {
        let interval = registry.root_ttl_seconds.saturating_add(15) / 16;
        let row = sqlx::query(
            "SELECT root, sequence, extract(epoch FROM created_at)::bigint AS created_at, leaf_count,
                    extract(epoch FROM replaced_at)::bigint AS replaced_at,
                    extract(epoch FROM valid_until)::bigint AS valid_until
             FROM roots
             WHERE registry_id = $1 AND (replaced_at IS NULL OR valid_until > to_timestamp($2::bigint))
             ORDER BY (replaced_at IS NULL AND created_at <= to_timestamp($2::bigint - $3::bigint)) DESC,
                      (replaced_at IS NOT NULL) DESC, sequence DESC
             LIMIT 1",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .bind(interval)
        .fetch_optional(&self.pool)
        .await?;
        record(&row.ok_or_else(|| StoreError::Damaged(format!("registry {} has no root", registry.address)))?)
    }
}

/// That in every registry whose tree is stored, the tiles' root is the current root.
pub async fn check_current(connection: &mut PgConnection) -> Result<(), StoreError> {
    let wrong = sqlx::query(
        "SELECT r.address FROM registries r
         JOIN roots o ON o.registry_id = r.id AND o.sequence = r.sequence
         LEFT JOIN tiles t ON t.registry_id = r.id AND t.until_sequence IS NULL AND t.position = 0
                          AND t.level = CASE r.depth WHEN 10 THEN 8 ELSE 12 END
         WHERE o.stored AND o.root <> coalesce(t.hash, CASE r.depth WHEN 10 THEN $1 ELSE $2 END)
         LIMIT 1",
    )
    .bind(EMPTY_SUBTREES[10].as_bytes().as_slice())
    .bind(EMPTY_SUBTREES[16].as_bytes().as_slice())
    .fetch_optional(connection)
    .await?;
    match wrong {
        None => Ok(()),
        Some(row) => {
            let registry = address(row.get(0))?;
            Err(StoreError::Damaged(format!(
                "the tiles of registry {registry} don't give its root"
            )))
        }
    }
}
