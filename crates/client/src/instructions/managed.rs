use bauta::{accounts, instruction};
use bauta_primitives::{Leaf, Root};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{OnChainPath, build, event_authority, path_bytes};

/// Appends leaves to a Managed registry.
#[derive(Debug, Clone)]
pub struct AppendLeaves {
    /// The registry's authority; signs.
    pub authority: Address,
    /// The registry.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The leaves in order, none of them empty.
    pub leaves: Vec<Leaf>,
}

impl AppendLeaves {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::AppendLeaves {
                authority: self.authority,
                registry: self.registry,
                tree: self.tree,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::AppendLeaves {
                leaves: self.leaves.iter().map(|leaf| leaf.to_bytes()).collect(),
            },
        )
    }
}

/// Replaces a leaf of a Managed registry.
#[derive(Debug, Clone, Copy)]
pub struct ReplaceLeaf {
    /// The registry's authority; signs.
    pub authority: Address,
    /// The registry.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// Which leaf.
    pub index: u64,
    /// The leaf before.
    pub old_leaf: Leaf,
    /// The leaf afterwards; [`Leaf::EMPTY`] removes.
    pub new_leaf: Leaf,
    /// The leaf's path.
    pub path: OnChainPath,
}

impl ReplaceLeaf {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::ReplaceLeaf {
                authority: self.authority,
                registry: self.registry,
                tree: self.tree,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::ReplaceLeaf {
                index: self.index,
                old_leaf: self.old_leaf.to_bytes(),
                new_leaf: self.new_leaf.to_bytes(),
                path: path_bytes(&self.path),
            },
        )
    }
}

/// Publishes the root of an Attested registry's tree.
#[derive(Debug, Clone, Copy)]
pub struct PublishRoot {
    /// The registry's authority; signs.
    pub authority: Address,
    /// The registry.
    pub registry: Address,
    /// The root.
    pub root: Root,
}

impl PublishRoot {
    /// The instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::PublishRoot {
                authority: self.authority,
                registry: self.registry,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::PublishRoot {
                root: self.root.to_bytes(),
            },
        )
    }
}
