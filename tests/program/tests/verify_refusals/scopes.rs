//! The scope's own rules.

use crate::scene::scene;
use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta_client::instructions::Verify;
use bauta_primitives::Claim;
use bauta_program_test::{ScopeSpec, TrapdoorKey, assert_refused, keypair};
use solana_address::Address;
use solana_signer::Signer;

#[test]
fn a_call_around_the_gate_is_refused() {
    let gate = keypair("gate");
    let mut s = scene(&ScopeSpec {
        gate: Some(gate.pubkey()),
        ..ScopeSpec::default()
    });
    let around = Verify {
        gate: None,
        ..s.verify.clone()
    };
    s.refuses(&around, BautaError::GateMustSign);
    let other = keypair("another gate");
    let wrong = Verify {
        gate: Some(other.pubkey()),
        ..s.verify.clone()
    };
    assert_refused(s.world.verify(&wrong, &[&other]), BautaError::GateMustSign);
    // named but not signing
    let mut unsigned = s.verify.instruction();
    for meta in &mut unsigned.accounts {
        meta.is_signer &= meta.pubkey != gate.pubkey();
    }
    assert_refused(s.world.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    let verify = s.verify.clone();
    s.world.verify(&verify, &[&gate]).unwrap();
}

#[test]
fn a_wrong_claim_is_refused_where_the_scope_requires_one() {
    let mut s = scene(&ScopeSpec {
        required_claim: Some(Claim::of_track(5)),
        ..ScopeSpec::default()
    });
    let other = s.world.prove(&s.registry, &s.members[1], &s.scope);
    s.refuses(&other, BautaError::WrongClaim);
    let verify = s.verify.clone();
    s.accepts(&verify);
}

#[test]
fn verifications_are_refused_while_paused_and_nothing_else_is() {
    let mut s = scene(&ScopeSpec::default());
    s.world.pause(true).unwrap();
    let verify = s.verify.clone();
    s.refuses(&verify, BautaError::Paused);
    s.world.holder(&mut s.registry, 7);
    s.world.create_scope(&s.registry, &ScopeSpec::live());
    s.world.pause(false).unwrap();
    s.accepts(&verify);
}

#[test]
fn a_closed_scope_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    s.world.close_scope(&s.scope).unwrap();
    let verify = s.verify.clone();
    s.refuses(&verify, BautaError::ScopeClosed);
}

#[test]
fn a_scope_is_open_from_opens_at_until_before_closes_at() {
    let now = bauta_program_test::BEGINNING;
    let mut s = scene(&ScopeSpec {
        opens_at: Some(now + 100),
        closes_at: Some(now + 200),
        ..ScopeSpec::default()
    });
    let first = s.verify.clone();
    s.world.wait(99);
    s.refuses(&first, BautaError::ScopeNotOpenYet);
    s.world.wait(1);
    let second = s.world.prove(&s.registry, &s.members[1], &s.scope);
    s.accepts(&second);
    s.world.wait(100);
    s.refuses(&first, BautaError::ScopeEnded);
}

#[test]
fn a_retired_circuit_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    s.world.retire_circuit(s.scope.circuit).unwrap();
    let verify = s.verify.clone();
    s.refuses(&verify, BautaError::CircuitRetired);
}

#[test]
fn another_circuit_than_the_scopes_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    let key = TrapdoorKey::new(2);
    let circuit = s.world.register_trapdoor(key).unwrap();
    let digest = s.world.digest(&s.scope, &s.verify);
    let verify = Verify {
        circuit,
        proof: key.prove(digest),
        ..s.verify.clone()
    };
    s.refuses(&verify, BautaError::WrongCircuit);
}

#[test]
fn a_scope_of_another_program_is_refused() {
    let mut s = scene(&ScopeSpec::default());
    // the same bytes in an account that another program owns
    let mut copy = s.world.account(&s.scope.address).unwrap();
    copy.owner = Address::new_from_array([7; 32]);
    let address = keypair("copied scope").pubkey();
    s.world.set_account(&address, copy);
    let verify = Verify {
        scope: address,
        ..s.verify.clone()
    };
    assert_refused(
        s.world.verify(&verify, &[]),
        ErrorCode::AccountOwnedByWrongProgram,
    );
}
