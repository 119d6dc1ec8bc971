//! Tests what `create_registry`, `register_circuit`, `create_scope` and the admin's instructions
//! refuse. More tests are in `known_bugs`.

use anchor_lang::error::ErrorCode;
use bauta::{
    errors::BautaError,
    instructions::CircuitRegistration,
    state::{CollectionKind, Config, Provenance, RegistryKind, Tree},
};
use bauta_client::{addresses, instructions as ix};
use bauta_primitives::FieldElement;
use bauta_program_test::{
    Elf, Receipt, Refusal, RegistrySpec, ScopeSpec, TestChain, TrapdoorKey, assert_refused, keypair,
    statement_name, with_bytes,
};
use solana_account::Account;
use solana_address::Address;
use solana_signer::Signer;

fn create(spec: RegistrySpec) -> Result<Receipt, Refusal> {
    TestChain::new()
        .try_create_registry(spec)
        .map(|(_, receipt)| receipt)
}

#[test]
fn depth_leaf_format_and_ttl_must_be_valid_for_the_kind_of_registry() {
    let spec = RegistrySpec::default();
    let managed = RegistrySpec::of_kind(RegistryKind::Managed);
    for (spec, error) in [
        (RegistrySpec { depth: 11, ..spec }, BautaError::UnknownDepth),
        (RegistrySpec { depth: 0, ..managed }, BautaError::UnknownDepth),
        (RegistrySpec { depth: 16, ..spec }, BautaError::WrongDepthForKind),
        (
            RegistrySpec { depth: 16, ..managed },
            BautaError::WrongDepthForKind,
        ),
        (
            RegistrySpec {
                leaf_format: 0,
                ..managed
            },
            BautaError::ZeroLeafFormat,
        ),
        (
            RegistrySpec {
                leaf_format: 2,
                ..spec
            },
            BautaError::WrongLeafFormatForKind,
        ),
        (
            RegistrySpec { root_ttl: 59, ..spec },
            BautaError::RootTtlOutOfRange,
        ),
        (
            RegistrySpec {
                root_ttl: 2_592_001,
                ..spec
            },
            BautaError::RootTtlOutOfRange,
        ),
        (
            RegistrySpec { root_ttl: -1, ..spec },
            BautaError::RootTtlOutOfRange,
        ),
    ] {
        assert_refused(create(spec), error);
    }
    let attested = RegistrySpec::of_kind(RegistryKind::Attested);
    for spec in [
        RegistrySpec { root_ttl: 60, ..spec },
        RegistrySpec {
            root_ttl: 2_592_000,
            ..managed
        },
        RegistrySpec {
            leaf_format: 2,
            ..managed
        },
        RegistrySpec {
            depth: 16,
            leaf_format: 9,
            ..attested
        },
    ] {
        create(spec).unwrap_or_else(|refusal| panic!("{spec:?}: {refusal}"));
    }
}

fn create_with_tree(
    kind: RegistryKind,
    tree: impl FnOnce(&TestChain) -> Option<Account>,
) -> Result<Receipt, Refusal> {
    let mut chain = TestChain::new();
    let authority = chain.funded_keypair("authority");
    let key = keypair("tree");
    let address = key.pubkey();
    let tree = tree(&chain);
    let mut signers = vec![&authority];
    if let Some(account) = &tree {
        chain.set_account(&address, account.clone());
        signers.push(&key);
    }
    let create = ix::CreateRegistry {
        authority: authority.pubkey(),
        payer: chain.payer.pubkey(),
        tree: tree.map(|_| address),
        nonce: 1,
        kind,
        depth: 10,
        leaf_format: 1,
        root_ttl: 60,
    };
    chain.send(&[create.instruction()], &signers)
}

/// Otherwise anyone could use the account for a registry of their own.
#[test]
fn a_prepared_tree_account_must_sign() {
    let mut chain = TestChain::new();
    let (tree, attacker) = (keypair("tree"), chain.funded_keypair("attacker"));
    let prepared = Account {
        lamports: chain.rent(Tree::SPACE),
        data: vec![0; Tree::SPACE],
        owner: bauta::ID,
        ..Account::default()
    };
    chain.set_account(&tree.pubkey(), prepared.clone());
    let create = ix::CreateRegistry {
        authority: attacker.pubkey(),
        payer: chain.payer.pubkey(),
        tree: Some(tree.pubkey()),
        nonce: 1,
        kind: RegistryKind::Managed,
        depth: 10,
        leaf_format: 1,
        root_ttl: 60,
    };
    let mut unsigned = create.instruction();
    for meta in &mut unsigned.accounts {
        meta.is_signer &= meta.pubkey != tree.pubkey();
    }
    assert_refused(chain.send(&[unsigned], &[&attacker]), ErrorCode::AccountNotSigner);
    assert_eq!(chain.account(&tree.pubkey()), Some(prepared));
    chain
        .send(&[create.instruction()], &[&attacker, &tree])
        .expect("the account signs");
}

