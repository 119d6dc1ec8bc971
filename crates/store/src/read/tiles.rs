//! Tiles by hash, and the lowest tiles of a tree.

use bauta_primitives::tree::EMPTY_SUBTREES;
use bauta_primitives::{FieldElement, Root};
use sqlx::Row;
use sqlx::postgres::{PgBindIterExt, PgRow};

use crate::registries::{byte, depth};
use crate::tile::height;
use crate::values::{element, time, unsigned};
use crate::{Registry, Store, StoreError};

/// The levels that the root of a tile can have: 10 is the root of a tree of depth 10, and 16 of a
/// tree of depth 16.
const ROOT_LEVELS: [u8; 5] = [4, 8, 10, 12, 16];

/// A tile as it is served: without the nodes above the entries, because a reader computes them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StoredTile {
    /// The level of the root of the tile above the leaves: 4, 8, 10, 12 or 16.
    pub root_level: u8,
    /// The entries from left to right, 32 bytes each, without the empty ones at the end.
    pub entries: Vec<u8>,
}

/// A lowest tile of a tree. Its entries are leaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LeafTile {
    /// The position from the left. The first leaf of the tile has 256 times this index.
    pub position: u64,
    /// The hash of the tile.
    pub hash: FieldElement,
    /// The number of bytes of the leaves, without the empty ones at the end.
    pub bytes: u64,
}

impl StoredTile {
    /// Returns the empty tile with this hash. `None` if no empty tile has it. Empty tiles have no
    /// rows.
    fn empty(hash: FieldElement) -> Option<Self> {
        let root_level = ROOT_LEVELS
            .into_iter()
            .find(|level| EMPTY_SUBTREES[usize::from(*level)] == hash)?;
        Some(Self {
            root_level,
            entries: Vec::new(),
        })
    }

    fn read(row: &PgRow) -> Result<Self, StoreError> {
        let (level, entries) = (byte(row, "level")?, row.get::<Vec<u8>, _>("entries"));
        if !entries.len().is_multiple_of(32) {
            return Err(StoreError::Damaged(format!(
                "the entries of a tile have {} bytes",
                entries.len()
            )));
        }
        let root_level = usize::from(level) + height(depth(row)?, level);
        Ok(Self {
            root_level: u8::try_from(root_level).unwrap_or(u8::MAX),
            entries,
        })
    }
}

impl Store {
    /// Returns tiles by their hashes, from any trees, in the order of the hashes. `None` for a tile
    /// that never existed or that no valid root reaches.
    pub async fn tiles(&self, hashes: &[FieldElement]) -> Result<Vec<Option<StoredTile>>, StoreError> {
        let mut tiles: Vec<_> = hashes.iter().map(|hash| StoredTile::empty(*hash)).collect();
        // The top tile of a tree of depth 10 has 4 nodes above its entries, and every other tile
        // has 84.
        let rows = sqlx::query(
            "SELECT h.number, t.level, t.depth, t.entries
             FROM unnest($1::bytea[]) WITH ORDINALITY AS h (hash, number)
             CROSS JOIN LATERAL (
                 SELECT t.level, r.depth,
                        substr(t.nodes, CASE WHEN r.depth = 10 AND t.level = 8 THEN 129 ELSE 2689 END) AS entries
                 FROM tiles t JOIN registries r ON r.id = t.registry_id WHERE t.hash = h.hash LIMIT 1
             ) t",
        )
        .bind(hashes.iter().map(|hash| hash.to_bytes()).bind_iter())
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            let number = usize::try_from(row.get::<i64, _>("number")).unwrap_or_default();
            if let Some(tile) = tiles.get_mut(number.wrapping_sub(1)) {
                *tile = Some(StoredTile::read(row)?);
            }
        }
        Ok(tiles)
    }

    /// Returns the first lowest tiles of the tree at a root that is valid at `now` (Unix seconds),
    /// at most `limit`, ordered by position. A tile that is missing in between is empty.
    ///
    /// Fails if the root is not valid, or if its tree is not stored.
    pub async fn leaf_tiles(
        &self,
        registry: &Registry,
        root: Root,
        now: i64,
        limit: u16,
    ) -> Result<Vec<LeafTile>, StoreError> {
        let rows = sqlx::query(
            "SELECT v.stored, t.position, t.hash, (octet_length(t.nodes) - 2688)::bigint AS bytes
             FROM (SELECT sequence, stored FROM valid_roots($1, to_timestamp($2::bigint)) WHERE root = $3
                   ORDER BY stored DESC, sequence DESC LIMIT 1) v
             LEFT JOIN tiles t ON t.registry_id = $1 AND t.level = 0 AND t.since_sequence <= v.sequence
                              AND (t.until_sequence > v.sequence OR t.until_sequence IS NULL)
             ORDER BY t.position LIMIT $4",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .bind(root.to_bytes())
        .bind(i64::from(limit))
        .fetch_all(&self.pool)
        .await?;
        let is_stored = rows.first().map(|row| row.get("stored"));
        self.require_stored(registry, root, is_stored).await?;
        let mut tiles = Vec::with_capacity(rows.len());
        for row in &rows {
            // An empty tree has one row, without a tile.
            if let Some(position) = row.get::<Option<i64>, _>("position") {
                tiles.push(LeafTile {
                    position: unsigned(position)?,
                    hash: element(row.get("hash"))?,
                    bytes: unsigned(row.get("bytes"))?,
                });
            }
        }
        Ok(tiles)
    }
    /// Fails like [`Self::leaf_tiles`] if the root is not valid, or if its tree is not stored.
    /// Doesn't read the tiles.
    pub async fn check_stored_tree(
        &self,
        registry: &Registry,
        root: Root,
        now: i64,
    ) -> Result<(), StoreError> {
        let is_stored = sqlx::query_scalar(
            "SELECT stored FROM valid_roots($1, to_timestamp($2::bigint)) WHERE root = $3
             ORDER BY stored DESC LIMIT 1",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .bind(root.to_bytes())
        .fetch_optional(&self.pool)
        .await?;
        self.require_stored(registry, root, is_stored).await
    }

    /// Fails unless `is_stored` is true. `None` stands for a root that is not valid.
    async fn require_stored(
        &self,
        registry: &Registry,
        root: Root,
        is_stored: Option<bool>,
    ) -> Result<(), StoreError> {
        match is_stored {
            Some(true) => Ok(()),
            Some(false) => Err(StoreError::TreeNotStored {
                registry: registry.address,
                root,
            }),
            None => Err(self.root_error(registry, root).await?),
        }
    }
}
