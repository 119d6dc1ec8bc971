//! A registry's tree while a batch changes it: the tiles that the batch touches, in memory.
//!
//! ```text
//!   change 5   change 6   change 7     Changes 5 and 7 touch tile A, change 6 touches tile B.
//!      A          B          A         Roots 5 and 6 are not kept, so their tiles are not written.
//!   ----------------------------->     A flush after 7 writes A (since 7) and B (since 6). It ends
//!                                      the stored versions: A at 5, B at 6.
//! ```
//!
//! The version of a tile at change `s` has `since <= s < until`. This holds for every `s` at which
//! the tree was flushed.

use std::collections::{BTreeMap, HashMap};

use bauta_primitives::tree::{ARITY, Depth, EMPTY_SUBTREES, LeafIndex};
use bauta_primitives::{FieldElement, Leaf, Root};

use crate::Sequence;
use crate::hashing::NodeCache;
use crate::tile::{TILE_LEVELS, Tile, TileKey, entry_of, height};

/// A tile version to insert.
pub struct NewVersion {
    pub key: TileKey,
    pub since: Sequence,
    pub until: Option<Sequence>,
    pub hash: FieldElement,
    pub nodes: Vec<u8>,
}

/// The end of a stored version.
pub struct EndedVersion {
    pub key: TileKey,
    pub since: Sequence,
    pub until: Sequence,
}

/// The newest version of a tile.
#[derive(Clone, Copy)]
enum NewestVersion {
    /// There is none, because the tile was empty.
    None,
    /// A row of the database, by its `since_sequence`.
    Stored(Sequence),
    /// An index into [`WorkingTree::new_versions`].
    New(usize),
}

struct OpenTile {
    tile: Tile,
    newest: NewestVersion,
    /// The first and the last change since the newest version.
    changes: Option<(Sequence, Sequence)>,
}

pub struct WorkingTree {
    depth: Depth,
    root: Root,
    tiles: HashMap<TileKey, OpenTile>,
    cache: NodeCache,
    pub new_versions: Vec<NewVersion>,
    pub ended_versions: Vec<EndedVersion>,
}

impl WorkingTree {
    pub fn new(depth: Depth, root: Root) -> Self {
        Self {
            depth,
            root,
            tiles: HashMap::new(),
            cache: NodeCache::default(),
            new_versions: Vec::new(),
            ended_versions: Vec::new(),
        }
    }

    pub const fn root(&self) -> Root {
        self.root
    }

    /// Adds the current version of a tile from the database.
    pub fn load(&mut self, key: TileKey, since: Sequence, tile: Tile) {
        self.tiles.insert(
            key,
            OpenTile {
                tile,
                newest: NewestVersion::Stored(since),
                changes: None,
            },
        );
    }

    /// Returns the leaf at an index. Its tiles must be loaded, unless they are empty.
    pub fn leaf(&self, index: LeafIndex) -> Leaf {
        let key = TileKey {
            level: 0,
            position: index.get() >> 8,
        };
        let entry = entry_of(self.depth, 0, index);
        let leaf = self.tiles.get(&key).map(|open| open.tile.entries()[entry]);
        Leaf::new(leaf.unwrap_or(FieldElement::ZERO))
    }

    /// Computes the nodes that [`set`](Self::set) needs if it is called with these changes one
    /// after the other. It hashes one level of all changes at a time, because hashing in batches
    /// takes a fraction of the time of single hashes. With other changes, `set` still gives the
    /// right nodes.
    pub fn precompute(&mut self, changes: &[Vec<(LeafIndex, Leaf)>]) {
        let of_leaf = |(index, leaf): &(LeafIndex, Leaf)| (index.get(), leaf.element());
        let mut changed: Vec<Vec<(u64, FieldElement)>> = changes
            .iter()
            .map(|leaves| leaves.iter().map(of_leaf).collect())
            .collect();
        for level in 0..self.depth.levels() {
            // The nodes of this level, as each change in turn leaves them.
            let mut nodes: HashMap<u64, FieldElement> = HashMap::new();
            let (mut parents, mut groups) = (Vec::with_capacity(changed.len()), Vec::new());
            for change in &changed {
                nodes.extend(change.iter().copied());
                let mut above: Vec<u64> = change
                    .iter()
                    .map(|(position, _)| position / ARITY as u64)
                    .collect();
                above.sort_unstable();
                above.dedup();
                for parent in &above {
                    groups.push(std::array::from_fn(|child| {
                        let position = parent * ARITY as u64 + child as u64;
                        *nodes
                            .entry(position)
                            .or_insert_with(|| self.node(level, position))
                    }));
                }
                parents.push(above);
            }
            let mut hashes = self.cache.compute(&groups).into_iter();
            changed = parents
                .into_iter()
                .map(|above| above.into_iter().zip(hashes.by_ref()).collect())
                .collect();
        }
    }

