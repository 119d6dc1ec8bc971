//! A simple registry tree that stores its nodes in maps.
//!
//! It is independent of the program's canopy and frontier: both share only the hash function of a
//! node. Tests compare them. Clients rebuild trees from events with it.

use std::collections::{BTreeMap, BTreeSet};

use bauta_primitives::tree::{ARITY, Depth, EMPTY_SUBTREES, LeafIndex, MembershipPath, Siblings, node};
use bauta_primitives::{FieldElement, Leaf, PrimitivesError, Root};

/// The number of levels of a path in an instruction. The program stores the levels above.
pub const ON_CHAIN_LEVELS: usize = 5;

/// A registry tree with all of its nodes. A node that is missing from its level's map is an empty
/// subtree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceTree {
    depth: Depth,
    /// `levels[l]` has the nodes of level l by position. Level 0 has the leaves.
    levels: Vec<BTreeMap<u64, FieldElement>>,
}

impl ReferenceTree {
    /// Creates an empty tree.
    #[must_use]
    pub fn new(depth: Depth) -> Self {
        Self {
            depth,
            levels: vec![BTreeMap::new(); depth.levels() + 1],
        }
    }

    /// Creates a tree with leaves from index 0 on.
    pub fn from_leaves(
        depth: Depth,
        leaves: impl IntoIterator<Item = Leaf>,
    ) -> Result<Self, PrimitivesError> {
        let mut tree = Self::new(depth);
        tree.set_all((0..).zip(leaves))?;
        Ok(tree)
    }

    /// Returns the depth of the tree.
    #[must_use]
    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// Returns the leaf at `index`. It is [`Leaf::EMPTY`] if none was set.
    pub fn leaf(&self, index: u64) -> Result<Leaf, PrimitivesError> {
        let index = self.depth.check_index(index)?;
        Ok(Leaf::new(self.node(0, index.get())))
    }

    /// Sets the leaf at `index` and recomputes its ancestors. [`Leaf::EMPTY`] removes the leaf.
    pub fn set(&mut self, index: u64, leaf: Leaf) -> Result<(), PrimitivesError> {
        self.set_all([(index, leaf)])
    }

    /// Sets several leaves. A common ancestor is computed once.
    ///
    /// # Errors
    /// If an index is out of range. The tree does not change then.
    pub fn set_all(&mut self, leaves: impl IntoIterator<Item = (u64, Leaf)>) -> Result<(), PrimitivesError> {
        let checked = |(index, leaf)| Ok((self.depth.check_index(index)?.get(), leaf));
        let leaves: Vec<(u64, Leaf)> = leaves.into_iter().map(checked).collect::<Result<_, _>>()?;
        let mut positions: BTreeSet<u64> = leaves.iter().map(|(index, _)| *index).collect();
        for (index, leaf) in leaves {
            self.levels[0].insert(index, leaf.element());
        }
        for level in 1..=self.depth.levels() {
            positions = positions.iter().map(|position| position / ARITY as u64).collect();
            for position in &positions {
                let children = self.children(level, *position);
                self.levels[level].insert(*position, node(children));
            }
        }
        Ok(())
    }

    /// Returns the root of the tree as it is now.
    #[must_use]
    pub fn root(&self) -> Root {
        Root::new(self.node(self.depth.levels(), 0))
    }

    /// Returns the path of the leaf at `index`, for a proof.
    pub fn path(&self, index: u64) -> Result<MembershipPath, PrimitivesError> {
        let index = self.depth.check_index(index)?;
        let levels = 0..self.depth.levels();
        let siblings = levels.map(|level| self.siblings(level, index)).collect();
        MembershipPath::new(self.depth, index, siblings)
    }

    /// Returns the lower five levels of the path of the leaf at `index`, for an instruction that
    /// replaces it.
    pub fn on_chain_path(&self, index: u64) -> Result<[Siblings; ON_CHAIN_LEVELS], PrimitivesError> {
        let index = self.depth.check_index(index)?;
        Ok(std::array::from_fn(|level| self.siblings(level, index)))
    }

    /// Returns the node at `position` of `level`, or `None` if the tree has no such position. Level
    /// 0 has the leaves.
    #[must_use]
    pub fn node_at(&self, level: usize, position: u64) -> Option<FieldElement> {
        let above = self.depth.levels().checked_sub(level)?;
        (position < 1 << (2 * above)).then(|| self.node(level, position))
    }

    fn siblings(&self, level: usize, index: LeafIndex) -> Siblings {
        let children = self.children(level + 1, index.get() >> (2 * (level + 1)));
        let own = index.digit(level);
        // The siblings keep their order. Those after the node itself move up by one.
        std::array::from_fn(|i| children[if i < own { i } else { i + 1 }])
    }

    fn children(&self, level: usize, position: u64) -> [FieldElement; ARITY] {
        let first = position * ARITY as u64;
        [first, first + 1, first + 2, first + 3].map(|child| self.node(level - 1, child))
    }

    fn node(&self, level: usize, position: u64) -> FieldElement {
        self.levels[level]
            .get(&position)
            .copied()
            .unwrap_or(EMPTY_SUBTREES[level])
    }
}
