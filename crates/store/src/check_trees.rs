//! Recomputes all stored trees from their leaves.

use std::collections::BTreeMap;

use bauta_primitives::{Attributes, Commitment, EntryId, Leaf, Root};
use sqlx::Row;

use crate::hashing::{NodeCache, leaves};
use crate::import::build;
use crate::registries::byte;
use crate::tile::{Tile, TileKey};
use crate::uint64::uint64;
use crate::values::{bigint, element, unsigned};
use crate::{Registry, Store, StoreError};

/// The number of leaves of members that are hashed at once.
const CHUNK: usize = 4_096;

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
        let stored = self.stored_leaves(registry).await?;
        if stored.is_empty() {
            return self
                .check_empty_tree(registry, Root::new(element(current.get("root"))?))
                .await;
        }
        if stored.len() as u64 > registry.depth.capacity() {
            return Err(damaged(registry, "it has more leaves than its depth allows"));
        }
        let depth = registry.depth;
        let built = tokio::task::spawn_blocking(move || build(depth, &stored)).await;
        let (mut tiles, root) = built.map_err(|_| StoreError::Stopped)?;
        if root != Root::new(element(current.get("root"))?) {
            return Err(damaged(registry, "its leaves do not give its current root"));
        }
        let rows = sqlx::query(
            "SELECT level, position, hash, nodes FROM tiles WHERE registry_id = $1 AND until_sequence IS NULL",
        )
        .bind(registry.id)
        .fetch_all(&self.pool)
        .await?;
        for row in rows {
            let key = TileKey {
                level: byte(&row, "level")?,
                position: unsigned(row.get("position"))?,
            };
            let is_right = tiles.remove(&key).is_some_and(|tile| {
                tile.hash().as_bytes() == row.get::<&[u8], _>("hash")
                    && tile.encode() == row.get::<&[u8], _>("nodes")
            });
            if !is_right {
                return Err(damaged(registry, "a tile does not belong to its leaves"));
            }
        }
        if tiles.is_empty() {
            Ok(())
        } else {
            Err(damaged(registry, "a tile is missing"))
        }
    }

    async fn check_empty_tree(&self, registry: &Registry, root: Root) -> Result<(), StoreError> {
        let tiles: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM tiles WHERE registry_id = $1 AND until_sequence IS NULL",
        )
        .bind(registry.id)
        .fetch_one(&self.pool)
        .await?;
        if root == registry.depth.empty_root() && tiles == 0 {
            Ok(())
        } else {
            Err(damaged(
                registry,
                "it has no leaves, and its root or its tiles are not empty",
            ))
        }
    }

    /// Returns the leaves of a registry from index 0, after comparing those of members with their
    /// columns.
    async fn stored_leaves(&self, registry: &Registry) -> Result<Vec<Leaf>, StoreError> {
        let rows = sqlx::query(
            "SELECT index, leaf_hash, wallet_hash, token_id, track_id FROM merkle_leaves
             WHERE registry_id = $1 ORDER BY index LIMIT $2",
        )
        .bind(registry.id)
        // One more shows that there are too many.
        .bind(bigint(
            "number of leaves",
            registry.depth.capacity().saturating_add(1),
        )?)
        .fetch_all(&self.pool)
        .await?;
        let mut stored = Vec::with_capacity(rows.len());
        let mut members: BTreeMap<usize, (Commitment, EntryId, Attributes)> = BTreeMap::new();
        for (place, row) in rows.iter().enumerate() {
            if unsigned(row.get("index"))? != place as u64 {
                return Err(damaged(registry, "a leaf is missing"));
            }
            stored.push(Leaf::new(element(row.get("leaf_hash"))?));
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
        let members: Vec<_> = members.into_iter().collect();
        for chunk in members.chunks(CHUNK) {
            let values: Vec<_> = chunk.iter().map(|(_, member)| *member).collect();
            for ((place, _), leaf) in chunk.iter().zip(leaves(&values)) {
                if stored[*place] != leaf {
                    return Err(damaged(registry, "a leaf is not the hash of its columns"));
                }
            }
        }
        Ok(stored)
    }

    /// Recomputes the tiles that were replaced, from their entries. A path checks that they belong
    /// to the root.
    async fn check_old_tiles(&self, registry: &Registry) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "SELECT level, hash, nodes FROM tiles WHERE registry_id = $1 AND until_sequence IS NOT NULL",
        )
        .bind(registry.id)
        .fetch_all(&self.pool)
        .await?;
        let cache = NodeCache::default();
        for row in rows {
            let (level, nodes): (u8, &[u8]) = (byte(&row, "level")?, row.get("nodes"));
            let tile = Tile::decode(registry.depth, level, row.get("hash"), nodes)?;
            let mut computed = Tile::empty(registry.depth, level);
            let entries: Vec<_> = tile.entries().iter().copied().enumerate().collect();
            computed.set(&entries, &cache);
            if computed != tile {
                return Err(damaged(registry, "a tile does not have the hash of its entries"));
            }
        }
        Ok(())
    }
}
