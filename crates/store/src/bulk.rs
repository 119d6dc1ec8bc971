//! Puts in a whole tree that its authority keeps off chain.
//!
//! ```text
//!   leaves -> tiles of level 0, in parallel -> their hashes -> tiles of level 4 -> .. -> root == the published one?
//!          -> COPY tiles, COPY merkle_leaves, root marked as stored: one transaction
//! ```

use std::collections::HashMap;

use bauta_primitives::tree::{Depth, EMPTY_SUBTREES};
use bauta_primitives::{FieldElement, Leaf, Root};
use rayon::prelude::*;
use sqlx::{PgConnection, Row};

use crate::copy::Rows;
use crate::tile::{Tile, TileKey, height};
use crate::values::{bigint, unsigned};
use crate::{Registry, RegistryKind, Store, StoreError, checkpoint};

impl Store {
    /// Puts in the tree of an Attested registry whose current root has been published: `leaves` from index 0 on. Tiles that
    /// did not change since the last tree put in are kept. Returns the root.
    ///
    /// Refused when the leaves don't give the registry's current root.
    pub async fn build(&self, registry: &Registry, leaves: Vec<Leaf>) -> Result<Root, StoreError> {
        if registry.kind != RegistryKind::Attested {
            let (event, why) = ("a bulk build", "only a tree kept off chain is put in whole");
            return Err(StoreError::Contradiction {
                event,
                registry: registry.address,
                why,
            });
        }
        let depth = registry.depth;
        check_count(depth, &leaves)?;
        let built = tokio::task::spawn_blocking(move || (build(depth, &leaves), leaves)).await;
        let ((tiles, root), leaves) = built.map_err(|_| StoreError::Stopped)?;

        let mut transaction = self.pool.begin().await?;
        checkpoint::lock(&mut transaction).await?;
        let current = sqlx::query(
            "SELECT sequence, root, stored,
                    (extract(epoch FROM created_at - timestamptz '2000-01-01 00:00:00Z') * 1000000)::bigint AS created_at
             FROM roots WHERE registry_id = $1 AND replaced_at IS NULL",
        )
        .bind(registry.id)
        .fetch_one(&mut *transaction)
        .await?;
        let sequence: i64 = current.get("sequence");
        let announced = Root::new(crate::values::element(current.get("root"))?);
        if root != announced {
            let (registry, sequence) = (registry.address, unsigned(sequence)?);
            return Err(StoreError::RootMismatch {
                registry,
                sequence,
                computed: root,
                announced,
            });
        }
        if current.get::<bool, _>("stored") {
            return Ok(root);
        }
        replace_tiles(&mut transaction, registry, sequence, tiles).await?;
        sqlx::query("DELETE FROM merkle_leaves WHERE registry_id = $1")
            .bind(registry.id)
            .execute(&mut *transaction)
            .await?;
        let mut rows = Rows::begin(
            &mut transaction,
            "COPY merkle_leaves (registry_id, index, leaf_hash, created_at) FROM STDIN (FORMAT binary)",
        )
        .await?;
        for (index, leaf) in leaves.iter().enumerate() {
            rows.row(4)
                .int4(registry.id)
                .int8(bigint("leaf index", index as u64)?)
                .bytes(leaf.element().as_bytes())
                .int8(current.get("created_at"));
            rows.send_if_large().await?;
        }
        rows.finish().await?;
        sqlx::query("UPDATE roots SET stored = true WHERE registry_id = $1 AND sequence = $2")
            .bind(registry.id)
            .bind(sequence)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(root)
    }
}

/// Ends the versions that change, and copies in the new ones.
async fn replace_tiles(
    connection: &mut PgConnection,
    registry: &Registry,
    sequence: i64,
    mut tiles: HashMap<TileKey, Tile>,
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT level, position, hash FROM tiles WHERE registry_id = $1 AND until_sequence IS NULL",
    )
    .bind(registry.id)
    .fetch_all(&mut *connection)
    .await?;
    let mut ended = (Vec::new(), Vec::new());
    for row in rows {
        let level = crate::registries::byte(&row, "level")?;
        let position = unsigned(row.get("position"))?;
        let key = TileKey { level, position };
        if tiles
            .get(&key)
            .is_some_and(|tile| tile.hash().as_bytes() == row.get::<&[u8], _>("hash"))
        {
            tiles.remove(&key);
        } else {
            ended.0.push(i16::from(level));
            ended.1.push(bigint("tile position", position)?);
        }
    }
    sqlx::query(
        "UPDATE tiles t SET until_sequence = $2
         FROM unnest($3::smallint[], $4::bigint[]) AS e (level, position)
         WHERE t.registry_id = $1 AND t.level = e.level AND t.position = e.position AND t.until_sequence IS NULL",
    )
    .bind(registry.id)
    .bind(sequence)
    .bind(ended.0)
    .bind(ended.1)
    .execute(&mut *connection)
    .await?;

    let mut rows = Rows::begin(
        connection,
        "COPY tiles (registry_id, level, position, since_sequence, hash, nodes) FROM STDIN (FORMAT binary)",
    )
    .await?;
    let mut tiles: Vec<_> = tiles.into_iter().collect();
    tiles.sort_unstable_by_key(|(key, _)| *key);
    for (key, tile) in tiles {
        rows.row(6)
            .int4(registry.id)
            .int2(i16::from(key.level))
            .int8(bigint("tile position", key.position)?)
            .int8(sequence)
            .bytes(tile.hash().as_bytes())
            .bytes(&tile.encode());
        rows.send_if_large().await?;
    }
    rows.finish().await
}

/// The root of a tree with these leaves from index 0 on: what its authority publishes before it puts the tree in.
pub fn root_of(depth: Depth, leaves: &[Leaf]) -> Result<Root, StoreError> {
    check_count(depth, leaves)?;
    Ok(build(depth, leaves).1)
}

fn check_count(depth: Depth, leaves: &[Leaf]) -> Result<(), StoreError> {
    let (count, capacity) = (leaves.len() as u64, depth.capacity());
    if count > capacity {
        return Err(StoreError::TooManyLeaves {
            count,
            depth: depth as u8,
            capacity,
        });
    }
    Ok(())
}

/// All tiles that are not empty, and the root.
fn build(depth: Depth, leaves: &[Leaf]) -> (HashMap<TileKey, Tile>, Root) {
    let mut tiles = HashMap::new();
    let mut entries: Vec<FieldElement> = leaves.par_iter().map(|leaf| leaf.element()).collect();
    let mut level = 0u8;
    while usize::from(level) < depth.levels() {
        let width = 1 << (2 * height(depth, level));
        let built: Vec<Tile> = entries
            .par_chunks(width)
            .map(|chunk| {
                let mut tile = Tile::empty(depth, level);
                tile.fill(chunk);
                tile
            })
            .collect();
        entries = built.iter().map(Tile::hash).collect();
        tiles.extend(
            (0..)
                .zip(built)
                .filter(|(_, tile)| !tile.is_empty())
                .map(|(position, tile)| (TileKey { level, position }, tile)),
        );
        // four at most
        level += u8::try_from(height(depth, level)).unwrap_or(u8::MAX);
    }
    let root = entries.first().copied().unwrap_or(EMPTY_SUBTREES[depth.levels()]);
    (tiles, Root::new(root))
}
