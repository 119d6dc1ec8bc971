//! Finds evidence that holders no longer have their assets, as the program judges it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, anyhow};
use bauta::eligibility::{core_evidence, has_left, token_evidence};
use bauta::state::{AssetForm, Collection, Holding};
use bauta::token::TokenAccount;
use bauta_client::{
    addresses,
    eligibility::{CompressedAsset, CompressedLeaf, Evidence, below_canopy, compressed_evidence},
    instructions::CompressedTreeLeaf,
};
use bauta_rpc::Rpc;
use serde_json::{Value, json};
use solana_address::Address;

use super::{Found, das, found};
use crate::{chain::LEVEL, context::Context};

/// What shows that a holder no longer has an asset.
pub struct Finding {
    pub evidence: Evidence,
    /// The token account of the new owner, if the asset is a token that moved.
    pub token_account: Option<Address>,
    /// The key of the collection that the asset left.
    pub left_collection: Option<Address>,
    /// The leaf of a compressed asset with its proof.
    pub compressed: Option<(CompressedTreeLeaf, Option<CompressedLeaf>)>,
}

impl Finding {
    fn of(evidence: Evidence) -> Self {
        Self {
            evidence,
            token_account: None,
            left_collection: None,
            compressed: None,
        }
    }
}

/// Finds evidence for the holdings of one registry.
pub struct Finder<'a> {
    pub context: &'a Context,
    pub collections: &'a [(Address, Collection)],
    /// The token account in which each token was last seen. It saves a request if the token is
    /// still there.
    pub seen: &'a mut BTreeMap<Address, Address>,
    /// A node that indexes compressed assets.
    pub assets: Option<&'a Rpc>,
}

