//! Tiles of a tree, and paths from them.

use bauta_primitives::{
    FieldElement, Leaf, Root,
    tree::{ARITY, Depth, EMPTY_SUBTREES, LeafIndex, MembershipPath, Siblings, node},
};

use crate::HttpError;

/// Bytes of an entry.
const ENTRY_BYTES: usize = 32;
/// The largest number of entries of a tile.
const MAX_ENTRIES: usize = 256;
/// The longest tile in bytes.
pub(crate) const MAX_TILE_BYTES: usize = 1 + MAX_ENTRIES * ENTRY_BYTES;

/// A part of a tree whose hash was computed again.
///
/// The tile whose root is at level 10 has entries at level 8. The entries of each other tile are
/// four levels below its root. Entries at level 0 are leaves. All others are hashes of tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The level of the tile's root above the leaves.
    root_level: usize,
    /// `levels[l]` has the nodes `l` levels above the entries.
    levels: Vec<Vec<FieldElement>>,
}

impl Tile {
    /// Decodes a tile, and compares its hash with the one that was requested.
    pub fn decode(bytes: &[u8], hash: FieldElement) -> Result<Self, String> {
        let Some((&root_level, entries)) = bytes.split_first() else {
            return Err("the tile is empty".to_owned());
        };
        let root_level = usize::from(root_level);
        let height = match root_level {
            10 => 2,
            4 | 8 | 12 | 16 => 4,
            _ => {
                return Err(format!(
                    "the tile has the level {root_level}, which is none of the levels of tiles"
                ));
            }
        };
        let width = ARITY.pow(height);
        let (entries, rest) = entries.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() || entries.len() > width {
            return Err(format!(
                "the tile has {} bytes, which are not 1 and up to {width} times 32",
                bytes.len()
            ));
        }
        let entry_level = root_level - height as usize;
        let mut nodes = Vec::with_capacity(width);
        for entry in entries {
            nodes.push(FieldElement::from_bytes("entry", *entry).map_err(|error| error.to_string())?);
        }
        nodes.resize(width, EMPTY_SUBTREES[entry_level]);
        let mut levels = vec![nodes];
        for level in 0..height as usize {
            let (groups, _) = levels[level].as_chunks::<ARITY>();
            levels.push(groups.iter().map(|children| node(*children)).collect());
        }
        if levels[height as usize][0] != hash {
            return Err("the entries of the tile do not have the requested hash".to_owned());
        }
        Ok(Self { root_level, levels })
    }

    /// Returns the level of the tile's root above the leaves.
    #[must_use]
    pub const fn root_level(&self) -> usize {
        self.root_level
    }

    /// Returns the entries from left to right, with the empty ones.
    #[must_use]
    pub fn entries(&self) -> &[FieldElement] {
        &self.levels[0]
    }

    /// Returns the level of the entries above the leaves.
    const fn entry_level(&self) -> usize {
        self.root_level - (self.levels.len() - 1)
    }

    /// Returns the position of the entry above a leaf.
    fn position(&self, index: LeafIndex) -> usize {
        let of_entry = index.get() >> (2 * self.entry_level());
        // The remainder is smaller than the number of entries.
        usize::try_from(of_entry % self.entries().len() as u64).unwrap_or_default()
    }

    /// Appends the siblings of a leaf's path in this tile, from the entries upwards.
    fn siblings(&self, index: LeafIndex) -> Vec<Siblings> {
        let mut position = self.position(index);
        let inner = &self.levels[..self.levels.len() - 1];
        inner
            .iter()
            .map(|nodes| {
                let first = position - position % ARITY;
                let own = position % ARITY;
                position /= ARITY;
                let mut others = (0..ARITY).filter(|other| *other != own);
                std::array::from_fn(|_| nodes[first + others.next().unwrap_or_default()])
            })
            .collect()
    }
}

/// The levels of the tiles of a tree, from the root downwards.
pub(crate) const fn tile_levels(depth: Depth) -> &'static [usize] {
    match depth {
        Depth::Ten => &[10, 8, 4],
        Depth::Sixteen => &[16, 12, 8, 4],
    }
}

/// A path that is read from the root downwards, one tile at a time.
pub(crate) struct Descent {
    depth: Depth,
    index: LeafIndex,
    /// The siblings of the tiles that were read, in the order of reading.
    parts: Vec<Vec<Siblings>>,
    /// The hash of the next tile, and at the end the leaf.
    next: FieldElement,
}

impl Descent {
    pub(crate) fn new(root: Root, depth: Depth, index: u64) -> Result<Self, HttpError> {
        let index = depth
            .check_index(index)
            .map_err(|_| HttpError::InvalidParameter {
                parameter: "index",
                rule: "must be an index of a leaf in a tree of this depth",
            })?;
        Ok(Self {
            depth,
            index,
            parts: Vec::new(),
            next: root.element(),
        })
    }

    /// Returns the hash of the next tile. `None` if the leaf was reached.
    pub(crate) fn wanted(&self) -> Option<FieldElement> {
        let is_left = self.parts.len() < tile_levels(self.depth).len();
        // The tile of an empty subtree is not stored.
        (is_left && !self.is_empty()).then_some(self.next)
    }

