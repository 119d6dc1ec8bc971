//! The shape of a registry tree: 4-ary, depth 10 or 16, `Poseidon4` nodes, empty leaf 0.
//!
//! ```text
//!   level 0   leaves          index = d9 d8 .. d1 d0 in base 4; digit d0 is the position below the lowest node
//!   level 1   nodes of 4
//!   ...
//!   level D   the root
//! ```

use crate::{FieldElement, Leaf, PrimitivesError, Root, poseidon};

/// Children of a node.
pub const ARITY: usize = 4;

/// The siblings of one node on a path: its three fellow children, in order of position.
pub type Siblings = [FieldElement; ARITY - 1];

/// How many levels of nodes a tree has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Depth {
    /// 4^10 = 1,048,576 leaves.
    Ten = 10,
    /// 4^16 = 4,294,967,296 leaves.
    Sixteen = 16,
}

impl Depth {
    /// Levels of nodes above the leaves.
    #[must_use]
    pub const fn levels(self) -> usize {
        self as usize
    }

    /// Leaves of a full tree.
    #[must_use]
    pub const fn capacity(self) -> u64 {
        1 << (2 * self as u32)
    }

    /// The root of a tree without leaves.
    #[must_use]
    pub const fn empty_root(self) -> Root {
        Root::new(EMPTY_SUBTREES[self.levels()])
    }

    /// Refuses an index past the last leaf.
    pub const fn check_index(self, index: u64) -> Result<LeafIndex, PrimitivesError> {
        if index < self.capacity() {
            Ok(LeafIndex(index))
        } else {
            Err(PrimitivesError::IndexOutOfRange {
                index,
                depth: self as u8,
                last: self.capacity() - 1,
            })
        }
    }
}

impl TryFrom<u8> for Depth {
    type Error = PrimitivesError;

    fn try_from(depth: u8) -> Result<Self, PrimitivesError> {
        match depth {
            10 => Ok(Self::Ten),
            16 => Ok(Self::Sixteen),
            _ => Err(PrimitivesError::UnknownDepth { depth }),
        }
    }
}

/// A position among a tree's leaves; made by [`Depth::check_index`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LeafIndex(u64);

impl LeafIndex {
    /// The position, from 0.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The position (0 to 3) below its parent of this leaf's ancestor at `level` (0: the leaf itself).
    #[must_use]
    pub const fn digit(self, level: usize) -> usize {
        ((self.0 >> (2 * level)) & 3) as usize
    }
}

/// `Poseidon4` of the children: an inner node.
#[must_use]
pub fn node(children: [FieldElement; ARITY]) -> FieldElement {
    poseidon::hash(children)
}

/// The parent of `child` at `position` (0 to 3) among its siblings.
#[must_use]
pub fn parent(child: FieldElement, position: usize, siblings: &Siblings) -> FieldElement {
    let [a, b, c] = *siblings;
    node(match position & 3 {
        0 => [child, a, b, c],
        1 => [a, child, b, c],
        2 => [a, b, child, c],
        _ => [a, b, c, child],
    })
}

/// The root above `leaf` by a path from the leaves upwards.
pub fn root_from_path(
    depth: Depth,
    index: LeafIndex,
    leaf: Leaf,
    path: &[Siblings],
) -> Result<Root, PrimitivesError> {
    if path.len() != depth.levels() {
        return Err(PrimitivesError::PathLength {
            levels: path.len(),
            depth: depth as u8,
        });
    }
    depth.check_index(index.get())?;
    let top = path
        .iter()
        .enumerate()
        .fold(leaf.element(), |child, (level, siblings)| {
            parent(child, index.digit(level), siblings)
        });
    Ok(Root::new(top))
}

/// Nodes of subtrees without leaves, by level: 0, then `Poseidon4` of four of the one before. A test computes them anew.
pub const EMPTY_SUBTREES: [FieldElement; 17] = include!("empty_subtrees.in");
