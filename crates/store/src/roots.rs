//! Roots and their validity.

use bauta_primitives::Root;
use bauta_primitives::roots::{self, Rings};
use bauta_primitives::tree::EMPTY_SUBTREES;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};

use crate::tile::{TileKey, byte_of_leaf};
use crate::values::{address, bigint, element, time, unsigned};
use crate::{Registry, Sequence, Store, StoreError};

/// A current or former root of a registry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RootRecord {
    /// The hash at the top of the tree.
    pub root: Root,
    /// The tree change that made the root current.
    pub sequence: Sequence,
    /// The time at which the root became current, in Unix seconds.
    pub created_at: i64,
    /// The time at which the root was replaced, in Unix seconds. `None` if the root is current.
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

    /// Returns the number of leaves of an Attested registry with which its tree at this root was
    /// imported. `None` if the root is not the current one, or its tree is not stored.
    pub async fn stored_leaf_count(
        &self,
        registry: &Registry,
        root: Root,
    ) -> Result<Option<u64>, StoreError> {
        let row = sqlx::query(
            "SELECT (SELECT coalesce(max(index) + 1, 0) FROM merkle_leaves l WHERE l.registry_id = r.registry_id) AS leaves
             FROM roots r WHERE registry_id = $1 AND root = $2 AND replaced_at IS NULL AND stored",
        )
        .bind(registry.id)
        .bind(root.to_bytes())
        .fetch_optional(&self.pool)
        .await?;
        row.map(|row| unsigned(row.get("leaves"))).transpose()
    }

    /// Returns the root at which a member proves at `now` (Unix seconds) in a live scope.
    ///
    /// Of the accepted roots that contain the leaf at `index` as it is now, it is the newest one
    /// that the program accepts for at least half of the time-to-live. If there is none, for
    /// example because the leaf is new, it is the one that the program accepts longest: see
    /// [`bauta_primitives::roots`]. If no such root is stored, it is the current root.
    ///
    /// Without an index, all accepted roots count. A member with a new leaf may not be in the tree
    /// at the result.
    ///
    /// Fails if the tree has no such index.
    pub async fn root_to_prove(
        &self,
        registry: &Registry,
        index: Option<u64>,
        now: i64,
    ) -> Result<RootRecord, StoreError> {
        let of_leaf = index.is_some();
        let index = registry.depth.check_index(index.unwrap_or_default())?;
        // Postgres counts bytes from 1.
        let first_byte = byte_of_leaf(registry.depth, index) + 1;
        let key = TileKey::above(registry.depth, index).next();
        let position = key.map_or(0, |key| key.position);
        let rows = sqlx::query(
            "SELECT root, sequence, extract(epoch FROM created_at)::bigint AS created_at, leaf_count, stored,
                    extract(epoch FROM replaced_at)::bigint AS replaced_at,
                    extract(epoch FROM valid_until)::bigint AS valid_until,
                    substring(t.nodes FROM $4 FOR 32) AS leaf
             FROM roots r
             LEFT JOIN LATERAL (SELECT nodes FROM tiles t
                                WHERE t.registry_id = $1 AND t.level = 0 AND t.position = $3
                                  AND t.since_sequence <= r.sequence
                                  AND (t.until_sequence > r.sequence OR t.until_sequence IS NULL)
                                ORDER BY t.since_sequence DESC LIMIT 1) t ON true
             WHERE r.registry_id = $1 AND (r.replaced_at IS NULL OR r.valid_until > to_timestamp($2::bigint))
             ORDER BY r.sequence DESC",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .bind(bigint("tile position", position)?)
        .bind(first_byte)
        .fetch_all(&self.pool)
        .await?;
        choose_root(registry, &rows, of_leaf, now)
    }
}

/// Chooses the root to prove from the rows of the accepted roots, newest first. With `of_leaf`,
/// only roots count whose column `leaf` is equal to that of the newest stored root.
pub fn choose_root(
    registry: &Registry,
    rows: &[PgRow],
    of_leaf: bool,
    now: i64,
) -> Result<RootRecord, StoreError> {
    let accepted: Vec<RootRecord> = rows.iter().map(root_record).collect::<Result<_, _>>()?;
    let rings = rings(registry.root_ttl_seconds, &accepted);
    let seconds = |root: &RootRecord| match root.valid_until {
        Some(until) => until.saturating_sub(now),
        None => rings.current_root_seconds(now),
    };
    // A tile has no bytes for the empty leaves at its end.
    let leaf = |row: &PgRow| {
        let leaf: Option<Vec<u8>> = row.get("leaf");
        leaf.filter(|leaf| !leaf.is_empty())
            .unwrap_or_else(|| vec![0; 32])
    };
    let stored: Vec<_> = rows
        .iter()
        .zip(&accepted)
        .filter(|(row, _)| row.get("stored"))
        .collect();
    let present = stored.first().map(|(row, _)| leaf(row));
    let candidates = stored
        .iter()
        .filter(|(row, _)| !of_leaf || Some(leaf(row)) == present);
    roots::choose(
        registry.root_ttl_seconds,
        candidates.map(|(_, root)| (**root, seconds(root))),
    )
    .or_else(|| accepted.first().copied())
    .ok_or_else(|| StoreError::Damaged(format!("registry {} has no root", registry.address)))
}

/// Returns the times of the last entries of a registry's rings. `accepted` has the roots that they
/// still accept.
///
/// If roots in both rings are accepted for the same time, each entry counts for both rings. The
/// result is then never too long.
fn rings(root_ttl: i64, accepted: &[RootRecord]) -> Rings {
    let last = |ttl| {
        let entries = accepted
            .iter()
            .filter_map(|root| Some((root.replaced_at?, root.valid_until?)));
        let of_ring = entries.filter(|(replaced, until)| until.saturating_sub(*replaced) == ttl);
        of_ring.map(|(replaced, _)| replaced).max()
    };
    Rings {
        root_ttl,
        last_long: last(root_ttl),
        last_short: last(roots::short_ttl(root_ttl)),
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