impl Finder<'_> {
    /// Returns evidence about each holding, in their order. `None` means that the holder has the
    /// asset. A failure to read one asset does not affect the others.
    pub async fn find_all(&mut self, holdings: &[Holding]) -> Result<Vec<Result<Option<Finding>>>> {
        let mints: Vec<Address> = holdings.iter().map(|holding| holding.mint).collect();
        let seen: Vec<Address> = mints
            .iter()
            .map(|mint| self.seen.get(mint).copied().unwrap_or_default())
            .collect();
        let assets = found(self.context, &mints).await?;
        let last_accounts = found(self.context, &seen).await?;
        let mut findings = Vec::with_capacity(holdings.len());
        for ((holding, asset), last) in holdings.iter().zip(&assets).zip(&last_accounts) {
            findings.push(self.find(holding, asset, last).await);
        }
        Ok(findings)
    }

    async fn find(&mut self, holding: &Holding, asset: &Found, last: &Found) -> Result<Option<Finding>> {
        let refused = |error| anyhow!("the asset {} can't be judged: {error}", holding.mint);
        let form = AssetForm::from_byte(holding.form);
        let finding = match form {
            Some(AssetForm::Token) => {
                let without_account = token_evidence(&holding.owner, &asset.view(), None).map_err(refused)?;
                match without_account {
                    Some(evidence) => Some(Finding::of(evidence)),
                    None if has_token(last, &holding.mint, &holding.owner) => None,
                    None => self.moved(holding, asset).await?,
                }
            }
            Some(AssetForm::Core) => core_evidence(&holding.owner, &asset.view())
                .map_err(refused)?
                .map(Finding::of),
            Some(AssetForm::Compressed) => return self.compressed(holding).await,
            None => return Err(anyhow!("the form of the asset {} is unknown", holding.mint)),
        };
        if finding.is_some() {
            return Ok(finding);
        }
        self.left(holding, asset, form == Some(AssetForm::Token)).await
    }

    /// Judges a compressed asset by its leaf, which must lead to the root of the tree's account.
    async fn compressed(&self, holding: &Holding) -> Result<Option<Finding>> {
        let node = self.assets.with_context(|| {
            format!(
                "the asset {} is compressed: name a node that indexes assets with --assets-node",
                holding.mint
            )
        })?;
        let mut indexed = das::read(node, &holding.mint).await?;
        let place = &indexed.place;
        let read = [
            place.merkle_tree,
            addresses::tree_config(&place.merkle_tree).address,
        ];
        let read: Vec<Address> = read.into_iter().chain(place.core_collection).collect();
        let accounts = found(self.context, &read).await?;
        let [merkle_tree, tree_config, core_collection @ ..] = accounts.as_slice() else {
            return Err(anyhow!("the node gave too few accounts"));
        };
        let mut asset = CompressedAsset {
            merkle_tree: merkle_tree.view(),
            tree_config: tree_config.view(),
            core_collection: core_collection.first().map(Found::view),
            index: place.index,
            proof: &place.proof,
        };
        asset.proof = below_canopy(&asset);
        let collection = self.leavable(holding);
        let leaf = indexed.leaf.as_ref();
        let evidence = match compressed_evidence(&holding.owner, &asset, leaf, collection) {
            Ok(evidence) => evidence,
            Err(error) if error.name == "NoEvidence" => return Ok(None),
            Err(error) => return Err(anyhow!("the asset {} can't be judged: {error}", holding.mint)),
        };
        let left = collection.filter(|_| matches!(evidence, Evidence::LeftCollection));
        let left_collection = left.map(|collection| collection.key);
        indexed.place.proof = asset.proof.to_vec();
        Ok(Some(Finding {
            left_collection,
            compressed: Some((indexed.place, indexed.leaf)),
            ..Finding::of(evidence)
        }))
    }

    /// Returns the collection with which an asset was registered, if the asset may leave it.
    fn leavable(&self, holding: &Holding) -> Option<&Collection> {
        let numbered = self
            .collections
            .iter()
            .find(|(_, collection)| holding.collection != 0 && collection.number == holding.collection);
        let (_, collection) = numbered?;
        collection.allows(Collection::LEAVING).then_some(collection)
    }

    /// Returns the token account that has the token, if its owner is not the holder.
    async fn moved(&mut self, holding: &Holding, asset: &Found) -> Result<Option<Finding>> {
        let params = json!([holding.mint.to_string(), { "commitment": LEVEL }]);
        let largest: Value = self.context.rpc.call("getTokenLargestAccounts", &params).await?;
        // A token that is not divisible is in one account. The node can list empty ones too.
        let addresses: Vec<Address> = largest["value"]
            .as_array()
            .into_iter()
            .flatten()
            .take(20)
            .filter_map(|entry| entry["address"].as_str()?.parse().ok())
            .collect();
        for account in found(self.context, &addresses).await? {
            if has_token(&account, &holding.mint, &holding.owner) {
                self.seen.insert(holding.mint, account.address);
                return Ok(None);
            }
            let evidence = token_evidence(&holding.owner, &asset.view(), Some(&account.view()));
            if let Ok(Some(evidence)) = evidence {
                return Ok(Some(Finding {
                    token_account: Some(account.address),
                    ..Finding::of(evidence)
                }));
            }
        }
        Ok(None)
    }

    /// Returns the evidence that the asset left the collection with which it was registered.
    async fn left(&self, holding: &Holding, asset: &Found, is_token: bool) -> Result<Option<Finding>> {
        let Some(collection) = self.leavable(holding) else {
            return Ok(None);
        };
        let metadata: Vec<Address> = is_token
            .then(|| addresses::metadata(&holding.mint).address)
            .into_iter()
            .collect();
        let metadata = found(self.context, &metadata).await?.pop();
        let is_gone = has_left(
            collection,
            &asset.view(),
            metadata.as_ref().map(Found::view).as_ref(),
        )
        .map_err(|error| anyhow!("{error}"))
        .with_context(|| format!("the collection of the asset {} can't be judged", holding.mint))?;
        Ok(is_gone.then(|| Finding {
            left_collection: Some(collection.key),
            ..Finding::of(Evidence::LeftCollection)
        }))
    }
}

fn has_token(account: &Found, mint: &Address, holder: &Address) -> bool {
    TokenAccount::read(&account.owner, &account.data)
        .is_ok_and(|token| token.mint == *mint && token.owner == *holder && token.amount == 1)
}
