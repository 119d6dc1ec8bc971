//! Bugs that programs of this class had, each by the name of what must not happen.
//! Others are in the files of their subject: what `verify` refuses, roots, tokens, substituted accounts, the model.

use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta::instructions::CircuitRegistration;
use bauta::state::{Provenance, RegistryKind, ScopeMode};
use bauta_client::instructions::{AcceptAdmin, Initialize, RegisterHolder, SetAdmin, Verify};
use bauta_client::{Event, addresses};
use bauta_primitives::{Claim, Commitment, FieldElement, Leaf};
use bauta_svm::{
    Elf, MintExtension, MintSpec, RegistrySpec, ScopeSpec, TrapdoorKey, World, assert_refused, keypair,
};
use solana_account::Account;
use solana_signer::Signer;

/// Where the points lie in a verifying key.
const ALPHA: std::ops::Range<usize> = 0..64;
const BETA: std::ops::Range<usize> = 64..192;
const GAMMA: std::ops::Range<usize> = 192..320;
const DELTA: std::ops::Range<usize> = 320..448;
const IC0: std::ops::Range<usize> = 448..512;
const IC1: std::ops::Range<usize> = 512..576;

/// q of EIP-196.
const Q: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x97,
    0x81, 0x6a, 0x91, 0x68, 0x71, 0xca, 0x8d, 0x3c, 0x20, 0x8c, 0x16, 0xd8, 0x7c, 0xfd, 0x47,
];

/// A world and a valid key that isn't registered in it yet.
fn keys() -> (World, [u8; 576]) {
    (World::new(), TrapdoorKey::new(40).verifying_key())
}

fn register(world: &mut World, key: &[u8; 576]) -> Result<bauta_svm::Sent, bauta_svm::Refused> {
    let registration = world.registration(*key);
    world.register_circuit(registration)
}

fn copy(key: &mut [u8; 576], from: std::ops::Range<usize>, to: std::ops::Range<usize>) {
    let point = key[from].to_vec();
    key[to].copy_from_slice(&point);
}

/// Minus a coordinate, as 32 big-endian bytes.
fn minus(y: &[u8]) -> [u8; 32] {
    let mut difference = [0; 32];
    let mut borrow = 0i16;
    for i in (0..32).rev() {
        let digit = i16::from(Q[i]) - i16::from(y[i]) - borrow;
        borrow = i16::from(digit < 0);
        difference[i] = digit.to_le_bytes()[0];
    }
    difference
}

#[test]
fn a_key_with_gamma_equal_to_delta_is_refused() {
    let (mut world, mut key) = keys();
    copy(&mut key, DELTA, GAMMA);
    assert_refused(register(&mut world, &key), BautaError::ForgeableKey);
}

#[test]
fn a_key_with_gamma_equal_to_minus_delta_is_refused() {
    let (mut world, mut key) = keys();
    copy(&mut key, DELTA, GAMMA);
    for y in [256, 288] {
        let negated = minus(&key[y..y + 32]);
        key[y..y + 32].copy_from_slice(&negated);
    }
    assert_refused(register(&mut world, &key), BautaError::ForgeableKey);
}

#[test]
fn a_key_with_beta_equal_to_gamma_or_delta_is_refused() {
    for other in [GAMMA, DELTA] {
        let (mut world, mut key) = keys();
        copy(&mut key, BETA, other);
        assert_refused(register(&mut world, &key), BautaError::ForgeableKey);
    }
}

#[test]
fn a_key_with_a_point_at_infinity_is_refused() {
    for point in [ALPHA, BETA, GAMMA, DELTA, IC0, IC1] {
        let (mut world, mut key) = keys();
        key[point].fill(0);
        assert_refused(register(&mut world, &key), BautaError::KeyPointAtInfinity);
    }
}

