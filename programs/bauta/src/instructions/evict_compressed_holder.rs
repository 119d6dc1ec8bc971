use super::{
    evict_holder::check_number,
    eviction::{check_live, evict},
    registration::open_collection,
};
use crate::{
    account,
    bubblegum::{CompressedLeaf, asset_id},
    compressed::{CompressedAsset, compressed_evidence},
    errors::{BautaError, refused, require},
    events::Evidence,
    state::{AssetForm, Collection, Holding, Node, Path, Staged},
    view::Borrowed,
};
use anchor_lang::prelude::*;
use std::cell::Ref;

/// Accounts of `evict_compressed_holder`.
#[event_cpi]
#[derive(Accounts)]
pub struct EvictCompressedHolder<'info> {
    /// The registry account.
    /// CHECK: `account::open_mut` checks its owner and its type
    #[account(mut)]
    pub registry: UncheckedAccount<'info>,
    /// The registry's Tree account.
    /// CHECK: `account::open_mut` checks its owner and its type, and it names the registry
    #[account(mut)]
    pub tree: UncheckedAccount<'info>,
    /// The holding of the asset in this registry.
    /// CHECK: `account::open_mut` checks its owner and its type, and it names the registry and the
    /// asset
    #[account(mut)]
    pub holding: UncheckedAccount<'info>,
    /// The tree of Bubblegum that has the asset, or had it.
    /// CHECK: `bubblegum::MerkleTree` reads it and checks its owner and its data
    pub merkle_tree: UncheckedAccount<'info>,
    /// The `TreeConfig` of `merkle_tree`.
    /// CHECK: `bubblegum::MerkleTree` reads it and checks its address, its owner and its data
    pub tree_config: UncheckedAccount<'info>,
    /// The asset's Core collection, if the leaf is of V2 and has one. Ignored for a leaf of V1.
    /// CHECK: only its address is used, and the leaf has the hash of it
    pub core_collection: Option<UncheckedAccount<'info>>,
    /// The collection that the holder registered with, if the evidence is that the asset left it.
    /// CHECK: `account::open` checks its owner and its type, and it names the registry
    pub collection: Option<UncheckedAccount<'info>>,
    /// A staged path, if `path` does not fit into the transaction.
    /// CHECK: `account::open` checks its owner and its type
    pub staged: Option<UncheckedAccount<'info>>,
}

impl EvictCompressedHolder<'_> {
    pub(crate) fn run(
        &self,
        path: Option<&Path>,
        index: u32,
        leaf: Option<&CompressedLeaf>,
        proof: &[Node],
    ) -> Result<()> {
        let holding = &mut *account::open_mut::<Holding>(&self.holding)?;
        let id = asset_id(self.merkle_tree.key, index)?;
        require!(
            holding.registry == *self.registry.key && holding.mint == id,
            BautaError::WrongHolding
        );
        check_live(holding)?;
        let evidence = self.evidence(holding, index, leaf, proof)?;
        let staged = self.staged.as_ref().map(|staged| account::open::<Staged>(staged));
        let staged = staged.transpose()?;
        let path = path.or(staged.as_ref().map(|staged| &staged.path));
        let path = path.ok_or_else(|| refused(BautaError::MissingPath))?;
        evict(
            &self.registry,
            &self.tree,
            holding,
            evidence,
            path,
            &self.event_authority,
        )
    }

    fn evidence(
        &self,
        holding: &Holding,
        index: u32,
        leaf: Option<&CompressedLeaf>,
        proof: &[Node],
    ) -> Result<Evidence> {
        // The leaf of a token that was decompressed is empty.
        require!(
            AssetForm::from_byte(holding.form) == Some(AssetForm::Compressed),
            BautaError::NoEvidence
        );
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
        let collection = match &self.collection {
            Some(account) => Some(left_collection(account, holding)?),
            None => None,
        };
        compressed_evidence(&holding.owner, &holding.mint, &asset, leaf, collection.as_deref())?
            .ok_or_else(|| refused(BautaError::NoEvidence))
    }
}

/// Opens the collection that the holder registered with.
fn left_collection<'a>(account: &'a AccountInfo<'_>, holding: &Holding) -> Result<Ref<'a, Collection>> {
    let collection = open_collection(account, &holding.registry)?;
    check_number(&collection, holding)?;
    Ok(collection)
}
