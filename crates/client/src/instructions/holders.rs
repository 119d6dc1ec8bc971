use bauta::{accounts, instruction};
use bauta_primitives::Commitment;
use solana_address::Address;
use solana_instruction::Instruction;

use super::{OnChainPath, SYSTEM, build, event_authority, path_bytes};
use crate::addresses;

/// Writes a token's holder into a leaf.
#[derive(Debug, Clone, Copy)]
pub struct RegisterHolder {
    /// Pays; signs.
    pub payer: Address,
    /// The token's owner; signs.
    pub owner: Address,
    /// The registry, of kind Holders.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The token's collection: its mint, or its group.
    pub collection_key: Address,
    /// The token.
    pub mint: Address,
    /// The owner's account that holds it.
    pub token_account: Address,
    /// `Poseidon1` of the owner's secret for this token and registry.
    pub commitment: Commitment,
    /// The path of the token's leaf; none at the token's first registration.
    pub path: Option<OnChainPath>,
}

impl RegisterHolder {
    /// The instruction.
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

/// Empties a token's leaf on evidence that its holder no longer holds it. Nobody has to sign but the fee payer.
#[derive(Debug, Clone, Copy)]
pub struct EvictHolder {
    /// The registry, of kind Holders.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The token.
    pub mint: Address,
    /// A token account with amount 1 of another owner; none where supply 0 or a closed mint is the evidence.
    pub token_account: Option<Address>,
    /// The path of the token's leaf.
    pub path: OnChainPath,
}

impl EvictHolder {
    /// The instruction.
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
