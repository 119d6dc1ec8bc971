//! Compressed assets of Bubblegum.

mod evictions;
mod sizes;
mod staging;
mod trees;
mod v1;
mod v2;

use bauta::bubblegum::Version;
use bauta::state::{AssetForm, CollectionKind};
use bauta_client::addresses;
use bauta_client::eligibility::{CompressedAsset, why_compressed_asset_is_not_eligible};
use bauta_client::instructions::{EvictCompressedHolder, OnChainPath};
use bauta_program_test::{CompressedNft, CompressedTree, Receipt, Refusal, TestChain};
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::{Fixture, TRACK, assert_named_before, view};

/// A registry with one collection, and a tree.
pub struct Compressed {
    pub inner: Fixture,
    pub tree: CompressedTree,
}

impl Compressed {
    /// Creates a collection of Core with rules, and a tree of V2 with a canopy.
    fn v2(rules: u16) -> Self {
        Self::with_chain(TestChain::new(), Version::V2, rules)
    }

    /// Creates a collection of Token Metadata with rules, and a tree of V1 with a canopy.
    fn v1(rules: u16) -> Self {
        Self::with_chain(TestChain::new(), Version::V1, rules)
    }

    /// Creates the collection and the tree in a chain.
    pub fn with_chain(mut chain: TestChain, version: Version, rules: u16) -> Self {
        let key = chain.new_keypair("collection").pubkey();
        Self::with_key(chain, key, version, rules)
    }

    /// Adds the collection with this key, and creates the tree.
    pub fn with_key(chain: TestChain, key: Address, version: Version, rules: u16) -> Self {
        let kind = match version {
            Version::V1 => CollectionKind::TokenMetadata,
            Version::V2 => CollectionKind::Core,
        };
        let mut inner = Fixture::with_key(chain, key, kind, rules);
        if version == Version::V2 {
            inner.chain.write_core_collection(&key, &[]);
        }
        let tree = inner.chain.compressed_tree(version, 5, 2);
        Self { inner, tree }
    }

    pub fn owner(&mut self, name: &str) -> Keypair {
        self.inner.chain.funded_keypair(name)
    }

    /// Mints an asset that is a verified member of the collection. One of V2 has flags.
    fn mint_with_flags(&mut self, flags: u8) -> CompressedNft {
        let (owner, key) = (self.owner("holder"), self.inner.key);
        let chain = &mut self.inner.chain;
        match self.tree.version {
            Version::V1 => chain.mint_compressed_v1(&mut self.tree, &owner, Some((key, true))),
            Version::V2 => chain.mint_compressed(&mut self.tree, &owner, Some(key), flags),
        }
    }

    pub fn mint(&mut self) -> CompressedNft {
        self.mint_with_flags(0)
    }

    /// Writes a leaf, as Bubblegum does when the asset changes. `None` empties it.
    pub fn set(&mut self, index: u32, nft: Option<&CompressedNft>) {
        self.tree.set(index, nft);
        self.inner.chain.write_tree(&self.tree);
    }

    /// Transfers an asset to a new owner.
    pub fn sell(&mut self, nft: &CompressedNft) -> CompressedNft {
        let buyer = self.owner("buyer");
        let sold = nft.sold_to(&buyer);
        self.set(nft.index, Some(&sold));
        sold
    }

    #[track_caller]
    pub fn register(&mut self, nft: &CompressedNft) -> Result<Receipt, Refusal> {
        let proof = self.tree.proof(nft.index);
        self.register_with(nft, proof)
    }

    /// Registers an asset with a proof. Asserts that the client names the same refusal before.
    #[track_caller]
    pub fn register_with(&mut self, nft: &CompressedNft, proof: Vec<[u8; 32]>) -> Result<Receipt, Refusal> {
        let inner = &mut self.inner;
        let address = self.tree.address;
        let merkle_tree = inner.fetch(address);
        let tree_config = inner.fetch(addresses::tree_config(&address).address);
        let core_collection = nft.core_collection.map(|address| inner.fetch(address));
        let asset = CompressedAsset {
            merkle_tree: view(&merkle_tree),
            tree_config: view(&tree_config),
            core_collection: core_collection.as_ref().map(view),
            index: nft.index,
            proof: &proof,
        };
        let collection = inner.collection();
        let owner = nft.owner.pubkey();
        let expected = why_compressed_asset_is_not_eligible(&collection, &owner, &asset, &nft.leaf);
        let key = inner.key;
        let registered =
            inner
                .chain
                .register_compressed(&mut inner.registry, &address, nft, proof, &key, TRACK);
        let result = registered.map(|(_, receipt)| receipt);
        assert_named_before(expected, &result);
        result
    }

    /// Returns the eviction of an asset with its leaf now. `None` is the empty leaf.
    pub fn eviction(&self, nft: &CompressedNft, leaf: Option<&CompressedNft>) -> EvictCompressedHolder {
        self.inner
            .chain
            .compressed_eviction(&self.inner.registry, &self.tree, nft, leaf)
    }

    pub fn evict(&mut self, nft: &CompressedNft, leaf: Option<&CompressedNft>) -> Result<Receipt, Refusal> {
        let eviction = self.eviction(nft, leaf);
        self.send_eviction(&eviction)
    }

    pub fn send_eviction(&mut self, eviction: &EvictCompressedHolder) -> Result<Receipt, Refusal> {
        self.inner
            .chain
            .evict_compressed(&mut self.inner.registry, eviction)
    }

    /// Stages a path and returns its account.
    #[track_caller]
    pub fn stage(&mut self, signer: &Keypair, number: u8, path: OnChainPath) -> Address {
        let staged = self.inner.chain.stage_path(signer, number, path);
        staged.expect("stage_path");
        addresses::staged(&signer.pubkey(), number).address
    }

    /// Asserts that the asset is registered as a compressed asset of this owner.
    #[track_caller]
    pub fn assert_holder(&self, nft: &CompressedNft) {
        let holding = self.inner.chain.holding(&self.inner.registry, &nft.id);
        let holding = holding.expect("the asset is registered");
        assert_eq!(
            (holding.form, holding.collection, holding.owner, holding.live),
            (AssetForm::Compressed as u8, 1, nft.owner.pubkey(), 1)
        );
    }
}
