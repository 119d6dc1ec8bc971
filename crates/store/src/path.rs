//! Paths and tiles at any valid root.

use bauta_primitives::tree::{EMPTY_SUBTREES, MembershipPath};
use bauta_primitives::{FieldElement, Leaf, Root};
use sqlx::Row;

use crate::tile::{PathSegment, Tile, TileKey, entry_of, height};
use crate::values::{bigint, element, time};
use crate::{Registry, Store, StoreError};

/// A leaf and its path to a root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Path {
    /// The leaf at that root. The empty leaf if the tree had none at the index.
    pub leaf: Leaf,
    /// The root at which the path is valid.
    pub root: Root,
    /// The path from the leaf to the root.
    pub path: MembershipPath,
}

/// The hash of a tile and the value of its column `nodes`, which is empty for an empty tile.
type TileRow = (FieldElement, Vec<u8>);

impl Store {
    /// Returns the path of a leaf at a root that is valid at `now` (Unix seconds).
    ///
    /// It runs one statement, which reads one row for each tile above the leaf: 3 in a tree of
    /// depth 10, 4 in a tree of depth 16. Fails if the root is not valid, if its tree is not
    /// stored, or if the tree has no such index.
    pub async fn path(
        &self,
        registry: &Registry,
        root: Root,
        index: u64,
        now: i64,
    ) -> Result<Path, StoreError> {
        let index = registry.depth.check_index(index)?;
        let keys: Vec<TileKey> = TileKey::above(registry.depth, index).collect();
        let rows = self.tile_rows(registry, root, &keys, now).await?;
        let mut siblings = Vec::with_capacity(registry.depth.levels());
        let mut leaf = FieldElement::ZERO;
        let mut hash_below = None;
        for (key, (hash, nodes)) in keys.iter().zip(&rows) {
            let entry = entry_of(registry.depth, key.level, index);
            let segment = PathSegment::read(registry.depth, key.level, entry, nodes)?;
            match hash_below {
                None => leaf = segment.entry,
                Some(hash) if hash == segment.entry => {}
                Some(_) => return Err(inconsistent_tiles(registry, root)),
            }
            siblings.extend(segment.siblings);
            hash_below = Some(*hash);
        }
        if hash_below != Some(root.element()) {
            return Err(inconsistent_tiles(registry, root));
        }
        Ok(Path {
            leaf: Leaf::new(leaf),
            root,
            path: MembershipPath::new(registry.depth, index, siblings)?,
        })
    }

    /// Returns a tile of a registry's tree at a root that is valid at `now` (Unix seconds).
    pub async fn tile_at(
        &self,
        registry: &Registry,
        root: Root,
        key: TileKey,
        now: i64,
    ) -> Result<Tile, StoreError> {
        key.check(registry.depth)?;
        let rows = self.tile_rows(registry, root, &[key], now).await?;
        match rows.first() {
            Some((_, nodes)) if nodes.is_empty() => Ok(Tile::empty(registry.depth, key.level)),
            Some((hash, nodes)) => Tile::decode(registry.depth, key.level, hash.as_bytes(), nodes),
            None => Err(StoreError::UnknownTile { hash: root.element() }),
        }
    }

    /// Returns a tile by its hash, from any tree. The content of a hash never changes, so clients
    /// can cache it without a time limit.
    pub async fn tile(&self, hash: FieldElement) -> Result<Tile, StoreError> {
        let row = sqlx::query(
            "SELECT t.level, t.nodes, r.depth FROM tiles t JOIN registries r ON r.id = t.registry_id
             WHERE t.hash = $1 LIMIT 1",
        )
        .bind(hash.to_bytes())
        .fetch_optional(&self.pool)
        .await?
        .ok_or(StoreError::UnknownTile { hash })?;
        let level = crate::registries::byte(&row, "level")?;
        Tile::decode(
            crate::registries::depth(&row)?,
            level,
            hash.as_bytes(),
            row.get("nodes"),
        )
    }

    /// Reads tiles at a valid root, in the order of the keys. There are at most four keys.
    async fn tile_rows(
        &self,
        registry: &Registry,
        root: Root,
        keys: &[TileKey],
        now: i64,
    ) -> Result<Vec<TileRow>, StoreError> {
        let positions: Result<Vec<_>, _> = keys
            .iter()
            .map(|key| bigint("tile position", key.position))
            .collect();
        // The keys come from VALUES and not from unnest. Postgres estimates that unnest of an
        // unknown array returns ten rows, so it would make a new plan for each pair of arrays.
        // Planning takes four times as long as reading the tiles.
        let rows = sqlx::query(
            "SELECT v.stored, t.hash, t.nodes
             FROM (SELECT sequence, stored FROM valid_roots($1, to_timestamp($2::bigint)) WHERE root = $3
                   ORDER BY stored DESC, sequence DESC LIMIT 1) v
             CROSS JOIN (VALUES (1, ($4::smallint[])[1], ($5::bigint[])[1]), (2, ($4::smallint[])[2], ($5::bigint[])[2]),
                                (3, ($4::smallint[])[3], ($5::bigint[])[3]), (4, ($4::smallint[])[4], ($5::bigint[])[4])
                        ) AS k (number, level, position)
             LEFT JOIN LATERAL (SELECT hash, nodes FROM tiles t
                                WHERE t.registry_id = $1 AND t.level = k.level AND t.position = k.position
                                  AND t.since_sequence <= v.sequence
                                  AND (t.until_sequence > v.sequence OR t.until_sequence IS NULL)
                                ORDER BY t.since_sequence DESC LIMIT 1) t ON true
             WHERE k.level IS NOT NULL
             ORDER BY k.number",
        )
        .bind(registry.id)
        .bind(time(now)?)
        .bind(root.to_bytes())
        .bind(keys.iter().map(|key| i16::from(key.level)).collect::<Vec<_>>())
        .bind(positions?)
        .fetch_all(&self.pool)
        .await?;
        if rows.is_empty() {
            return Err(self.root_error(registry, root).await?);
        }
        let mut tiles = Vec::with_capacity(rows.len());
        for (row, key) in rows.iter().zip(keys) {
            if !row.get::<bool, _>("stored") {
                return Err(StoreError::TreeNotStored {
                    registry: registry.address,
                    root,
                });
            }
            tiles.push(if let Some(hash) = row.get::<Option<&[u8]>, _>("hash") {
                (element(hash)?, row.get("nodes"))
            } else {
                let root_level = usize::from(key.level) + height(registry.depth, key.level);
                (EMPTY_SUBTREES[root_level], Vec::new())
            });
        }
        Ok(tiles)
    }

    /// Returns the reason why a root is not valid.
    pub(crate) async fn root_error(&self, registry: &Registry, root: Root) -> Result<StoreError, StoreError> {
        let is_known: bool =
            sqlx::query("SELECT EXISTS (SELECT FROM roots WHERE registry_id = $1 AND root = $2)")
                .bind(registry.id)
                .bind(root.to_bytes())
                .fetch_one(&self.pool)
                .await?
                .get(0);
        let registry = registry.address;
        Ok(if is_known {
            StoreError::RootNotValid { registry, root }
        } else {
            StoreError::UnknownRoot { registry, root }
        })
    }
}

pub fn inconsistent_tiles(registry: &Registry, root: Root) -> StoreError {
    StoreError::Damaged(format!(
        "the tiles of registry {} do not lead to root {root}",
        registry.address
    ))
}