#[test]
fn a_key_with_a_point_off_the_curve_is_refused() {
    for point in [ALPHA, BETA, GAMMA, DELTA, IC0, IC1] {
        let (mut world, mut key) = keys();
        key[point.end - 1] ^= 1;
        assert_refused(register(&mut world, &key), BautaError::KeyPointInvalid);
    }
}

#[test]
fn a_key_with_a_coordinate_of_q_or_above_is_refused() {
    // x + q is the same residue in other bytes
    for at in [ALPHA.start, IC0.start, IC1.start, GAMMA.start + 32] {
        let (mut world, mut key) = keys();
        let mut carry = 0u16;
        for i in (0..32).rev() {
            let digit = u16::from(key[at + i]) + u16::from(Q[i]) + carry;
            key[at + i] = digit.to_le_bytes()[0];
            carry = digit >> 8;
        }
        assert_refused(register(&mut world, &key), BautaError::KeyPointInvalid);
    }
}

#[test]
fn a_key_with_a_point_on_the_twist_outside_the_subgroup_is_refused() {
    let outside = bauta_svm::g2_outside_subgroup();
    for point in [BETA, GAMMA, DELTA] {
        let (mut world, mut key) = keys();
        key[point].copy_from_slice(&outside);
        assert_refused(register(&mut world, &key), BautaError::KeyPointInvalid);
    }
}

#[test]
fn a_development_key_is_refused_where_the_program_was_initialised_without() {
    let mut world = World::deployed(Elf::Chosen);
    world.initialize(false).unwrap();
    let key = TrapdoorKey::new(40).verifying_key();
    let development = world.registration(key);
    assert_refused(
        world.register_circuit(development.clone()),
        BautaError::DevelopmentKeyRefused,
    );
    let ceremony = CircuitRegistration {
        provenance: Provenance::Ceremony,
        ..development
    };
    assert_refused(
        world.register_circuit(ceremony.clone()),
        BautaError::MissingTranscript,
    );
    world
        .register_circuit(CircuitRegistration {
            transcript_hash: [3; 32],
            ..ceremony
        })
        .unwrap();
}

#[test]
fn initialisation_can_not_be_taken_over_by_the_first_caller() {
    let mut world = World::deployed(Elf::Chosen);
    let thief = world.person("thief");
    let initialize = |authority: &solana_keypair::Keypair, payer| {
        Initialize {
            payer,
            upgrade_authority: authority.pubkey(),
            cluster_tag: [1; 32],
            admin: authority.pubkey(),
            development_keys_allowed: true,
        }
        .instruction()
    };
    let payer = world.payer.pubkey();
    assert_refused(
        world.send(&[initialize(&thief, payer)], &[&thief]),
        BautaError::NotUpgradeAuthority,
    );
    // with a program data account of a program of their own
    let mut forged = initialize(&thief, payer);
    let program_data = addresses::program_data().address;
    let mut copy = world.account(&program_data).unwrap();
    copy.data.truncate(45);
    copy.data[13..45].copy_from_slice(thief.pubkey().as_ref());
    copy.owner = keypair("a program of their own").pubkey();
    let elsewhere = keypair("forged program data").pubkey();
    world.set_account(&elsewhere, copy);
    for meta in &mut forged.accounts {
        if meta.pubkey == program_data {
            meta.pubkey = elsewhere;
        }
    }
    let refused = world.send(&[forged], &[&thief]).unwrap_err();
    assert!(
        [
            u32::from(ErrorCode::ConstraintSeeds),
            u32::from(ErrorCode::AccountOwnedByWrongProgram)
        ]
        .contains(&refused.code().unwrap())
    );
    world.initialize(true).unwrap();
    // and never a second time
    assert!(world.initialize(true).is_err());
}

#[test]
fn pre_funding_the_nullifier_address_does_not_block_it() {
    for lamports in [1, 1_000_000_000] {
        let mut world = World::new();
        let mut registry = world.create_registry(RegistrySpec::default());
        let member = world.holder(&mut registry, 5);
        let scope = world.create_scope(&registry, &ScopeSpec::default());
        let verify = world.prove(&registry, &member, &scope);
        world.set_account(
            &verify.nullifier_account(),
            Account {
                lamports,
                ..Account::default()
            },
        );
        world.verify(&verify, &[]).unwrap();
        assert_refused(world.verify(&verify, &[]), BautaError::NullifierUsed);
    }
}

