//! Imports the tree of an Attested registry, which its authority keeps off chain.
//!
//! ```text
//!   leaves -> nodes, level by level, eight hashes at a time on all threads
//!          -> is the root the published one?
//!          -> tiles, cut out of the levels
//!          -> COPY tiles, COPY merkle_leaves                     one transaction, which blocks no
//!          -> is the root still the current one? mark it as stored    other writer until this step
//! ```
//!
//! An import has written rows when it waits for the checkpoint. Other writers take the checkpoint
//! first. So that no two of them wait for each other, those that change the rows of an import wait
//! for the import before they take the checkpoint: a rollback of its registry ([`lock_import`]),
//! and a switchover ([`lock_all_imports`]).

use std::collections::BTreeMap;

use ark_bn254::Fr;
use bauta_poseidon::{Batch, tree_levels};
use bauta_primitives::tree::Depth;
use bauta_primitives::{Leaf, Root};
use rayon::prelude::*;
use solana_address::Address;
use sqlx::{PgConnection, Row};

use crate::copy::CopyWriter;
use crate::hashing::{from_fr, to_fr};
use crate::tile::{TILE_LEVELS, Tile, TileKey, height};
use crate::values::{bigint, unsigned};
use crate::{Registry, RegistryKind, Sequence, Store, StoreError, limits};

/// The first key of the advisory locks of imports. The second one is a registry's id.
const IMPORT_LOCK: i32 = 0x696d_7074;
/// Stands for all registries. All imports share the lock. No registry has this id.
const ALL_REGISTRIES: i32 = 0;

/// Waits until no other transaction imports the tree of a registry. None does until the end of this
/// transaction.
pub async fn lock_import(connection: &mut PgConnection, registry: i32) -> Result<(), StoreError> {
    advisory_lock(connection, "SELECT pg_advisory_xact_lock($1, $2)", registry).await
}

/// Waits until no other transaction imports a tree. None does until the end of this transaction.
pub async fn lock_all_imports(connection: &mut PgConnection) -> Result<(), StoreError> {
    lock_import(connection, ALL_REGISTRIES).await
}

async fn advisory_lock(
    connection: &mut PgConnection,
    statement: &'static str,
    registry: i32,
) -> Result<(), StoreError> {
    sqlx::query(statement)
        .bind(IMPORT_LOCK)
        .bind(registry)
        .execute(connection)
        .await?;
    Ok(())
}

impl Store {
    /// Imports the tree of an Attested registry at its current root. `leaves` are its leaves from
    /// index 0. Tiles that did not change since the last import are kept. Returns the root.
    ///
    /// Fails if the leaves do not give the current root of the registry, or if that root changes
    /// during the import.
    pub async fn import_tree(&self, registry: &Registry, leaves: Vec<Leaf>) -> Result<Root, StoreError> {
        if registry.kind != RegistryKind::Attested {
            return Err(StoreError::Contradiction {
                event: "the import of a tree",
                registry: registry.address,
                why: "only the tree of an Attested registry can be imported",
            });
        }
        let depth = registry.depth;
        check_count(depth, &leaves)?;
        let built = tokio::task::spawn_blocking(move || (build(depth, &leaves), leaves)).await;
        let ((tiles, root), leaves) = built.map_err(|_| StoreError::Stopped)?;

        let mut transaction = self.pool.begin().await?;
        // The largest tree has four billion leaves.
        limits::lift_statement_limit(&mut transaction).await?;
        let shared = "SELECT pg_advisory_xact_lock_shared($1, $2)";
        advisory_lock(&mut transaction, shared, ALL_REGISTRIES).await?;
        // A rebuild or a rollback may have given the registry another id since it was read.
        let id = registry_id(&mut transaction, registry.address).await?;
        // Another import of the registry would write the same rows.
        lock_import(&mut transaction, id).await?;
        let mismatch = |current: &CurrentRoot| StoreError::RootMismatch {
            registry: registry.address,
            sequence: current.sequence,
            computed: root,
            announced: current.root,
        };
        let current = current_root(&mut transaction, registry, id).await?;
        if root != current.root {
            return Err(mismatch(&current));
        }
        if current.is_stored {
            return Ok(root);
        }
        let sequence = bigint("sequence", current.sequence.get())?;
        replace_tiles(&mut transaction, id, sequence, tiles).await?;
        sqlx::query("DELETE FROM merkle_leaves WHERE registry_id = $1")
            .bind(id)
            .execute(&mut *transaction)
            .await?;
        let mut rows = CopyWriter::begin(
            &mut transaction,
            "COPY merkle_leaves (registry_id, index, leaf_hash, created_at) FROM STDIN (FORMAT binary)",
        )
        .await?;
        for (index, leaf) in leaves.iter().enumerate() {
            rows.row(4)
                .int4(id)
                .int8(bigint("leaf index", index as u64)?)
                .bytes(leaf.element().as_bytes())
                .int8(current.created_at);
            rows.send_if_large().await?;
        }
        rows.finish().await?;
        // Until the end of the transaction, no other writer changes the root.
        sqlx::query("LOCK TABLE checkpoint IN ROW EXCLUSIVE MODE")
            .execute(&mut *transaction)
            .await?;
        let last = current_root(&mut transaction, registry, id).await?;
        if (last.sequence, last.root) != (current.sequence, current.root) {
            return Err(mismatch(&last));
        }
        sqlx::query("UPDATE roots SET stored = true WHERE registry_id = $1 AND sequence = $2")
            .bind(id)
            .bind(sequence)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(root)
    }
}

