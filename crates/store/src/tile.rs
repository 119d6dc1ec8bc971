//! Tiles: subtrees of four levels, in which trees are stored and served.
//!
//! ```text
//!   root of the tile (its hash)
//!   4 nodes                        nodes[0..4]
//!   16 nodes                       nodes[4..20]
//!   64 nodes                       nodes[20..84]
//!   256 entries at `level`         nodes[84..340]; leaves in the lowest tiles, else roots of tiles
//! ```
//!
//! The top tile of a tree of depth 10 has only two levels: 4 nodes and 16 entries.

use ark_bn254::Fr;
use bauta_primitives::FieldElement;
use bauta_primitives::tree::{ARITY, Depth, EMPTY_SUBTREES, LeafIndex, Siblings};

use crate::StoreError;
use crate::hashing::{NodeCache, from_fr};
use crate::values::element;

/// The number of levels of a tile, without its root.
pub const TILE_LEVELS: usize = 4;

/// The place of a tile in a tree.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TileKey {
    /// The level of the entries: 0, 4, 8 or 12.
    pub level: u8,
    /// The position from the left among the tiles of that level, from 0.
    pub position: u64,
}

impl TileKey {
    /// Returns the tiles above a leaf, lowest first: 3 in a tree of depth 10, 4 in a tree of depth
    /// 16.
    pub fn above(depth: Depth, index: LeafIndex) -> impl Iterator<Item = Self> {
        (0u8..16)
            .step_by(TILE_LEVELS)
            .take_while(move |level| usize::from(*level) < depth.levels())
            .map(move |level| {
                let root_level = usize::from(level) + height(depth, level);
                Self {
                    level,
                    position: index.get() >> (2 * root_level),
                }
            })
    }

    /// Fails if a tree of `depth` does not have the tile.
    pub fn check(self, depth: Depth) -> Result<(), StoreError> {
        let level = usize::from(self.level);
        let exists = level.is_multiple_of(TILE_LEVELS)
            && level < depth.levels()
            && self.position < depth.capacity() >> (2 * (level + height(depth, self.level)));
        if exists {
            Ok(())
        } else {
            Err(StoreError::TileOutOfRange {
                depth: depth as u8,
                level: self.level,
                position: self.position,
            })
        }
    }
}

/// Returns the number of levels of a tile whose entries are at `level`: four, or fewer if the root
/// of the tree is closer.
pub fn height(depth: Depth, level: u8) -> usize {
    TILE_LEVELS.min(depth.levels() - usize::from(level))
}

/// Returns the index of the first node that is `up` levels above the entries.
const fn start(height: usize, up: usize) -> usize {
    (width(height - up) - ARITY) / (ARITY - 1)
}

/// Returns the number of nodes that are `levels` below one node: 4^levels.
pub const fn width(levels: usize) -> usize {
    1 << (2 * levels)
}

/// Returns the number of nodes of a tile, with the entries and without the root.
const fn size(height: usize) -> usize {
    start(height, 0) + width(height)
}

/// Returns the position of a leaf's first byte in the column `nodes` of its tile. A column without
/// the bytes has the empty leaf.
pub fn byte_of_leaf(depth: Depth, index: LeafIndex) -> i32 {
    let byte = (start(height(depth, 0), 0) + entry_of(depth, 0, index)) * 32;
    i32::try_from(byte).expect("a tile has at most 10,880 bytes")
}

/// The content of a tile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tile {
    level: u8,
    height: usize,
    root: FieldElement,
    nodes: Vec<FieldElement>,
}

impl Tile {
    /// Returns a tile that has no leaf below it.
    pub(crate) fn empty(depth: Depth, level: u8) -> Self {
        let height = height(depth, level);
        let mut nodes = vec![FieldElement::ZERO; size(height)];
        for up in 0..height {
            let from = start(height, up);
            nodes[from..from + width(height - up)].fill(EMPTY_SUBTREES[usize::from(level) + up]);
        }
        Self {
            level,
            height,
            root: EMPTY_SUBTREES[usize::from(level) + height],
            nodes,
        }
    }

    /// Returns the level of the entries in the tree.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// Returns the root of the tile, which is also its hash.
    #[must_use]
    pub const fn hash(&self) -> FieldElement {
        self.root
    }

    /// Returns the nodes of the lowest level from left to right: leaves, or hashes of tiles.
    #[must_use]
    pub fn entries(&self) -> &[FieldElement] {
        &self.nodes[start(self.height, 0)..]
    }

    /// Returns whether no leaf is below the tile.
    pub(crate) fn is_empty(&self) -> bool {
        self.root == EMPTY_SUBTREES[usize::from(self.level) + self.height]
    }

    /// Returns the node that is `up` levels above the entries, at `position` from the left.
    pub(crate) fn node(&self, up: usize, position: usize) -> FieldElement {
        self.nodes[start(self.height, up) + position]
    }

