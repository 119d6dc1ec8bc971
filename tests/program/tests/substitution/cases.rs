//! An instance of every instruction that succeeds, with everything that it can have.

use bauta::state::{RegistryKind, ScopeMode};
use bauta_client::{addresses, instructions as ix};
use bauta_primitives::{Commitment, FieldElement, Leaf, Root};
use bauta_program_test::{
    Elf, Member, RegistrySpec, ScopeSpec, TestRegistry, TestScope, TrapdoorKey, Wish, World, keypair,
};
use solana_account::Account;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::Case;

/// All of them.
pub fn all() -> Vec<Case> {
    [administration(), authorities(), holders(), scopes()]
        .into_iter()
        .flatten()
        .collect()
}

fn registry_of(world: &mut World, kind: RegistryKind) -> TestRegistry {
    world.create_registry(RegistrySpec::of_kind(kind))
}

fn leaf(n: u64) -> Leaf {
    Leaf::new(FieldElement::from_u64(n))
}

/// `initialize`, and what the admin does.
fn administration() -> Vec<Case> {
    let mut deployed = World::deployed(Elf::Chosen);
    let payer = deployed.person("payer");
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
        elsewhere: vec![],
        world: deployed,
    }];

    let mut world = World::new();
    world.fund(&payer.pubkey());
    let admin = world.admin.insecure_clone();
    let other_key = TrapdoorKey::new(8).verifying_key();
    let registration = world.registration(TrapdoorKey::new(9).verifying_key());
    let other_circuit = addresses::circuit_of(&other_key).address;
    let other = world.registration(other_key);
    world.register_circuit(other).expect("another circuit");
    let register = ix::RegisterCircuit {
        payer: payer.pubkey(),
        admin: admin.pubkey(),
        registration,
    };
    let retire = ix::RetireCircuit {
        admin: admin.pubkey(),
        circuit: world.circuit(),
    };
    let set = ix::SetAdmin {
        admin: admin.pubkey(),
        new_admin: payer.pubkey(),
    };
    let pause = ix::Pause {
        admin: admin.pubkey(),
        paused: true,
    };
    for (name, instruction, elsewhere) in [
        (
            "register_circuit",
            register.instruction(),
            vec![("circuit", other_circuit)],
        ),
        ("retire_circuit", retire.instruction(), vec![]),
        ("set_admin", set.instruction(), vec![]),
        ("pause", pause.instruction(), vec![]),
    ] {
        cases.push(Case {
            name,
            world: world.clone(),
            instruction,
            signers: vec![payer.insecure_clone(), admin.insecure_clone()],
            elsewhere,
        });
    }
    world.send(&[set.instruction()], &[&admin]).expect("set_admin");
    cases.push(Case {
        name: "accept_admin",
        world,
        instruction: ix::AcceptAdmin {
            new_admin: payer.pubkey(),
        }
        .instruction(),
        signers: vec![payer, admin],
        elsewhere: vec![],
    });
    cases
}

/// What a registry's authority does.
fn authorities() -> Vec<Case> {
    let mut world = World::new();
    let payer = world.person("payer");
    let [holders, managed, attested] = [
        RegistryKind::Holders,
        RegistryKind::Managed,
        RegistryKind::Attested,
    ]
    .map(|kind| {
        let mut made = registry_of(&mut world, kind);
        let other = registry_of(&mut world, kind);
        if kind == RegistryKind::Managed {
            world
                .append(&mut made, &[leaf(1), leaf(2)])
                .expect("append_leaves");
        }
        (made, other)
    });
    let add = ix::AddCollection {
        registry: holders.0.address,
        authority: holders.0.authority.pubkey(),
        payer: payer.pubkey(),
        key: keypair("mint").pubkey(),
        is_group: false,
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
        path: world.on_chain_path(&managed.0, 0),
    };
    let publish = ix::PublishRoot {
        registry: attested.0.address,
        authority: attested.0.authority.pubkey(),
        root: Root::new(FieldElement::from_u64(1)),
    };
    let elsewhere = |(_, other): &(TestRegistry, TestRegistry)| {
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
            world: world.clone(),
            instruction,
            signers: vec![payer.insecure_clone(), pair.0.authority.insecure_clone()],
            elsewhere: elsewhere(pair),
        })
        .chain([create_registry(world.clone(), &payer, &managed.1)])
        .collect()
}

