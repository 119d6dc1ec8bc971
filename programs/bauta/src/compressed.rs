//! Decides which compressed assets of Bubblegum may be registered, and what is evidence for an
//! eviction.
//!
//! The program and the client use these functions as they use those of
//! [`eligibility`](crate::eligibility).

use crate::{
    bubblegum::{CompressedLeaf, LeafData, MerkleTree, Version, asset_id},
    core_asset::{self, Plugins},
    eligibility::check_plugins,
    errors::{BautaError, refused, require},
    events::Evidence,
    state::{Collection, CollectionKind, Node},
    token_metadata::Metadata,
    view::AccountView,
};
use anchor_lang::prelude::*;

/// A leaf of a tree, with the accounts and the proof that show it.
#[derive(Clone, Copy, Debug)]
pub struct CompressedAsset<'a> {
    /// The tree.
    pub merkle_tree: AccountView<'a>,
    /// The tree's `TreeConfig`.
    pub tree_config: AccountView<'a>,
    /// The Core collection of a leaf of V2, if it has one.
    pub core_collection: Option<AccountView<'a>>,
    /// The index of the leaf in the tree.
    pub index: u32,
    /// The siblings below the canopy, from the leaf upwards.
    pub proof: &'a [Node],
}

impl CompressedAsset<'_> {
    /// Checks that the leaf is in the tree now. `None` is the empty leaf.
    fn check_leaf(&self, tree: &MerkleTree<'_>, id: &Pubkey, leaf: Option<&CompressedLeaf>) -> Result<()> {
        let node = match leaf {
            Some(leaf) => leaf.hash(tree.version, id, self.index, self.core_collection_key())?,
            None => [0; 32],
        };
        tree.check(self.index, &node, self.proof)
    }

    fn core_collection_key(&self) -> Option<&Pubkey> {
        self.core_collection.as_ref().map(|account| account.key)
    }

    /// Returns whether the membership in a collection is verified, or `None` if the leaf is no
    /// member.
    fn membership(
        &self,
        collection: &Collection,
        version: Version,
        id: &Pubkey,
        leaf: &CompressedLeaf,
    ) -> Result<Option<bool>> {
        let named = match (collection.kind()?, version) {
            (CollectionKind::Asset, _) => Some((*id, true)),
            (CollectionKind::Core, Version::V2) => self.core_collection_key().map(|key| (*key, true)),
            (CollectionKind::TokenMetadata, Version::V1) => {
                let LeafData::Metadata(metadata) = &leaf.data else {
                    return Err(refused(BautaError::WrongMetadata));
                };
                Metadata::parse_compressed(metadata)?.collection
            }
            _ => None,
        };
        let named = named.filter(|(key, _)| *key == collection.key);
        Ok(named.map(|(_, is_verified)| is_verified))
    }
}

/// Checks that the collection accepts compressed assets, that `leaf` is in a tree of Bubblegum now
/// and belongs to the collection, that `owner` owns it, that no one else can move it, and that it
/// is not frozen. Returns the id of the asset.
pub fn check_compressed(
    collection: &Collection,
    owner: &Pubkey,
    asset: &CompressedAsset<'_>,
    leaf: &CompressedLeaf,
) -> Result<Pubkey> {
    require!(
        collection.allows(Collection::COMPRESSED),
        BautaError::CompressedRefused
    );
    let tree = MerkleTree::read(&asset.merkle_tree, &asset.tree_config)?
        .ok_or_else(|| refused(BautaError::TreeClosed))?;
    let id = asset_id(asset.merkle_tree.key, asset.index)?;
    match asset.membership(collection, tree.version, &id, leaf)? {
        None => return Err(refused(BautaError::NotInCollection)),
        Some(false) => return Err(refused(BautaError::CollectionNotVerified)),
        Some(true) => {}
    }
    if tree.version == Version::V2 {
        check_flags(collection, leaf.flags)?;
    }
    // A leaf of V1 names no Core collection, so no account stands for it.
    if let (Version::V2, Some(account)) = (tree.version, &asset.core_collection) {
        let inherited = core_asset::collection_plugins(account, account.key)?;
        check_plugins(collection, Plugins::default(), inherited)?;
    }
    require!(leaf.owner == *owner, BautaError::NotTokenOwner);
    asset.check_leaf(&tree, &id, Some(leaf))?;
    Ok(id)
}

/// Checks the flags of a leaf of V2.
///
/// The update authority of its collection, or without one the tree's creator, could move the leaf
/// into a collection with a `PermanentTransferDelegate` and then to any owner, and back. Only a
/// leaf that is bound to its owner can't be moved. But it can be burnt by a `PermanentBurnDelegate`
/// of such a collection, and the tree of burnt leaves be created again, with a leaf of the same id.
/// The new leaf is a member of a collection only by its authority, but always of itself.
fn check_flags(collection: &Collection, flags: u8) -> Result<()> {
    const FROZEN: u8 = CompressedLeaf::FROZEN | CompressedLeaf::PERMANENTLY_FROZEN;
    require!(
        flags & !(FROZEN | CompressedLeaf::NON_TRANSFERABLE) == 0,
        BautaError::UnknownFlag
    );
    require!(
        flags & FROZEN == 0 || collection.allows(Collection::LOCKED),
        BautaError::AssetLocked
    );
    let is_bound =
        flags & CompressedLeaf::NON_TRANSFERABLE != 0 && collection.kind()? != CollectionKind::Asset;
    require!(
        is_bound || collection.allows(Collection::ISSUER_MOVES),
        BautaError::IssuerCanMove
    );
    Ok(())
}

/// Returns the evidence that `holder` no longer has the registered compressed asset `id`, or `None`
/// if there is none.
///
/// `id` must be the id of the leaf at the asset's index. `leaf` is the leaf now, or `None` if it is
/// empty. `collection` is the collection that the holder registered with, if the evidence is that
/// the asset left it.
pub fn compressed_evidence(
    holder: &Pubkey,
    id: &Pubkey,
    asset: &CompressedAsset<'_>,
    leaf: Option<&CompressedLeaf>,
    collection: Option<&Collection>,
) -> Result<Option<Evidence>> {
    let Some(tree) = MerkleTree::read(&asset.merkle_tree, &asset.tree_config)? else {
        return Ok(Some(Evidence::AssetGone));
    };
    asset.check_leaf(&tree, id, leaf)?;
    let Some(leaf) = leaf else {
        return Ok(Some(Evidence::LeafEmpty));
    };
    if leaf.owner != *holder {
        return Ok(Some(Evidence::OtherOwner));
    }
    match collection {
        Some(collection)
            if collection.allows(Collection::LEAVING)
                && asset.membership(collection, tree.version, id, leaf)? != Some(true) =>
        {
            Ok(Some(Evidence::LeftCollection))
        }
        _ => Ok(None),
    }
}
