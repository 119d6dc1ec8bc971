//! A registry's tree while a batch changes it: the tiles that the batch touches, in memory.
//!
//! ```text
//!   change 5   change 6   change 7      roots 5 and 6 are not kept, so their tiles are never written;
//!      A          B          A          a flush after 7 writes A (since 7) and B (since 6) and ends
//!   ----------------------------->      the versions before: A's at 5, B's at 6
//! ```
//!
//! A version with `since <= s < until` is the tile at change s, for every s at which the tree was flushed.

use std::collections::{BTreeMap, HashMap};

use bauta_primitives::tree::{ARITY, Depth, EMPTY_SUBTREES, LeafIndex};
use bauta_primitives::{FieldElement, Leaf, Root};

use crate::hashing::KnownNodes;
use crate::tile::{TILE_LEVELS, Tile, TileKey, entry_of, height};

/// A tile version to be written.
pub struct Version {
    pub key: TileKey,
    pub since: i64,
    pub until: Option<i64>,
    pub hash: FieldElement,
    pub nodes: Vec<u8>,
}

/// The end of a version that the database has.
pub struct Ended {
    pub key: TileKey,
    pub since: i64,
    pub until: i64,
}

/// Which version of a tile is the newest.
#[derive(Clone, Copy)]
enum Newest {
    /// None: the tile was empty.
    Nothing,
    /// A row of the database, by its `since_sequence`.
    Stored(i64),
    /// One of [`WorkingTree::versions`].
    Written(usize),
}

struct OpenTile {
    tile: Tile,
    newest: Newest,
    /// First and last change since the newest version.
    changes: Option<(i64, i64)>,
}

pub struct WorkingTree {
    depth: Depth,
    root: Root,
    tiles: HashMap<TileKey, OpenTile>,
    known: KnownNodes,
    pub versions: Vec<Version>,
    pub ended: Vec<Ended>,
}

