//! Tiles by hash, and the lists of the lowest tiles by root, from memory or from the database. The
//! content of a hash never changes, so an entry is never outdated.

use std::sync::Arc;

use bauta_primitives::{FieldElement, Root};
use bauta_store::{LeafTile, Registry, Store, StoreError};

use crate::{cache::Cache, metrics, tile};

/// The lists of tiles take at most this part of the bytes of tiles, in addition to them.
const PART_OF_LISTS: usize = 8;

/// Reads tiles and keeps those that are in use.
pub struct Tiles {
    tiles: Cache<FieldElement, Arc<[u8]>>,
    lists: Cache<Root, Arc<[LeafTile]>>,
}

impl Tiles {
    /// Keeps at most this many bytes of tiles.
    pub fn new(bytes: usize) -> Self {
        Self {
            tiles: Cache::new(bytes),
            lists: Cache::new(bytes / PART_OF_LISTS),
        }
    }

    /// Returns the first lowest tiles of the tree at a root that is valid at `now` (Unix seconds),
    /// at most `limit`. The limit is the same in every call.
    ///
    /// A request for few bytes of a large tree needs a list of thousands of tiles, so it is read
    /// once. Whether the root is valid is read each time.
    pub async fn leaf_tiles(
        &self,
        store: &Store,
        (registry, root, now): (&Registry, Root, i64),
        limit: u16,
    ) -> Result<Arc<[LeafTile]>, StoreError> {
        if let Some(known) = self.lists.get(&root) {
            store.check_stored_tree(registry, root, now).await?;
            return Ok(known);
        }
        let list: Arc<[LeafTile]> = store.leaf_tiles(registry, root, now, limit).await?.into();
        self.lists.insert(root, list.clone(), 32 + size_of_val(&*list));
        Ok(list)
    }

    /// Returns encoded tiles in the order of the hashes. `None` for a tile that never existed or
    /// that no valid root reaches.
    pub async fn get(
        &self,
        store: &Store,
        hashes: &[FieldElement],
    ) -> Result<Vec<Option<Arc<[u8]>>>, StoreError> {
        let mut tiles: Vec<Option<Arc<[u8]>>> = hashes.iter().map(|hash| self.tiles.get(hash)).collect();
        let unknown: Vec<FieldElement> = hashes
            .iter()
            .zip(&tiles)
            .filter(|(_, tile)| tile.is_none())
            .map(|(hash, _)| *hash)
            .collect();
        metrics::record_cached_tiles((hashes.len() - unknown.len()) as u64);
        if unknown.is_empty() {
            metrics::record_tiles(hashes.len() as u64, 0);
            return Ok(tiles);
        }
        let mut read = store.tiles(&unknown).await?.into_iter();
        for (hash, place) in hashes.iter().zip(&mut tiles) {
            if place.is_some() {
                continue;
            }
            if let Some(stored) = read.next().flatten() {
                let encoded: Arc<[u8]> = tile::encode(&stored).into();
                self.tiles.insert(*hash, encoded.clone(), 32 + encoded.len());
                *place = Some(encoded);
            }
        }
        let found = tiles.iter().flatten().count();
        metrics::record_tiles(found as u64, (tiles.len() - found) as u64);
        Ok(tiles)
    }
}