    /// Returns a node below the root, as the tree is now.
    fn node(&self, level: usize, position: u64) -> FieldElement {
        let up = level % TILE_LEVELS;
        let base = u8::try_from(level - up).expect("a tree has at most 16 levels");
        let below = 2 * (height(self.depth, base) - up);
        let key = TileKey {
            level: base,
            position: position >> below,
        };
        let within = usize::try_from(position & ((1 << below) - 1)).expect("a tile has at most 256 entries");
        let tile = self.tiles.get(&key);
        tile.map_or(EMPTY_SUBTREES[level], |open| open.tile.node(up, within))
    }

    /// Sets leaves as change `sequence`, and recomputes each node above them once. All tiles above
    /// them that are not empty must have been loaded.
    pub fn set(&mut self, leaves: &[(LeafIndex, Leaf)], sequence: Sequence) {
        // The hashes of the tiles of a level are the entries of the tiles of the next level.
        let mut changed: Vec<(LeafIndex, FieldElement)> = leaves
            .iter()
            .map(|(index, leaf)| (*index, leaf.element()))
            .collect();
        let Some((first, _)) = leaves.first() else { return };
        let levels: Vec<u8> = TileKey::above(self.depth, *first).map(|key| key.level).collect();
        for (number, level) in levels.into_iter().enumerate() {
            let mut by_tile: BTreeMap<TileKey, Vec<(usize, FieldElement)>> = BTreeMap::new();
            let mut indices: HashMap<TileKey, LeafIndex> = HashMap::new();
            for (index, value) in changed.drain(..) {
                let Some(key) = TileKey::above(self.depth, index).nth(number) else {
                    continue;
                };
                by_tile
                    .entry(key)
                    .or_default()
                    .push((entry_of(self.depth, level, index), value));
                indices.insert(key, index);
            }
            for (key, entries) in by_tile {
                let open = self.tiles.entry(key).or_insert_with(|| OpenTile {
                    tile: Tile::empty(self.depth, level),
                    newest: NewestVersion::None,
                    changes: None,
                });
                open.tile.set(&entries, &self.cache);
                let first = open.changes.map_or(sequence, |(first, _)| first);
                open.changes = Some((first, sequence));
                changed.push((indices[&key], open.tile.hash()));
            }
        }
        if let Some((_, root)) = changed.first() {
            self.root = Root::new(*root);
        }
    }

    /// Makes versions of the tiles as they are now. The caller flushes the tree when its current
    /// root must stay readable.
    pub fn flush(&mut self) {
        for (key, open) in &mut self.tiles {
            let Some((first, last)) = open.changes.take() else {
                continue;
            };
            match open.newest {
                NewestVersion::None => {}
                NewestVersion::Stored(since) => self.ended_versions.push(EndedVersion {
                    key: *key,
                    since,
                    until: first,
                }),
                NewestVersion::New(version) => self.new_versions[version].until = Some(first),
            }
            open.newest = NewestVersion::None;
            if !open.tile.is_empty() {
                open.newest = NewestVersion::New(self.new_versions.len());
                self.new_versions.push(NewVersion {
                    key: *key,
                    since: last,
                    until: None,
                    hash: open.tile.hash(),
                    nodes: open.tile.encode(),
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bauta_primitives::tree::node;
    use proptest::prelude::*;

    use super::*;

    const DEPTH: Depth = Depth::Ten;

    fn change(leaves: &[(u64, u64)]) -> Vec<(LeafIndex, Leaf)> {
        leaves
            .iter()
            .map(|(index, leaf)| {
                (
                    DEPTH.check_index(*index).unwrap(),
                    Leaf::new(FieldElement::from_u64(*leaf)),
                )
            })
            .collect()
    }

    /// Returns the groups of children above a leaf, lowest first, as the tree is now.
    fn groups_above(tree: &WorkingTree, index: LeafIndex) -> Vec<[FieldElement; ARITY]> {
        (0..DEPTH.levels())
            .map(|level| {
                let first = index.get() >> (2 * level) & !3;
                std::array::from_fn(|child| tree.node(level, first + child as u64))
            })
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn precomputing_caches_every_node_of_the_changes_and_does_not_change_the_roots(
            before in prop::collection::vec((0u64..600, 1u64..9), 0..8),
            changes in prop::collection::vec(prop::collection::vec((0u64..600, 0u64..9), 1..6), 1..12),
        ) {
            let (mut precomputed, mut plain) = (
                WorkingTree::new(DEPTH, DEPTH.empty_root()),
                WorkingTree::new(DEPTH, DEPTH.empty_root()),
            );
            for tree in [&mut precomputed, &mut plain] {
                tree.set(&change(&before), Sequence::new(1));
            }
            let changes: Vec<_> = changes.iter().map(|leaves| change(leaves)).collect();
            precomputed.precompute(&changes);
            for (sequence, change) in (2..).map(Sequence::new).zip(&changes) {
                precomputed.set(change, sequence);
                plain.set(change, sequence);
                prop_assert_eq!(precomputed.root(), plain.root());
                for (index, _) in change {
                    let mut root = FieldElement::ZERO;
                    for children in groups_above(&precomputed, *index) {
                        root = node(children);
                        prop_assert_eq!(precomputed.cache.get(&children), Some(root));
                    }
                    prop_assert_eq!(root, plain.root().element());
                }
            }
        }
    }
}
