//! What a proof is bound to.

use crate::scene::scene;
use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta_client::instructions::Verify;
use bauta_primitives::{Claim, FieldElement, Nullifier};
use bauta_program_test::{RegistrySpec, ScopeSpec, TestScope, World, assert_refused, keypair};
use solana_signer::Signer;

#[test]
fn the_same_nullifier_is_refused_whatever_else_is_new() {
    let mut s = scene(&ScopeSpec::default());
    let first = s.verify.clone();
    s.accepts(&first);
    assert_refused(s.world.verify(&first, &[]), BautaError::NullifierUsed);
    let other = s.forged(|v| {
        v.recipient = keypair("another recipient").pubkey();
        v.payload = b"another payload".to_vec();
    });
    assert_refused(s.world.verify(&other, &[]), BautaError::NullifierUsed);
    let digest = s.world.digest(&s.scope, &first);
    let mauled = Verify {
        proof: s.world.trapdoor().prove_with(digest, 4242),
        ..first.clone()
    };
    assert_ne!(mauled.proof, first.proof);
    assert_refused(s.world.verify(&mauled, &[]), BautaError::NullifierUsed);
}

type Change = Box<dyn Fn(&mut Verify)>;

#[test]
fn every_component_of_the_digest_changed_alone_breaks_the_proof() {
    // a Live scope without required claim, so that no earlier rule hides the proof's own
    let mut s = scene(&ScopeSpec::live());
    let old_root = s.registry.root();
    s.world.wait(3600);
    s.world.holder(&mut s.registry, 5);
    assert_ne!(s.registry.root(), old_root);
    s.verify.expiry = s.world.now() + 600;
    s.verify.proof = s.world.forge(&s.scope, &s.verify);
    let current = s.registry.root();
    let changes: [(&str, Change); 7] = [
        (
            "root, to another that is accepted",
            Box::new(move |v| v.root = current),
        ),
        (
            "nullifier",
            Box::new(|v| v.nullifier = Nullifier::new(FieldElement::from_u64(1))),
        ),
        ("claim", Box::new(|v| v.claim = Claim::of_track(6))),
        ("recipient", Box::new(|v| v.recipient = keypair("thief").pubkey())),
        ("expiry", Box::new(|v| v.expiry += 1)),
        ("payload", Box::new(|v| v.payload.push(0))),
        ("payload, emptied", Box::new(|v| v.payload.clear())),
    ];
    for (what, change) in changes {
        let mut verify = s.verify.clone();
        change(&mut verify);
        let refused = s.world.verify(&verify, &[]).expect_err(what);
        assert_eq!(refused.name(), "ProofRefused", "{what}");
    }
    // relayer, from anyone to somebody who signs
    let relayer = keypair("relayer");
    let relayed = Verify {
        relayer: Some(relayer.pubkey()),
        ..s.verify.clone()
    };
    assert_refused(s.world.verify(&relayed, &[&relayer]), BautaError::ProofRefused);
    // scope, to another of the same registry
    let other = s.world.create_scope(&s.registry, &ScopeSpec::live());
    let elsewhere = Verify {
        scope: other.address,
        ..s.verify.clone()
    };
    assert_refused(s.world.verify(&elsewhere, &[]), BautaError::ProofRefused);
    let verify = s.verify.clone();
    s.accepts(&verify);
}

#[test]
fn a_proof_of_another_cluster_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let mut elsewhere = s.world.clone();
    elsewhere.cluster_tag = [9; 32];
    let scope = TestScope {
        element: elsewhere.scope_element(&s.scope.address),
        creator: s.scope.creator.insecure_clone(),
        ..s.scope
    };
    let verify = elsewhere.prove(&s.registry, &s.members[0], &scope);
    s.refuses(&verify, BautaError::ProofRefused);
    // with the nullifier of this cluster the other cluster's proof still doesn't fit
    let verify = Verify {
        nullifier: s.verify.nullifier,
        ..verify
    };
    s.refuses(&verify, BautaError::ProofRefused);
}

#[test]
fn somebody_who_is_no_member_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    // they can prove in a tree of their own, but not at the scope's root
    let mut own = s.world.create_registry(RegistrySpec::default());
    let stranger = s.world.holder(&mut own, 5);
    let mut verify = s.world.prove(&own, &stranger, &s.scope);
    s.refuses(&verify, BautaError::NotTheSnapshot);
    verify.root = s.registry.root();
    s.refuses(&verify, BautaError::ProofRefused);
}

#[test]
fn a_proof_at_another_registrys_root_is_refused_in_a_live_scope() {
    let mut s = scene(&ScopeSpec::live());
    let mut own = s.world.create_registry(RegistrySpec::default());
    let stranger = s.world.holder(&mut own, 5);
    let verify = s.world.prove(&own, &stranger, &s.scope);
    s.refuses(&verify, BautaError::UnknownRoot);
    let theirs = Verify {
        registry: Some(own.address),
        ..verify
    };
    s.refuses(&theirs, BautaError::WrongRegistry);
    let missing = Verify {
        registry: None,
        ..s.verify.clone()
    };
    s.refuses(&missing, BautaError::MissingRegistry);
}

