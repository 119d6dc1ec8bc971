//! Registrations of compressed assets of Bubblegum.
//!
//! No node has the contents of a leaf: the client sends them, with the proof, as a node that
//! indexes assets returns them. The program's readers check them against the tree, which the node
//! has.

use bauta::state::Staged;
use bauta::token_metadata::Metadata;
use bauta_client::{
    addresses, decode_account,
    eligibility::{
        CompressedAsset, CompressedLeaf, LeafData, below_canopy, why_compressed_asset_is_not_eligible,
    },
    instructions::{CompressedTreeLeaf, OnChainPath, RegisterCompressedHolder, StagePath, Unstage},
};
use bauta_primitives::FieldElement;
use bauta_rpc::{Rpc, RpcError};
use bauta_store::{Collection, Store};
use solana_address::Address;

use super::{
    error::RegistrationError,
    on_chain,
    registration::{Common, choose},
    tokens::{self, Found},
    transactions::{Envelope, Transactions},
};

/// Bytes of a staged path's account with its discriminator.
const STAGED_BYTES: usize = 8 + size_of::<Staged>();

/// A leaf of a tree of Bubblegum, with its proof.
pub struct CompressedRequest {
    /// The position of the leaf in its tree. The proof may contain the nodes of the canopy.
    pub place: CompressedTreeLeaf,
    /// The contents of the leaf.
    pub leaf: CompressedLeaf,
}

impl CompressedRequest {
    /// Returns the keys of the collections that the asset can belong to.
    fn keys(&self) -> Vec<Address> {
        let of_metadata = match &self.leaf.data {
            LeafData::Metadata(metadata) => Metadata::parse_compressed(metadata).ok(),
            LeafData::Hash(_) => None,
        };
        let of_metadata = of_metadata.and_then(|metadata| metadata.collection);
        let named = [self.place.core_collection, of_metadata.map(|(key, _)| key)];
        let named = named.into_iter().flatten();
        [self.place.id()].into_iter().chain(named).collect()
    }
}

impl Common<'_> {
    /// Returns the registration of a compressed asset with its path, and the collection that
    /// accepts the asset.
    pub async fn compressed(
        &self,
        node: &Rpc,
        store: &Store,
        asset: &CompressedRequest,
    ) -> Result<(RegisterCompressedHolder, Collection), RegistrationError> {
        let place = &asset.place;
        let tree_config = addresses::tree_config(&place.merkle_tree).address;
        let read = [place.merkle_tree, tree_config]
            .into_iter()
            .chain(place.core_collection);
        let found = tokens::accounts(node, &read.collect::<Vec<_>>()).await?;
        let [merkle_tree, tree_config, core_collection @ ..] = found.as_slice() else {
            return Err(RegistrationError::UnknownAsset);
        };
        let mut shown = CompressedAsset {
            merkle_tree: merkle_tree.view(),
            tree_config: tree_config.view(),
            core_collection: core_collection.first().map(Found::view),
            index: place.index,
            proof: &place.proof,
        };
        shown.proof = below_canopy(&shown);
        let owner = self.request.owner;
        let candidates = store.collections_with_keys(self.registry, &asset.keys()).await?;
        let collection = choose(&candidates, |collection| {
            let collection = on_chain(self.registry, collection);
            why_compressed_asset_is_not_eligible(&collection, &owner, &shown, &asset.leaf)
        })?;
        let register = RegisterCompressedHolder {
            payer: owner,
            owner,
            registry: self.registry.address,
            tree: self.tree,
            collection_key: collection.key,
            place: CompressedTreeLeaf {
                proof: shown.proof.to_vec(),
                ..place.clone()
            },
            leaf: asset.leaf.clone(),
            commitment: self.request.commitment,
            path: self.path,
            staged: None,
        };
        Ok((register, collection))
    }
}

/// Returns the transactions of a registration. A path that does not fit is staged by another
/// transaction before.
pub async fn transactions(
    node: &Rpc,
    envelope: &Envelope,
    register: RegisterCompressedHolder,
) -> Result<Transactions, RegistrationError> {
    let whole = envelope.unsigned(register.instruction());
    let (Err(RpcError::TransactionTooLong { .. }), Some(path)) = (&whole, register.path) else {
        return Ok(Transactions::of(whole?));
    };
    let (authority, number) = (register.owner, 0);
    let address = addresses::staged(&authority, number).address;
    let shorter = RegisterCompressedHolder {
        path: None,
        staged: Some(address),
        ..register
    };
    let transaction = envelope.unsigned(shorter.instruction())?;
    let found = tokens::accounts(node, &[address]).await?;
    let rent = if found.iter().all(|staged| staged.data.is_empty()) {
        node.rent_exempt_balance(STAGED_BYTES).await?
    } else {
        0
    };
    let is_staged = found.iter().any(|staged| has_path(staged, &path));
    let stage = StagePath {
        authority,
        number,
        path,
    };
    let stage = (!is_staged).then(|| envelope.unsigned(stage.instruction()));
    Ok(Transactions {
        stage: stage.transpose()?,
        transaction,
        unstage: Some(envelope.unsigned(Unstage { authority, number }.instruction())?),
        staged_rent: rent,
    })
}

/// Returns whether an account has this staged path.
fn has_path(found: &Found, path: &OnChainPath) -> bool {
    let path = path.map(|siblings| siblings.map(FieldElement::to_bytes));
    let staged = decode_account::<Staged>(&found.owner, &found.data);
    staged.is_ok_and(|staged| staged.path == path)
}