    fn is_empty(&self) -> bool {
        let level = tile_levels(self.depth).get(self.parts.len());
        level.is_some_and(|level| self.next == EMPTY_SUBTREES[*level])
    }

    /// Adds the tile that was wanted.
    pub(crate) fn add(&mut self, tile: &Tile) -> Result<(), String> {
        let level = tile_levels(self.depth)[self.parts.len()];
        if tile.root_level != level {
            return Err(format!(
                "the tile has the level {} instead of {level}",
                tile.root_level
            ));
        }
        self.parts.push(tile.siblings(self.index));
        self.next = tile.entries()[tile.position(self.index)];
        Ok(())
    }

    /// Returns the leaf and its path.
    pub(crate) fn finish(mut self) -> Result<(Leaf, MembershipPath), String> {
        let mut leaf = self.next;
        if self.is_empty() {
            // Every node below is an empty subtree.
            let top = tile_levels(self.depth)[self.parts.len()];
            let below = (0..top).map(|level| [EMPTY_SUBTREES[level]; ARITY - 1]);
            self.parts.push(below.collect());
            leaf = FieldElement::ZERO;
        }
        self.parts.reverse();
        let path = MembershipPath::new(self.depth, self.index, self.parts.concat());
        Ok((Leaf::new(leaf), path.map_err(|error| error.to_string())?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use bauta_client::ReferenceTree;
    use bauta_primitives::tree::node;

    use super::*;

    /// Returns every tile of a tree with few leaves, by its hash.
    fn tiles(depth: Depth, leaves: &[(u64, Leaf)]) -> (Root, HashMap<FieldElement, Vec<u8>>) {
        let mut nodes: HashMap<u64, FieldElement> = leaves
            .iter()
            .map(|(index, leaf)| (*index, leaf.element()))
            .collect();
        let (mut tiles, mut level) = (HashMap::new(), 0);
        for root_level in tile_levels(depth).iter().rev() {
            let width = ARITY.pow(u32::try_from(root_level - level).unwrap());
            let mut above = HashMap::new();
            let firsts: Vec<u64> = nodes.keys().map(|index| index / width as u64).collect();
            for first in firsts {
                let entry = |place| nodes.get(&(first * width as u64 + place)).copied();
                let padded: Vec<_> = (0..width as u64)
                    .map(|place| entry(place).unwrap_or(EMPTY_SUBTREES[level]))
                    .collect();
                let used = (0..width)
                    .rposition(|place| entry(place as u64).is_some())
                    .unwrap()
                    + 1;
                let mut hashes = padded.clone();
                while hashes.len() > 1 {
                    hashes = hashes
                        .as_chunks::<ARITY>()
                        .0
                        .iter()
                        .map(|four| node(*four))
                        .collect();
                }
                let mut bytes = vec![u8::try_from(*root_level).unwrap()];
                padded[..used]
                    .iter()
                    .for_each(|entry| bytes.extend(entry.to_bytes()));
                tiles.insert(hashes[0], bytes);
                above.insert(first, hashes[0]);
            }
            (nodes, level) = (above, *root_level);
        }
        (Root::new(nodes[&0]), tiles)
    }

    fn descend(
        root: Root,
        depth: Depth,
        index: u64,
        tiles: &HashMap<FieldElement, Vec<u8>>,
    ) -> (Leaf, MembershipPath) {
        let mut descent = Descent::new(root, depth, index).unwrap();
        while let Some(hash) = descent.wanted() {
            descent.add(&Tile::decode(&tiles[&hash], hash).unwrap()).unwrap();
        }
        descent.finish().unwrap()
    }

    #[test]
    fn paths_by_tiles_are_those_of_the_reference_tree() {
        for depth in [Depth::Ten, Depth::Sixteen] {
            let last = depth.capacity() - 1;
            let leaves: Vec<(u64, Leaf)> = [0, 1, 255, 256, 70_000, last]
                .map(|index| (index, Leaf::new(FieldElement::from_u64(index + 1))))
                .to_vec();
            let mut tree = ReferenceTree::new(depth);
            tree.set_all(leaves.iter().copied()).unwrap();
            let (root, tiles) = tiles(depth, &leaves);
            assert_eq!(root, tree.root());
            for index in [0, 1, 2, 255, 256, 300, 70_000, last - 1, last, 500_000] {
                let (leaf, path) = descend(root, depth, index, &tiles);
                assert_eq!(leaf, tree.leaf(index).unwrap(), "{index}");
                assert_eq!(path, tree.path(index).unwrap(), "{index}");
                assert_eq!(path.root(leaf), root, "{index}");
            }
        }
    }

    #[test]
    fn a_tile_with_another_hash_or_form_is_refused() {
        let (root, tiles) = tiles(Depth::Ten, &[(0, Leaf::new(FieldElement::from_u64(1)))]);
        let hash = root.element();
        let good = &tiles[&hash];
        assert!(Tile::decode(good, hash).is_ok());
        let mut changed = good.clone();
        changed[32] ^= 1;
        let mut level = good.clone();
        level[0] = 16;
        for wrong in [
            &[][..],
            &[5],
            &good[..32],
            &changed,
            &level,
            &[&[10][..], &[0; 17 * 32]].concat(),
        ] {
            assert!(Tile::decode(wrong, hash).is_err(), "{wrong:?}");
        }
    }
}