#[test]
fn a_root_of_a_live_registry_is_refused_in_a_snapshot_scope() {
    let mut s = scene(&ScopeSpec::default());
    s.world.holder(&mut s.registry, 5);
    let verify = s.world.prove(&s.registry, &s.members[0], &s.scope);
    s.refuses(&verify, BautaError::NotTheSnapshot);
}

#[test]
fn an_expired_proof_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let verify = s.verify.clone();
    s.world.wait(601);
    s.refuses(&verify, BautaError::ProofExpired);
    let late = s.forged(|v| v.expiry = i64::MIN);
    s.refuses(&late, BautaError::ProofExpired);
    let mut on_time = s.verify.clone();
    on_time.expiry = s.world.now();
    on_time.proof = s.world.forge(&s.scope, &on_time);
    s.accepts(&on_time);
}

#[test]
fn a_relayer_who_does_not_sign_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let relayer = keypair("relayer");
    let mut wish = s.world.wish();
    wish.relayer = Some(relayer.pubkey());
    let verify = s.world.prove_for(&s.registry, &s.members[0], &s.scope, wish);
    let mut unsigned = verify.instruction();
    for meta in &mut unsigned.accounts {
        meta.is_signer &= meta.pubkey != relayer.pubkey();
    }
    assert_refused(s.world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    let left_out = Verify {
        relayer: None,
        ..verify.clone()
    };
    s.refuses(&left_out, BautaError::ProofRefused);
    let thief = keypair("another relayer");
    let stolen = Verify {
        relayer: Some(thief.pubkey()),
        ..verify.clone()
    };
    assert_refused(s.world.verify(&stolen, &[&thief]), BautaError::ProofRefused);
    s.world.verify(&verify, &[&relayer]).unwrap();
}

#[test]
fn another_nullifier_account_than_the_derived_one_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let derived = s.verify.nullifier_account();
    let mut instruction = s.verify.instruction();
    for meta in &mut instruction.accounts {
        if meta.pubkey == derived {
            meta.pubkey = keypair("anywhere").pubkey();
        }
    }
    assert_refused(
        s.world.send(&[instruction], &[]),
        BautaError::WrongNullifierAddress,
    );
}

#[test]
fn a_token_sold_to_oneself_and_registered_again_counts_once_in_a_snapshot_scope() {
    let mut s = scene(&ScopeSpec::default());
    let first = s.verify.clone();
    s.accepts(&first);
    let other_wallet = s.world.person("the same person's other wallet");
    let sold = s.world.transfer_nft(&s.members[0].nft, &other_wallet);
    s.world.wait(60);
    let (again, _) = s.world.enter(&mut s.registry, &sold, None, 5).unwrap();
    assert_eq!(again.index, s.members[0].index, "the token keeps its leaf");
    // a new secret gives a new nullifier, but the snapshot knows only the old leaf
    let verify = s.world.prove(&s.registry, &again, &s.scope);
    assert_ne!(verify.nullifier, first.nullifier);
    s.refuses_new(&verify, BautaError::NotTheSnapshot);
    let at_snapshot = Verify {
        root: s.world.snapshot(&s.scope),
        ..verify
    };
    s.refuses_new(&at_snapshot, BautaError::ProofRefused);
    // in a Live scope it counts again: that is what Live means
    let live = s.world.create_scope(&s.registry, &ScopeSpec::live());
    let verify = s.world.prove(&s.registry, &again, &live);
    s.accepts(&verify);
}

#[test]
fn a_real_proof_is_bound_to_every_component() {
    let mut world = World::new();
    let circuit = world.register_ownership().unwrap();
    let mut registry = world.create_registry(RegistrySpec::default());
    let member = world.holder(&mut registry, 5);
    let scope = world.create_scope(
        &registry,
        &ScopeSpec {
            circuit: Some(circuit),
            ..ScopeSpec::default()
        },
    );
    let verify = world.prove(&registry, &member, &scope);
    let changes: [fn(&mut Verify); 5] = [
        |v| v.nullifier = Nullifier::new(FieldElement::from_u64(1)),
        |v| v.claim = Claim::of_track(6),
        |v| v.recipient = keypair("thief").pubkey(),
        |v| v.expiry += 1,
        |v| v.payload.push(0),
    ];
    for change in changes {
        let mut changed = verify.clone();
        change(&mut changed);
        assert_refused(world.verify(&changed, &[]), BautaError::ProofRefused);
    }
    world.verify(&verify, &[]).unwrap();
}
