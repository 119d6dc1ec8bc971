//! Compares the tree on chain with a tree that is rebuilt from the leaves after every step.

use anchor_lang::prelude::Pubkey;
use bauta::{
    errors::BautaError,
    state::{CANOPY_LEVEL, CAPACITY, CHANGELOG, DEPTH, MAX_BATCH, Node, Path, Tree},
};
use bauta_primitives::{FieldElement, tree};
use bytemuck::Zeroable;
use proptest::prelude::*;

fn leaf(n: u64) -> Node {
    FieldElement::from_u64(n).to_bytes()
}

fn element(node: &Node) -> FieldElement {
    FieldElement::from_bytes("node", *node).unwrap()
}

fn empty_tree() -> Box<Tree> {
    Box::new(Tree::zeroed())
}

/// Computes the nodes of every level, without the empty subtrees to the right.
fn rebuild(leaves: &[Node]) -> Vec<Vec<FieldElement>> {
    let mut levels = vec![leaves.iter().map(element).collect::<Vec<_>>()];
    let mut empty = FieldElement::ZERO;
    for _ in 0..DEPTH {
        let above = levels[levels.len() - 1]
            .chunks(4)
            .map(|children| tree::node(core::array::from_fn(|i| *children.get(i).unwrap_or(&empty))))
            .collect();
        levels.push(above);
        empty = tree::node([empty; 4]);
    }
    levels
}

/// Computes the root of a tree with these leaves.
fn root(leaves: &[Node]) -> Node {
    rebuild(leaves)[DEPTH]
        .first()
        .map_or_else(|| tree::EMPTY_SUBTREES[DEPTH].to_bytes(), |root| root.to_bytes())
}

/// Computes the siblings of the five lowest levels.
fn path(leaves: &[Node], index: usize) -> Path {
    let levels = rebuild(leaves);
    core::array::from_fn(|level| {
        let own = index >> (2 * level);
        let siblings: Vec<Node> = (own & !3..(own & !3) + 4)
            .filter(|position| *position != own)
            .map(|position| {
                levels[level]
                    .get(position)
                    .unwrap_or(&tree::EMPTY_SUBTREES[level])
                    .to_bytes()
            })
            .collect();
        siblings.try_into().unwrap()
    })
}

