//! Compares the reference tree with a recursive implementation of the protocol's definition.

mod revocations;

use std::collections::BTreeMap;

use bauta_client::ReferenceTree;
use bauta_primitives::tree::{Depth, node};
use bauta_primitives::{FieldElement, Leaf, PrimitivesError, Root};
use proptest::prelude::*;

/// Computes the node of `level` above the leaves from `first` on, as the protocol defines it.
fn recursive(leaves: &BTreeMap<u64, Leaf>, empty: &[FieldElement], level: usize, first: u64) -> FieldElement {
    let width = 1u64 << (2 * level);
    if leaves.range(first..first + width).next().is_none() {
        return empty[level];
    }
    if level == 0 {
        return leaves[&first].element();
    }
    let quarter = width / 4;
    node([0, 1, 2, 3].map(|child| recursive(leaves, empty, level - 1, first + child * quarter)))
}

fn empty_subtrees(depth: Depth) -> Vec<FieldElement> {
    let mut empty = vec![FieldElement::ZERO];
    for level in 0..depth.levels() {
        empty.push(node([empty[level]; 4]));
    }
    empty
}

fn leaf(value: u64) -> Leaf {
    Leaf::new(FieldElement::from_u64(value))
}

#[test]
fn an_empty_tree_has_the_empty_root() {
    for depth in [Depth::Ten, Depth::Sixteen] {
        assert_eq!(ReferenceTree::new(depth).root(), depth.empty_root());
    }
}

#[test]
fn an_index_past_the_last_leaf_is_refused() {
    let mut tree = ReferenceTree::new(Depth::Ten);
    let refused = |e: PrimitivesError| matches!(e, PrimitivesError::IndexOutOfRange { index: 1_048_576, .. });
    assert!(refused(tree.set(1 << 20, leaf(1)).unwrap_err()));
    assert!(refused(tree.leaf(1 << 20).unwrap_err()));
    assert!(refused(tree.path(1 << 20).unwrap_err()));
    assert!(refused(tree.on_chain_path(1 << 20).unwrap_err()));
    tree.set((1 << 20) - 1, leaf(1)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The indices are dense (low numbers) and sparse (any number). Values repeat, and the value 0
    /// removes a leaf.
    #[test]
    fn roots_and_paths_agree_with_the_definition(
        sixteen in any::<bool>(),
        writes in prop::collection::vec((prop_oneof![0u64..40, any::<u64>()], 0u64..50), 1..16),
    ) {
        let depth = if sixteen { Depth::Sixteen } else { Depth::Ten };
        let empty = empty_subtrees(depth);
        let mut tree = ReferenceTree::new(depth);
        let mut leaves = BTreeMap::new();
        for (index, value) in writes {
            let index = index % depth.capacity();
            tree.set(index, leaf(value)).unwrap();
            leaves.insert(index, leaf(value));
        }
        let mut at_once = ReferenceTree::new(depth);
        at_once.set_all(leaves.iter().map(|(index, leaf)| (*index, *leaf))).unwrap();
        prop_assert_eq!(at_once.root(), tree.root());
        let root = Root::new(recursive(&leaves, &empty, depth.levels(), 0));
        prop_assert_eq!(tree.root(), root);
        prop_assert_eq!(tree.node_at(depth.levels(), 0), Some(root.element()));
        prop_assert_eq!(tree.node_at(depth.levels(), 1), None);
        prop_assert_eq!(tree.node_at(depth.levels() + 1, 0), None);
        for (&index, &leaf) in &leaves {
            let path = tree.path(index).unwrap();
            prop_assert_eq!((path.depth(), path.index().get()), (depth, index));
            prop_assert_eq!(path.root(leaf), root);
            prop_assert_eq!(&tree.on_chain_path(index).unwrap()[..], &path.siblings()[..5]);
            prop_assert_eq!(tree.leaf(index).unwrap(), leaf);
            prop_assert_eq!(tree.node_at(0, index), Some(leaf.element()));
        }
    }
}
