//! More cases for random changes: other kinds of assets, whose accounts the program reads in other
//! ways. The table does not have them, because their lists of accounts are the same.

use bauta::bubblegum::Version;
use bauta::state::{Collection, CollectionKind, RegistryKind};
use bauta_client::{addresses, instructions as ix};
use bauta_primitives::{Commitment, FieldElement};
use bauta_program_test::{
    CompressedNft, CompressedTree, CoreAsset, MetadataSpec, Nft, RegistrySpec, TOKEN_2022, TestChain,
    TestRegistry,
};
use mpl_core::types::{
    ExternalPluginAdapterType, ExternalRegistryRecord, FreezeDelegate, Groups, PermanentFreezeDelegate,
    Plugin, PluginAuthority, UpdateDelegate,
};
use solana_account::Account;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::Case;

/// Returns the cases.
pub fn cases() -> Vec<Case> {
    vec![
        print(CollectionKind::Prints, 0),
        print(CollectionKind::TokenMetadata, Collection::PRINTS),
        token_2022(),
        core_asset_with_plugins(),
        core_asset_that_left(),
        compressed_asset_with_an_old_proof(),
        compressed_asset_of_a_tree_that_is_all_canopy(),
        burnt_compressed_asset_of_v1(),
        compressed_asset_of_a_closed_tree(),
    ]
}

/// A chain with a registry that has one collection.
struct Fixture {
    chain: TestChain,
    registry: TestRegistry,
    key: Address,
    owner: Keypair,
}

impl Fixture {
    fn new(mut chain: TestChain, key: Address, kind: CollectionKind, rules: u16) -> Self {
        let registry = chain.create_registry(RegistrySpec::of_kind(RegistryKind::Holders));
        chain
            .add_collection_with_rules(&registry, &key, kind, rules, 1)
            .expect("add_collection");
        let owner = chain.funded_keypair("holder");
        Self {
            chain,
            registry,
            key,
            owner,
        }
    }

    fn register(self, nft: &Nft) -> Case {
        let register = ix::RegisterHolder {
            payer: self.chain.payer.pubkey(),
            owner: self.owner.pubkey(),
            registry: self.registry.address,
            tree: self.registry.tree_account,
            collection_key: self.key,
            mint: nft.mint,
            token_account: nft.account,
            token_metadata: nft.token_metadata,
            commitment: Commitment::new(FieldElement::from_u64(5)),
            path: None,
        };
        Case {
            name: "register_holder",
            chain: self.chain,
            instruction: register.instruction(),
            signers: vec![self.owner],
            foreign: vec![],
        }
    }
}

fn print(kind: CollectionKind, rules: u16) -> Case {
    let mut chain = TestChain::new();
    let holder = chain.funded_keypair("holder of the master");
    let master = chain.mint_with_metadata(&holder, &MetadataSpec::default());
    let mut fixture = Fixture::new(chain, master.mint, kind, rules);
    // A print has the verified collection of its master. Here the key stands for both.
    let spec = MetadataSpec {
        collection: Some((master.mint, true)),
        ..MetadataSpec::print(&master.mint)
    };
    let owner = fixture.owner.insecure_clone();
    let nft = fixture.chain.mint_with_metadata(&owner, &spec);
    fixture.register(&nft)
}

fn token_2022() -> Case {
    let chain = TestChain::new();
    let key = Address::new_from_array([1; 32]);
    let mut fixture = Fixture::new(chain, key, CollectionKind::TokenMetadata, 0);
    let spec = MetadataSpec {
        program: TOKEN_2022,
        ..MetadataSpec::of_collection(&key)
    };
    let owner = fixture.owner.insecure_clone();
    let nft = fixture.chain.mint_with_metadata(&owner, &spec);
    fixture.register(&nft)
}

fn core_fixture(rules: u16, plugins: &[Plugin]) -> (Fixture, CoreAsset) {
    let mut chain = TestChain::new();
    let key = chain.core_collection(plugins);
    let mut fixture = Fixture::new(chain, key, CollectionKind::Core, rules);
    let owner = fixture.owner.insecure_clone();
    let asset = fixture.chain.core_asset(&owner, Some(key), plugins);
    (fixture, asset)
}

fn core_asset_with_plugins() -> Case {
    let plugins = [
        Plugin::FreezeDelegate(FreezeDelegate { frozen: false }),
        Plugin::PermanentFreezeDelegate(PermanentFreezeDelegate { frozen: false }),
        Plugin::UpdateDelegate(UpdateDelegate {
            additional_delegates: vec![[1; 32].into()],
        }),
        Plugin::Groups(Groups {
            groups: vec![[1; 32].into()],
        }),
    ];
    let external = ExternalRegistryRecord {
        plugin_type: ExternalPluginAdapterType::AgentIdentity,
        authority: PluginAuthority::Address {
            address: [1; 32].into(),
        },
        lifecycle_checks: Some(vec![]),
        offset: 0,
        data_offset: Some(1),
        data_len: Some(1),
    };
    let (mut fixture, asset) = core_fixture(0, &plugins);
    fixture.chain.write_core_asset(&asset, &plugins, &[external]);
    let register = ix::RegisterCoreHolder {
        payer: fixture.chain.payer.pubkey(),
        owner: fixture.owner.pubkey(),
        registry: fixture.registry.address,
        tree: fixture.registry.tree_account,
        collection_key: fixture.key,
        asset: asset.address,
        core_collection: Some(fixture.key),
        commitment: Commitment::new(FieldElement::from_u64(5)),
        path: None,
    };
    Case {
        name: "register_core_holder",
        chain: fixture.chain,
        instruction: register.instruction(),
        signers: vec![fixture.owner],
        foreign: vec![],
    }
}