#[test]
fn pre_funding_a_tokens_holding_does_not_block_its_registration() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let owner = world.person("holder");
    let nft = world.mint_nft(&owner);
    world.add_collection(&registry, &nft.mint, false, 1).unwrap();
    let holding = addresses::holding(&registry.address, &nft.mint).address;
    world.set_account(
        &holding,
        Account {
            lamports: 1,
            ..Account::default()
        },
    );
    world.enter(&mut registry, &nft, None, 1).unwrap();
}

#[test]
fn pre_funding_does_not_block_registries_collections_circuits_and_scopes() {
    let mut world = World::new();
    let fund = |world: &mut World, address| {
        world.set_account(
            &address,
            Account {
                lamports: 1,
                ..Account::default()
            },
        );
    };
    let key = TrapdoorKey::new(41);
    fund(&mut world, addresses::circuit_of(&key.verifying_key()).address);
    world.register_trapdoor(key).unwrap();
    let registry = world.create_registry(RegistrySpec::default());
    let mint = keypair("some mint").pubkey();
    fund(
        &mut world,
        addresses::collection(&registry.address, &mint).address,
    );
    world.add_collection(&registry, &mint, false, 1).unwrap();
}

#[test]
fn one_token_does_not_register_twice() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    // at once: too soon. Later: the same leaf, never a second
    assert_refused(
        world
            .enter(&mut registry, &member.nft, None, 5)
            .map(|(_, sent)| sent),
        BautaError::ChangedTooRecently,
    );
    world.wait(60);
    let (again, _) = world.enter(&mut registry, &member.nft, None, 5).unwrap();
    assert_eq!(again.index, member.index);
    assert_eq!(world.registry_state(&registry).next_index, 1);
}

#[test]
fn a_token_that_is_in_two_collections_has_one_leaf() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let group = world.create_group();
    let owner = world.person("holder");
    let nft = world.mint(
        &owner,
        &MintSpec::token_2022(vec![MintExtension::GroupMember(group)]),
    );
    world.add_collection(&registry, &group, true, 1).unwrap();
    world.add_collection(&registry, &nft.mint, false, 2).unwrap();
    world.enter(&mut registry, &nft, Some(group), 1).unwrap();
    world.wait(60);
    world.enter(&mut registry, &nft, None, 2).unwrap();
    let state = world.registry_state(&registry);
    assert_eq!(state.next_index, 1);
    assert_eq!(state.root, registry.root().to_bytes());
}

#[test]
fn register_and_evict_in_a_circle_does_not_eat_the_tree() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let mut nft = member.nft;
    for _ in 0..3 {
        let other = world.person("next holder");
        let moved = world.transfer_nft(&nft, &other);
        world
            .evict(&mut registry, &nft.mint, Some(moved.account))
            .unwrap();
        world.wait(60);
        world.enter(&mut registry, &moved, None, 5).unwrap();
        nft = moved;
    }
    let state = world.registry_state(&registry);
    assert_eq!(state.next_index, 1);
    assert_eq!(state.root, registry.root().to_bytes());
}

#[test]
fn a_burnt_token_can_be_evicted() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    world.burn_nft(&member.nft).unwrap();
    world.evict(&mut registry, &member.nft.mint, None).unwrap();
    assert_eq!(world.registry_state(&registry).root, registry.root().to_bytes());
}

