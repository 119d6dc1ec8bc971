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

use bauta_primitives::tree::{Depth, LeafIndex};
use bauta_primitives::{FieldElement, Leaf, Root};

use crate::tile::{Tile, TileKey, entry_of};

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
    pub versions: Vec<Version>,
    pub ended: Vec<Ended>,
}

impl WorkingTree {
    pub fn new(depth: Depth, root: Root) -> Self {
        Self {
            depth,
            root,
            tiles: HashMap::new(),
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
                open.tile.set(&entries);
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