#[test]
fn a_tree_account_must_be_owned_by_the_program_of_exact_size_unused_and_rent_exempt() {
    let prepared = |chain: &TestChain, bytes: usize| Account {
        lamports: chain.rent(bytes),
        data: vec![0; bytes],
        owner: bauta::ID,
        ..Account::default()
    };
    let size = Tree::SPACE;
    create_with_tree(RegistryKind::Managed, |chain| Some(prepared(chain, size)))
        .expect("the account is prepared correctly");
    for bytes in [size - 1, size + 1, 0] {
        let result = create_with_tree(RegistryKind::Managed, |chain| Some(prepared(chain, bytes)));
        assert_refused(result, BautaError::TreeWrongSize);
    }
    let result = create_with_tree(RegistryKind::Managed, |chain| {
        let lamports = chain.rent(size) - 1;
        Some(Account {
            lamports,
            ..prepared(chain, size)
        })
    });
    assert_refused(result, BautaError::TreeNotRentExempt);
    let result = create_with_tree(RegistryKind::Managed, |chain| {
        let owner = keypair("another program").pubkey();
        Some(Account {
            owner,
            ..prepared(chain, size)
        })
    });
    assert_refused(result, BautaError::TreeNotOwned);
    for kind in [RegistryKind::Holders, RegistryKind::Managed] {
        assert_refused(create_with_tree(kind, |_| None), BautaError::WrongTreePresence);
    }
    let result = create_with_tree(RegistryKind::Attested, |chain| Some(prepared(chain, size)));
    assert_refused(result, BautaError::WrongTreePresence);
}

#[test]
fn a_circuit_needs_a_name_a_version_a_leaf_format_a_known_depth_and_a_ceremony_key_its_transcript() {
    let mut chain = TestChain::new();
    let key = TrapdoorKey::new(4).verifying_key();
    let good = chain.registration(key);
    let name = |text: &str| statement_name(text);
    let mut zero_inside = name("ownership");
    zero_inside[20] = b'x';
    let ceremony = CircuitRegistration {
        provenance: Provenance::Ceremony,
        transcript_hash: [0; 32],
        ..good.clone()
    };
    for (registration, error) in [
        (
            CircuitRegistration {
                statement: name(""),
                ..good.clone()
            },
            BautaError::BadStatementName,
        ),
        (
            CircuitRegistration {
                statement: name("two words"),
                ..good.clone()
            },
            BautaError::BadStatementName,
        ),
        (
            CircuitRegistration {
                statement: zero_inside,
                ..good.clone()
            },
            BautaError::BadStatementName,
        ),
        (
            CircuitRegistration {
                statement: [0xff; 32],
                ..good.clone()
            },
            BautaError::BadStatementName,
        ),
        (
            CircuitRegistration {
                version: 0,
                ..good.clone()
            },
            BautaError::ZeroVersion,
        ),
        (
            CircuitRegistration {
                leaf_format: 0,
                ..good.clone()
            },
            BautaError::ZeroLeafFormat,
        ),
        (
            CircuitRegistration {
                depth: 12,
                ..good.clone()
            },
            BautaError::UnknownDepth,
        ),
        (ceremony.clone(), BautaError::MissingTranscript),
    ] {
        assert_refused(chain.register_circuit(registration), error);
    }
    let ceremony = CircuitRegistration {
        transcript_hash: [2; 32],
        ..ceremony
    };
    chain
        .register_circuit(ceremony)
        .expect("the ceremony key has a transcript");
    chain.register_circuit(good).expect("the values are valid");
}

/// The system program's error for an account that exists.
const ACCOUNT_EXISTS: u32 = 0;

