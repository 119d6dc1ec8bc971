use crate::errors::{BautaError, refused, require};
use anchor_lang::prelude::*;
use bauta_primitives::{FieldElement, poseidon, tree::EMPTY_SUBTREES};

/// The depth of a tree that is stored on chain.
pub const DEPTH: usize = 10;
/// The lowest level of the canopy. The account stores every node from this level upwards.
pub const CANOPY_LEVEL: usize = 5;
/// The number of nodes of the levels 5 to 9: 1,024 + 256 + 64 + 16 + 4.
pub const CANOPY_NODES: usize = 1364;
/// The number of leaves of a full tree: 4^10.
pub const CAPACITY: u64 = 1 << (2 * DEPTH);
/// The maximum number of leaves of one `append_leaves`. The leaves and their event must fit into
/// the heap of 32 KiB.
pub const MAX_BATCH: usize = 128;
/// The number of changes in the changelog.
pub const CHANGELOG: usize = 64;
/// The position of the first node of each canopy level, from level 5 upwards.
const LEVEL_START: [usize; DEPTH - CANOPY_LEVEL] = [0, 1024, 1280, 1344, 1360];

/// A node or leaf: a canonical field element, big-endian.
pub type Node = [u8; 32];
/// The siblings of the five lowest levels. Each level has three, in the order of their positions.
pub type Path = [[Node; 3]; 5];

/// The part of a registry's tree that is stored on chain. The account has 54,936 bytes, including
/// the discriminator.
///
/// ```text
///   level 10      root                 in Registry
///   levels 9..5   canopy               every node; zero bytes mean an empty subtree
///   levels 4..0   frontier             the completed nodes to the left of the next leaf, under
///                                      the same parent: at most three for each level
///                 changelog            the new nodes of the last 64 changes of one leaf
/// ```
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `registry` |
/// | 32 | 480 | `frontier` |
/// | 512 | 43,648 | `canopy`: level 5 first |
/// | 44,160 | 8 | `change_count` |
/// | 44,168 | 8 | `change_start` |
/// | 44,176 | 10,752 | `changelog` |
#[account(zero_copy)]
pub struct Tree {
    /// The registry that the tree belongs to.
    pub registry: Pubkey,
    /// The frontier by level and position. Entries at and after the next leaf's digit have no
    /// meaning.
    pub frontier: [[Node; 3]; CANOPY_LEVEL],
    /// The canopy, level by level from 5 to 9.
    pub canopy: [Node; CANOPY_NODES],
    /// The number of changes that were ever logged. The next one goes to the position of this
    /// number modulo [`CHANGELOG`].
    pub change_count: u64,
    /// The number of the first change in the changelog that is still valid.
    pub change_start: u64,
    /// The ring of the last changes.
    pub changelog: [Change; CHANGELOG],
}

/// A change of one leaf, by an append or a replacement.
#[zero_copy]
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// The index of the leaf.
    pub index: u64,
    /// The new leaf, and its new ancestors of the levels 1 to 4.
    pub nodes: [Node; CANOPY_LEVEL],
}

impl Tree {
    /// The length of the account in bytes, including the discriminator.
    pub const SPACE: usize = 8 + size_of::<Self>();

    /// Appends `leaves` and returns the new root. `first` is the number of leaves in the tree.
    ///
    /// The function works level by level, so an ancestor of several leaves is hashed once.
    pub fn append(&mut self, first: u64, leaves: &[Node]) -> Result<Node> {
        require!(!leaves.is_empty(), BautaError::EmptyBatch);
        require!(leaves.len() <= MAX_BATCH, BautaError::BatchTooLarge);
        for leaf in leaves {
            require!(*leaf < FieldElement::MODULUS, BautaError::LeafNotCanonical);
            require!(!is_zero(leaf), BautaError::AppendedEmptyLeaf);
        }
        let next = first
            .checked_add(leaves.len() as u64)
            .ok_or_else(|| refused(BautaError::TreeFull))?;
        require!(next <= CAPACITY, BautaError::TreeFull);

        let mut nodes = leaves.to_vec();
        let mut first_nodes = [[0; 32]; CANOPY_LEVEL];
        // The position of nodes[0] among the nodes of its level.
        let mut start = position(first);
        for (level, empty) in EMPTY_SUBTREES.iter().enumerate().take(CANOPY_LEVEL) {
            first_nodes[level] = nodes[0];
            let left = self.frontier[level];
            self.complete_frontier(level, start, position(next >> (2 * level)), &nodes);
            let last_parent = (start + nodes.len() - 1) >> 2;
            let first_parent = start >> 2;
            for parent in first_parent..=last_parent {
                let children = core::array::from_fn(|digit| {
                    let child = 4 * parent + digit;
                    match child.checked_sub(start) {
                        None => &left[digit],
                        Some(i) => nodes.get(i).unwrap_or(empty.as_bytes()),
                    }
                });
                // A parent is written at or before the first child of the next parent, so it
                // overwrites no child that is still needed.
                nodes[parent - first_parent] = hash(children)?;
            }
            nodes.truncate(last_parent - first_parent + 1);
            start = first_parent;
        }
        if leaves.len() == 1 {
            self.log(first, first_nodes);
        } else {
            // A batch would not fit into the changelog. Without its nodes, older changes must not
            // be applied to paths any more.
            self.change_start = self.change_count;
        }
        self.canopy[start..start + nodes.len()].copy_from_slice(&nodes);
        self.update_ancestors(start, start + nodes.len() - 1)
    }

