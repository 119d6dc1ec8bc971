use super::registration::{Registration, check_commitment, open_collection};
use crate::{
    account,
    bubblegum::CompressedLeaf,
    compressed::{CompressedAsset, check_compressed},
    state::{AssetForm, Collection, Node, Path, Staged},
    view::Borrowed,
};
use anchor_lang::prelude::*;

/// Accounts of `register_compressed_holder`.
#[event_cpi]
#[derive(Accounts)]
pub struct RegisterCompressedHolder<'info> {
    /// The account that pays the rent of `holding`.
    #[account(mut)]
    pub payer: Signer<'info>,
    /// The asset's owner.
    pub owner: Signer<'info>,
    /// The registry, of kind `Holders`.
    /// CHECK: `Registration` checks its owner and its type
    #[account(mut)]
    pub registry: UncheckedAccount<'info>,
    /// The registry's Tree account.
    /// CHECK: `Registration` checks its owner and its type, and it names the registry
    #[account(mut)]
    pub tree: UncheckedAccount<'info>,
    /// The collection that the asset belongs to.
    /// CHECK: `open_collection` checks its owner and its type, and it names the registry
    pub collection: UncheckedAccount<'info>,
    /// The tree of Bubblegum that has the asset.
    /// CHECK: `bubblegum::MerkleTree` reads it and checks its owner and its data
    pub merkle_tree: UncheckedAccount<'info>,
    /// The `TreeConfig` of `merkle_tree`.
    /// CHECK: `bubblegum::MerkleTree` reads it and checks its address, its owner and its data
    pub tree_config: UncheckedAccount<'info>,
    /// The asset's Core collection, if the asset is of V2 and has one. Ignored for an asset of V1.
    /// CHECK: `core_asset::collection_plugins` reads it and checks its owner and its data, and the
    /// leaf has the hash of its address
    pub core_collection: Option<UncheckedAccount<'info>>,
    /// The asset's holding. The first registration creates it.
    /// CHECK: if it exists, it must be a Holding of this registry and asset; else its address is
    /// derived
    #[account(mut)]
    pub holding: UncheckedAccount<'info>,
    /// A staged path, if `path` does not fit into the transaction.
    /// CHECK: `account::open` checks its owner and its type
    pub staged: Option<UncheckedAccount<'info>>,
    /// The system program, which creates `holding`.
    pub system_program: Program<'info, System>,
}

impl RegisterCompressedHolder<'_> {
    pub(crate) fn run(
        &self,
        commitment: [u8; 32],
        path: Option<&Path>,
        index: u32,
        leaf: &CompressedLeaf,
        proof: &[Node],
    ) -> Result<()> {
        check_commitment(&commitment)?;
        let collection = &*open_collection(&self.collection, self.registry.key)?;
        let asset = self.check(collection, index, leaf, proof)?;
        let registration = Registration {
            payer: &self.payer,
            owner: self.owner.key,
            registry: &self.registry,
            tree: &self.tree,
            collection,
            asset: &asset,
            form: AssetForm::Compressed,
            holding: &self.holding,
            event_authority: &self.event_authority,
        };
        match &self.staged {
            Some(staged) if path.is_none() => {
                let staged = account::open::<Staged>(staged)?;
                registration.run(commitment, Some(&staged.path))
            }
            _ => registration.run(commitment, path),
        }
    }

    fn check(
        &self,
        collection: &Collection,
        index: u32,
        leaf: &CompressedLeaf,
        proof: &[Node],
    ) -> Result<Pubkey> {
        let merkle_tree = Borrowed::of(&self.merkle_tree)?;
        let tree_config = Borrowed::of(&self.tree_config)?;
        let core_collection = Borrowed::of_optional(self.core_collection.as_ref())?;
        let asset = CompressedAsset {
            merkle_tree: merkle_tree.view(),
            tree_config: tree_config.view(),
            core_collection: core_collection.as_ref().map(Borrowed::view),
            index,
            proof,
        };
        check_compressed(collection, self.owner.key, &asset, leaf)
    }
}
