use bauta::{accounts, instruction};
use bauta_primitives::{Leaf, Root};
use solana_address::Address;
use solana_instruction::Instruction;

use super::{OnChainPath, build, event_authority, path_bytes};

/// Appends leaves to a registry of kind `Managed`.
#[derive(Debug, Clone)]
pub struct AppendLeaves {
    /// The registry's authority. It must sign.
    pub authority: Address,
    /// The registry account.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The leaves in order: 1 to 128, none of them empty.
    pub leaves: Vec<Leaf>,
}

impl AppendLeaves {
    /// Builds the instruction.
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

/// Replaces a leaf of a registry of kind `Managed`.
#[derive(Debug, Clone, Copy)]
pub struct ReplaceLeaf {
    /// The registry's authority. It must sign.
    pub authority: Address,
    /// The registry account.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The position of the leaf.
    pub index: u64,
    /// The current leaf.
    pub old_leaf: Leaf,
    /// The new leaf. [`Leaf::EMPTY`] removes the leaf.
    pub new_leaf: Leaf,
    /// The path of the leaf.
    pub path: OnChainPath,
}

impl ReplaceLeaf {
    /// Builds the instruction.
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

/// Publishes a root of a registry of kind `Attested`.
#[derive(Debug, Clone, Copy)]
pub struct PublishRoot {
    /// The registry's authority. It must sign.
    pub authority: Address,
    /// The registry account.
    pub registry: Address,
    /// The root to publish.
    pub root: Root,
}

impl PublishRoot {
    /// Builds the instruction.
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