    /// Replaces the leaf at `index` and returns the new root.
    ///
    /// `path` has the five lowest levels. It may be stale: the changes in the changelog are applied
    /// to it first. `next_index` is the number of leaves in the tree.
    ///
    /// # Errors
    /// `StalePath` if `old_leaf` and the updated path don't lead to the node in the canopy.
    pub fn replace(
        &mut self,
        next_index: u64,
        index: u64,
        old_leaf: &Node,
        new_leaf: &Node,
        path: &Path,
    ) -> Result<Node> {
        require!(index < next_index, BautaError::IndexNotAppended);
        require!(*old_leaf < FieldElement::MODULUS, BautaError::LeafNotCanonical);
        require!(*new_leaf < FieldElement::MODULUS, BautaError::LeafNotCanonical);
        let top = position(index >> (2 * CANOPY_LEVEL));
        let path = &self.updated(path, index);
        let mut old = *old_leaf;
        for (level, siblings) in path.iter().enumerate() {
            old = parent(&old, digit(index, level), siblings)?;
        }
        require!(old == *self.canopy_node(CANOPY_LEVEL, top), BautaError::StalePath);

        let mut new = *new_leaf;
        let mut nodes = [[0; 32]; CANOPY_LEVEL];
        for (level, siblings) in path.iter().enumerate() {
            nodes[level] = new;
            let (own, next) = (index >> (2 * level), next_index >> (2 * level));
            if own >> 2 == next >> 2 && own < next {
                self.frontier[level][digit(index, level)] = new;
            }
            new = parent(&new, digit(index, level), siblings)?;
        }
        self.canopy[top] = new;
        self.log(index, nodes);
        self.update_ancestors(top, top)
    }

    /// Adds a change to the changelog. It overwrites the oldest one.
    fn log(&mut self, index: u64, nodes: [Node; CANOPY_LEVEL]) {
        self.changelog[ring_position(self.change_count)] = Change { index, nodes };
        // 2^64 changes never happen.
        self.change_count = self.change_count.wrapping_add(1);
    }

    /// Applies the changelog to the path of the leaf at `index`.
    ///
    /// Each sibling becomes the node of the last logged change below it, if there is one. If all
    /// changes since the path was read are in the changelog, the result is the current path. The
    /// siblings of a current path do not change, because the last change below a sibling is the
    /// one that made it.
    ///
    /// The caller must compare the result with the canopy. The safety of a replacement depends only
    /// on this comparison.
    fn updated(&self, path: &Path, index: u64) -> Path {
        let mut path = *path;
        let oldest = self.change_count.saturating_sub(CHANGELOG as u64);
        for number in self.change_start.max(oldest)..self.change_count {
            let change = &self.changelog[ring_position(number)];
            let difference = change.index ^ index;
            if difference == 0 || difference >> (2 * CANOPY_LEVEL) != 0 {
                // The change is of this leaf or in another subtree, so it is below no sibling.
                continue;
            }
            // The highest level on which the two leaves have different ancestors. These ancestors
            // have the same parent.
            let mut level = CANOPY_LEVEL - 1;
            while difference >> (2 * level) == 0 {
                level -= 1;
            }
            let (own, other) = (digit(index, level), digit(change.index, level));
            let sibling = if other < own { other } else { other - 1 };
            path[level][sibling] = change.nodes[level];
        }
        path
    }

    /// Returns a canopy node, with the root of an empty subtree in place of zero. `level` is 5 to
    /// 9.
    fn canopy_node(&self, level: usize, position: usize) -> &Node {
        let node = &self.canopy[LEVEL_START[level - CANOPY_LEVEL] + position];
        if is_zero(node) {
            EMPTY_SUBTREES[level].as_bytes()
        } else {
            node
        }
    }

    /// Updates the frontier of `level`.
    ///
    /// `next` is the position of the next leaf's ancestor on this level. `nodes` are the new nodes
    /// from the position `start`. The nodes to the left of `next` under the same parent are
    /// complete.
    fn complete_frontier(&mut self, level: usize, start: usize, next: usize, nodes: &[Node]) {
        for child in (next & !3).max(start)..next {
            self.frontier[level][child & 3] = nodes[child - start];
        }
    }

    /// Recomputes the ancestors of the canopy's lowest nodes `first` to `last` and returns the
    /// root.
    fn update_ancestors(&mut self, mut first: usize, mut last: usize) -> Result<Node> {
        let mut root = [0; 32];
        for level in CANOPY_LEVEL..DEPTH {
            first >>= 2;
            last >>= 2;
            for parent in first..=last {
                let children = core::array::from_fn(|digit| self.canopy_node(level, 4 * parent + digit));
                let node = hash(children)?;
                match LEVEL_START.get(level + 1 - CANOPY_LEVEL) {
                    Some(above) => self.canopy[above + parent] = node,
                    None => root = node,
                }
            }
        }
        Ok(root)
    }
}

/// Converts a position to an index of an array. A position is below 2^20, so it fits into any
/// usize.
#[allow(clippy::cast_possible_truncation)]
const fn position(index: u64) -> usize {
    index as usize
}

/// Returns the position of a change in the ring.
const fn ring_position(number: u64) -> usize {
    position(number % CHANGELOG as u64)
}

const fn digit(index: u64, level: usize) -> usize {
    position(index >> (2 * level)) & 3
}

fn is_zero(node: &Node) -> bool {
    *node == [0; 32]
}

/// Hashes four children. Stored nodes and checked leaves are canonical, so only a sibling of the
/// path can cause an error.
fn hash(children: [&Node; 4]) -> Result<Node> {
    poseidon::hash_bytes(children).map_err(|_| refused(BautaError::PathNotCanonical))
}

fn parent(child: &Node, digit: usize, siblings: &[Node; 3]) -> Result<Node> {
    let [a, b, c] = siblings;
    hash(match digit {
        0 => [child, a, b, c],
        1 => [a, child, b, c],
        2 => [a, b, child, c],
        _ => [a, b, c, child],
    })
}