/// Asserts that every node in the account is the one of the rebuilt tree.
fn check_consistent(tree: &Tree, leaves: &[Node]) {
    let levels = rebuild(leaves);
    let mut nodes = tree.canopy.iter();
    for (level, rebuilt) in levels.iter().enumerate().take(DEPTH).skip(CANOPY_LEVEL) {
        for position in 0..1 << (2 * (DEPTH - level)) {
            let expected = rebuilt.get(position).map_or([0; 32], |node| node.to_bytes());
            assert_eq!(
                *nodes.next().unwrap(),
                expected,
                "canopy level {level} position {position}"
            );
        }
    }
    assert!(nodes.next().is_none());
    for (level, frontier) in tree.frontier.iter().enumerate() {
        let next = leaves.len() >> (2 * level);
        for position in next & !3..next {
            let expected = levels[level][position].to_bytes();
            assert_eq!(
                frontier[position & 3],
                expected,
                "frontier level {level} position {position}"
            );
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Append(Vec<u64>),
    /// The position of an existing leaf and its new value. The value 0 removes the leaf.
    Replace(prop::sample::Index, u64),
}

fn step() -> impl Strategy<Value = Step> {
    let leaves = prop_oneof![
        3 => prop::collection::vec(1..u64::MAX, 1..6),
        1 => prop::collection::vec(1..u64::MAX, 1..=MAX_BATCH),
    ];
    prop_oneof![
        leaves.prop_map(Step::Append),
        (any::<prop::sample::Index>(), prop_oneof![Just(0), any::<u64>()])
            .prop_map(|(index, value)| Step::Replace(index, value)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn root_canopy_and_frontier_are_those_of_a_full_rebuild(steps in prop::collection::vec(step(), 1..14)) {
        let mut tree = empty_tree();
        let mut leaves: Vec<Node> = vec![];
        for step in steps {
            let new_root = match step {
                Step::Append(values) => {
                    let batch: Vec<Node> = values.into_iter().map(leaf).collect();
                    let new_root = tree.append(leaves.len() as u64, &batch).unwrap();
                    leaves.extend(batch);
                    new_root
                }
                Step::Replace(_, _) if leaves.is_empty() => continue,
                Step::Replace(index, value) => {
                    let index = index.index(leaves.len());
                    let path = path(&leaves, index);
                    let next = leaves.len() as u64;
                    let new_root = tree.replace(next, index as u64, &leaves[index], &leaf(value), &path).unwrap();
                    leaves[index] = leaf(value);
                    new_root
                }
            };
            prop_assert_eq!(new_root, root(&leaves));
            check_consistent(&tree, &leaves);
        }
    }

    #[test]
    fn appending_in_any_batches_gives_the_same_tree(batches in prop::collection::vec(1..40usize, 1..8)) {
        let (mut whole, mut single) = (empty_tree(), empty_tree());
        let mut next = 0;
        for size in batches {
            let batch: Vec<Node> = (next + 1..=next + size as u64).map(leaf).collect();
            let batch_root = whole.append(next, &batch).unwrap();
            let roots = batch.iter().zip(next..).map(|(leaf, at)| single.append(at, &[*leaf]).unwrap());
            prop_assert_eq!(Some(batch_root), roots.last());
            next += size as u64;
        }
        prop_assert_eq!(&whole.canopy[..], &single.canopy[..]);
    }
}

/// A regression test for a stale frontier: an append after a replacement restored the old leaf.
#[test]
fn an_append_after_a_replacement_does_not_restore_the_old_leaf() {
    for next in 1..=21 {
        for index in 0..next {
            let mut tree = empty_tree();
            let mut leaves: Vec<Node> = (1..=next as u64).map(leaf).collect();
            tree.append(0, &leaves).unwrap();
            let siblings = path(&leaves, index);
            tree.replace(next as u64, index as u64, &leaves[index], &leaf(0), &siblings)
                .unwrap();
            leaves[index] = leaf(0);
            let appended = tree.append(next as u64, &[leaf(99)]).unwrap();
            leaves.push(leaf(99));
            assert_eq!(appended, root(&leaves), "leaf {index} of {next}");
        }
    }
}

#[test]
fn a_full_tree_refuses_leaves_and_its_last_leaf_can_be_replaced() {
    let mut tree = empty_tree();
    // The frontier as if all leaves but the last had been appended and emptied.
    for (level, frontier) in tree.frontier.iter_mut().enumerate() {
        *frontier = [tree::EMPTY_SUBTREES[level].to_bytes(); 3];
    }
    assert_refused(
        tree.append(CAPACITY - 1, &[leaf(1), leaf(2)]),
        BautaError::TreeFull,
    );
    tree.append(CAPACITY - 1, &[leaf(1)]).unwrap();
    assert_refused(tree.append(CAPACITY, &[leaf(1)]), BautaError::TreeFull);
    let siblings = core::array::from_fn(|level| [tree::EMPTY_SUBTREES[level].to_bytes(); 3]);
    let emptied = tree
        .replace(CAPACITY, CAPACITY - 1, &leaf(1), &leaf(0), &siblings)
        .unwrap();
    assert_eq!(emptied, tree::EMPTY_SUBTREES[DEPTH].to_bytes());
}

#[test]
fn invalid_leaves_and_batches_are_refused() {
    let mut tree = empty_tree();
    assert_refused(tree.append(0, &[]), BautaError::EmptyBatch);
    assert_refused(
        tree.append(0, &vec![leaf(1); MAX_BATCH + 1]),
        BautaError::BatchTooLarge,
    );
    assert_refused(tree.append(0, &[leaf(1), leaf(0)]), BautaError::AppendedEmptyLeaf);
    assert_refused(
        tree.append(0, &[FieldElement::MODULUS]),
        BautaError::LeafNotCanonical,
    );
    assert_refused(tree.append(u64::MAX, &[leaf(1)]), BautaError::TreeFull);
}

#[test]
fn a_replacement_needs_the_old_leaf_its_path_and_an_index_below_next_index() {
    let leaves: Vec<Node> = (1..=6).map(leaf).collect();
    let mut tree = empty_tree();
    tree.append(0, &leaves).unwrap();
    let good = path(&leaves, 2);
    assert_refused(
        tree.replace(6, 6, &leaf(0), &leaf(9), &path(&leaves, 6)),
        BautaError::IndexNotAppended,
    );
    assert_refused(
        tree.replace(6, 2, &leaf(4), &leaf(9), &good),
        BautaError::StalePath,
    );
    assert_refused(
        tree.replace(6, 1, &leaf(3), &leaf(9), &good),
        BautaError::StalePath,
    );
    assert_refused(
        tree.replace(6, 2, &FieldElement::MODULUS, &leaf(9), &good),
        BautaError::LeafNotCanonical,
    );
    assert_refused(
        tree.replace(6, 2, &leaf(3), &FieldElement::MODULUS, &good),
        BautaError::LeafNotCanonical,
    );
    let mut stale = good;
    stale[4][0] = leaf(7);
    assert_refused(
        tree.replace(6, 2, &leaf(3), &leaf(9), &stale),
        BautaError::StalePath,
    );
    let mut high = good;
    high[1][2] = [0xff; 32];
    assert_refused(
        tree.replace(6, 2, &leaf(3), &leaf(9), &high),
        BautaError::PathNotCanonical,
    );
    check_consistent(&tree, &leaves);
    tree.replace(6, 2, &leaf(3), &leaf(9), &good).unwrap();
}

/// Replaces the leaf at `index` with the current path.
fn replace(tree: &mut Tree, leaves: &mut [Node], index: usize, new: Node) {
    let path = path(leaves, index);
    tree.replace(leaves.len() as u64, index as u64, &leaves[index], &new, &path)
        .unwrap();
    leaves[index] = new;
}

#[test]
fn a_path_that_is_64_changes_old_is_accepted_and_an_older_one_is_refused() {
    let mut leaves: Vec<Node> = (1..=100).map(leaf).collect();
    let mut tree = empty_tree();
    tree.append(0, &leaves).unwrap();
    let stale = path(&leaves, 77);
    replace(&mut tree, &mut leaves, 70, leaf(1_000));
    let newer = path(&leaves, 77);
    // Leaves under the same parent, under other parents and in the same place several times.
    for n in 1..CHANGELOG {
        let index = [76, 78, 79, 64, 99, 3][n % 6];
        replace(&mut tree, &mut leaves, index, leaf(1_000 + n as u64));
    }
    let mut other = tree.clone();
    let new_root = other.replace(100, 77, &leaves[77], &leaf(5), &stale).unwrap();
    let mut changed = leaves.clone();
    changed[77] = leaf(5);
    assert_eq!(new_root, root(&changed));
    check_consistent(&other, &changed);

    // The change of leaf 70 is no longer in the changelog.
    replace(&mut tree, &mut leaves, 76, leaf(9_999));
    assert_refused(
        tree.replace(100, 77, &leaves[77], &leaf(5), &stale),
        BautaError::StalePath,
    );
    check_consistent(&tree, &leaves);
    tree.replace(100, 77, &leaves[77], &leaf(5), &newer).unwrap();
}

#[test]
fn single_appends_are_in_the_changelog() {
    let mut leaves: Vec<Node> = (1..=10).map(leaf).collect();
    let mut tree = empty_tree();
    tree.append(0, &leaves).unwrap();
    let stale = path(&leaves, 9);
    for n in 0..CHANGELOG as u64 {
        tree.append(leaves.len() as u64, &[leaf(100 + n)]).unwrap();
        leaves.push(leaf(100 + n));
    }
    let new_root = tree
        .replace(leaves.len() as u64, 9, &leaves[9], &leaf(5), &stale)
        .unwrap();
    leaves[9] = leaf(5);
    assert_eq!(new_root, root(&leaves));
    check_consistent(&tree, &leaves);
}

/// If a new node were computed from stale siblings, it would contain the leaf that was evicted
/// after the path was read.
#[test]
fn stale_siblings_do_not_restore_an_evicted_leaf() {
    for evicted in [0, 2, 5, 17, 70, 300, 1_023] {
        let mut leaves: Vec<Node> = (1..=1_100).map(leaf).collect();
        let mut tree = empty_tree();
        for (number, batch) in leaves.chunks(100).enumerate() {
            tree.append(number as u64 * 100, batch).unwrap();
        }
        let stale = path(&leaves, 1);
        replace(&mut tree, &mut leaves, evicted, leaf(0));
        let new_root = tree.replace(1_100, 1, &leaves[1], &leaf(5), &stale).unwrap();
        leaves[1] = leaf(5);
        assert_eq!(new_root, root(&leaves), "leaf {evicted}");
        check_consistent(&tree, &leaves);
    }
}

#[test]
fn a_path_needs_the_leaf_that_is_in_the_tree_and_not_an_earlier_one() {
    let mut leaves: Vec<Node> = (1..=20).map(leaf).collect();
    let mut tree = empty_tree();
    tree.append(0, &leaves).unwrap();
    let stale = path(&leaves, 6);
    replace(&mut tree, &mut leaves, 6, leaf(60));
    replace(&mut tree, &mut leaves, 7, leaf(70));
    assert_refused(
        tree.replace(20, 6, &leaf(7), &leaf(5), &stale),
        BautaError::StalePath,
    );
    check_consistent(&tree, &leaves);
    tree.replace(20, 6, &leaf(60), &leaf(5), &stale).unwrap();
}

#[test]
fn a_batch_empties_the_changelog_and_current_paths_stay_valid() {
    let mut leaves: Vec<Node> = (1..=21).map(leaf).collect();
    let mut tree = empty_tree();
    for (index, new) in leaves.iter().enumerate() {
        tree.append(index as u64, &[*new]).unwrap();
    }
    let stale = path(&leaves, 20);
    // The batch changes ancestors that the appends before it have logged.
    let batch: Vec<Node> = (22..=40).map(leaf).collect();
    tree.append(21, &batch).unwrap();
    leaves.extend(batch);
    assert_refused(
        tree.replace(40, 20, &leaves[20], &leaf(5), &stale),
        BautaError::StalePath,
    );
    replace(&mut tree, &mut leaves, 20, leaf(5));
    check_consistent(&tree, &leaves);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Each replacement uses a path of some earlier state. It either gives the tree of a full
    /// rebuild, or is refused because a batch or more than 64 changes came after the path.
    #[test]
    fn a_replacement_with_an_old_path_gives_the_right_tree_or_is_refused(
        steps in prop::collection::vec((step(), 0..20usize), 1..30),
    ) {
        let mut tree = empty_tree();
        let mut leaves: Vec<Node> = vec![];
        // The leaves after each change, and whether a batch made the change.
        let mut history: Vec<(Vec<Node>, bool)> = vec![];
        for (step, age) in steps {
            let batch = match step {
                Step::Append(mut values) => {
                    if age % 8 != 0 {
                        values.truncate(1);
                    }
                    let batch: Vec<Node> = values.into_iter().map(leaf).collect();
                    tree.append(leaves.len() as u64, &batch).unwrap();
                    leaves.extend(&batch);
                    batch.len() > 1
                }
                Step::Replace(_, _) if leaves.is_empty() => continue,
                Step::Replace(index, value) => {
                    let index = index.index(leaves.len());
                    let age = age.min(history.len() - 1);
                    let (then, _) = &history[history.len() - 1 - age];
                    let path = path(then, index);
                    let result = tree.replace(leaves.len() as u64, index as u64, &leaves[index], &leaf(value), &path);
                    let in_changelog = age <= CHANGELOG
                        && !history[history.len() - age..].iter().any(|(_, batch)| *batch);
                    if let Err(error) = result {
                        prop_assert!(!in_changelog);
                        prop_assert_eq!(error, BautaError::StalePath.into());
                        check_consistent(&tree, &leaves);
                        continue;
                    }
                    leaves[index] = leaf(value);
                    prop_assert_eq!(result, Ok(root(&leaves)));
                    false
                }
            };
            check_consistent(&tree, &leaves);
            history.push((leaves.clone(), batch));
        }
    }
}

#[test]
fn the_account_has_the_length_in_the_protocol() {
    assert_eq!(Tree::SPACE, 54_936);
    assert_eq!(core::mem::offset_of!(Tree, canopy), 512);
    assert_eq!(core::mem::offset_of!(Tree, change_count), 44_160);
    assert_eq!(core::mem::offset_of!(Tree, changelog), 44_176);
    assert_eq!(Tree::zeroed().registry, Pubkey::default());
}

#[track_caller]
fn assert_refused(result: anchor_lang::Result<Node>, expected: BautaError) {
    assert_eq!(result.unwrap_err(), expected.into());
}