#[test]
fn an_append_after_an_eviction_does_not_restore_the_evicted_leaf() {
    // the evicted leaf lies in the frontier at each distance from the next leaf
    for holders in 1..=9 {
        let mut world = World::new();
        let mut registry = world.create_registry(RegistrySpec::default());
        let members: Vec<_> = (0..holders).map(|_| world.holder(&mut registry, 5)).collect();
        for evicted in [0, holders - 1] {
            let nft = &members[evicted].nft;
            if world.token_amount(&nft.account) == 1 {
                world.burn_nft(nft).unwrap();
                world.evict(&mut registry, &nft.mint, None).unwrap();
            }
        }
        world.holder(&mut registry, 5);
        assert_eq!(
            world.registry_state(&registry).root,
            registry.root().to_bytes(),
            "{holders} holders"
        );
    }
}

#[test]
fn a_mint_that_could_come_back_or_be_taken_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let cases = [
        (MintExtension::CloseAuthority, BautaError::HasMintCloseAuthority),
        (MintExtension::PermanentDelegate, BautaError::HasPermanentDelegate),
        (
            MintExtension::ConfidentialTransfer,
            BautaError::HasConfidentialExtension,
        ),
    ];
    for (extension, error) in cases {
        let owner = world.person("holder");
        let nft = world.mint(&owner, &MintSpec::token_2022(vec![extension]));
        world.add_collection(&registry, &nft.mint, false, 1).unwrap();
        assert_refused(
            world.enter(&mut registry, &nft, None, 1).map(|(_, sent)| sent),
            error,
        );
    }
}

#[test]
fn a_group_pointer_that_lies_is_not_believed() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let group = world.create_group();
    world.add_collection(&registry, &group, true, 1).unwrap();
    let owner = world.person("holder");
    let genuine = world.mint(
        &owner,
        &MintSpec::token_2022(vec![MintExtension::GroupMember(group)]),
    );
    // it points to a true member, and to the group itself
    for pointer in [genuine.mint, group] {
        let liar = world.mint(
            &owner,
            &MintSpec::token_2022(vec![MintExtension::GroupMemberPointer(pointer)]),
        );
        assert_refused(
            world
                .enter(&mut registry, &liar, Some(group), 1)
                .map(|(_, sent)| sent),
            BautaError::NotInCollection,
        );
    }
    world.enter(&mut registry, &genuine, Some(group), 1).unwrap();
}

#[test]
fn the_authority_of_a_holders_registry_can_not_forge_a_member() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let leaf = Leaf::new(FieldElement::from_u64(1));
    assert_refused(
        world.append(&mut registry, &[leaf]),
        BautaError::WrongRegistryKind,
    );
    assert_refused(
        world.replace(&mut registry, member.index, leaf),
        BautaError::WrongRegistryKind,
    );
    assert_refused(
        world.publish_root(&registry, registry.root()),
        BautaError::WrongRegistryKind,
    );
}

#[test]
fn a_sealed_registry_takes_no_further_collection() {
    let mut world = World::new();
    let registry = world.create_registry(RegistrySpec::default());
    world.seal_registry(&registry).unwrap();
    assert_refused(
        world.add_collection(&registry, &keypair("mint").pubkey(), false, 1),
        BautaError::RegistrySealed,
    );
    assert_refused(world.seal_registry(&registry), BautaError::RegistrySealed);
}

#[test]
fn a_proof_lifted_into_a_direct_call_does_not_burn_the_claim() {
    let mut world = World::new();
    let gate = keypair("gate");
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(
        &registry,
        &ScopeSpec {
            gate: Some(gate.pubkey()),
            ..ScopeSpec::default()
        },
    );
    let verify = world.prove(&registry, &member, &scope);
    let lifted = Verify {
        gate: None,
        ..verify.clone()
    };
    assert_refused(world.verify(&lifted, &[]), BautaError::GateMustSign);
    world.verify(&verify, &[&gate]).unwrap();
}

