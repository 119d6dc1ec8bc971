//! Recomputes all stored trees from their leaves.
//!
//! ```text
//!   leaves, 64 tiles at a time ──> tiles at level 0 ──> their hashes ──> tiles at level 4 ──> ...
//!                                        │ compared with the stored tiles          └──> root
//! ```
//!
//! So the memory is that of some tiles and of one hash for each 256 leaves.

use std::collections::{BTreeMap, HashMap};

use bauta_primitives::{Attributes, Commitment, EntryId, FieldElement, Leaf, Root};
use rayon::prelude::*;
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::hashing::{NodeCache, leaves};
use crate::registries::byte;
use crate::tile::{Tile, height, width};
use crate::uint64::uint64;
use crate::values::{bigint, element, unsigned};
use crate::{Registry, Store, StoreError};

/// The number of entries that are hashed at once: those of 64 tiles.
const CHUNK: usize = 16_384;
/// The number of replaced tiles that are checked at once. One has at most 10,880 bytes.
const OLD_TILES: i64 = 1_000;

fn damaged(registry: &Registry, what: &str) -> StoreError {
    StoreError::Damaged(format!("registry {}: {what}", registry.address))
}

impl Store {
    /// Checks that the stored leaves and tiles of each registry give its current root, that every
    /// older tile has the hash of its row, and that the leaves of members are the hashes of their
    /// columns. Fails with [`StoreError::Damaged`] otherwise.
    ///
    /// Rows that this store has written pass. The check is for rows from elsewhere, such as a
    /// snapshot, and takes as long as an import of the trees.
    pub async fn check_trees(&self) -> Result<(), StoreError> {
        for registry in self.registries().await? {
            self.check_tree(&registry).await?;
        }
        Ok(())
    }

    async fn check_tree(&self, registry: &Registry) -> Result<(), StoreError> {
        let current =
            sqlx::query("SELECT root, stored FROM roots WHERE registry_id = $1 AND replaced_at IS NULL")
                .bind(registry.id)
                .fetch_optional(&self.pool)
                .await?;
        let Some(current) = current else {
            return Err(damaged(registry, "it has no current root"));
        };
        self.check_old_tiles(registry).await?;
        if !current.get::<bool, _>("stored") {
            // Only the authority of an Attested registry has its tree.
            return Ok(());
        }
        let depth = registry.depth;
        let too_many = "it has more leaves than its depth allows";
        let mut entries = Vec::new();
        let mut first = 0;
        let mut tiles = 0;
        loop {
            let leaves = self.stored_leaves(registry, first).await?;
            if leaves.is_empty() {
                break;
            }
            // The next chunk begins with a tile, because only the last chunk is shorter.
            first += leaves.len() as u64;
            if first > depth.capacity() {
                return Err(damaged(registry, too_many));
            }
            let before = entries.len();
            let (hashes, checked) = self.check_tiles(registry, 0, before, leaves).await?;
            entries.extend(hashes);
            tiles += checked;
        }
        let mut level = height(depth, 0);
        while level < depth.levels() && !entries.is_empty() {
            let at = u8::try_from(level).map_err(|_| damaged(registry, "its depth is invalid"))?;
            let mut above = Vec::new();
            for chunk in entries.chunks(CHUNK) {
                let (hashes, checked) = self
                    .check_tiles(registry, at, above.len(), chunk.to_vec())
                    .await?;
                above.extend(hashes);
                tiles += checked;
            }
            entries = above;
            level += height(depth, at);
        }
        let root = entries
            .first()
            .map_or_else(|| depth.empty_root(), |root| Root::new(*root));
        if root != Root::new(element(current.get("root"))?) {
            return Err(damaged(registry, "its leaves do not give its current root"));
        }
        self.check_tile_count(registry, tiles).await
    }

