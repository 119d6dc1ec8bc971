//! A plain registry tree that holds every node in maps: the second opinion on the program's canopy and frontier,
//! with which it shares nothing but the hash of a node.

use std::collections::{BTreeMap, BTreeSet};

use bauta_primitives::tree::{ARITY, Depth, EMPTY_SUBTREES, LeafIndex, Siblings, node};
use bauta_primitives::{FieldElement, Leaf, PrimitivesError, Root};

/// How many of a path's levels an instruction carries: the program holds the levels above.
pub const ON_CHAIN_LEVELS: usize = 5;

/// A registry tree held whole and sparsely: what is missing from a level's map is an empty subtree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferenceTree {
    depth: Depth,
    /// `levels[l]`: the nodes of level l by position; level 0 is the leaves.
    levels: Vec<BTreeMap<u64, FieldElement>>,
}

impl ReferenceTree {
    /// A tree without leaves.
    #[must_use]
    pub fn new(depth: Depth) -> Self {
        Self {
            depth,
            levels: vec![BTreeMap::new(); depth.levels() + 1],
        }
    }

    /// A tree with these leaves from index 0 on.
    pub fn from_leaves(
        depth: Depth,
        leaves: impl IntoIterator<Item = Leaf>,
    ) -> Result<Self, PrimitivesError> {
        let mut tree = Self::new(depth);
        tree.set_all((0..).zip(leaves))?;
        Ok(tree)
    }

    /// The tree's depth.
    #[must_use]
    pub const fn depth(&self) -> Depth {
        self.depth
    }

    /// The leaf at `index`; [`Leaf::EMPTY`] where none was set.
    pub fn leaf(&self, index: u64) -> Result<Leaf, PrimitivesError> {
        let index = self.depth.check_index(index)?;
        Ok(Leaf::new(self.node(0, index.get())))
    }

    /// Writes the leaf at `index` ([`Leaf::EMPTY`] removes) and computes its ancestors anew.
    pub fn set(&mut self, index: u64, leaf: Leaf) -> Result<(), PrimitivesError> {
        self.set_all([(index, leaf)])
    }

    /// The same for several leaves; an ancestor of many is computed once. Nothing is written if an index is out of range.
    pub fn set_all(&mut self, leaves: impl IntoIterator<Item = (u64, Leaf)>) -> Result<(), PrimitivesError> {
        let place = |(index, leaf)| Ok((self.depth.check_index(index)?.get(), leaf));
        let leaves: Vec<(u64, Leaf)> = leaves.into_iter().map(place).collect::<Result<_, _>>()?;
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

    /// The root.
    #[must_use]
    pub fn root(&self) -> Root {
        Root::new(self.node(self.depth.levels(), 0))
    }

    /// The whole path of the leaf at `index`, from the leaves upwards, as many levels as the tree has: for a proof.
    pub fn path(&self, index: u64) -> Result<Vec<Siblings>, PrimitivesError> {
        let index = self.depth.check_index(index)?;
        Ok((0..self.depth.levels())
            .map(|level| self.siblings(level, index))
            .collect())
    }

    /// The lower five levels of the path of the leaf at `index`: for an instruction that replaces it.
    pub fn on_chain_path(&self, index: u64) -> Result<[Siblings; ON_CHAIN_LEVELS], PrimitivesError> {
        let index = self.depth.check_index(index)?;
        Ok(std::array::from_fn(|level| self.siblings(level, index)))
    }

    /// The node at `position` of `level` (0: the leaves); `None` where there is no such place in the tree.
    #[must_use]
    pub fn node_at(&self, level: usize, position: u64) -> Option<FieldElement> {
        let above = self.depth.levels().checked_sub(level)?;
        (position < 1 << (2 * above)).then(|| self.node(level, position))
    }

    fn siblings(&self, level: usize, index: LeafIndex) -> Siblings {
        let children = self.children(level + 1, index.get() >> (2 * (level + 1)));
        let own = index.digit(level);
        // the fellow children keep their order: those after the own one move up by one
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
