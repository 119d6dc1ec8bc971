//! Tests the values that a proof is bound to.

use crate::fixture::Fixture;
use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta_client::instructions::Verify;
use bauta_primitives::{Claim, FieldElement, Nullifier};
use bauta_program_test::{RegistrySpec, ScopeSpec, TestChain, TestScope, assert_refused, keypair};
use solana_signer::Signer;

#[test]
fn a_used_nullifier_is_refused_with_any_other_values() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let first = fixture.verify.clone();
    fixture.accepts(&first);
    assert_refused(fixture.chain.verify(&first, &[]), BautaError::NullifierUsed);
    let other = fixture.forged(|v| {
        v.recipient = keypair("another recipient").pubkey();
        v.payload = b"another payload".to_vec();
    });
    assert_refused(fixture.chain.verify(&other, &[]), BautaError::NullifierUsed);
    let digest = fixture.chain.digest(&fixture.scope, &first);
    let malleated = Verify {
        proof: fixture.chain.trapdoor().prove_with(digest, 4242),
        ..first.clone()
    };
    assert_ne!(malleated.proof, first.proof);
    assert_refused(fixture.chain.verify(&malleated, &[]), BautaError::NullifierUsed);
}

type Change = Box<dyn Fn(&mut Verify)>;

#[test]
fn every_component_of_the_digest_changed_alone_breaks_the_proof() {
    // A scope of mode Live without a required claim, so that no earlier check refuses the changed
    // values.
    let mut fixture = Fixture::new(&ScopeSpec::live());
    let old_root = fixture.registry.root();
    fixture.chain.advance_clock(3600);
    fixture.chain.add_holder(&mut fixture.registry, 5);
    assert_ne!(fixture.registry.root(), old_root);
    fixture.verify.expiry = fixture.chain.now() + 600;
    fixture.verify.proof = fixture.chain.forge(&fixture.scope, &fixture.verify);
    let current = fixture.registry.root();
    let changes: [(&str, Change); 7] = [
        (
            "root, changed to another accepted root",
            Box::new(move |v| v.root = current),
        ),
        (
            "nullifier",
            Box::new(|v| v.nullifier = Nullifier::new(FieldElement::from_u64(1))),
        ),
        ("claim", Box::new(|v| v.claim = Claim::of_track(6))),
        (
            "recipient",
            Box::new(|v| v.recipient = keypair("attacker").pubkey()),
        ),
        ("expiry", Box::new(|v| v.expiry += 1)),
        ("payload", Box::new(|v| v.payload.push(0))),
        ("payload, emptied", Box::new(|v| v.payload.clear())),
    ];
    for (what, change) in changes {
        let mut verify = fixture.verify.clone();
        change(&mut verify);
        let refusal = fixture.chain.verify(&verify, &[]).expect_err(what);
        assert_eq!(refusal.name(), "ProofRefused", "{what}");
    }
    // A relayer who signs, although the proof names none.
    let relayer = keypair("relayer");
    let relayed = Verify {
        relayer: Some(relayer.pubkey()),
        ..fixture.verify.clone()
    };
    assert_refused(
        fixture.chain.verify(&relayed, &[&relayer]),
        BautaError::ProofRefused,
    );
    // Another scope of the same registry.
    let other = fixture.chain.create_scope(&fixture.registry, &ScopeSpec::live());
    let in_other_scope = Verify {
        scope: other.address,
        ..fixture.verify.clone()
    };
    assert_refused(
        fixture.chain.verify(&in_other_scope, &[]),
        BautaError::ProofRefused,
    );
    let verify = fixture.verify.clone();
    fixture.accepts(&verify);
}

#[test]
fn a_proof_of_another_cluster_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let mut other_cluster = fixture.chain.clone();
    other_cluster.cluster_tag = [9; 32];
    let scope = TestScope {
        element: other_cluster.scope_element(&fixture.scope.address),
        creator: fixture.scope.creator.insecure_clone(),
        ..fixture.scope
    };
    let verify = other_cluster.prove(&fixture.registry, &fixture.members[0], &scope);
    fixture.refuses(&verify, BautaError::ProofRefused);
    // The proof is also refused with the nullifier of this cluster.
    let verify = Verify {
        nullifier: fixture.verify.nullifier,
        ..verify
    };
    fixture.refuses(&verify, BautaError::ProofRefused);
}

#[test]
fn a_proof_of_a_non_member_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    // A non-member can prove in another registry, but not at the scope's root.
    let mut own = fixture.chain.create_registry(RegistrySpec::default());
    let outsider = fixture.chain.add_holder(&mut own, 5);
    let mut verify = fixture.chain.prove(&own, &outsider, &fixture.scope);
    fixture.refuses(&verify, BautaError::NotTheSnapshot);
    verify.root = fixture.registry.root();
    fixture.refuses(&verify, BautaError::ProofRefused);
}

