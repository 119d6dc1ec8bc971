use bauta::{accounts, instruction};
use bauta_primitives::Commitment;
use solana_address::Address;
use solana_instruction::Instruction;

use super::{OnChainPath, SYSTEM, build, event_authority, path_bytes};
use crate::addresses;

/// Registers a token's holder.
#[derive(Debug, Clone, Copy)]
pub struct RegisterHolder {
    /// The account that pays the rent. It must sign.
    pub payer: Address,
    /// The token's owner. It must sign.
    pub owner: Address,
    /// The registry, of kind `Holders`.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The key of the token's collection: its mint or its group.
    pub collection_key: Address,
    /// The token's mint.
    pub mint: Address,
    /// The owner's token account that holds the token.
    pub token_account: Address,
    /// The commitment: `Poseidon1` of the owner's secret for this token and registry.
    pub commitment: Commitment,
    /// The path of the token's leaf. `None` at the token's first registration.
    pub path: Option<OnChainPath>,
}

impl RegisterHolder {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::RegisterHolder {
                payer: self.payer,
                owner: self.owner,
                registry: self.registry,
                tree: self.tree,
                collection: addresses::collection(&self.registry, &self.collection_key).address,
                mint: self.mint,
                token_account: self.token_account,
                holding: addresses::holding(&self.registry, &self.mint).address,
                system_program: SYSTEM,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::RegisterHolder {
                commitment: self.commitment.to_bytes(),
                path: self.path.as_ref().map(path_bytes),
            },
        )
    }
}

/// Evicts a token's holder on evidence that the token moved. Only the fee payer must sign.
#[derive(Debug, Clone, Copy)]
pub struct EvictHolder {
    /// The registry, of kind `Holders`.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The token's mint.
    pub mint: Address,
    /// A token account of another owner with amount 1. `None` if the evidence is a supply of 0 or a
    /// closed mint.
    pub token_account: Option<Address>,
    /// The path of the token's leaf.
    pub path: OnChainPath,
}

impl EvictHolder {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::EvictHolder {
                registry: self.registry,
                tree: self.tree,
                holding: addresses::holding(&self.registry, &self.mint).address,
                mint: self.mint,
                token_account: self.token_account,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::EvictHolder {
                path: path_bytes(&self.path),
            },
        )
    }
}