/// The current root of a registry.
struct CurrentRoot {
    sequence: Sequence,
    root: Root,
    /// Whether its tree is stored.
    is_stored: bool,
    /// Microseconds since 2000-01-01.
    created_at: i64,
}

async fn registry_id(connection: &mut PgConnection, address: Address) -> Result<i32, StoreError> {
    let id = sqlx::query_scalar("SELECT id FROM registries WHERE address = $1 AND kind = 'attested'")
        .bind(address.to_bytes())
        .fetch_optional(connection)
        .await?;
    id.ok_or(StoreError::Unknown {
        what: "registry",
        address,
    })
}

/// Returns the current root of a registry. Fails if the registry no longer has the id.
async fn current_root(
    connection: &mut PgConnection,
    registry: &Registry,
    id: i32,
) -> Result<CurrentRoot, StoreError> {
    let row = sqlx::query(
        "SELECT o.sequence, o.root, o.stored,
                (extract(epoch FROM o.created_at - timestamptz '2000-01-01 00:00:00Z') * 1000000)::bigint AS created_at
         FROM roots o JOIN registries r ON r.id = o.registry_id
         WHERE o.registry_id = $1 AND o.replaced_at IS NULL AND r.address = $2",
    )
    .bind(id)
    .bind(registry.address.to_bytes())
    .fetch_optional(connection)
    .await?;
    let row = row.ok_or(StoreError::Unknown {
        what: "registry",
        address: registry.address,
    })?;
    Ok(CurrentRoot {
        sequence: Sequence::from_column(row.get("sequence"))?,
        root: Root::new(crate::values::element(row.get("root"))?),
        is_stored: row.get("stored"),
        created_at: row.get("created_at"),
    })
}

/// Ends the versions of the tiles that change, and inserts the new ones.
async fn replace_tiles(
    connection: &mut PgConnection,
    registry: i32,
    sequence: i64,
    mut tiles: BTreeMap<TileKey, Tile>,
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT level, position, hash FROM tiles WHERE registry_id = $1 AND until_sequence IS NULL",
    )
    .bind(registry)
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
    .bind(registry)
    .bind(sequence)
    .bind(ended.0)
    .bind(ended.1)
    .execute(&mut *connection)
    .await?;

    let mut rows = CopyWriter::begin(
        connection,
        "COPY tiles (registry_id, level, position, since_sequence, hash, nodes) FROM STDIN (FORMAT binary)",
    )
    .await?;
    for (key, tile) in tiles {
        rows.row(6)
            .int4(registry)
            .int2(i16::from(key.level))
            .int8(bigint("tile position", key.position)?)
            .int8(sequence)
            .bytes(tile.hash().as_bytes())
            .bytes(&tile.encode());
        rows.send_if_large().await?;
    }
    rows.finish().await
}

/// Computes the root of a tree with these leaves from index 0. An authority publishes this root
/// before it imports the tree.
pub fn root_of_leaves(depth: Depth, leaves: &[Leaf]) -> Result<Root, StoreError> {
    check_count(depth, leaves)?;
    Ok(root(&levels(depth, leaves)))
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

/// Computes the nodes of every level, from the leaves to the root. A level has no empty nodes at
/// its end.
fn levels(depth: Depth, leaves: &[Leaf]) -> Vec<Vec<Fr>> {
    let leaves: Vec<Fr> = leaves.par_iter().map(|leaf| to_fr(&leaf.element())).collect();
    tree_levels(Batch::default(), &leaves, u32::from(depth as u8)).expect("the count was checked")
}

fn root(levels: &[Vec<Fr>]) -> Root {
    let top = levels.last().and_then(|nodes| nodes.first());
    Root::new(from_fr(top.expect("the level of the root has one node")))
}

/// Computes all tiles that are not empty, and the root.
pub fn build(depth: Depth, leaves: &[Leaf]) -> (BTreeMap<TileKey, Tile>, Root) {
    let levels = levels(depth, leaves);
    let keys = (0u8..)
        .step_by(TILE_LEVELS)
        .take_while(|level| usize::from(*level) < depth.levels())
        .flat_map(|level| {
            let roots = &levels[usize::from(level) + height(depth, level)];
            (0..roots.len() as u64).map(move |position| TileKey { level, position })
        });
    let keys: Vec<TileKey> = keys.collect();
    let tiles = keys
        .into_par_iter()
        .map(|key| (key, Tile::cut(depth, key, &levels)));
    let tiles = tiles.filter(|(_, tile)| !tile.is_empty()).collect();
    (tiles, root(&levels))
}
