//! The leaves of a whole tree as a stream of bytes.
//!
//! ```text
//!   list of the lowest tiles at the root   from memory, or one statement: all are of one tree
//!        |
//!        +--> 8 tiles by hash, again and again    --> 32 bytes for each leaf
//! ```
//!
//! The content of a hash never changes, so the parts of a stream fit together, whatever the indexer
//! does meanwhile. If a tile is deleted before it is read, the stream ends with an error and is
//! shorter than it announced. A stream takes memory until its client has read it, so the streams
//! are counted, and one that is read too slowly ends.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use bauta_primitives::Root;
use bauta_service_common::StreamGuard;
use bauta_store::{LeafTile, Registry, Store, StoreError};
use futures_util::{Stream, stream::try_unfold};

use crate::{metrics, tile, tiles::Tiles};

/// Largest number of leaves of a tree that is served as a whole.
pub const MAX_LEAVES: u64 = 1 << 20;
/// Bytes of the leaves of a full tile.
const TILE_BYTES: u64 = 256 * 32;
/// Number of tiles that are read at a time.
const CHUNK: u64 = 8;
/// A client that reads fewer bytes per second is too slow.
const MIN_BYTES_PER_SECOND: u64 = 64 << 10;
/// The time that every client has in addition.
const GRACE: Duration = Duration::from_secs(30);
/// Largest number of lowest tiles of such a tree.
const MAX_TILES: u16 = 4_096;

/// Why the leaves of a tree can't be served.
#[derive(Debug, thiserror::Error)]
pub enum LeavesError {
    /// The tree has too many leaves.
    #[error("the tree has more than {MAX_LEAVES} leaves; read its tiles")]
    TooLarge,
    /// The client reads too slowly.
    #[error("the client reads fewer than {MIN_BYTES_PER_SECOND} bytes per second")]
    Slow,
    /// The database failed, or the root is unknown or not valid.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The leaves of a tree at one root.
pub struct Leaves {
    store: Store,
    cache: Arc<Tiles>,
    tiles: Arc<[LeafTile]>,
    _guard: StreamGuard,
}

/// A part of the leaves that a stream has reached.
struct Reader {
    leaves: Leaves,
    rest: Range<u64>,
    deadline: Instant,
}

impl Leaves {
    /// Lists the tiles of a `tree`: its registry, and a root that is valid at a time in Unix seconds.
    /// `guard` counts for the client until the stream has ended.
    pub async fn open(
        store: &Store,
        cache: Arc<Tiles>,
        guard: StreamGuard,
        tree: (&Registry, Root, i64),
    ) -> Result<Self, LeavesError> {
        let tiles = cache.leaf_tiles(store, tree, MAX_TILES + 1).await?;
        if tiles.last().is_some_and(|last| last.position >= MAX_TILES.into()) {
            return Err(LeavesError::TooLarge);
        }
        Ok(Self {
            store: store.clone(),
            cache,
            tiles,
            _guard: guard,
        })
    }

    /// Returns the number of bytes: 32 for each leaf, without the empty ones at the end.
    pub fn bytes(&self) -> u64 {
        self.tiles
            .last()
            .map_or(0, |last| last.position * TILE_BYTES + last.bytes)
    }

    /// Returns the number of tiles that a range of the bytes touches.
    pub fn tiles_in(range: &Range<u64>) -> u64 {
        range.end.div_ceil(TILE_BYTES) - range.start / TILE_BYTES
    }

    /// Streams a range of the bytes.
    pub fn stream(self, range: Range<u64>) -> impl Stream<Item = Result<Vec<u8>, LeavesError>> + Send {
        let reader = Reader {
            deadline: Instant::now() + reading_time(range.end - range.start),
            leaves: self,
            rest: range,
        };
        try_unfold(reader, |mut reader| async move {
            if reader.rest.is_empty() {
                return Ok(None);
            }
            let bytes = reader.next().await?;
            Ok(Some((bytes, reader)))
        })
    }
}

/// Returns the longest time in which a client may read a number of bytes.
pub const fn reading_time(bytes: u64) -> Duration {
    GRACE.saturating_add(Duration::from_secs(bytes / MIN_BYTES_PER_SECOND))
}

impl Reader {
    /// Reads the tiles of the next chunk, and returns the part of their leaves that is left.
    async fn next(&mut self) -> Result<Vec<u8>, LeavesError> {
        if Instant::now() > self.deadline {
            metrics::record_slow_reader();
            return Err(LeavesError::Slow);
        }
        let chunk = CHUNK * TILE_BYTES;
        let start = self.rest.start / chunk * chunk;
        let end = self.rest.end.min(start + chunk);
        let first = start / TILE_BYTES;
        let wanted: Vec<LeafTile> = self
            .leaves
            .tiles
            .iter()
            .filter(|tile| (first..first + CHUNK).contains(&tile.position))
            .copied()
            .collect();
        let hashes: Vec<_> = wanted.iter().map(|tile| tile.hash).collect();
        // Leaves without a tile are empty, which is zero.
        let mut bytes = vec![0; to_usize(chunk)];
        let tiles = self.leaves.cache.get(&self.leaves.store, &hashes).await?;
        for (place, tile) in wanted.iter().zip(tiles) {
            let tile = tile.ok_or(StoreError::UnknownTile { hash: place.hash })?;
            let entries = tile::entries(&tile);
            let from = to_usize((place.position - first) * TILE_BYTES);
            if let Some(target) = bytes.get_mut(from..from + entries.len()) {
                target.copy_from_slice(entries);
            }
        }
        bytes.truncate(to_usize(end - start));
        bytes.drain(..to_usize(self.rest.start - start));
        self.rest.start = end;
        Ok(bytes)
    }
}

/// Converts an offset within a chunk.
fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use bauta_service_common::Streams;

    use super::*;

    /// Returns a reader of leaves that are all empty, so nothing is read from the database.
    fn reader(bytes: u64, deadline: Instant) -> Reader {
        let guard = Streams::new(1, 1).open("client").unwrap();
        Reader {
            leaves: Leaves {
                store: Store::connect_lazily("postgres://localhost:1/none", 2).unwrap(),
                cache: Arc::new(Tiles::new(0)),
                tiles: Arc::default(),
                _guard: guard,
            },
            rest: 0..bytes,
            deadline,
        }
    }

    #[tokio::test]
    async fn a_client_that_reads_too_slowly_gets_no_further_leaves() {
        let later = Instant::now() + Duration::from_hours(1);
        let mut reader = reader(3 * CHUNK * TILE_BYTES, later);
        assert_eq!(reader.next().await.unwrap().len() as u64, CHUNK * TILE_BYTES);
        // The client took the time for all of them to read a third.
        reader.deadline = Instant::now().checked_sub(Duration::from_millis(1)).unwrap();
        assert!(matches!(reader.next().await, Err(LeavesError::Slow)));
    }

    #[test]
    fn the_time_for_a_response_follows_its_length() {
        assert_eq!(reading_time(0), GRACE);
        // 32 MiB at 64 KiB/s.
        assert_eq!(reading_time(32 << 20), GRACE + Duration::from_secs(512));
        assert_eq!(reading_time(MAX_LEAVES * 32), reading_time(32 << 20));
    }
}