#[test]
fn a_look_alike_scope_has_another_address_and_other_nullifiers() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(&registry, &ScopeSpec::default());
    let second = world.create_scope(&registry, &ScopeSpec::default());
    assert_ne!(scope.address, second.address);
    let first = world.prove(&registry, &member, &scope);
    let elsewhere = world.prove(&registry, &member, &second);
    assert_ne!(first.nullifier, elsewhere.nullifier);
    let sent = world.verify(&elsewhere, &[]).unwrap();
    // what a consumer sees is the scope's address, in return data and event
    let [Event::OwnershipVerified(event)] = &sent.events[..] else {
        panic!("one event")
    };
    assert_eq!(event.scope, second.address);
}

#[test]
fn a_leaf_of_one_format_is_not_used_by_a_circuit_of_another() {
    let mut world = World::new();
    let registry = world.create_registry(RegistrySpec {
        leaf_format: 2,
        ..RegistrySpec::of_kind(RegistryKind::Managed)
    });
    assert_refused(
        world
            .try_create_scope(&registry, &ScopeSpec::default())
            .map(|(_, sent)| sent),
        BautaError::LeafFormatMismatch,
    );
    let deep = world.create_registry(RegistrySpec {
        depth: 16,
        ..RegistrySpec::of_kind(RegistryKind::Attested)
    });
    assert_refused(
        world
            .try_create_scope(&deep, &ScopeSpec::default())
            .map(|(_, sent)| sent),
        BautaError::DepthMismatch,
    );
}

#[test]
fn cheap_root_changes_do_not_push_honest_roots_out() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec {
        root_ttl: 1600,
        ..RegistrySpec::of_kind(RegistryKind::Managed)
    });
    let leaf = |n: u64| Leaf::new(FieldElement::from_u64(n));
    world.append(&mut registry, &[leaf(1)]).unwrap();
    world.wait(5000);
    let honest = registry.root();
    // the honest root is replaced, and then a hundred changes in a minute
    for n in 2..102 {
        world.append(&mut registry, &[leaf(n)]).unwrap();
    }
    let now = world.now();
    let state = world.registry_state(&registry);
    assert!(state.accepts(&honest.to_bytes(), now));
    assert!(state.accepts(&honest.to_bytes(), now + 1599));
    assert!(!state.accepts(&honest.to_bytes(), now + 1600));
    // a flood that lasts the whole time doesn't either
    for n in 102..134 {
        world.wait(50);
        world.append(&mut registry, &[leaf(n)]).unwrap();
        let alive = world.now() < now + 1600;
        assert_eq!(
            world
                .registry_state(&registry)
                .accepts(&honest.to_bytes(), world.now()),
            alive
        );
    }
}

#[test]
fn an_idle_registrys_current_root_does_not_die_at_the_next_insert() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(
        &registry,
        &ScopeSpec {
            closes_at: Some(world.now() + 10_000_000),
            ..ScopeSpec::live()
        },
    );
    world.wait(1_000_000);
    let verify = world.prove(&registry, &member, &scope);
    world.holder(&mut registry, 5);
    world.verify(&verify, &[]).unwrap();
}

#[test]
fn a_removed_member_does_not_prove_on_for_ever() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    world.wait(10_000);
    let closes_at = Some(world.now() + 1_000_000);
    let scope = world.create_scope(
        &registry,
        &ScopeSpec {
            closes_at,
            ..ScopeSpec::live()
        },
    );
    let mut wish = world.wish();
    wish.expiry = world.now() + 1_000_000;
    let verify = world.prove_for(&registry, &member, &scope, wish);
    world.burn_nft(&member.nft).unwrap();
    world.evict(&mut registry, &member.nft.mint, None).unwrap();
    let mut before = world.clone();
    before.wait(3599);
    before.verify(&verify, &[]).unwrap();
    world.wait(3600);
    assert_refused(world.verify(&verify, &[]), BautaError::UnknownRoot);
}

