//! The authority of a Managed registry.

use bauta::state::RegistryKind;
use bauta_client::instructions::{AppendLeaves, ReplaceLeaf};
use bauta_primitives::{FieldElement, Leaf, poseidon};
use bauta_rpc::{Rpc, RpcError};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::actors::{ExpectedState, create_registry};

/// An authority that appends and replaces leaves.
pub struct Authority {
    pub expected: ExpectedState,
    pub keypair: Keypair,
    tree_account: Address,
    next_index: u64,
    /// The number of the fork. Every leaf depends on it, so that forks have different leaves.
    fork: u64,
}

impl Authority {
    pub async fn create(rpc: Rpc) -> Self {
        let keypair = Keypair::new();
        let (registry, tree_account) = create_registry(&rpc, &keypair, RegistryKind::Managed).await;
        Self {
            expected: ExpectedState::new(rpc, registry),
            keypair,
            tree_account,
            next_index: 0,
            fork: 0,
        }
    }

    /// Returns an authority with the same state, which continues on another fork.
    pub fn fork(&self, rpc: Rpc) -> Self {
        Self {
            expected: self.expected.fork(rpc),
            keypair: self.keypair.insecure_clone(),
            tree_account: self.tree_account,
            next_index: self.next_index,
            fork: self.fork + 1,
        }
    }

    /// Returns a leaf that differs for each change, number and fork.
    fn leaf(&self, number: u64) -> Leaf {
        let change = FieldElement::from_u64(1 + self.expected.tree_changes);
        Leaf::new(poseidon::hash([
            change,
            FieldElement::from_u64(number + 16 * self.fork),
        ]))
    }

    /// Returns the instruction that appends leaves.
    pub fn append(&self, leaves: &[Leaf]) -> Instruction {
        let append = AppendLeaves {
            authority: self.keypair.pubkey(),
            registry: self.expected.registry,
            tree: self.tree_account,
            leaves: leaves.to_vec(),
        };
        append.instruction()
    }

    /// Makes one change. Three of four changes append one to three leaves. The fourth replaces or
    /// empties a leaf.
    pub async fn change(&mut self) -> Result<(), RpcError> {
        let changes = self.expected.tree_changes;
        if changes % 4 == 3 {
            let index = changes.wrapping_mul(0x9e37_79b9) % self.next_index;
            let new_leaf = if changes % 8 == 3 {
                Leaf::EMPTY
            } else {
                self.leaf(9)
            };
            let replace = ReplaceLeaf {
                authority: self.keypair.pubkey(),
                registry: self.expected.registry,
                tree: self.tree_account,
                index,
                old_leaf: self.expected.tree.leaf(index).unwrap(),
                new_leaf,
                path: self.expected.tree.on_chain_path(index).unwrap(),
            };
            self.send(replace.instruction()).await?;
            self.expected.set(index, new_leaf);
            return Ok(());
        }
        let leaves: Vec<Leaf> = (0..=changes % 3).map(|number| self.leaf(number)).collect();
        self.send(self.append(&leaves)).await?;
        for leaf in leaves {
            self.expected.tree.set(self.next_index, leaf).unwrap();
            self.next_index += 1;
        }
        self.expected.tree_changes += 1;
        Ok(())
    }

    async fn send(&self, instruction: Instruction) -> Result<(), RpcError> {
        let signers = [&self.keypair];
        self.expected
            .rpc
            .send_and_confirm(&[instruction], &signers)
            .await?;
        Ok(())
    }
}
