//! Scopes, nullifiers and the accepted roots.

use bauta::errors::BautaError;
use bauta::state::{CollectionKind, RegistryKind, ScopeMode};
use bauta_client::instructions::{CreateRegistry, CreateScope, ReclaimNullifier, Verify};
use bauta_client::{Event, addresses};
use bauta_primitives::{Claim, FieldElement, Root};
use bauta_program_test::{RegistrySpec, ScopeSpec, TestChain, TrapdoorKey, assert_refused, keypair};
use solana_account::Account;
use solana_signer::Signer;

#[test]
fn pre_funding_the_nullifier_address_does_not_block_it() {
    for lamports in [1, 1_000_000_000] {
        let mut chain = TestChain::new();
        let mut registry = chain.create_registry(RegistrySpec::default());
        let member = chain.add_holder(&mut registry, 5);
        let scope = chain.create_scope(&registry, &ScopeSpec::default());
        let verify = chain.prove(&registry, &member, &scope);
        chain.set_account(
            &verify.nullifier_account(),
            Account {
                lamports,
                ..Account::default()
            },
        );
        chain.verify(&verify, &[]).unwrap();
        assert_refused(chain.verify(&verify, &[]), BautaError::NullifierUsed);
    }
}

#[test]
fn pre_funding_does_not_block_circuits_registries_collections_and_scopes() {
    let mut chain = TestChain::new();
    let fund = |chain: &mut TestChain, address| {
        chain.set_account(
            &address,
            Account {
                lamports: 1,
                ..Account::default()
            },
        );
    };
    let key = TrapdoorKey::new(41);
    let registration = chain.registration(key.verifying_key());
    fund(&mut chain, addresses::circuit_of(&registration).address);
    let circuit = chain.register_trapdoor(key).unwrap();

    let authority = chain.funded_keypair("authority");
    let create = CreateRegistry {
        payer: chain.payer.pubkey(),
        authority: authority.pubkey(),
        tree: None,
        nonce: 0,
        kind: RegistryKind::Attested,
        depth: 10,
        leaf_format: 1,
        root_ttl: 60,
    };
    fund(&mut chain, create.registry());
    chain.send(&[create.instruction()], &[&authority]).unwrap();

    let holders = chain.create_registry(RegistrySpec::default());
    let mint = keypair("mint").pubkey();
    fund(&mut chain, addresses::collection(&holders.address, &mint).address);
    chain
        .add_collection(&holders, &mint, CollectionKind::Asset, 1)
        .unwrap();

    let scope = CreateScope {
        payer: chain.payer.pubkey(),
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
        expected_root: None,
    };
    fund(&mut chain, scope.scope());
    chain.send(&[scope.instruction()], &[&authority]).unwrap();
}

#[test]
fn a_proof_copied_into_a_direct_call_does_not_burn_the_nullifier() {
    let mut chain = TestChain::new();
    let gate = keypair("gate");
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(
        &registry,
        &ScopeSpec {
            gate: Some(gate.pubkey()),
            ..ScopeSpec::default()
        },
    );
    let verify = chain.prove(&registry, &member, &scope);
    let direct = Verify {
        gate: None,
        ..verify.clone()
    };
    assert_refused(chain.verify(&direct, &[]), BautaError::GateMustSign);
    chain.verify(&verify, &[&gate]).unwrap();
}

#[test]
fn a_scope_with_the_same_rules_has_another_address_and_other_nullifiers() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(&registry, &ScopeSpec::default());
    let second = chain.create_scope(&registry, &ScopeSpec::default());
    assert_ne!(scope.address, second.address);
    let first = chain.prove(&registry, &member, &scope);
    let in_second = chain.prove(&registry, &member, &second);
    assert_ne!(first.nullifier, in_second.nullifier);
    let receipt = chain.verify(&in_second, &[]).unwrap();
    // A consumer sees the address of the scope, in the return data and in the event.
    let [Event::OwnershipVerified(event)] = &receipt.events[..] else {
        panic!("one event is expected")
    };
    assert_eq!(event.scope, second.address);
}

#[test]
fn a_registry_and_a_circuit_of_different_leaf_formats_or_depths_are_refused() {
    let mut chain = TestChain::new();
    let registry = chain.create_registry(RegistrySpec {
        leaf_format: 2,
        ..RegistrySpec::of_kind(RegistryKind::Managed)
    });
    assert_refused(
        chain
            .try_create_scope(&registry, &ScopeSpec::default())
            .map(|(_, receipt)| receipt),
        BautaError::LeafFormatMismatch,
    );
    let deep = chain.create_registry(RegistrySpec {
        depth: 16,
        ..RegistrySpec::of_kind(RegistryKind::Attested)
    });
    assert_refused(
        chain
            .try_create_scope(&deep, &ScopeSpec::default())
            .map(|(_, receipt)| receipt),
        BautaError::DepthMismatch,
    );
}

#[test]
fn the_root_of_an_idle_registry_is_still_accepted_after_the_next_change() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(
        &registry,
        &ScopeSpec {
            closes_at: Some(chain.now() + 10_000_000),
            ..ScopeSpec::live()
        },
    );
    chain.advance_clock(1_000_000);
    let verify = chain.prove(&registry, &member, &scope);
    chain.add_holder(&mut registry, 5);
    chain.verify(&verify, &[]).unwrap();
}