    /// Computes the tiles at `level` above some entries, the first of which belongs to the tile at
    /// `position`, and compares them with the stored ones. Returns their hashes and the number of
    /// those that are not empty.
    async fn check_tiles(
        &self,
        registry: &Registry,
        level: u8,
        position: usize,
        entries: Vec<FieldElement>,
    ) -> Result<(Vec<FieldElement>, u64), StoreError> {
        let depth = registry.depth;
        let computing = move || -> Vec<Tile> {
            let tiles = entries.par_chunks(width(height(depth, level)));
            let tile = |entries: &[FieldElement]| {
                let mut tile = Tile::empty(depth, level);
                let entries: Vec<_> = entries.iter().copied().enumerate().collect();
                tile.set(&entries, &NodeCache::default());
                tile
            };
            tiles.map(tile).collect()
        };
        let tiles = tokio::task::spawn_blocking(computing).await;
        let tiles = tiles.map_err(|_| StoreError::Stopped)?;
        let rows = sqlx::query(
            "SELECT position, hash, nodes FROM tiles
             WHERE registry_id = $1 AND level = $2 AND position >= $3 AND position < $4 AND until_sequence IS NULL",
        )
        .bind(registry.id)
        .bind(i16::from(level))
        .bind(bigint("position of a tile", position as u64)?)
        .bind(bigint("position of a tile", (position + tiles.len()) as u64)?)
        .fetch_all(&self.pool)
        .await?;
        let stored: HashMap<u64, &PgRow> = rows
            .iter()
            .map(|row| Ok((unsigned(row.get("position"))?, row)))
            .collect::<Result<_, StoreError>>()?;
        let mut count = 0;
        for (at, tile) in (position as u64..).zip(&tiles) {
            if tile.is_empty() {
                continue;
            }
            let Some(row) = stored.get(&at) else {
                return Err(damaged(registry, "a tile is missing"));
            };
            let is_right = tile.hash().as_bytes() == row.get::<&[u8], _>("hash")
                && tile.encode() == row.get::<&[u8], _>("nodes");
            if !is_right {
                return Err(damaged(registry, "a tile does not belong to its leaves"));
            }
            count += 1;
        }
        Ok((tiles.iter().map(Tile::hash).collect(), count))
    }

    /// Checks that no tile is stored that does not belong to a leaf.
    async fn check_tile_count(&self, registry: &Registry, expected: u64) -> Result<(), StoreError> {
        let tiles: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM tiles WHERE registry_id = $1 AND until_sequence IS NULL",
        )
        .bind(registry.id)
        .fetch_one(&self.pool)
        .await?;
        if unsigned(tiles)? == expected {
            Ok(())
        } else {
            Err(damaged(registry, "a tile does not belong to its leaves"))
        }
    }

    /// Returns the leaves of a registry from the index `first`, at most [`CHUNK`], after comparing
    /// those of members with their columns.
    async fn stored_leaves(&self, registry: &Registry, first: u64) -> Result<Vec<FieldElement>, StoreError> {
        let rows = sqlx::query(
            "SELECT index, leaf_hash, wallet_hash, token_id, track_id FROM merkle_leaves
             WHERE id >= ($1::bigint << 32) + $2 AND id < ($1::bigint + 1) << 32 ORDER BY id LIMIT $3",
        )
        .bind(registry.id)
        .bind(bigint("index of a leaf", first)?)
        .bind(bigint("number of leaves", CHUNK as u64)?)
        .fetch_all(&self.pool)
        .await?;
        let mut stored = Vec::with_capacity(rows.len());
        let mut members: BTreeMap<usize, (Commitment, EntryId, Attributes)> = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            if unsigned(row.get("index"))? != first + place as u64 {
                return Err(damaged(registry, "a leaf is missing"));
            }
            stored.push(element(row.get("leaf_hash"))?);
            if let (Some(wallet_hash), Some(token_id)) =
                (row.get::<Option<&[u8]>, _>("wallet_hash"), row.get("token_id"))
            {
                let member = (
                    Commitment::new(element(wallet_hash)?),
                    EntryId::new(element(token_id)?),
                    Attributes::of_track(uint64(row, "track_id")?),
                );
                members.insert(place, member);
            }
        }
        let values: Vec<_> = members.values().copied().collect();
        for (place, leaf) in members.keys().zip(leaves(&values)) {
            if Leaf::new(stored[*place]) != leaf {
                return Err(damaged(registry, "a leaf is not the hash of its columns"));
            }
        }
        Ok(stored)
    }

    /// Recomputes the tiles that were replaced, from their entries. A path checks that they belong
    /// to the root.
    async fn check_old_tiles(&self, registry: &Registry) -> Result<(), StoreError> {
        let mut last: (i16, i64, i64) = (-1, 0, 0);
        loop {
            let rows = sqlx::query(
                "SELECT level, position, since_sequence, hash, nodes FROM tiles
                 WHERE registry_id = $1 AND until_sequence IS NOT NULL AND (level, position, since_sequence) > ($2, $3, $4)
                 ORDER BY level, position, since_sequence LIMIT $5",
            )
            .bind(registry.id)
            .bind(last.0)
            .bind(last.1)
            .bind(last.2)
            .bind(OLD_TILES)
            .fetch_all(&self.pool)
            .await?;
            let Some(end) = rows.last() else {
                return Ok(());
            };
            last = (end.get("level"), end.get("position"), end.get("since_sequence"));
            let cache = NodeCache::default();
            for row in &rows {
                let (level, nodes): (u8, &[u8]) = (byte(row, "level")?, row.get("nodes"));
                let tile = Tile::decode(registry.depth, level, row.get("hash"), nodes)?;
                let mut computed = Tile::empty(registry.depth, level);
                let entries: Vec<_> = tile.entries().iter().copied().enumerate().collect();
                computed.set(&entries, &cache);
                if computed != tile {
                    return Err(damaged(registry, "a tile does not have the hash of its entries"));
                }
            }
        }
    }
}
