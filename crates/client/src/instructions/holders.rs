use bauta::{accounts, instruction};
use bauta_primitives::Commitment;
use solana_address::Address;
use solana_instruction::Instruction;

use super::{OnChainPath, SYSTEM, build, event_authority, path_bytes};
use crate::addresses;

/// The accounts of Token Metadata that a registration needs. The default has none of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TokenMetadataAccounts {
    /// The mint's metadata account. Needed for a collection of Token Metadata, and for a
    /// programmable token that is not locked.
    pub metadata: Option<Address>,
    /// The mint's edition account. Needed if the mint has an authority.
    pub edition: Option<Address>,
    /// The token record of the token account. Needed for a programmable token, unless the
    /// collection has the rule `LOCKED`.
    pub token_record: Option<Address>,
}

impl TokenMetadataAccounts {
    /// Derives the accounts of a token that is not programmable.
    #[must_use]
    pub fn of(mint: &Address) -> Self {
        Self {
            metadata: Some(addresses::metadata(mint).address),
            edition: Some(addresses::edition(mint).address),
            token_record: None,
        }
    }

    /// Derives the accounts of a programmable token.
    #[must_use]
    pub fn of_programmable(mint: &Address, token_account: &Address) -> Self {
        Self {
            token_record: Some(addresses::token_record(mint, token_account).address),
            ..Self::of(mint)
        }
    }
}

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
    /// The key of the token's collection.
    pub collection_key: Address,
    /// The token's mint.
    pub mint: Address,
    /// The owner's token account that holds the token.
    pub token_account: Address,
    /// The token's accounts of Token Metadata.
    pub token_metadata: TokenMetadataAccounts,
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
                metadata: self.token_metadata.metadata,
                edition: self.token_metadata.edition,
                token_record: self.token_metadata.token_record,
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

/// Registers the owner of a Metaplex Core asset.
#[derive(Debug, Clone, Copy)]
pub struct RegisterCoreHolder {
    /// The account that pays the rent. It must sign.
    pub payer: Address,
    /// The asset's owner. It must sign.
    pub owner: Address,
    /// The registry, of kind `Holders`.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The key of the asset's collection.
    pub collection_key: Address,
    /// The account of the Core asset.
    pub asset: Address,
    /// The asset's Core collection. `None` if the asset has none.
    pub core_collection: Option<Address>,
    /// The commitment: `Poseidon1` of the owner's secret for this asset and registry.
    pub commitment: Commitment,
    /// The path of the asset's leaf. `None` at the asset's first registration.
    pub path: Option<OnChainPath>,
}

impl RegisterCoreHolder {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &accounts::RegisterCoreHolder {
                payer: self.payer,
                owner: self.owner,
                registry: self.registry,
                tree: self.tree,
                collection: addresses::collection(&self.registry, &self.collection_key).address,
                asset: self.asset,
                core_collection: self.core_collection,
                holding: addresses::holding(&self.registry, &self.asset).address,
                system_program: SYSTEM,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::RegisterCoreHolder {
                commitment: self.commitment.to_bytes(),
                path: self.path.as_ref().map(path_bytes),
            },
        )
    }
}

/// Evicts an asset's holder on evidence that the asset moved. Only the fee payer must sign.
#[derive(Debug, Clone, Copy)]
pub struct EvictHolder {
    /// The registry, of kind `Holders`.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The token's mint, or the Core asset.
    pub mint: Address,
    /// A token account of another owner with amount 1. `None` if the evidence is another one.
    pub token_account: Option<Address>,
    /// The key of the collection that the holder registered with, if the evidence is that the asset
    /// left it.
    pub left_collection: Option<Address>,
    /// The mint's metadata account, if the evidence is that a token left a collection of Token
    /// Metadata.
    pub metadata: Option<Address>,
    /// The path of the asset's leaf.
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
                collection: self
                    .left_collection
                    .map(|key| addresses::collection(&self.registry, &key).address),
                metadata: self.metadata,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::EvictHolder {
                path: path_bytes(&self.path),
            },
        )
    }
}