    /// Sets entries and recomputes each node above them once.
    pub(crate) fn set(&mut self, entries: &[(usize, FieldElement)], cache: &NodeCache) {
        let base = start(self.height, 0);
        let mut changed: Vec<usize> = entries.iter().map(|(entry, _)| *entry).collect();
        for (entry, value) in entries {
            self.nodes[base + entry] = *value;
        }
        changed.sort_unstable();
        for up in 0..self.height {
            for position in &mut changed {
                *position /= ARITY;
            }
            changed.dedup();
            let groups: Vec<_> = changed
                .iter()
                .map(|position| {
                    let first = start(self.height, up) + position * ARITY;
                    std::array::from_fn(|i| self.nodes[first + i])
                })
                .collect();
            for (position, hash) in changed.iter().zip(cache.get_or_compute(&groups)) {
                if up + 1 == self.height {
                    self.root = hash;
                } else {
                    self.nodes[start(self.height, up + 1) + position] = hash;
                }
            }
        }
    }

    /// Cuts a tile out of a tree. `levels` are the nodes of the tree from the leaves to the root,
    /// each level without the empty nodes at its end.
    pub(crate) fn cut(depth: Depth, key: TileKey, levels: &[Vec<Fr>]) -> Self {
        let mut tile = Self::empty(depth, key.level);
        let (height, level) = (tile.height, usize::from(key.level));
        let nodes_from = |up: usize| {
            let first = usize::try_from(key.position << (2 * (height - up)));
            let first = first.expect("a tile above given leaves is within their vector");
            levels[level + up].get(first..).unwrap_or_default()
        };
        for up in 0..height {
            let from = start(height, up);
            let own = &mut tile.nodes[from..from + width(height - up)];
            for (target, node) in own.iter_mut().zip(nodes_from(up)) {
                *target = from_fr(node);
            }
        }
        if let Some(root) = nodes_from(height).first() {
            tile.root = from_fr(root);
        }
        tile
    }

    /// Encodes the column `nodes`: all nodes without the empty ones at the end of the entries.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let empty = EMPTY_SUBTREES[usize::from(self.level)];
        let used = self
            .nodes
            .iter()
            .rposition(|n| *n != empty)
            .map_or(0, |last| last + 1);
        let used = used.max(start(self.height, 0));
        self.nodes[..used]
            .iter()
            .flat_map(FieldElement::as_bytes)
            .copied()
            .collect()
    }

    /// Decodes a row. It does not recompute the nodes above the entries, because they were computed
    /// from the entries when the row was written.
    pub(crate) fn decode(depth: Depth, level: u8, hash: &[u8], column: &[u8]) -> Result<Self, StoreError> {
        let mut tile = Self::empty(depth, level);
        if !column.len().is_multiple_of(32) || column.len() > tile.nodes.len() * 32 {
            return Err(damaged(column));
        }
        for (target, bytes) in tile.nodes.iter_mut().zip(column.chunks_exact(32)) {
            *target = element(bytes)?;
        }
        tile.root = element(hash)?;
        Ok(tile)
    }
}

fn damaged(column: &[u8]) -> StoreError {
    StoreError::Damaged(format!("a tile has {} bytes", column.len()))
}

/// The segment of a path within one tile.
pub struct PathSegment {
    /// The siblings of each level of the tile, from the entries upwards.
    pub siblings: Vec<Siblings>,
    /// The entry on the path.
    pub entry: FieldElement,
}

impl PathSegment {
    /// Reads a segment without decoding the rest of the tile. `column` is the column `nodes`; it is
    /// empty for a tile without a row.
    pub fn read(depth: Depth, level: u8, entry: usize, column: &[u8]) -> Result<Self, StoreError> {
        let height = height(depth, level);
        let mut siblings = Vec::with_capacity(height);
        let mut own = FieldElement::ZERO;
        for up in 0..height {
            let position = entry >> (2 * up);
            let first = start(height, up) + (position & !(ARITY - 1));
            let mut group = [EMPTY_SUBTREES[usize::from(level) + up]; ARITY];
            for (i, target) in group.iter_mut().enumerate() {
                let from = (first + i) * 32;
                if let Some(bytes) = column.get(from..from + 32) {
                    *target = element(bytes)?;
                }
            }
            let digit = position % ARITY;
            if up == 0 {
                own = group[digit];
            }
            let mut others = (0..ARITY).filter(|i| *i != digit).map(|i| group[i]);
            siblings.push(std::array::from_fn(|_| {
                others.next().unwrap_or(FieldElement::ZERO)
            }));
        }
        Ok(Self { siblings, entry: own })
    }
}

/// Returns the index of a leaf's ancestor among the entries of its tile at `level`.
pub fn entry_of(depth: Depth, level: u8, index: LeafIndex) -> usize {
    (0..height(depth, level))
        .map(|up| index.digit(usize::from(level) + up) << (2 * up))
        .sum()
}
