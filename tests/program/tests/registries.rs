//! What `create_registry`, `register_circuit`, `create_scope` and the admin's instructions refuse besides what
//! `known_bugs.rs` shows.

use bauta::{
    errors::BautaError,
    instructions::CircuitRegistration,
    state::{Config, Provenance, RegistryKind, Tree},
};
use bauta_client::{addresses, instructions as ix};
use bauta_primitives::FieldElement;
use bauta_program_test::{
    Elf, Refused, RegistrySpec, ScopeSpec, Sent, TrapdoorKey, World, assert_refused, keypair, statement_name,
    with_bytes,
};
use solana_account::Account;
use solana_address::Address;
use solana_signer::Signer;

fn create(spec: RegistrySpec) -> Result<Sent, Refused> {
    World::new().try_create_registry(spec).map(|(_, sent)| sent)
}

#[test]
fn a_registry_has_a_depth_a_leaf_format_and_a_ttl_of_its_kind() {
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
        create(spec).unwrap_or_else(|refused| panic!("{spec:?}: {refused}"));
    }
}

fn create_with_tree(
    kind: RegistryKind,
    tree: impl FnOnce(&World) -> Option<Account>,
) -> Result<Sent, Refused> {
    let mut world = World::new();
    let authority = world.person("authority");
    let address = keypair("tree").pubkey();
    let tree = tree(&world);
    if let Some(account) = &tree {
        world.set_account(&address, account.clone());
    }
    let create = ix::CreateRegistry {
        authority: authority.pubkey(),
        payer: world.payer.pubkey(),
        tree: tree.map(|_| address),
        nonce: 1,
        kind,
        depth: 10,
        leaf_format: 1,
        root_ttl: 60,
    };
    world.send(&[create.instruction()], &[&authority])
}

#[test]
fn a_tree_account_is_the_programs_of_exact_size_unused_and_rent_exempt() {
    let prepared = |world: &World, bytes: usize| Account {
        lamports: world.rent(bytes),
        data: vec![0; bytes],
        owner: bauta::ID,
        ..Account::default()
    };
    let size = Tree::SPACE;
    create_with_tree(RegistryKind::Managed, |world| Some(prepared(world, size))).expect("a prepared account");
    for bytes in [size - 1, size + 1, 0] {
        let made = create_with_tree(RegistryKind::Managed, |world| Some(prepared(world, bytes)));
        assert_refused(made, BautaError::TreeWrongSize);
    }
    let made = create_with_tree(RegistryKind::Managed, |world| {
        let lamports = world.rent(size) - 1;
        Some(Account {
            lamports,
            ..prepared(world, size)
        })
    });
    assert_refused(made, BautaError::TreeNotRentExempt);
    let made = create_with_tree(RegistryKind::Managed, |world| {
        let owner = keypair("another program").pubkey();
        Some(Account {
            owner,
            ..prepared(world, size)
        })
    });
    assert_refused(made, BautaError::TreeNotOwned);
    for kind in [RegistryKind::Holders, RegistryKind::Managed] {
        assert_refused(create_with_tree(kind, |_| None), BautaError::WrongTreePresence);
    }
    let made = create_with_tree(RegistryKind::Attested, |world| Some(prepared(world, size)));
    assert_refused(made, BautaError::WrongTreePresence);
}

#[test]
fn a_circuit_has_a_name_a_version_a_leaf_format_a_known_depth_and_a_ceremonys_transcript() {
    let mut world = World::new();
    let key = TrapdoorKey::new(4).verifying_key();
    let good = world.registration(key);
    let name = |text: &str| statement_name(text);
    let mut gap = name("ownership");
    gap[20] = b'x';
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
                statement: gap,
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
        assert_refused(world.register_circuit(registration), error);
    }
    let ceremony = CircuitRegistration {
        transcript_hash: [2; 32],
        ..ceremony
    };
    world
        .register_circuit(ceremony)
        .expect("a ceremony key with its transcript");
    // one key, one circuit: its account exists
    world.register_circuit(good).expect_err("the same key again");
    let circuit = addresses::circuit_of(&key).address;
    world.retire_circuit(circuit).expect("retire_circuit");
    assert_refused(world.retire_circuit(circuit), BautaError::CircuitRetired);
}

#[test]
fn a_scopes_gate_is_no_zero_address_and_its_required_claim_is_canonical() {
    let mut world = World::new();
    let registry = world.create_registry(RegistrySpec::default());
    let zero = ScopeSpec {
        gate: Some(Address::default()),
        ..ScopeSpec::default()
    };
    assert_refused(
        world.try_create_scope(&registry, &zero).map(|(_, sent)| sent),
        BautaError::ZeroGate,
    );

    let creator = world.person("creator");
    let claim = bauta_primitives::Claim::of_track(0x1122_3344_5566_7788);
    let create = ix::CreateScope {
        payer: world.payer.pubkey(),
        creator: creator.pubkey(),
        registry: registry.address,
        circuit: world.circuit(),
        auxiliary_registry: None,
        nonce: 1,
        mode: bauta::state::ScopeMode::Live,
        gate: None,
        required_claim: Some(claim),
        opens_at: 0,
        closes_at: world.now() + 1,
    };
    let claim = claim.to_bytes();
    let high = with_bytes(create.instruction(), &claim, &FieldElement::MODULUS);
    assert_refused(
        world.send(&[high], &[&creator]),
        BautaError::RequiredClaimNotCanonical,
    );
    // a mode that doesn't exist: Anchor refuses the data
    let mut unknown = create.instruction();
    unknown.data[16] = 2;
    world.send(&[unknown], &[&creator]).expect_err("a third mode");
    world
        .send(&[create.instruction()], &[&creator])
        .expect("create_scope");
}

#[test]
fn an_admin_is_never_the_zero_address_and_a_handover_can_be_withdrawn() {
    let mut world = World::deployed(Elf::Chosen);
    let authority = world.upgrade_authority.insecure_clone();
    let initialize = ix::Initialize {
        payer: world.payer.pubkey(),
        upgrade_authority: authority.pubkey(),
        cluster_tag: [1; 32],
        admin: Address::default(),
        development_keys_allowed: false,
    };
    assert_refused(
        world.send(&[initialize.instruction()], &[&authority]),
        BautaError::ZeroAdmin,
    );

    let mut world = World::new();
    let (admin, next) = (world.admin.insecure_clone(), world.person("next admin"));
    for new_admin in [next.pubkey(), Address::default()] {
        let set = ix::SetAdmin {
            admin: admin.pubkey(),
            new_admin,
        };
        world.send(&[set.instruction()], &[&admin]).expect("set_admin");
    }
    let accept = ix::AcceptAdmin {
        new_admin: next.pubkey(),
    };
    assert_refused(
        world.send(&[accept.instruction()], &[&next]),
        BautaError::NotPendingAdmin,
    );
    let config: Config = world
        .state(&addresses::config().address)
        .expect("a configuration");
    assert_eq!(config.admin, admin.pubkey());
}
