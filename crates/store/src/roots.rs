//! Roots and their validity.

use bauta_primitives::Root;
use bauta_primitives::tree::EMPTY_SUBTREES;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::values::{address, element, time, unsigned};
use crate::{Registry, Sequence, Store, StoreError};

/// A current or former root of a registry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RootRecord {
    /// The root.
    pub root: Root,
    /// The tree change that made the root current.
    pub sequence: Sequence,
    /// The time at which the root became current, in Unix seconds.
    pub created_at: i64,
    /// The time at which the root was replaced, in Unix seconds. `None`: the root is current.
    pub replaced_at: Option<i64>,
    /// The time from which a kept root is refused, in Unix seconds. `None` if the root is not a
    /// kept root.
    pub valid_until: Option<i64>,
    /// The number of leaves ever appended, emptied leaves included.
    pub leaf_count: u64,
}

pub fn root_record(row: &PgRow) -> Result<RootRecord, StoreError> {
    Ok(RootRecord {
        root: Root::new(element(row.get("root"))?),
        sequence: Sequence::from_column(row.get("sequence"))?,
        created_at: row.get("created_at"),
        replaced_at: row.get("replaced_at"),
        valid_until: row.get("valid_until"),
        leaf_count: unsigned(row.get("leaf_count"))?,
    })
}

impl Store {
    /// Returns every root that is valid at `now` (Unix seconds), newest first: the current root,
    /// the kept roots, and the roots that open scopes have copied.
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
        rows.iter().map(root_record).collect()
    }

    /// Returns the root that clients should prove against at `now` (Unix seconds) in a live scope.
    ///
    /// This is the current root if it has been current for a sixteenth of the time-to-live, because
    /// the program then keeps it for the whole time when it is replaced. Otherwise it is the newest
    /// kept root that is accepted for at least half of the time-to-live, or the current root if
    /// there is none. Roots in the program's short ring expire sooner, after about a minute.
    pub async fn root_to_prove(&self, registry: &Registry, now: i64) -> Result<RootRecord, StoreError> {
        let interval = registry.root_ttl_seconds.saturating_add(15) / 16;
        let row = sqlx::query(
            "SELECT root, sequence, extract(epoch FROM created_at)::bigint AS created_at, leaf_count,
                    extract(epoch FROM replaced_at)::bigint AS replaced_at,
                    extract(epoch FROM valid_until)::bigint AS valid_until
             FROM roots
             WHERE registry_id = $1 AND (replaced_at IS NULL OR valid_until > to_timestamp($2::bigint + $4::bigint))
             ORDER BY (replaced_at IS NULL AND created_at <= to_timestamp($2::bigint - $3::bigint)) DESC,
                      (replaced_at IS NOT NULL) DESC, sequence DESC
             LIMIT 1",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .bind(interval)
        .bind(registry.root_ttl_seconds / 2)
        .fetch_optional(&self.pool)
        .await?;
        let row =
            row.ok_or_else(|| StoreError::Damaged(format!("registry {} has no root", registry.address)))?;
        root_record(&row)
    }
}

/// Checks that the root of the tiles is the current root, in every registry whose tree is stored.
pub async fn check_current(connection: &mut PgConnection) -> Result<(), StoreError> {
    let wrong = sqlx::query(
        "SELECT r.address FROM registries r
         JOIN roots o ON o.registry_id = r.id AND o.sequence = r.sequence
         LEFT JOIN tiles t ON t.registry_id = r.id AND t.until_sequence IS NULL AND t.position = 0
                          AND t.level = CASE r.depth WHEN 10 THEN 8 ELSE 12 END
         WHERE o.stored AND o.root <> coalesce(t.hash, CASE r.depth WHEN 10 THEN $1 ELSE $2 END)
         LIMIT 1",
    )
    .bind(EMPTY_SUBTREES[10].to_bytes())
    .bind(EMPTY_SUBTREES[16].to_bytes())
    .fetch_optional(connection)
    .await?;
    match wrong {
        None => Ok(()),
        Some(row) => {
            let registry = address(row.get(0))?;
            Err(StoreError::Damaged(format!(
                "the tiles of registry {registry} do not give its root"
            )))
        }
    }
}