#[test]
fn a_removed_member_is_refused_after_root_ttl() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    chain.advance_clock(10_000);
    let closes_at = Some(chain.now() + 1_000_000);
    let scope = chain.create_scope(
        &registry,
        &ScopeSpec {
            closes_at,
            ..ScopeSpec::live()
        },
    );
    let mut context = chain.context_spec();
    context.expiry = chain.now() + 1_000_000;
    let verify = chain.prove_with_context(&registry, &member, &scope, context);
    chain.burn_nft(&member.nft).unwrap();
    chain.evict_holder(&mut registry, &member.nft.mint, None).unwrap();
    let mut before = chain.clone();
    before.advance_clock(3599);
    before.verify(&verify, &[]).unwrap();
    chain.advance_clock(3600);
    assert_refused(chain.verify(&verify, &[]), BautaError::UnknownRoot);
}

#[test]
fn a_closed_scope_can_not_be_created_again_to_reset_its_nullifiers() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(&registry, &ScopeSpec::default());
    let verify = chain.prove(&registry, &member, &scope);
    chain.verify(&verify, &[]).unwrap();
    chain.close_scope(&scope).unwrap();
    chain.reclaim_nullifier(&verify).unwrap();
    assert!(chain.account(&verify.nullifier_account()).is_none());
    assert_refused(chain.verify(&verify, &[]), BautaError::ScopeClosed);
    let again = CreateScope {
        payer: chain.payer.pubkey(),
        creator: scope.creator.pubkey(),
        registry: registry.address,
        circuit: scope.circuit,
        auxiliary_registry: None,
        nonce: 3,
        mode: ScopeMode::Snapshot,
        gate: None,
        required_claim: None,
        opens_at: chain.now(),
        closes_at: chain.now() + 1000,
        expected_root: None,
    };
    assert_eq!(again.scope(), scope.address);
    assert!(chain.send(&[again.instruction()], &[&scope.creator]).is_err());
}

#[test]
fn a_nullifier_can_not_be_reclaimed_while_its_scope_is_open() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(&registry, &ScopeSpec::default());
    let verify = chain.prove(&registry, &member, &scope);
    chain.verify(&verify, &[]).unwrap();
    assert_refused(chain.reclaim_nullifier(&verify), BautaError::ScopeStillOpen);
    chain.advance_clock(86_400);
    chain.reclaim_nullifier(&verify).unwrap();
    assert_refused(chain.verify(&verify, &[]), BautaError::ScopeEnded);
}

/// Otherwise a closed scope would remove the nullifiers of an open one.
#[test]
fn a_nullifier_of_an_open_scope_can_not_be_reclaimed_with_a_closed_scope() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let open = chain.create_scope(&registry, &ScopeSpec::default());
    let closed = chain.create_scope(&registry, &ScopeSpec::default());
    let verify = chain.prove(&registry, &member, &open);
    chain.verify(&verify, &[]).unwrap();
    chain.close_scope(&closed).unwrap();
    let reclaim = ReclaimNullifier {
        scope: closed.address,
        nullifier: verify.nullifier,
        rent_payer: verify.payer,
    };
    let mut instruction = reclaim.instruction();
    let derived = addresses::nullifier(&closed.address, verify.nullifier).address;
    for meta in &mut instruction.accounts {
        if meta.pubkey == derived {
            meta.pubkey = verify.nullifier_account();
        }
    }
    assert_refused(chain.send(&[instruction], &[]), BautaError::WrongNullifierAddress);
    assert_refused(chain.verify(&verify, &[]), BautaError::NullifierUsed);
}

/// The registry can change between the creator's decision and the transaction.
#[test]
fn a_scope_with_an_expected_root_is_not_created_at_another_root() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    chain.add_holder(&mut registry, 5);
    let expected = registry.root();
    let spec = |mode, root| ScopeSpec {
        mode: Some(mode),
        expected_root: Some(root),
        ..ScopeSpec::default()
    };
    let modes = [ScopeMode::Snapshot, ScopeMode::Live];
    let scope = chain.create_scope(&registry, &spec(ScopeMode::Snapshot, expected));
    assert_eq!(chain.snapshot_root(&scope), expected);
    let scope = chain.create_scope(&registry, &spec(ScopeMode::Live, expected));
    assert_eq!(chain.snapshot_root(&scope).to_bytes(), [0; 32]);
    let other = Root::new(FieldElement::from_u64(7));
    for mode in modes {
        let created = chain.try_create_scope(&registry, &spec(mode, other));
        assert_refused(created.map(|(_, receipt)| receipt), BautaError::UnexpectedRoot);
    }
    // The registry keeps the root for 64 seconds.
    chain.add_holder(&mut registry, 5);
    chain.advance_clock(64);
    for mode in modes {
        let created = chain.try_create_scope(&registry, &spec(mode, expected));
        assert_refused(created.map(|(_, receipt)| receipt), BautaError::UnexpectedRoot);
    }
}

#[test]
fn a_required_claim_is_compared_before_the_proof() {
    let mut chain = TestChain::new();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(
        &registry,
        &ScopeSpec {
            required_claim: Some(Claim::of_track(6)),
            ..ScopeSpec::default()
        },
    );
    let verify = chain.prove(&registry, &member, &scope);
    assert_refused(chain.verify(&verify, &[]), BautaError::WrongClaim);
}