fn create_registry(mut world: World, payer: &Keypair, other: &TestRegistry) -> Case {
    let authority = world.person("authority");
    let tree = world.next_keypair("tree").pubkey();
    let used = world.account(&other.tree_account).expect("a tree");
    let data = vec![0; used.data.len()];
    world.set_account(&tree, Account { data, ..used });
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
        world,
        instruction: create.instruction(),
        signers: vec![payer.insecure_clone(), authority],
        elsewhere: vec![("registry", other.address), ("tree", other.tree_account)],
    }
}

/// What holders do, and what anybody does to them.
fn holders() -> Vec<Case> {
    let mut world = World::new();
    let payer = world.person("payer");
    let [mut registry, mut other] = [(); 2].map(|()| registry_of(&mut world, RegistryKind::Holders));
    let theirs = world.holder(&mut other, 1);
    let neighbour = world.holder(&mut registry, 1);
    let owner = world.person("holder");
    let nft = world.mint_nft(&owner);
    world
        .add_collection(&registry, &nft.mint, false, 1)
        .expect("add_collection");
    world
        .add_collection(&other, &nft.mint, false, 1)
        .expect("add_collection");
    let register = ix::RegisterHolder {
        payer: payer.pubkey(),
        owner: owner.pubkey(),
        registry: registry.address,
        tree: registry.tree_account,
        collection_key: nft.mint,
        mint: nft.mint,
        token_account: nft.account,
        commitment: Commitment::new(FieldElement::from_u64(5)),
        path: None,
    };
    let mut elsewhere = vec![
        ("registry", other.address),
        ("tree", other.tree_account),
        (
            "collection",
            addresses::collection(&other.address, &nft.mint).address,
        ),
        (
            "collection",
            addresses::collection(&registry.address, &neighbour.nft.mint).address,
        ),
        ("mint", neighbour.nft.mint),
        ("token_account", neighbour.nft.account),
        ("holding", addresses::holding(&other.address, &nft.mint).address),
        (
            "holding",
            addresses::holding(&registry.address, &neighbour.nft.mint).address,
        ),
        (
            "holding",
            addresses::holding(&other.address, &theirs.nft.mint).address,
        ),
    ];
    let first = Case {
        name: "register_holder",
        world: world.clone(),
        instruction: register.instruction(),
        signers: vec![payer.insecure_clone(), owner.insecure_clone()],
        elsewhere: elsewhere.clone(),
    };
    world
        .enter(&mut registry, &nft, None, 1)
        .expect("register_holder");
    world.enter(&mut other, &nft, None, 1).expect("register_holder");
    world.wait(60);
    let path = world.on_chain_path(&registry, 1);
    let again = Case {
        name: "register_holder",
        world: world.clone(),
        instruction: ix::RegisterHolder {
            path: Some(path),
            ..register
        }
        .instruction(),
        signers: vec![payer, owner],
        elsewhere: elsewhere.clone(),
    };
    let buyer = world.person("buyer");
    let sold = world.transfer_nft(&nft, &buyer);
    let evict = ix::EvictHolder {
        registry: registry.address,
        tree: registry.tree_account,
        mint: nft.mint,
        token_account: Some(sold.account),
        path,
    };
    // the seller's own account, empty now, is no evidence either
    elsewhere.push(("token_account", nft.account));
    let evict = Case {
        name: "evict_holder",
        world,
        instruction: evict.instruction(),
        signers: vec![],
        elsewhere,
    };
    vec![first, again, evict]
}

