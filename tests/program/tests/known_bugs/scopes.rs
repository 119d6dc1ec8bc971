//! Scopes, nullifiers, and what a proof may be used for.

use bauta::errors::BautaError;
use bauta::state::{RegistryKind, ScopeMode};
use bauta_client::instructions::{CreateRegistry, CreateScope, Verify};
use bauta_client::{Event, addresses};
use bauta_primitives::Claim;
use bauta_program_test::{RegistrySpec, ScopeSpec, TrapdoorKey, World, assert_refused, keypair};
use solana_account::Account;
use solana_signer::Signer;

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
fn pre_funding_does_not_block_circuits_registries_collections_and_scopes() {
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
    let circuit = world.register_trapdoor(key).unwrap();

    let authority = world.person("authority");
    let create = CreateRegistry {
        payer: world.payer.pubkey(),
        authority: authority.pubkey(),
        tree: None,
        nonce: 0,
        kind: RegistryKind::Attested,
        depth: 10,
        leaf_format: 1,
        root_ttl: 60,
    };
    fund(&mut world, create.registry());
    world.send(&[create.instruction()], &[&authority]).unwrap();

    let holders = world.create_registry(RegistrySpec::default());
    let mint = keypair("some mint").pubkey();
    fund(&mut world, addresses::collection(&holders.address, &mint).address);
    world.add_collection(&holders, &mint, false, 1).unwrap();

    let scope = CreateScope {
        payer: world.payer.pubkey(),
        creator: authority.pubkey(),
        registry: create.registry(),
        circuit,
        auxiliary_registry: None,
        nonce: 0,
        mode: ScopeMode::Live,
        gate: None,
        required_claim: None,
        opens_at: 0,
        closes_at: i64::MAX,
    };
    fund(&mut world, scope.scope());
    world.send(&[scope.instruction()], &[&authority]).unwrap();
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
    let again = CreateScope {
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
