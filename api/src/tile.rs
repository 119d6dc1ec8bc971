//! The form in which tiles are served.
//!
//! ```text
//!   one byte: the level of the tile's root above the leaves (4, 8, 10, 12 or 16)
//!   then the entries from left to right, 32 bytes each, without the empty ones at the end
//! ```
//!
//! The entries of a tile with the root at level 10 are at level 8. The entries of every other tile
//! are four levels below its root. Entries at level 0 are leaves, and all others are hashes of
//! tiles. A client pads the entries with the roots of empty subtrees, hashes them level by level,
//! and compares the result with the hash that it requested.

use std::sync::Arc;

use bauta_store::StoredTile;

/// Encodes a tile.
pub fn encode(tile: &StoredTile) -> Vec<u8> {
    [&[tile.root_level][..], &tile.entries].concat()
}

/// Returns the entries of an encoded tile.
pub fn entries(encoded: &[u8]) -> &[u8] {
    encoded.get(1..).unwrap_or_default()
}

/// Joins encoded tiles. Before each tile are two bytes with its length, big-endian. A tile that
/// is not stored has the length 0.
pub fn encode_list(tiles: &[Option<Arc<[u8]>>]) -> Vec<u8> {
    let mut list = Vec::new();
    for tile in tiles {
        let tile = tile.as_deref().unwrap_or_default();
        // A tile has at most 256 entries, so at most 8,193 bytes.
        let length = u16::try_from(tile.len()).unwrap_or(u16::MAX);
        list.extend_from_slice(&length.to_be_bytes());
        list.extend_from_slice(tile);
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_the_length_of_each_tile_and_0_for_a_missing_one() {
        let tile = StoredTile {
            root_level: 10,
            entries: vec![7; 32],
        };
        let list = encode_list(&[None, Some(encode(&tile).into())]);
        assert_eq!(list[..4], [0, 0, 0, 33]);
        assert_eq!(list[4..], encode(&tile));
        assert_eq!(encode(&tile)[..2], [10, 7]);
        assert_eq!(entries(&encode(&tile)), tile.entries);
    }
}
