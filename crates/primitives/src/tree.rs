//! The structure of a registry tree: 4-ary, of depth 10 or 16. A node is the `Poseidon4` hash of
//! its children. The empty leaf is zero.
//!
//! ```text
//!   level 0   leaves          index = d9 d8 .. d1 d0 in base 4; d0 is the position among siblings
//!   level 1   nodes of 4
//!   ...
//!   level D   the root
//! ```

use crate::{FieldElement, Leaf, PrimitivesError, Root, poseidon};

/// The number of children of a node.
pub const ARITY: usize = 4;

/// The siblings of one node on a path, in the order of their positions.
pub type Siblings = [FieldElement; ARITY - 1];

/// The number of levels of a registry tree, from the leaves to the root.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Depth {
    /// Ten levels: 4^10 = 1,048,576 leaves.
    Ten = 10,
    /// Sixteen levels: 4^16 = 4,294,967,296 leaves.
    Sixteen = 16,
}

impl Depth {
    /// Returns the number of levels of nodes above the leaves.
    #[must_use]
    pub const fn levels(self) -> usize {
        self as usize
    }

    /// Returns the number of leaves of a full tree.
    #[must_use]
    pub const fn capacity(self) -> u64 {
        1 << (2 * self as u32)
    }

    /// Returns the root of an empty tree.
    #[must_use]
    pub const fn empty_root(self) -> Root {
        Root::new(EMPTY_SUBTREES[self.levels()])
    }

    /// Checks that `index` is the position of a leaf.
    ///
    /// # Errors
    /// If the index is past the last leaf.
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

/// The position of a leaf in a tree. [`Depth::check_index`] creates it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LeafIndex(u64);

impl LeafIndex {
    /// Returns the position. The first leaf has position 0.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the position, 0 to 3, of the leaf's ancestor at `level` among the children of its
    /// parent. Level 0 is the leaf itself.
    #[must_use]
    pub const fn digit(self, level: usize) -> usize {
        ((self.0 >> (2 * level)) & 3) as usize
    }
}

/// Computes an inner node: the `Poseidon4` hash of its children.
#[must_use]
pub fn node(children: [FieldElement; ARITY]) -> FieldElement {
    poseidon::hash(children)
}

/// Computes the parent of a node. `position`, 0 to 3, is the node's position among the children.
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

/// A leaf's position in a tree, and the siblings that connect the leaf to a root.
///
/// The number of levels is the tree's depth, and the position is within the tree:
/// [`MembershipPath::new`] refuses everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MembershipPath {
    depth: Depth,
    index: LeafIndex,
    siblings: Vec<Siblings>,
}

impl MembershipPath {
    /// Creates a path from its siblings: one element for each level, from the leaf upwards.
    ///
    /// # Errors
    /// If the number of levels isn't the depth, or the index is past the last leaf.
    pub fn new(depth: Depth, index: LeafIndex, siblings: Vec<Siblings>) -> Result<Self, PrimitivesError> {
        if siblings.len() != depth.levels() {
            return Err(PrimitivesError::PathLength {
                levels: siblings.len(),
                depth: depth as u8,
            });
        }
        // The index may come from a tree of another depth.
        let index = depth.check_index(index.get())?;
        Ok(Self {
            depth,
            index,
            siblings,
        })
    }

    /// Returns the depth of the tree.
    #[must_use]
    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// Returns the position of the leaf.
    #[must_use]
    pub const fn index(&self) -> LeafIndex {
        self.index
    }

    /// Returns the siblings of each level, from the leaf upwards.
    #[must_use]
    pub fn siblings(&self) -> &[Siblings] {
        &self.siblings
    }

    /// Returns the siblings of the lowest `N` levels. `N` is at most 10, the smallest depth.
    #[must_use]
    pub fn lowest<const N: usize>(&self) -> [Siblings; N] {
        const { assert!(N <= Depth::Ten.levels()) };
        core::array::from_fn(|level| self.siblings[level])
    }

    /// Computes the root that `leaf` and this path lead to.
    #[must_use]
    pub fn root(&self, leaf: Leaf) -> Root {
        let levels = self.siblings.iter().enumerate();
        Root::new(levels.fold(leaf.element(), |child, (level, siblings)| {
            parent(child, self.index.digit(level), siblings)
        }))
    }
}

/// The root of an empty subtree for each level. Level 0 is zero, and each further level is the
/// `Poseidon4` hash of four nodes of the level below. A test recomputes them.
pub const EMPTY_SUBTREES: [FieldElement; 17] = include!("empty_subtrees.in");