fn core_asset_that_left() -> Case {
    let (fixture, asset) = core_fixture(Collection::LEAVING, &[]);
    let Fixture {
        mut chain,
        mut registry,
        key,
        ..
    } = fixture;
    let (member, _) = chain
        .register_core(&mut registry, &asset, &key, 1)
        .expect("register_core_holder");
    let left = CoreAsset {
        collection: None,
        ..asset
    };
    chain.write_core_asset(&left, &[], &[]);
    let evict = ix::EvictHolder {
        registry: registry.address,
        tree: registry.tree_account,
        mint: left.address,
        token_account: None,
        left_collection: Some(key),
        metadata: None,
        path: chain.on_chain_path(&registry, member.index),
    };
    Case {
        name: "evict_holder",
        chain,
        instruction: evict.instruction(),
        signers: vec![],
        foreign: vec![],
    }
}

/// A registry, a tree, and an asset of the tree that is a member of the registry's collection.
struct Compressed {
    inner: Fixture,
    tree: CompressedTree,
    nft: CompressedNft,
}

fn compressed(version: Version, canopy_levels: u32) -> Compressed {
    let mut chain = TestChain::new();
    let key = chain.core_collection(&[]);
    let (kind, rules) = match version {
        Version::V1 => (CollectionKind::TokenMetadata, Collection::COMPRESSED),
        Version::V2 => (
            CollectionKind::Core,
            Collection::COMPRESSED | Collection::ISSUER_MOVES,
        ),
    };
    let mut inner = Fixture::new(chain, key, kind, rules);
    let (chain, owner) = (&mut inner.chain, &inner.owner);
    let mut tree = chain.compressed_tree(version, 3, canopy_levels);
    let nft = match version {
        Version::V1 => chain.mint_compressed_v1(&mut tree, owner, Some((key, true))),
        Version::V2 => chain.mint_compressed(&mut tree, owner, Some(key), 0),
    };
    Compressed { inner, tree, nft }
}

impl Compressed {
    fn registration(self, proof: Vec<[u8; 32]>) -> Case {
        let Fixture {
            chain,
            registry,
            key,
            owner,
        } = self.inner;
        let address = &self.tree.address;
        let register = chain.compressed_registration(&registry, address, &self.nft, proof, &key);
        Case {
            name: "register_compressed_holder",
            chain,
            instruction: register.instruction(),
            signers: vec![owner],
            foreign: vec![],
        }
    }

    /// Registers the asset, and returns its eviction after a change of the chain.
    fn eviction(
        mut self,
        leaf: Option<&CompressedNft>,
        change: impl FnOnce(&mut TestChain, &mut CompressedTree),
    ) -> Case {
        let Fixture {
            mut chain,
            mut registry,
            key,
            ..
        } = self.inner;
        let proof = self.tree.proof(self.nft.index);
        chain
            .register_compressed(&mut registry, &self.tree.address, &self.nft, proof, &key, 1)
            .expect("register_compressed_holder");
        change(&mut chain, &mut self.tree);
        let evict = chain.compressed_eviction(&registry, &self.tree, &self.nft, leaf);
        Case {
            name: "evict_compressed_holder",
            chain,
            instruction: evict.instruction(),
            signers: vec![],
            foreign: vec![],
        }
    }
}

/// The ring of changes has wrapped, and the sibling of the leaf changed after the proof.
fn compressed_asset_with_an_old_proof() -> Case {
    let mut fixture = compressed(Version::V2, 0);
    let chain = &mut fixture.inner.chain;
    let sibling = chain.mint_compressed(&mut fixture.tree, &fixture.inner.owner, None, 0);
    for number in 0..20 {
        fixture.tree.set_node(sibling.index, [number; 32]);
    }
    let proof = fixture.tree.proof(fixture.nft.index);
    fixture.tree.set_node(sibling.index, [99; 32]);
    chain.write_tree(&fixture.tree);
    fixture.registration(proof)
}

fn compressed_asset_of_a_tree_that_is_all_canopy() -> Case {
    compressed(Version::V1, 3).registration(vec![])
}

fn burnt_compressed_asset_of_v1() -> Case {
    compressed(Version::V1, 1).eviction(None, |chain, tree| {
        tree.set(0, None);
        chain.write_tree(tree);
    })
}

fn compressed_asset_of_a_closed_tree() -> Case {
    let fixture = compressed(Version::V2, 1);
    let leaf = fixture.nft.clone();
    fixture.eviction(Some(&leaf), |chain, tree| {
        for address in [tree.address, addresses::tree_config(&tree.address).address] {
            chain.set_account(&address, Account::default());
        }
    })
}
