//! The instructions of owners of compressed assets, their evictions, and staged paths.

use bauta::bubblegum::Version;
use bauta::state::{Collection, CollectionKind, RegistryKind};
use bauta_client::{addresses, instructions as ix};
use bauta_primitives::{Commitment, FieldElement};
use bauta_program_test::{CompressedNft, CompressedTree, RegistrySpec, TestChain, TestRegistry};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::Case;

/// A registry with a registered asset, and accounts that don't belong to it.
struct Fixture {
    chain: TestChain,
    payer: Keypair,
    registry: TestRegistry,
    other: TestRegistry,
    tree: CompressedTree,
    key: Address,
    nft: CompressedNft,
    foreign: Vec<(&'static str, Address)>,
}

/// Returns the cases of trees of V2 and V1.
pub fn all() -> Vec<Case> {
    let mut v2 = fixture(Version::V2);
    let v1 = fixture(Version::V1);
    let mut cases = vec![v2.registration(), v1.registration()];
    let registry = &mut v2.registry;
    for registry in [registry, &mut v2.other] {
        let proof = v2.tree.proof(v2.nft.index);
        let tree = &v2.tree.address;
        v2.chain
            .register_compressed(registry, tree, &v2.nft, proof, &v2.key, 1)
            .expect("register_compressed_holder");
    }
    v2.chain.advance_clock(60);
    let path = v2.chain.on_chain_path(&v2.registry, 1);
    let signer = v2.nft.owner.insecure_clone();
    let authority = signer.pubkey();
    let stage = ix::StagePath {
        authority,
        number: 0,
        path,
    };
    cases.push(v2.staging("stage_path", stage.instruction(), &signer));
    for signer in [&signer, &v2.payer] {
        v2.chain.stage_path(signer, 0, path).expect("stage_path");
    }
    v2.foreign
        .push(("staged", addresses::staged(&v2.payer.pubkey(), 0).address));
    cases.push(v2.staging("stage_path", stage.instruction(), &signer));
    let unstage = ix::Unstage { authority, number: 0 };
    cases.push(v2.staging("unstage", unstage.instruction(), &signer));
    let mut again = v2.registration();
    let mut register = v2.register();
    register.path = None;
    register.staged = Some(addresses::staged(&authority, 0).address);
    again.instruction = register.instruction();
    cases.push(again);
    cases.push(v2.eviction());
    cases
}

fn fixture(version: Version) -> Fixture {
    let mut chain = TestChain::new();
    let payer = chain.funded_keypair("payer");
    let [mut registry, other] =
        [(); 2].map(|()| chain.create_registry(RegistrySpec::of_kind(RegistryKind::Holders)));
    let neighbour = chain.add_holder(&mut registry, 1);
    let owner = chain.funded_keypair("holder");
    let [key, other_key] = [(); 2].map(|()| chain.core_collection(&[]));
    let (kind, rules) = match version {
        Version::V1 => (CollectionKind::TokenMetadata, 0),
        Version::V2 => (CollectionKind::Core, Collection::ISSUER_MOVES),
    };
    for registry in [&registry, &other] {
        let rules = rules | Collection::COMPRESSED | Collection::LEAVING;
        chain
            .add_collection_with_rules(registry, &key, kind, rules, 1)
            .expect("add_collection");
    }
    let [mut tree, other_tree] = [(); 2].map(|()| chain.compressed_tree(version, 5, 2));
    let nft = match version {
        Version::V1 => chain.mint_compressed_v1(&mut tree, &owner, Some((key, true))),
        Version::V2 => chain.mint_compressed(&mut tree, &owner, Some(key), 0),
    };
    let of = |registry: &TestRegistry, asset: &Address| addresses::holding(&registry.address, asset).address;
    let foreign = vec![
        ("registry", other.address),
        ("tree", other.tree_account),
        ("collection", addresses::collection(&other.address, &key).address),
        (
            "collection",
            addresses::collection(&registry.address, &neighbour.nft.mint).address,
        ),
        ("merkle_tree", other_tree.address),
        ("tree_config", addresses::tree_config(&other_tree.address).address),
        ("core_collection", other_key),
        ("holding", of(&other, &nft.id)),
        ("holding", of(&registry, &neighbour.nft.mint)),
    ];
    Fixture {
        chain,
        payer,
        registry,
        other,
        tree,
        key,
        nft,
        foreign,
    }
}

impl Fixture {
    fn register(&self) -> ix::RegisterCompressedHolder {
        let proof = self.tree.proof(self.nft.index);
        let mut register = self.chain.compressed_registration(
            &self.registry,
            &self.tree.address,
            &self.nft,
            proof,
            &self.key,
        );
        register.payer = self.payer.pubkey();
        register.commitment = Commitment::new(FieldElement::from_u64(5));
        register
    }

    fn registration(&self) -> Case {
        Case {
            name: "register_compressed_holder",
            chain: self.chain.clone(),
            instruction: self.register().instruction(),
            signers: vec![self.payer.insecure_clone(), self.nft.owner.insecure_clone()],
            foreign: self.foreign.clone(),
        }
    }

    fn staging(&self, name: &'static str, instruction: Instruction, signer: &Keypair) -> Case {
        Case {
            name,
            chain: self.chain.clone(),
            instruction,
            signers: vec![signer.insecure_clone()],
            foreign: self.foreign.clone(),
        }
    }

    /// Returns the eviction of an asset that left its collection, with a staged path.
    fn eviction(&mut self) -> Case {
        let mut left = self.nft.clone();
        left.core_collection = Some(self.foreign_key());
        self.tree.set(left.index, Some(&left));
        self.chain.write_tree(&self.tree);
        let mut evict = self
            .chain
            .compressed_eviction(&self.registry, &self.tree, &self.nft, Some(&left));
        evict.path = None;
        evict.staged = Some(addresses::staged(&self.nft.owner.pubkey(), 0).address);
        evict.left_collection = Some(self.key);
        let mut foreign = self.foreign.clone();
        // The leaf names the other collection.
        foreign.retain(|(name, _)| *name != "core_collection");
        foreign.push(("core_collection", self.key));
        Case {
            name: "evict_compressed_holder",
            chain: self.chain.clone(),
            instruction: evict.instruction(),
            signers: vec![],
            foreign,
        }
    }

    fn foreign_key(&self) -> Address {
        let mut foreign = self.foreign.iter();
        let (_, key) = foreign
            .find(|(name, _)| *name == "core_collection")
            .expect("the list has a Core collection");
        *key
    }
}
