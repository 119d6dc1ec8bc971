//! Builds 4-ary trees.

use ark_bn254::Fr;

use crate::{Batch, PoseidonError, hash_array};

/// The number of children of a node.
const ARITY: usize = 4;

/// Returns all nodes of the 4-ary tree with these leaves, as `depth + 1` levels from the leaves to
/// the root. A node is `Poseidon4` of its children.
///
/// The leaves are the first leaves of the tree. All leaves after them are zero. Each level contains
/// only the nodes above the given leaves. The root's level always contains one node.
///
/// # Errors
///
/// Returns an error if there are more leaves than `4^depth`.
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
