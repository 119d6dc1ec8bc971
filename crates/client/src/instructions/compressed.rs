use bauta::bubblegum::CompressedLeaf;
use bauta::{accounts, instruction};
use bauta_primitives::Commitment;
use solana_address::Address;
use solana_instruction::Instruction;

use super::{OnChainPath, SYSTEM, build, event_authority, path_bytes};
use crate::addresses;

/// The place of a compressed asset in its tree, with the proof of its leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompressedTreeLeaf {
    /// The tree.
    pub merkle_tree: Address,
    /// The Core collection that the leaf names. `None` if it names none, and in a tree of V1.
    pub core_collection: Option<Address>,
    /// The index of the leaf.
    pub index: u32,
    /// The siblings of the leaf below the tree's canopy, from the leaf upwards.
    pub proof: Vec<[u8; 32]>,
}

impl CompressedTreeLeaf {
    /// Derives the id of the asset.
    #[must_use]
    pub fn id(&self) -> Address {
        addresses::compressed_asset(&self.merkle_tree, self.index).address
    }
}

/// Registers the owner of a compressed asset of Bubblegum.
#[derive(Debug, Clone)]
pub struct RegisterCompressedHolder {
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
    /// The asset's place in its tree.
    pub place: CompressedTreeLeaf,
    /// The contents of the asset's leaf in its tree. For a collection of Token Metadata, it must
    /// have the whole metadata.
    pub leaf: CompressedLeaf,
    /// The commitment: `Poseidon1` of the owner's secret for this asset and registry.
    pub commitment: Commitment,
    /// The path of the asset's leaf in the registry. `None` at the asset's first registration, and
    /// if the path is staged.
    pub path: Option<OnChainPath>,
    /// The account of the staged path, if the path does not fit into the transaction. See
    /// [`addresses::staged`].
    pub staged: Option<Address>,
}

impl RegisterCompressedHolder {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        let place = &self.place;
        build(
            &accounts::RegisterCompressedHolder {
                payer: self.payer,
                owner: self.owner,
                registry: self.registry,
                tree: self.tree,
                collection: addresses::collection(&self.registry, &self.collection_key).address,
                merkle_tree: place.merkle_tree,
                tree_config: addresses::tree_config(&place.merkle_tree).address,
                core_collection: place.core_collection,
                holding: addresses::holding(&self.registry, &place.id()).address,
                staged: self.staged,
                system_program: SYSTEM,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::RegisterCompressedHolder {
                commitment: self.commitment.to_bytes(),
                path: self.path.as_ref().map(path_bytes),
                index: place.index,
                leaf: self.leaf.clone(),
                proof: place.proof.clone(),
            },
        )
    }
}

/// Evicts the holder of a compressed asset on evidence that the asset moved or no longer exists.
/// Only the fee payer must sign.
#[derive(Debug, Clone)]
pub struct EvictCompressedHolder {
    /// The registry, of kind `Holders`.
    pub registry: Address,
    /// The registry's Tree account.
    pub tree: Address,
    /// The asset's place in its tree.
    pub place: CompressedTreeLeaf,
    /// The contents of the leaf now. `None` if it is empty.
    pub leaf: Option<CompressedLeaf>,
    /// The key of the collection that the holder registered with, if the evidence is that the asset
    /// left it.
    pub left_collection: Option<Address>,
    /// The path of the asset's leaf in the registry. `None` if the path is staged.
    pub path: Option<OnChainPath>,
    /// The account of the staged path, if the path does not fit into the transaction. See
    /// [`addresses::staged`].
    pub staged: Option<Address>,
}

impl EvictCompressedHolder {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        let place = &self.place;
        build(
            &accounts::EvictCompressedHolder {
                registry: self.registry,
                tree: self.tree,
                holding: addresses::holding(&self.registry, &place.id()).address,
                merkle_tree: place.merkle_tree,
                tree_config: addresses::tree_config(&place.merkle_tree).address,
                core_collection: place.core_collection,
                collection: self
                    .left_collection
                    .map(|key| addresses::collection(&self.registry, &key).address),
                staged: self.staged,
                event_authority: event_authority(),
                program: bauta::ID,
            },
            &instruction::EvictCompressedHolder {
                path: self.path.as_ref().map(path_bytes),
                index: place.index,
                leaf: self.leaf.clone(),
                proof: place.proof.clone(),
            },
        )
    }
}

/// Stores a path for a later transaction, or overwrites it.
#[derive(Debug, Clone, Copy)]
pub struct StagePath {
    /// The signer, who pays the rent.
    pub authority: Address,
    /// The number of the path. A signer can have 256 staged paths, for transactions that are sent
    /// at the same time.
    pub number: u8,
    /// The path of a leaf in a registry.
    pub path: OnChainPath,
}

impl StagePath {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(
            &staging(self.authority, self.number),
            &instruction::StagePath {
                number: self.number,
                path: path_bytes(&self.path),
            },
        )
    }
}

/// Closes the path that a signer staged.
#[derive(Debug, Clone, Copy)]
pub struct Unstage {
    /// The signer, who receives the rent.
    pub authority: Address,
    /// The number with which the path was staged.
    pub number: u8,
}

impl Unstage {
    /// Builds the instruction.
    #[must_use]
    pub fn instruction(&self) -> Instruction {
        build(&staging(self.authority, self.number), &instruction::Unstage {})
    }
}

fn staging(authority: Address, number: u8) -> accounts::StagePath {
    accounts::StagePath {
        authority,
        staged: addresses::staged(&authority, number).address,
        system_program: SYSTEM,
    }
}
