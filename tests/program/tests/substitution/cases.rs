//! A case of every instruction. It succeeds, and it has all optional accounts.

use bauta::state::{Collection, CollectionKind, RegistryKind, ScopeMode};
use bauta_client::{addresses, instructions as ix};
use bauta_primitives::{Commitment, FieldElement, Leaf, Root};
use bauta_program_test::{
    ContextSpec, Elf, Member, MetadataSpec, Nft, RegistrySpec, ScopeSpec, TestChain, TestRegistry, TestScope,
    TrapdoorKey, keypair,
};
use solana_account::Account;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::Case;

/// Returns all cases.
pub fn all() -> Vec<Case> {
    [
        administration(),
        authorities(),
        holders(),
        core_holders(),
        super::compressed::all(),
        scopes(),
        super::airdrop::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn registry_of(chain: &mut TestChain, kind: RegistryKind) -> TestRegistry {
    chain.create_registry(RegistrySpec::of_kind(kind))
}

fn leaf(n: u64) -> Leaf {
    Leaf::new(FieldElement::from_u64(n))
}

/// Returns `initialize` and the instructions of the admin.
fn administration() -> Vec<Case> {
    let mut deployed = TestChain::deployed(Elf::FromEnvironment);
    let payer = deployed.funded_keypair("payer");
    let initialize = ix::Initialize {
        payer: payer.pubkey(),
        upgrade_authority: deployed.upgrade_authority.pubkey(),
        cluster_tag: [1; 32],
        admin: deployed.admin.pubkey(),
        development_keys_allowed: true,
    };
    let signers = vec![
        payer.insecure_clone(),
        deployed.upgrade_authority.insecure_clone(),
    ];
    let mut cases = vec![Case {
        name: "initialize",
        instruction: initialize.instruction(),
        signers,
        foreign: vec![],
        chain: deployed,
    }];

    let mut chain = TestChain::new();
    chain.fund(&payer.pubkey());
    let admin = chain.admin.insecure_clone();
    let registration = chain.registration(TrapdoorKey::new(9).verifying_key());
    let other = chain.registration(TrapdoorKey::new(8).verifying_key());
    let other_circuit = addresses::circuit_of(&other).address;
    chain.register_circuit(other).expect("another circuit");
    let register = ix::RegisterCircuit {
        payer: payer.pubkey(),
        admin: admin.pubkey(),
        registration,
    };
    let suspend = ix::SuspendCircuit {
        admin: admin.pubkey(),
        circuit: chain.circuit(),
        suspended: true,
    };
    let retire = ix::RetireCircuit {
        admin: admin.pubkey(),
        circuit: chain.circuit(),
        retire: true,
    };
    let set = ix::SetAdmin {
        admin: admin.pubkey(),
        new_admin: payer.pubkey(),
    };
    let pause = ix::Pause {
        admin: admin.pubkey(),
        paused: true,
    };
    for (name, instruction, foreign) in [
        (
            "register_circuit",
            register.instruction(),
            vec![("circuit", other_circuit)],
        ),
        ("suspend_circuit", suspend.instruction(), vec![]),
        ("retire_circuit", retire.instruction(), vec![]),
        ("set_admin", set.instruction(), vec![]),
        ("pause", pause.instruction(), vec![]),
    ] {
        cases.push(Case {
            name,
            chain: chain.clone(),
            instruction,
            signers: vec![payer.insecure_clone(), admin.insecure_clone()],
            foreign,
        });
    }
    let authority = chain.upgrade_authority.insecure_clone();
    let replace = ix::ReplaceAdmin {
        upgrade_authority: authority.pubkey(),
        new_admin: payer.pubkey(),
    };
    cases.push(Case {
        name: "replace_admin",
        chain: chain.clone(),
        instruction: replace.instruction(),
        signers: vec![authority, admin.insecure_clone()],
        foreign: vec![],
    });
    chain.send(&[set.instruction()], &[&admin]).expect("set_admin");
    cases.push(Case {
        name: "accept_admin",
        chain,
        instruction: ix::AcceptAdmin {
            new_admin: payer.pubkey(),
        }
        .instruction(),
        signers: vec![payer, admin],
        foreign: vec![],
    });
    cases
}

/// Returns the instructions of a registry's authority.
fn authorities() -> Vec<Case> {
    let mut chain = TestChain::new();
    let payer = chain.funded_keypair("payer");
    let [holders, managed, attested] = [
        RegistryKind::Holders,
        RegistryKind::Managed,
        RegistryKind::Attested,
    ]
    .map(|kind| {
        let mut registry = registry_of(&mut chain, kind);
        let other = registry_of(&mut chain, kind);
        if kind == RegistryKind::Managed {
            chain
                .append_leaves(&mut registry, &[leaf(1), leaf(2)])
                .expect("append_leaves");
        }
        (registry, other)
    });
    let add = ix::AddCollection {
        registry: holders.0.address,
        authority: holders.0.authority.pubkey(),
        payer: payer.pubkey(),
        key: keypair("mint").pubkey(),
        kind: CollectionKind::Asset,
        rules: 0,
        track: 1,
    };
    let seal = ix::SealRegistry {
        registry: holders.0.address,
        authority: holders.0.authority.pubkey(),
    };
    let append = ix::AppendLeaves {
        registry: managed.0.address,
        tree: managed.0.tree_account,
        authority: managed.0.authority.pubkey(),
        leaves: vec![leaf(3)],
    };
    let replace = ix::ReplaceLeaf {
        registry: managed.0.address,
        tree: managed.0.tree_account,
        authority: managed.0.authority.pubkey(),
        index: 0,
        old_leaf: leaf(1),
        new_leaf: leaf(4),
        path: chain.on_chain_path(&managed.0, 0),
    };
    let publish = ix::PublishRoot {
        registry: attested.0.address,
        authority: attested.0.authority.pubkey(),
        root: Root::new(FieldElement::from_u64(1)),
    };
    let foreign = |(_, other): &(TestRegistry, TestRegistry)| {
        vec![("registry", other.address), ("tree", other.tree_account)]
    };
    let cases = [
        ("add_collection", add.instruction(), &holders),
        ("seal_registry", seal.instruction(), &holders),
        ("append_leaves", append.instruction(), &managed),
        ("replace_leaf", replace.instruction(), &managed),
        ("publish_root", publish.instruction(), &attested),
    ];
    cases
        .into_iter()
        .map(|(name, instruction, pair)| Case {
            name,
            chain: chain.clone(),
            instruction,
            signers: vec![payer.insecure_clone(), pair.0.authority.insecure_clone()],
            foreign: foreign(pair),
        })
        .chain([create_registry(chain.clone(), &payer, &managed.1)])
        .collect()
}

fn create_registry(mut chain: TestChain, payer: &Keypair, other: &TestRegistry) -> Case {
    let authority = chain.funded_keypair("authority");
    let key = chain.new_keypair("tree");
    let tree = key.pubkey();
    let used = chain.account(&other.tree_account).expect("a tree");
    let data = vec![0; used.data.len()];
    chain.set_account(&tree, Account { data, ..used });
    let create = ix::CreateRegistry {
        authority: authority.pubkey(),
        payer: payer.pubkey(),
        tree: Some(tree),
        nonce: 1,
        kind: RegistryKind::Managed,
        depth: 10,
        leaf_format: 1,
        root_ttl: 60,
    };
    Case {
        name: "create_registry",
        chain,
        instruction: create.instruction(),
        signers: vec![payer.insecure_clone(), authority, key],
        foreign: vec![("registry", other.address), ("tree", other.tree_account)],
    }
}

/// Returns the instructions of holders of tokens, and their evictions.
///
/// The token is a programmable one of Token Metadata, so the instructions have all accounts.
fn holders() -> Vec<Case> {
    let mut chain = TestChain::new();
    let payer = chain.funded_keypair("payer");
    let [mut registry, mut other] = [(); 2].map(|()| registry_of(&mut chain, RegistryKind::Holders));
    let other_member = chain.add_holder(&mut other, 1);
    let neighbour = chain.add_holder(&mut registry, 1);
    let owner = chain.funded_keypair("holder");
    let key = keypair("collection of Token Metadata").pubkey();
    let (kind, rules) = (CollectionKind::TokenMetadata, Collection::LEAVING);
    for registry in [&registry, &other] {
        chain
            .add_collection_with_rules(registry, &key, kind, rules, 1)
            .expect("add_collection");
    }
    // The holder has a second token of the collection.
    let [nft, second] = [(); 2].map(|()| chain.mint_with_metadata(&owner, &MetadataSpec::programmable(&key)));
    let register = ix::RegisterHolder {
        payer: payer.pubkey(),
        owner: owner.pubkey(),
        registry: registry.address,
        tree: registry.tree_account,
        collection_key: key,
        mint: nft.mint,
        token_account: nft.account,
        token_metadata: nft.token_metadata,
        commitment: Commitment::new(FieldElement::from_u64(5)),
        path: None,
    };
    let record = addresses::token_record(&second.mint, &second.account).address;
    let foreign = vec![
        ("registry", other.address),
        ("tree", other.tree_account),
        ("collection", addresses::collection(&other.address, &key).address),
        (
            "collection",
            addresses::collection(&registry.address, &neighbour.nft.mint).address,
        ),
        ("mint", second.mint),
        ("token_account", second.account),
        ("holding", addresses::holding(&other.address, &nft.mint).address),
        (
            "holding",
            addresses::holding(&registry.address, &neighbour.nft.mint).address,
        ),
        (
            "holding",
            addresses::holding(&other.address, &other_member.nft.mint).address,
        ),
        ("metadata", addresses::metadata(&second.mint).address),
        ("edition", addresses::edition(&second.mint).address),
        ("token_record", record),
    ];
    let first = Case {
        name: "register_holder",
        chain: chain.clone(),
        instruction: register.instruction(),
        signers: vec![payer.insecure_clone(), owner.insecure_clone()],
        foreign: foreign.clone(),
    };
    for registry in [&mut registry, &mut other] {
        chain
            .register(registry, &nft, Some(key), 1)
            .expect("register_holder");
    }
    chain.advance_clock(60);
    let path = chain.on_chain_path(&registry, 1);
    // The transaction is too long for a payer other than the one who pays the fees.
    let again = Case {
        name: "register_holder",
        chain: chain.clone(),
        instruction: ix::RegisterHolder {
            payer: chain.payer.pubkey(),
            path: Some(path),
            ..register
        }
        .instruction(),
        signers: vec![owner],
        foreign: foreign.clone(),
    };
    let evict = ix::EvictHolder {
        registry: registry.address,
        tree: registry.tree_account,
        mint: nft.mint,
        token_account: None,
        left_collection: Some(key),
        metadata: nft.token_metadata.metadata,
        path,
    };
    let [left, moved] = evictions(chain, &nft, evict, foreign);
    vec![first, again, left, moved]
}

/// Returns the evictions of a token that left its collection, and of a token that moved.
fn evictions(
    mut chain: TestChain,
    nft: &Nft,
    evict: ix::EvictHolder,
    mut foreign: Vec<(&'static str, Address)>,
) -> [Case; 2] {
    let mut left = chain.clone();
    left.write_metadata(&nft.mint, &MetadataSpec::default());
    let left = Case {
        name: "evict_holder",
        chain: left,
        instruction: evict.instruction(),
        signers: vec![],
        foreign: foreign.clone(),
    };
    let buyer = chain.funded_keypair("buyer");
    let sold = chain.transfer_programmable(nft, &buyer);
    // The seller's empty account is not evidence.
    foreign.push(("token_account", nft.account));
    let moved = Case {
        name: "evict_holder",
        chain,
        instruction: ix::EvictHolder {
            token_account: Some(sold.account),
            left_collection: None,
            metadata: None,
            ..evict
        }
        .instruction(),
        signers: vec![],
        foreign,
    };
    [left, moved]
}

/// Returns the instructions of owners of Core assets, and their evictions.
fn core_holders() -> Vec<Case> {
    let mut chain = TestChain::new();
    let payer = chain.funded_keypair("payer");
    let [mut registry, mut other] = [(); 2].map(|()| registry_of(&mut chain, RegistryKind::Holders));
    let neighbour = chain.add_holder(&mut registry, 1);
    let owner = chain.funded_keypair("holder");
    let [key, other_key] = [(); 2].map(|()| chain.core_collection(&[]));
    for registry in [&registry, &other] {
        chain
            .add_collection(registry, &key, CollectionKind::Core, 1)
            .expect("add_collection");
    }
    let [asset, second] = [(); 2].map(|()| chain.core_asset(&owner, Some(key), &[]));
    let register = ix::RegisterCoreHolder {
        payer: payer.pubkey(),
        owner: owner.pubkey(),
        registry: registry.address,
        tree: registry.tree_account,
        collection_key: key,
        asset: asset.address,
        core_collection: Some(key),
        commitment: Commitment::new(FieldElement::from_u64(5)),
        path: None,
    };
    let mut foreign = vec![
        ("registry", other.address),
        ("tree", other.tree_account),
        ("collection", addresses::collection(&other.address, &key).address),
        (
            "collection",
            addresses::collection(&registry.address, &neighbour.nft.mint).address,
        ),
        ("asset", second.address),
        ("core_collection", other_key),
        (
            "holding",
            addresses::holding(&other.address, &asset.address).address,
        ),
        (
            "holding",
            addresses::holding(&registry.address, &neighbour.nft.mint).address,
        ),
    ];
    let first = Case {
        name: "register_core_holder",
        chain: chain.clone(),
        instruction: register.instruction(),
        signers: vec![payer.insecure_clone(), owner.insecure_clone()],
        foreign: foreign.clone(),
    };
    for registry in [&mut registry, &mut other] {
        chain
            .register_core(registry, &asset, &key, 1)
            .expect("register_core_holder");
    }
    chain.advance_clock(60);
    let path = chain.on_chain_path(&registry, 1);
    let again = Case {
        name: "register_core_holder",
        chain: chain.clone(),
        instruction: ix::RegisterCoreHolder {
            path: Some(path),
            ..register
        }
        .instruction(),
        signers: vec![payer, owner],
        foreign: foreign.clone(),
    };
    let buyer = chain.funded_keypair("buyer");
    let _sold = chain.transfer_core_asset(&asset, &buyer);
    foreign.push(("mint", second.address));
    let evict = ix::EvictHolder {
        registry: registry.address,
        tree: registry.tree_account,
        mint: asset.address,
        token_account: None,
        left_collection: None,
        metadata: None,
        path,
    };
    let moved = Case {
        name: "evict_holder",
        chain,
        instruction: evict.instruction(),
        signers: vec![],
        foreign,
    };
    vec![first, again, moved]
}

/// A valid `verify` in a scope of mode `Live` with a gate, a relayer and an auxiliary registry.
struct VerifyFixture {
    chain: TestChain,
    registry: TestRegistry,
    auxiliary: TestRegistry,
    member: Member,
    scope: TestScope,
    other_scope: TestScope,
    payer: Keypair,
    gate: Keypair,
    relayer: Keypair,
    verify: ix::Verify,
}

fn verify_fixture() -> VerifyFixture {
    let mut chain = TestChain::new();
    let [payer, gate, relayer] = ["payer", "gate", "relayer"].map(|name| chain.funded_keypair(name));
    let mut registry = registry_of(&mut chain, RegistryKind::Holders);
    let auxiliary = registry_of(&mut chain, RegistryKind::Attested);
    let member = chain.add_holder(&mut registry, 5);
    let circuit = chain
        .register_trapdoor_with_auxiliary(TrapdoorKey::new(2), 1)
        .expect("a circuit with an auxiliary root");
    let spec = || ScopeSpec {
        mode: Some(ScopeMode::Live),
        circuit: Some(circuit),
        gate: Some(gate.pubkey()),
        auxiliary_registry: Some(auxiliary.address),
        ..ScopeSpec::default()
    };
    let scope = chain.create_scope(&registry, &spec());
    let other_scope = chain.create_scope(&registry, &spec());
    let context = ContextSpec {
        relayer: Some(relayer.pubkey()),
        ..chain.context_spec()
    };
    let mut verify = chain.prove_with_context(&registry, &member, &scope, context);
    verify.payer = payer.pubkey();
    verify.auxiliary_root = Some(auxiliary.root());
    verify.proof = chain.forge(&scope, &verify);
    VerifyFixture {
        chain,
        registry,
        auxiliary,
        member,
        scope,
        other_scope,
        payer,
        gate,
        relayer,
        verify,
    }
}

/// Returns the instructions on scopes.
fn scopes() -> Vec<Case> {
    let mut fixture = verify_fixture();
    let other_registry = registry_of(&mut fixture.chain, RegistryKind::Holders);
    let circuit = fixture
        .chain
        .register_trapdoor(TrapdoorKey::new(9))
        .expect("another circuit");
    let creator = fixture.chain.funded_keypair("creator");
    let create = ix::CreateScope {
        payer: fixture.payer.pubkey(),
        creator: creator.pubkey(),
        registry: fixture.registry.address,
        circuit: fixture.scope.circuit,
        auxiliary_registry: Some(fixture.auxiliary.address),
        nonce: 1,
        mode: ScopeMode::Live,
        gate: None,
        required_claim: None,
        opens_at: 0,
        closes_at: fixture.chain.now() + 60,
        expected_root: None,
    };
    let create = Case {
        name: "create_scope",
        chain: fixture.chain.clone(),
        instruction: create.instruction(),
        signers: vec![fixture.payer.insecure_clone(), creator],
        foreign: vec![
            ("circuit", fixture.chain.circuit()),
            ("scope", fixture.scope.address),
        ],
    };
    let other_nullifier =
        addresses::nullifier(&fixture.other_scope.address, fixture.verify.nullifier).address;
    let verify = Case {
        name: "verify",
        chain: fixture.chain.clone(),
        instruction: fixture.verify.instruction(),
        signers: [&fixture.payer, &fixture.gate, &fixture.relayer]
            .map(Keypair::insecure_clone)
            .into(),
        foreign: vec![
            ("scope", fixture.other_scope.address),
            ("circuit", circuit),
            ("registry", other_registry.address),
            ("auxiliary_registry", other_registry.address),
            ("nullifier", other_nullifier),
        ],
    };
    let signers = [&fixture.payer, &fixture.gate, &fixture.relayer];
    fixture.chain.verify(&fixture.verify, &signers).expect("verify");
    let close = ix::CloseScope {
        creator: fixture.scope.creator.pubkey(),
        scope: fixture.scope.address,
    };
    let close = Case {
        name: "close_scope",
        chain: fixture.chain.clone(),
        instruction: close.instruction(),
        signers: vec![fixture.scope.creator.insecure_clone()],
        foreign: vec![("scope", fixture.other_scope.address)],
    };
    vec![create, verify, close, reclaim(fixture)]
}

fn reclaim(mut fixture: VerifyFixture) -> Case {
    let context = fixture.chain.context_spec();
    let mut other =
        fixture
            .chain
            .prove_with_context(&fixture.registry, &fixture.member, &fixture.other_scope, context);
    other.auxiliary_root = Some(fixture.auxiliary.root());
    other.proof = fixture.chain.forge(&fixture.other_scope, &other);
    fixture.chain.verify(&other, &[&fixture.gate]).expect("verify");
    fixture.chain.close_scope(&fixture.scope).expect("close_scope");
    let reclaim = ix::ReclaimNullifier {
        scope: fixture.scope.address,
        nullifier: fixture.verify.nullifier,
        rent_payer: fixture.payer.pubkey(),
    };
    Case {
        name: "reclaim_nullifier",
        instruction: reclaim.instruction(),
        signers: vec![],
        foreign: vec![
            ("scope", fixture.other_scope.address),
            ("nullifier", other.nullifier_account()),
            ("rent_payer", fixture.chain.payer.pubkey()),
        ],
        chain: fixture.chain,
    }
}
