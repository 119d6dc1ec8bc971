//! Building 4-ary trees.

use ark_bn254::Fr;

use crate::{Batch, PoseidonError, hash_array};

/// Children of a node.
const ARITY: usize = 4;

/// All nodes of the 4-ary tree with these leaves, level by level from the leaves to the root: `depth + 1` levels. A node is
/// `Poseidon4` of its children. The leaves are the tree's first; behind the last one every leaf is zero, and of the levels
/// only what lies above the given leaves is returned (of the root's level always one node).
///
/// Fails if there are more leaves than `4^depth`.
pub fn tree_levels(batch: Batch, leaves: &[Fr], depth: u32) -> Result<Vec<Vec<Fr>>, PoseidonError> {
    let capacity = ARITY.checked_pow(depth).unwrap_or(usize::MAX);
    if leaves.len() > capacity {
        return Err(PoseidonError::TooManyLeaves {
            leaves: leaves.len(),
            depth,
        });
    }
    let mut empty = Fr::default();
    let mut levels = vec![leaves.to_vec()];
    for _ in 0..depth {
        let level = levels.last().expect("there is the level of the leaves");
        let whole = level.len() / ARITY * ARITY;
        let mut nodes = batch.hash(&level[..whole], ARITY)?;
        if whole < level.len() || level.is_empty() {
            let mut children = [empty; ARITY];
            children[..level.len() - whole].copy_from_slice(&level[whole..]);
            nodes.push(hash_array(&children));
        }
        levels.push(nodes);
        empty = hash_array(&[empty; ARITY]);
    }
    Ok(levels)
}