#[test]
fn closing_a_scope_and_creating_it_again_does_not_reset_its_nullifiers() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(&registry, &ScopeSpec::default());
    let verify = world.prove(&registry, &member, &scope);
    world.verify(&verify, &[]).unwrap();
    world.close_scope(&scope).unwrap();
    world.reclaim(&verify).unwrap();
    assert!(world.account(&verify.nullifier_account()).is_none());
    assert_refused(world.verify(&verify, &[]), BautaError::ScopeClosed);
    let again = bauta_client::instructions::CreateScope {
        payer: world.payer.pubkey(),
        creator: scope.creator.pubkey(),
        registry: registry.address,
        circuit: scope.circuit,
        auxiliary_registry: None,
        nonce: 3,
        mode: ScopeMode::Snapshot,
        gate: None,
        required_claim: None,
        opens_at: world.now(),
        closes_at: world.now() + 1000,
    };
    assert_eq!(again.scope(), scope.address);
    assert!(world.send(&[again.instruction()], &[&scope.creator]).is_err());
}

#[test]
fn a_nullifier_can_not_be_reclaimed_while_its_scope_is_open() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(&registry, &ScopeSpec::default());
    let verify = world.prove(&registry, &member, &scope);
    world.verify(&verify, &[]).unwrap();
    assert_refused(world.reclaim(&verify), BautaError::ScopeStillOpen);
    world.wait(86_400);
    world.reclaim(&verify).unwrap();
    assert_refused(world.verify(&verify, &[]), BautaError::ScopeEnded);
}

#[test]
fn a_tree_can_not_be_taken_over_by_a_second_registry() {
    let mut world = World::new();
    let registry = world.create_registry(RegistrySpec::default());
    let thief = world.person("thief");
    let second = bauta_client::instructions::CreateRegistry {
        payer: world.payer.pubkey(),
        authority: thief.pubkey(),
        tree: Some(registry.tree_account),
        nonce: 0,
        kind: RegistryKind::Managed,
        depth: 10,
        leaf_format: 1,
        root_ttl: 3600,
    };
    assert_refused(
        world.send(&[second.instruction()], &[&thief]),
        BautaError::TreeInUse,
    );
}

#[test]
fn the_admin_changes_only_in_two_steps() {
    let mut world = World::new();
    let admin = world.admin.insecure_clone();
    let next = world.person("next admin");
    let thief = world.person("thief");
    let set = |admin: &solana_keypair::Keypair, new: &solana_keypair::Keypair| {
        SetAdmin {
            admin: admin.pubkey(),
            new_admin: new.pubkey(),
        }
        .instruction()
    };
    let accept = |new: &solana_keypair::Keypair| {
        AcceptAdmin {
            new_admin: new.pubkey(),
        }
        .instruction()
    };
    assert_refused(
        world.send(&[set(&thief, &thief)], &[&thief]),
        BautaError::NotAdmin,
    );
    assert_refused(
        world.send(&[accept(&next)], &[&next]),
        BautaError::NotPendingAdmin,
    );
    world.send(&[set(&admin, &next)], &[&admin]).unwrap();
    assert_refused(
        world.send(&[accept(&thief)], &[&thief]),
        BautaError::NotPendingAdmin,
    );
    // named is not yet admin
    assert_refused(world.send(&[set(&next, &next)], &[&next]), BautaError::NotAdmin);
    world.send(&[accept(&next)], &[&next]).unwrap();
    assert_refused(
        world.send(&[set(&admin, &admin)], &[&admin]),
        BautaError::NotAdmin,
    );
    world.admin = next;
    world.pause(true).unwrap();
}

/// An attacker can have the log cut before the program's lines; the events don't notice.
#[test]
fn events_survive_logs_that_are_cut() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(&registry, &ScopeSpec::default());
    let verify = world.prove(&registry, &member, &scope);
    // each memo logs its invocation and what it is given; five fill a log of 300 bytes as 150 fill one of 10,000
    let memo = solana_instruction::Instruction {
        program_id: solana_address::Address::from_str_const("MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr"),
        accounts: vec![],
        data: vec![b'x'; 10],
    };
    let mut instructions = vec![memo; 5];
    world.set_log_limit(Some(300));
    instructions.push(verify.instruction());
    let sent = world.send(&instructions, &[]).unwrap();
    assert!(sent.logs.iter().any(|line| line.contains("Log truncated")));
    assert!(!sent.logs.iter().any(|line| line.contains(&bauta::ID.to_string())));
    assert_eq!(sent.events.len(), 1);
}

