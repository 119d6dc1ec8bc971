//! Tiles by hash, from memory or from the database. The content of a hash never changes, so an
//! entry is never outdated.

use std::sync::Arc;

use bauta_primitives::FieldElement;
use bauta_store::{Store, StoreError};

use crate::{cache::Cache, metrics, tile};

/// Reads tiles and keeps those that are in use.
pub struct Tiles(Cache<FieldElement, Arc<[u8]>>);

impl Tiles {
    /// Keeps at most this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Cache::new(bytes))
    }

    /// Returns encoded tiles in the order of the hashes. `None` for a tile that never existed or
    /// that no valid root reaches.
    pub async fn get(
        &self,
        store: &Store,
        hashes: &[FieldElement],
    ) -> Result<Vec<Option<Arc<[u8]>>>, StoreError> {
        let mut tiles: Vec<Option<Arc<[u8]>>> = hashes.iter().map(|hash| self.0.get(hash)).collect();
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
                self.0.insert(*hash, encoded.clone(), 32 + encoded.len());
                *place = Some(encoded);
            }
        }
        let found = tiles.iter().flatten().count();
        metrics::record_tiles(found as u64, (tiles.len() - found) as u64);
        Ok(tiles)
    }
}