/// A use of a Live scope with everything that a scope can have, and a Snapshot scope beside it.
struct Use {
    world: World,
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

fn use_of_a_scope() -> Use {
    let mut world = World::new();
    let [payer, gate, relayer] = ["payer", "gate", "relayer"].map(|what| world.person(what));
    let mut registry = registry_of(&mut world, RegistryKind::Holders);
    let auxiliary = registry_of(&mut world, RegistryKind::Attested);
    let member = world.holder(&mut registry, 5);
    let spec = || ScopeSpec {
        mode: Some(ScopeMode::Live),
        gate: Some(gate.pubkey()),
        auxiliary_registry: Some(auxiliary.address),
        ..ScopeSpec::default()
    };
    let scope = world.create_scope(&registry, &spec());
    let other_scope = world.create_scope(&registry, &spec());
    let wish = Wish {
        relayer: Some(relayer.pubkey()),
        ..world.wish()
    };
    let mut verify = world.prove_for(&registry, &member, &scope, wish);
    verify.payer = payer.pubkey();
    verify.auxiliary_root = Some(auxiliary.root());
    verify.proof = world.forge(&scope, &verify);
    Use {
        world,
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

/// What concerns scopes.
fn scopes() -> Vec<Case> {
    let mut it = use_of_a_scope();
    let other_registry = registry_of(&mut it.world, RegistryKind::Holders);
    let circuit = it
        .world
        .register_trapdoor(TrapdoorKey::new(9))
        .expect("another circuit");
    let creator = it.world.person("creator");
    let create = ix::CreateScope {
        payer: it.payer.pubkey(),
        creator: creator.pubkey(),
        registry: it.registry.address,
        circuit: it.world.circuit(),
        auxiliary_registry: Some(it.auxiliary.address),
        nonce: 1,
        mode: ScopeMode::Live,
        gate: None,
        required_claim: None,
        opens_at: 0,
        closes_at: it.world.now() + 60,
    };
    let create = Case {
        name: "create_scope",
        world: it.world.clone(),
        instruction: create.instruction(),
        signers: vec![it.payer.insecure_clone(), creator],
        elsewhere: vec![("scope", it.scope.address)],
    };
    let others_nullifier = addresses::nullifier(&it.other_scope.address, it.verify.nullifier).address;
    let verify = Case {
        name: "verify",
        world: it.world.clone(),
        instruction: it.verify.instruction(),
        signers: [&it.payer, &it.gate, &it.relayer]
            .map(Keypair::insecure_clone)
            .into(),
        elsewhere: vec![
            ("scope", it.other_scope.address),
            ("circuit", circuit),
            ("registry", other_registry.address),
            ("auxiliary_registry", other_registry.address),
            ("nullifier", others_nullifier),
        ],
    };
    let signers = [&it.payer, &it.gate, &it.relayer];
    it.world.verify(&it.verify, &signers).expect("verify");
    let close = ix::CloseScope {
        creator: it.scope.creator.pubkey(),
        scope: it.scope.address,
    };
    let close = Case {
        name: "close_scope",
        world: it.world.clone(),
        instruction: close.instruction(),
        signers: vec![it.scope.creator.insecure_clone()],
        elsewhere: vec![("scope", it.other_scope.address)],
    };
    vec![create, verify, close, reclaim(it)]
}

fn reclaim(mut it: Use) -> Case {
    let wish = it.world.wish();
    let mut other = it
        .world
        .prove_for(&it.registry, &it.member, &it.other_scope, wish);
    other.auxiliary_root = Some(it.auxiliary.root());
    other.proof = it.world.forge(&it.other_scope, &other);
    it.world.verify(&other, &[&it.gate]).expect("verify");
    it.world.close_scope(&it.scope).expect("close_scope");
    let reclaim = ix::ReclaimNullifier {
        scope: it.scope.address,
        nullifier: it.verify.nullifier,
        rent_payer: it.payer.pubkey(),
    };
    Case {
        name: "reclaim_nullifier",
        instruction: reclaim.instruction(),
        signers: vec![],
        elsewhere: vec![
            ("scope", it.other_scope.address),
            ("nullifier", other.nullifier_account()),
            ("rent_payer", it.world.payer.pubkey()),
        ],
        world: it.world,
    }
}