#[test]
fn a_required_claim_is_compared_before_the_proof() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(
        &registry,
        &ScopeSpec {
            required_claim: Some(Claim::of_track(6)),
            ..ScopeSpec::default()
        },
    );
    let verify = world.prove(&registry, &member, &scope);
    assert_refused(world.verify(&verify, &[]), BautaError::WrongClaim);
}

/// A token that a person with a funded wallet makes, in a collection of its own.
fn token(world: &mut World, registry: &bauta_svm::TestRegistry, spec: &MintSpec) -> bauta_svm::Nft {
    let owner = world.person("holder");
    let nft = world.mint(&owner, spec);
    world.add_collection(registry, &nft.mint, false, 1).unwrap();
    nft
}

#[test]
fn a_token_that_is_not_unique_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let plain = MintSpec::default;
    let cases = [
        (MintSpec { supply: 2, ..plain() }, BautaError::SupplyNotOne),
        (MintSpec { supply: 0, ..plain() }, BautaError::SupplyNotOne),
        (
            MintSpec {
                decimals: 1,
                ..plain()
            },
            BautaError::DecimalsNotZero,
        ),
        (
            MintSpec {
                keep_mint_authority: true,
                ..plain()
            },
            BautaError::HasMintAuthority,
        ),
    ];
    for (spec, error) in cases {
        let nft = token(&mut world, &registry, &spec);
        assert_refused(
            world.enter(&mut registry, &nft, None, 1).map(|(_, sent)| sent),
            error,
        );
    }
}

#[test]
fn a_frozen_token_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let spec = MintSpec {
        freezable: true,
        ..MintSpec::default()
    };
    let nft = token(&mut world, &registry, &spec);
    world.freeze_nft(&nft).unwrap();
    assert_refused(
        world.enter(&mut registry, &nft, None, 1).map(|(_, sent)| sent),
        BautaError::TokenFrozen,
    );
}

#[test]
fn a_token_account_of_zero_amount_another_mint_or_another_owner_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let sold = token(&mut world, &registry, &MintSpec::default());
    let other = token(&mut world, &registry, &MintSpec::default());
    let buyer = world.person("buyer");
    let bought = world.transfer_nft(&sold, &buyer);
    let cases = [
        // the seller's account, now empty
        (sold.clone(), BautaError::AmountNotOne),
        (
            bauta_svm::Nft {
                account: other.account,
                ..bought.clone()
            },
            BautaError::TokenAccountOfAnotherMint,
        ),
        (
            bauta_svm::Nft {
                owner: sold.owner.insecure_clone(),
                ..bought.clone()
            },
            BautaError::NotTokenOwner,
        ),
        // a mint in place of a token account
        (
            bauta_svm::Nft {
                account: bought.mint,
                ..bought.clone()
            },
            BautaError::InvalidTokenAccount,
        ),
    ];
    for (nft, error) in cases {
        assert_refused(
            world.enter(&mut registry, &nft, None, 1).map(|(_, sent)| sent),
            error,
        );
    }
    world.close_token_account(&sold).unwrap();
    assert_refused(
        world.enter(&mut registry, &sold, None, 1).map(|(_, sent)| sent),
        BautaError::InvalidTokenAccount,
    );
    world.enter(&mut registry, &bought, None, 1).unwrap();
}

#[test]
fn a_delegate_of_a_token_can_not_register_it() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let nft = token(&mut world, &registry, &MintSpec::default());
    let delegate = world.person("delegate");
    world.approve_nft(&nft, &delegate.pubkey()).unwrap();
    let by_delegate = bauta_svm::Nft {
        owner: delegate,
        ..nft.clone()
    };
    assert_refused(
        world
            .enter(&mut registry, &by_delegate, None, 1)
            .map(|(_, sent)| sent),
        BautaError::NotTokenOwner,
    );
    world.enter(&mut registry, &nft, None, 1).unwrap();
}