#[test]
fn a_proof_at_another_registrys_root_is_refused_in_a_live_scope() {
    let mut fixture = Fixture::new(&ScopeSpec::live());
    let mut own = fixture.chain.create_registry(RegistrySpec::default());
    let outsider = fixture.chain.add_holder(&mut own, 5);
    let verify = fixture.chain.prove(&own, &outsider, &fixture.scope);
    fixture.refuses(&verify, BautaError::UnknownRoot);
    let with_own_registry = Verify {
        registry: Some(own.address),
        ..verify
    };
    fixture.refuses(&with_own_registry, BautaError::WrongRegistry);
    let missing = Verify {
        registry: None,
        ..fixture.verify.clone()
    };
    fixture.refuses(&missing, BautaError::MissingRegistry);
}

#[test]
fn a_root_of_a_live_registry_is_refused_in_a_snapshot_scope() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    fixture.chain.add_holder(&mut fixture.registry, 5);
    let verify = fixture
        .chain
        .prove(&fixture.registry, &fixture.members[0], &fixture.scope);
    fixture.refuses(&verify, BautaError::NotTheSnapshot);
}

#[test]
fn an_expired_proof_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let verify = fixture.verify.clone();
    fixture.chain.advance_clock(601);
    fixture.refuses(&verify, BautaError::ProofExpired);
    let late = fixture.forged(|v| v.expiry = i64::MIN);
    fixture.refuses(&late, BautaError::ProofExpired);
    let mut on_time = fixture.verify.clone();
    on_time.expiry = fixture.chain.now();
    on_time.proof = fixture.chain.forge(&fixture.scope, &on_time);
    fixture.accepts(&on_time);
}

#[test]
fn a_relayer_who_does_not_sign_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let relayer = keypair("relayer");
    let mut context = fixture.chain.context_spec();
    context.relayer = Some(relayer.pubkey());
    let verify =
        fixture
            .chain
            .prove_with_context(&fixture.registry, &fixture.members[0], &fixture.scope, context);
    let mut unsigned = verify.instruction();
    for meta in &mut unsigned.accounts {
        meta.is_signer &= meta.pubkey != relayer.pubkey();
    }
    assert_refused(fixture.chain.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    let omitted = Verify {
        relayer: None,
        ..verify.clone()
    };
    fixture.refuses(&omitted, BautaError::ProofRefused);
    let other = keypair("another relayer");
    let stolen = Verify {
        relayer: Some(other.pubkey()),
        ..verify.clone()
    };
    assert_refused(fixture.chain.verify(&stolen, &[&other]), BautaError::ProofRefused);
    fixture.chain.verify(&verify, &[&relayer]).unwrap();
}

#[test]
fn a_nullifier_account_at_another_address_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let derived = fixture.verify.nullifier_account();
    let mut instruction = fixture.verify.instruction();
    for meta in &mut instruction.accounts {
        if meta.pubkey == derived {
            meta.pubkey = keypair("another address").pubkey();
        }
    }
    assert_refused(
        fixture.chain.send(&[instruction], &[]),
        BautaError::WrongNullifierAddress,
    );
}

#[test]
fn a_token_sold_to_oneself_and_registered_again_is_accepted_once_in_a_snapshot_scope() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let first = fixture.verify.clone();
    fixture.accepts(&first);
    let second_wallet = fixture.chain.funded_keypair("second wallet");
    let sold = fixture
        .chain
        .transfer_nft(&fixture.members[0].nft, &second_wallet);
    fixture.chain.advance_clock(60);
    let (again, _) = fixture
        .chain
        .register(&mut fixture.registry, &sold, None, 5)
        .unwrap();
    assert_eq!(again.index, fixture.members[0].index, "the token keeps its leaf");
    // A new secret gives a new nullifier, but the snapshot contains only the old leaf.
    let verify = fixture.chain.prove(&fixture.registry, &again, &fixture.scope);
    assert_ne!(verify.nullifier, first.nullifier);
    fixture.refuses_after_verification(&verify, BautaError::NotTheSnapshot);
    let at_snapshot = Verify {
        root: fixture.chain.snapshot_root(&fixture.scope),
        ..verify
    };
    fixture.refuses_after_verification(&at_snapshot, BautaError::ProofRefused);
    // A scope of mode Live accepts each registration.
    let live = fixture.chain.create_scope(&fixture.registry, &ScopeSpec::live());
    let verify = fixture.chain.prove(&fixture.registry, &again, &live);
    fixture.accepts(&verify);
}

#[test]
fn a_real_proof_is_bound_to_every_component() {
    let mut chain = TestChain::new();
    let circuit = chain.register_ownership().unwrap();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let member = chain.add_holder(&mut registry, 5);
    let scope = chain.create_scope(
        &registry,
        &ScopeSpec {
            circuit: Some(circuit),
            ..ScopeSpec::default()
        },
    );
    let verify = chain.prove(&registry, &member, &scope);
    let changes: [fn(&mut Verify); 5] = [
        |v| v.nullifier = Nullifier::new(FieldElement::from_u64(1)),
        |v| v.claim = Claim::of_track(6),
        |v| v.recipient = keypair("attacker").pubkey(),
        |v| v.expiry += 1,
        |v| v.payload.push(0),
    ];
    for change in changes {
        let mut changed = verify.clone();
        change(&mut changed);
        assert_refused(chain.verify(&changed, &[]), BautaError::ProofRefused);
    }
    chain.verify(&verify, &[]).unwrap();
}