impl WorkingTree {
    pub fn new(depth: Depth, root: Root) -> Self {
        Self {
            depth,
            root,
            tiles: HashMap::new(),
            known: KnownNodes::default(),
            versions: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub const fn root(&self) -> Root {
        self.root
    }

    /// Takes in a current row of the database.
    pub fn load(&mut self, key: TileKey, since: i64, tile: Tile) {
        self.tiles.insert(
            key,
            OpenTile {
                tile,
                newest: Newest::Stored(since),
                changes: None,
            },
        );
    }

    /// The leaf at an index whose tiles are loaded, or empty.
    pub fn leaf(&self, index: LeafIndex) -> Leaf {
        let key = TileKey {
            level: 0,
            position: index.get() >> 8,
        };
        let entry = entry_of(self.depth, 0, index);
        let leaf = self.tiles.get(&key).map(|open| open.tile.entries()[entry]);
        Leaf::new(leaf.unwrap_or(FieldElement::ZERO))
    }

    /// Computes ahead, a level of all changes at a time, what [`set`](Self::set) will need if it is called with these changes
    /// one after the other: hashes in batches take a fraction of the time. If other changes come, nothing is lost but time.
    pub fn foresee(&mut self, changes: &[Vec<(LeafIndex, Leaf)>]) {
        let of_leaf = |(index, leaf): &(LeafIndex, Leaf)| (index.get(), leaf.element());
        let mut changed: Vec<Vec<(u64, FieldElement)>> = changes
            .iter()
            .map(|leaves| leaves.iter().map(of_leaf).collect())
            .collect();
        for level in 0..self.depth.levels() {
            // The level after each change in turn.
            let mut now: HashMap<u64, FieldElement> = HashMap::new();
            let (mut parents, mut groups) = (Vec::with_capacity(changed.len()), Vec::new());
            for change in &changed {
                now.extend(change.iter().copied());
                let mut above: Vec<u64> = change.iter().map(|(place, _)| place / ARITY as u64).collect();
                above.sort_unstable();
                above.dedup();
                for parent in &above {
                    groups.push(std::array::from_fn(|child| {
                        let place = parent * ARITY as u64 + child as u64;
                        *now.entry(place).or_insert_with(|| self.node(level, place))
                    }));
                }
                parents.push(above);
            }
            let mut hashes = self.known.learn(&groups).into_iter();
            changed = parents
                .into_iter()
                .map(|above| above.into_iter().zip(hashes.by_ref()).collect())
                .collect();
        }
    }

    /// A node of the present tree below the root.
    fn node(&self, level: usize, place: u64) -> FieldElement {
        let up = level % TILE_LEVELS;
        let base = u8::try_from(level - up).expect("a tree has at most 16 levels");
        let below = 2 * (height(self.depth, base) - up);
        let key = TileKey {
            level: base,
            position: place >> below,
        };
        let within = usize::try_from(place & ((1 << below) - 1)).expect("a tile has at most 256 entries");
        let tile = self.tiles.get(&key);
        tile.map_or(EMPTY_SUBTREES[level], |open| open.tile.node(up, within))
    }

    /// Sets leaves as change `sequence`, and recomputes each node above them once. All their tiles that are not empty must
    /// have been loaded.
    pub fn set(&mut self, leaves: &[(LeafIndex, Leaf)], sequence: i64) {
        // by tile: the entries to set; a level's tiles give the next level's entries
        let mut changed: Vec<(LeafIndex, FieldElement)> = leaves
            .iter()
            .map(|(index, leaf)| (*index, leaf.element()))
            .collect();
        let Some((first, _)) = leaves.first() else { return };
        let levels: Vec<u8> = TileKey::above(self.depth, *first).map(|key| key.level).collect();
        for (place, level) in levels.into_iter().enumerate() {
            let mut by_tile: BTreeMap<TileKey, Vec<(usize, FieldElement)>> = BTreeMap::new();
            let mut indices: HashMap<TileKey, LeafIndex> = HashMap::new();
            for (index, value) in changed.drain(..) {
                let Some(key) = TileKey::above(self.depth, index).nth(place) else {
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
                    newest: Newest::Nothing,
                    changes: None,
                });
                open.tile.set(&entries, &self.known);
                let first = open.changes.map_or(sequence, |(first, _)| first);
                open.changes = Some((first, sequence));
                changed.push((indices[&key], open.tile.hash()));
            }
        }
        if let Some((_, root)) = changed.first() {
            self.root = Root::new(*root);
        }
    }

    /// Makes versions of the tiles as they are now, because the present root will be asked for.
    pub fn flush(&mut self) {
        for (key, open) in &mut self.tiles {
            let Some((first, last)) = open.changes.take() else {
                continue;
            };
            match open.newest {
                Newest::Nothing => {}
                Newest::Stored(since) => self.ended.push(Ended {
                    key: *key,
                    since,
                    until: first,
                }),
                Newest::Written(version) => self.versions[version].until = Some(first),
            }
            open.newest = Newest::Nothing;
            if !open.tile.is_empty() {
                open.newest = Newest::Written(self.versions.len());
                self.versions.push(Version {
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

    fn change(places: &[(u64, u64)]) -> Vec<(LeafIndex, Leaf)> {
        places
            .iter()
            .map(|(place, leaf)| {
                (
                    DEPTH.check_index(*place).unwrap(),
                    Leaf::new(FieldElement::from_u64(*leaf)),
                )
            })
            .collect()
    }

    /// The groups of children above a leaf of the present tree, from the lowest.
    fn above(tree: &WorkingTree, index: LeafIndex) -> Vec<[FieldElement; ARITY]> {
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
        fn every_node_of_foreseen_changes_is_known_and_the_roots_are_those_without_foresight(
            before in prop::collection::vec((0u64..600, 1u64..9), 0..8),
            changes in prop::collection::vec(prop::collection::vec((0u64..600, 0u64..9), 1..6), 1..12),
        ) {
            let (mut foreseeing, mut plain) = (
                WorkingTree::new(DEPTH, DEPTH.empty_root()),
                WorkingTree::new(DEPTH, DEPTH.empty_root()),
            );
            for tree in [&mut foreseeing, &mut plain] {
                tree.set(&change(&before), 1);
            }
            let changes: Vec<_> = changes.iter().map(|places| change(places)).collect();
            foreseeing.foresee(&changes);
            for (sequence, change) in (2..).zip(&changes) {
                foreseeing.set(change, sequence);
                plain.set(change, sequence);
                prop_assert_eq!(foreseeing.root(), plain.root());
                for (index, _) in change {
                    let mut root = FieldElement::ZERO;
                    for children in above(&foreseeing, *index) {
                        root = node(children);
                        prop_assert_eq!(foreseeing.known.get(&children), Some(root));
                    }
                    prop_assert_eq!(root, plain.root().element());
                }
            }
        }
    }
}
