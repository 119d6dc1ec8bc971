use crate::errors::BautaError;
use anchor_lang::prelude::*;
use bauta_primitives::{FieldElement, poseidon, tree::EMPTY_SUBTREES};

/// Levels of the tree: 4^10 leaves.
pub const DEPTH: usize = 10;
/// The lowest level whose nodes are all in the account.
pub const CANOPY_LEVEL: usize = 5;
/// Nodes of the levels 5 to 9: 1,024 + 256 + 64 + 16 + 4.
pub const CANOPY_NODES: usize = 1364;
/// Leaves of a full tree.
pub const CAPACITY: u64 = 1 << (2 * DEPTH);
/// The most leaves of one `append_leaves`: their event has to fit the 32 KiB heap beside them.
pub const MAX_BATCH: usize = 128;
/// Where each canopy level begins among the nodes, from level 5.
const LEVEL_START: [usize; DEPTH - CANOPY_LEVEL] = [0, 1024, 1280, 1344, 1360];

/// A node or leaf: a canonical field element, big-endian.
pub type Node = [u8; 32];
/// The siblings of the five lowest levels, each three in order of position.
pub type Path = [[Node; 3]; 5];

/// The part of a registry's tree that the chain keeps (44,168 bytes with discriminator).
///
/// ```text
///   level 10      root                 in Registry
///   levels 9..5   canopy               every node; zero bytes mean an empty subtree
///   levels 4..0   frontier             the completed nodes left of the next leaf under the same parent, at most three a level
/// ```
///
/// | offset | bytes | field |
/// |---|---|---|
/// | 0 | 32 | `registry` |
/// | 32 | 480 | `frontier` |
/// | 512 | 43,648 | `canopy`: level 5 first |
#[account(zero_copy)]
pub struct Tree {
    /// The registry it belongs to.
    pub registry: Pubkey,
    /// By level and position. Entries at and after the next leaf's digit mean nothing.
    pub frontier: [[Node; 3]; CANOPY_LEVEL],
    /// Level by level from 5 to 9.
    pub canopy: [Node; CANOPY_NODES],
}

impl Tree {
    /// Bytes of the account with its discriminator.
    pub const SPACE: usize = 8 + size_of::<Self>();

    /// Appends `leaves` at `first`, which must be the number of leaves so far, and returns the new root. Works level by
    /// level, so leaves that share ancestors share their hashes.
    pub fn append(&mut self, first: u64, leaves: &[Node]) -> Result<Node> {
        require!(!leaves.is_empty(), BautaError::EmptyBatch);
        require!(leaves.len() <= MAX_BATCH, BautaError::BatchTooLarge);
        for leaf in leaves {
            require!(*leaf < FieldElement::MODULUS, BautaError::LeafNotCanonical);
            require!(!is_zero(leaf), BautaError::AppendedEmptyLeaf);
        }
        let next = first
            .checked_add(leaves.len() as u64)
            .ok_or(BautaError::TreeFull)?;
        require!(next <= CAPACITY, BautaError::TreeFull);

        let mut nodes = leaves.to_vec();
        // position of nodes[0] among the nodes of its level
        let mut start = position(first);
        for (level, empty) in EMPTY_SUBTREES.iter().enumerate().take(CANOPY_LEVEL) {
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
                // a parent's place in the list is never behind the first child of the parent after it
                nodes[parent - first_parent] = hash(children)?;
            }
            nodes.truncate(last_parent - first_parent + 1);
            start = first_parent;
        }
        self.canopy[start..start + nodes.len()].copy_from_slice(&nodes);
        self.raise(start, start + nodes.len() - 1)
    }

    /// Replaces the leaf at `index` by a path of the five lowest levels and returns the new root. `next_index` is the
    /// number of leaves so far. Refused unless `old_leaf` and the path lead to the canopy's node.
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
        let mut old = *old_leaf;
        for (level, siblings) in path.iter().enumerate() {
            old = parent(&old, digit(index, level), siblings)?;
        }
        require!(old == *self.canopy_node(CANOPY_LEVEL, top), BautaError::StalePath);

        let mut new = *new_leaf;
        for (level, siblings) in path.iter().enumerate() {
            let (own, next) = (index >> (2 * level), next_index >> (2 * level));
            if own >> 2 == next >> 2 && own < next {
                self.frontier[level][digit(index, level)] = new;
            }
            new = parent(&new, digit(index, level), siblings)?;
        }
        self.canopy[top] = new;
        self.raise(top, top)
    }

    /// A canopy node with the empty subtree in place of zero. `level` is 5 to 9.
    fn canopy_node(&self, level: usize, position: usize) -> &Node {
        let node = &self.canopy[LEVEL_START[level - CANOPY_LEVEL] + position];
        if is_zero(node) {
            EMPTY_SUBTREES[level].as_bytes()
        } else {
            node
        }
    }

    /// Brings the frontier of `level` up to date: `next` is the position of the next leaf's ancestor, `nodes` lie from
    /// `start`. Those to its left under the same parent are complete.
    fn complete_frontier(&mut self, level: usize, start: usize, next: usize, nodes: &[Node]) {
        for child in (next & !3).max(start)..next {
            self.frontier[level][child & 3] = nodes[child - start];
        }
    }

    /// Computes anew what lies above the canopy's lowest nodes `first` to `last`; returns the root.
    fn raise(&mut self, mut first: usize, mut last: usize) -> Result<Node> {
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

/// A position below 2^20 fits any usize.
#[allow(clippy::cast_possible_truncation)]
const fn position(index: u64) -> usize {
    index as usize
}

const fn digit(index: u64, level: usize) -> usize {
    position(index >> (2 * level)) & 3
}

fn is_zero(node: &Node) -> bool {
    *node == [0; 32]
}

/// Everything hashed here is canonical but for a path's siblings, so a refusal is about those.
fn hash(children: [&Node; 4]) -> Result<Node> {
    poseidon::hash_bytes(children).map_err(|_| error!(BautaError::PathNotCanonical))
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