/// The leaf says that the token was held, which is true; the next to look empties it.
#[test]
fn a_token_burnt_and_closed_in_the_transaction_that_registers_it_can_be_evicted() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    let nft = token(&mut world, &registry, &MintSpec::default());
    let register = |commitment: u64| {
        RegisterHolder {
            payer: keypair("payer").pubkey(),
            owner: nft.owner.pubkey(),
            registry: registry.address,
            tree: registry.tree_account,
            collection_key: nft.mint,
            mint: nft.mint,
            token_account: nft.account,
            commitment: Commitment::new(FieldElement::from_u64(commitment)),
            path: None,
        }
        .instruction()
    };
    // gone before it registers: refused as a whole
    let gone = [nft.burn(), nft.close_account(), register(1)];
    assert_refused(world.send(&gone, &[&nft.owner]), BautaError::SupplyNotOne);
    let fleeting = [register(1), nft.burn(), nft.close_account()];
    world.send(&fleeting, &[&nft.owner]).unwrap();
    world.evict(&mut registry, &nft.mint, None).unwrap();
    assert_eq!(world.registry_state(&registry).root, registry.root().to_bytes());
    assert_refused(
        world.evict(&mut registry, &nft.mint, None),
        BautaError::AlreadyEvicted,
    );
}

#[test]
fn an_event_call_from_outside_the_program_is_refused() {
    let mut world = World::new();
    let mut registry = world.create_registry(RegistrySpec::default());
    world.holder(&mut registry, 5);
    let event = bauta::events::RegistrySealed {
        registry: registry.address,
        timestamp: 0,
    };
    let mut call = solana_instruction::Instruction {
        program_id: bauta::ID,
        accounts: vec![solana_instruction::AccountMeta::new_readonly(
            addresses::event_authority().address,
            false,
        )],
        data: [
            anchor_lang::event::EVENT_IX_TAG_LE,
            &anchor_lang::Event::data(&event),
        ]
        .concat(),
    };
    assert!(world.send(&[call.clone()], &[]).is_err());
    // signed by somebody who isn't the event authority
    let thief = world.person("thief");
    call.accounts[0] = solana_instruction::AccountMeta::new_readonly(thief.pubkey(), true);
    assert!(world.send(&[call], &[&thief]).is_err());
}

#[test]
fn extreme_numbers_are_refused_and_never_overflow() {
    let mut world = World::new();
    for root_ttl in [i64::MIN, -1, 0, 59, 2_592_001, i64::MAX] {
        let spec = RegistrySpec {
            root_ttl,
            ..RegistrySpec::default()
        };
        assert_refused(
            world.try_create_registry(spec).map(|(_, sent)| sent),
            BautaError::RootTtlOutOfRange,
        );
    }
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, u64::MAX);
    for (opens_at, closes_at) in [
        (i64::MAX, i64::MAX),
        (0, i64::MIN),
        (i64::MIN, i64::MIN + 1),
        (1, 0),
    ] {
        let spec = ScopeSpec {
            opens_at: Some(opens_at),
            closes_at: Some(closes_at),
            ..ScopeSpec::default()
        };
        assert_refused(
            world.try_create_scope(&registry, &spec).map(|(_, sent)| sent),
            BautaError::BadOpeningTimes,
        );
    }
    let scope = world.create_scope(
        &registry,
        &ScopeSpec {
            opens_at: Some(i64::MIN),
            closes_at: Some(i64::MAX),
            ..ScopeSpec::default()
        },
    );
    let mut wish = world.wish();
    wish.expiry = i64::MAX;
    let verify = world.prove_for(&registry, &member, &scope, wish);
    world.verify(&verify, &[]).unwrap();
}