/// Otherwise a second call would reset the registry.
#[test]
fn a_registry_is_not_created_twice() {
    let mut chain = TestChain::new();
    let spec = RegistrySpec::of_kind(RegistryKind::Managed);
    let mut registry = chain.create_registry(spec);
    let leaf = bauta_primitives::Leaf::new(FieldElement::from_u64(9));
    chain
        .append_leaves(&mut registry, &[leaf])
        .expect("append_leaves");
    let tree = keypair("another tree");
    let prepared = Account {
        lamports: chain.rent(Tree::SPACE),
        data: vec![0; Tree::SPACE],
        owner: bauta::ID,
        ..Account::default()
    };
    chain.set_account(&tree.pubkey(), prepared.clone());
    let again = |kind, tree| ix::CreateRegistry {
        authority: registry.authority.pubkey(),
        payer: chain.payer.pubkey(),
        tree,
        nonce: registry.nonce,
        kind,
        depth: 10,
        leaf_format: 1,
        root_ttl: 60,
    };
    let with_tree = again(RegistryKind::Managed, Some(tree.pubkey())).instruction();
    let without = again(RegistryKind::Attested, None).instruction();
    let before = chain.account(&registry.address);
    let result = chain.send(&[with_tree], &[&registry.authority, &tree]);
    assert_refused(result, ACCOUNT_EXISTS);
    assert_refused(chain.send(&[without], &[&registry.authority]), ACCOUNT_EXISTS);
    assert_eq!(chain.account(&registry.address), before);
    assert_eq!(chain.account(&tree.pubkey()), Some(prepared));
}

/// Otherwise a second call would change the track of tokens.
#[test]
fn a_collection_is_not_added_twice() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec::default());
    let key = keypair("mint").pubkey();
    chain
        .add_collection(&registry, &key, CollectionKind::Asset, 5)
        .expect("add_collection");
    let collection = addresses::collection(&registry.address, &key).address;
    let before = chain.account(&collection);
    let (asset, group) = (CollectionKind::Asset, CollectionKind::Group);
    for (kind, track) in [(asset, 5), (asset, 6), (group, 5)] {
        let result = chain.add_collection(&registry, &key, kind, track);
        assert_refused(result, ACCOUNT_EXISTS);
        assert_eq!(chain.account(&collection), before);
    }
}

#[test]
fn a_gate_must_not_be_zero_and_a_required_claim_must_be_canonical() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec::default());
    let zero = ScopeSpec {
        gate: Some(Address::default()),
        ..ScopeSpec::default()
    };
    assert_refused(
        chain
            .try_create_scope(&registry, &zero)
            .map(|(_, receipt)| receipt),
        BautaError::ZeroGate,
    );

    let creator = chain.funded_keypair("creator");
    let claim = bauta_primitives::Claim::of_track(0x1122_3344_5566_7788);
    let create = ix::CreateScope {
        payer: chain.payer.pubkey(),
        creator: creator.pubkey(),
        registry: registry.address,
        circuit: chain.circuit(),
        auxiliary_registry: None,
        nonce: 1,
        mode: bauta::state::ScopeMode::Live,
        gate: None,
        required_claim: Some(claim),
        opens_at: 0,
        closes_at: chain.now() + 1,
        expected_root: None,
    };
    let claim = claim.to_bytes();
    let high = with_bytes(create.instruction(), &claim, &FieldElement::MODULUS);
    assert_refused(
        chain.send(&[high], &[&creator]),
        BautaError::RequiredClaimNotCanonical,
    );
    // Anchor refuses an unknown mode.
    let mut unknown = create.instruction();
    unknown.data[16] = 2;
    chain
        .send(&[unknown], &[&creator])
        .expect_err("there are two modes");
    chain
        .send(&[create.instruction()], &[&creator])
        .expect("create_scope");
}

#[test]
fn an_admin_must_not_be_zero_and_a_handover_can_be_cancelled() {
    let mut chain = TestChain::deployed(Elf::FromEnvironment);
    let authority = chain.upgrade_authority.insecure_clone();
    let initialize = ix::Initialize {
        payer: chain.payer.pubkey(),
        upgrade_authority: authority.pubkey(),
        cluster_tag: [1; 32],
        admin: Address::default(),
        development_keys_allowed: false,
    };
    assert_refused(
        chain.send(&[initialize.instruction()], &[&authority]),
        BautaError::ZeroAdmin,
    );

    let mut chain = TestChain::new();
    let (admin, next) = (chain.admin.insecure_clone(), chain.funded_keypair("next admin"));
    for new_admin in [next.pubkey(), Address::default()] {
        let set = ix::SetAdmin {
            admin: admin.pubkey(),
            new_admin,
        };
        chain.send(&[set.instruction()], &[&admin]).expect("set_admin");
    }
    let accept = ix::AcceptAdmin {
        new_admin: next.pubkey(),
    };
    assert_refused(
        chain.send(&[accept.instruction()], &[&next]),
        BautaError::NotPendingAdmin,
    );
    let config: Config = chain
        .state(&addresses::config().address)
        .expect("the configuration exists");
    assert_eq!(config.admin, admin.pubkey());
}
