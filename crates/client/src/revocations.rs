//! The list of revoked handles of the statement `address`.
//!
//! ```text
//!   leaves of the auxiliary registry --from_leaves--> RevocationList --find--> element and its path
//!                                                          |
//!                                                          +--revoke--> two instructions
//! ```

use std::collections::BTreeMap;

use bauta_primitives::statements::{Gap, Handle};
use bauta_primitives::tree::{Depth, MembershipPath};
use bauta_primitives::{Leaf, PrimitivesError, Root};
use solana_address::Address;
use solana_instruction::Instruction;

use crate::ReferenceTree;
use crate::instructions::{AppendLeaves, ReplaceLeaf};

/// A sorted list of revoked handles, and its tree.
///
/// 1. Every leaf is an element of the list.
/// 2. The list begins with key 0. Each element's `next` is the key of the following one. The last
///    `next` is 2^120 − 1.
///
/// So every handle is either a key, which means that it is revoked, or in exactly one element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevocationList {
    tree: ReferenceTree,
    /// The element and its index, by the element's key.
    elements: BTreeMap<u128, (Gap, u64)>,
}

/// Why leaves are not a list, or a handle can't be found or revoked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RevocationListError {
    /// A leaf is not an element.
    #[error(
        "leaf {index} is not an element of a list of revocations: key + 2^120 * next, with key below next"
    )]
    NotAnElement {
        /// The index of the leaf.
        index: u64,
    },
    /// Two elements have the same key, or an element does not continue the one before it.
    #[error(
        "leaf {index} does not continue the list: each element's next must be the following element's key"
    )]
    OutOfOrder {
        /// The index of the leaf.
        index: u64,
    },
    /// The list does not begin with 0 or does not end with 2^120 − 1.
    #[error("the list must begin with key 0 and end with next 2^120 - 1")]
    Incomplete,
    /// The handle is revoked.
    #[error("the handle is revoked")]
    Revoked,
    /// The tree of the registry has no free leaf.
    #[error("the registry of revocations is full: {0}")]
    Full(#[from] PrimitivesError),
}

/// A revocation: two changes of leaves that belong into one transaction, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Revocation {
    /// The element to append, from the revoked handle to the next key.
    pub appended: Gap,
    /// The index of the element that contains the handle.
    pub index: u64,
    /// This element.
    pub old: Gap,
    /// What replaces it: the element up to the revoked handle.
    pub new: Gap,
    /// The path of the replaced leaf after the append.
    pub path: crate::instructions::OnChainPath,
}

impl Default for RevocationList {
    fn default() -> Self {
        Self::from_leaves(&[Gap::ALL.leaf()]).expect("one element is a complete list")
    }
}

impl RevocationList {
    /// Reads the leaves of a registry, from index 0 on.
    ///
    /// # Errors
    /// If the leaves are not one complete list.
    pub fn from_leaves(leaves: &[Leaf]) -> Result<Self, RevocationListError> {
        let tree = ReferenceTree::from_leaves(Depth::Ten, leaves.iter().copied())?;
        let mut elements = BTreeMap::new();
        for (index, leaf) in (0..).zip(leaves) {
            let gap = Gap::from_leaf(*leaf).ok_or(RevocationListError::NotAnElement { index })?;
            if elements.insert(gap.key(), (gap, index)).is_some() {
                return Err(RevocationListError::OutOfOrder { index });
            }
        }
        let mut expected = Gap::ALL.key();
        for (key, (gap, index)) in &elements {
            if *key != expected {
                // The first element has no element before it.
                let is_first = expected == Gap::ALL.key();
                return Err(if is_first {
                    RevocationListError::Incomplete
                } else {
                    RevocationListError::OutOfOrder { index: *index }
                });
            }
            expected = gap.next();
        }
        if expected == Gap::ALL.next() {
            Ok(Self { tree, elements })
        } else {
            Err(RevocationListError::Incomplete)
        }
    }

    /// Returns the root of the registry.
    #[must_use]
    pub fn root(&self) -> Root {
        self.tree.root()
    }

    /// Returns the revoked handles in order.
    pub fn revoked(&self) -> impl Iterator<Item = u128> + '_ {
        self.elements.keys().copied().filter(|key| *key != Gap::ALL.key())
    }

    /// Returns the element that contains a handle, and its path.
    ///
    /// # Errors
    /// [`RevocationListError::Revoked`].
    pub fn find(&self, handle: &Handle) -> Result<(Gap, MembershipPath), RevocationListError> {
        let (gap, index) = self.element(handle)?;
        let path = self.tree.path(index)?;
        Ok((gap, path))
    }

    /// Revokes a handle in this list. [`Revocation::instructions`] does the same on chain.
    ///
    /// # Errors
    /// If the handle is revoked already, or the registry is full. The list does not change then.
    pub fn revoke(&mut self, handle: &Handle) -> Result<Revocation, RevocationListError> {
        let (old, index) = self.element(handle)?;
        let Ok([appended, new]) = old.revoke(handle) else {
            return Err(RevocationListError::Revoked);
        };
        let next_index = self.elements.len() as u64;
        self.tree.set(next_index, appended.leaf())?;
        let path = self.tree.on_chain_path(index)?;
        self.tree.set(index, new.leaf())?;
        self.elements.insert(appended.key(), (appended, next_index));
        self.elements.insert(new.key(), (new, index));
        Ok(Revocation {
            appended,
            index,
            old,
            new,
            path,
        })
    }

    fn element(&self, handle: &Handle) -> Result<(Gap, u64), RevocationListError> {
        let (_, element) = self
            .elements
            .range(..=handle.get())
            .next_back()
            .ok_or(RevocationListError::Incomplete)?;
        if element.0.contains(handle) {
            Ok(*element)
        } else {
            Err(RevocationListError::Revoked)
        }
    }
}

impl Revocation {
    /// Returns the instructions for a registry of kind *Managed*. They belong into one transaction.
    #[must_use]
    pub fn instructions(&self, authority: Address, registry: Address, tree: Address) -> [Instruction; 2] {
        let append = AppendLeaves {
            authority,
            registry,
            tree,
            leaves: vec![self.appended.leaf()],
        };
        let replace = ReplaceLeaf {
            authority,
            registry,
            tree,
            index: self.index,
            old_leaf: self.old.leaf(),
            new_leaf: self.new.leaf(),
            path: self.path,
        };
        [append.instruction(), replace.instruction()]
    }
}
