//! Tests the rules of a scope.

use crate::fixture::Fixture;
use anchor_lang::error::ErrorCode;
use bauta::errors::BautaError;
use bauta::state::Circuit;
use bauta_client::instructions::Verify;
use bauta_primitives::Claim;
use bauta_program_test::{ScopeSpec, TrapdoorKey, assert_refused, keypair};
use solana_address::Address;
use solana_signer::Signer;

#[test]
fn a_call_around_the_gate_is_refused() {
    let gate = keypair("gate");
    let mut fixture = Fixture::new(&ScopeSpec {
        gate: Some(gate.pubkey()),
        ..ScopeSpec::default()
    });
    let around = Verify {
        gate: None,
        ..fixture.verify.clone()
    };
    fixture.refuses(&around, BautaError::GateMustSign);
    let other = keypair("another gate");
    let wrong = Verify {
        gate: Some(other.pubkey()),
        ..fixture.verify.clone()
    };
    assert_refused(fixture.chain.verify(&wrong, &[&other]), BautaError::GateMustSign);
    // The gate does not sign.
    let mut unsigned = fixture.verify.instruction();
    for meta in &mut unsigned.accounts {
        meta.is_signer &= meta.pubkey != gate.pubkey();
    }
    assert_refused(fixture.chain.send(&[unsigned], &[]), ErrorCode::AccountNotSigner);
    let verify = fixture.verify.clone();
    fixture.chain.verify(&verify, &[&gate]).unwrap();
}

#[test]
fn a_claim_other_than_the_required_one_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec {
        required_claim: Some(Claim::of_track(5)),
        ..ScopeSpec::default()
    });
    let other = fixture
        .chain
        .prove(&fixture.registry, &fixture.members[1], &fixture.scope);
    fixture.refuses(&other, BautaError::WrongClaim);
    let verify = fixture.verify.clone();
    fixture.accepts(&verify);
}

#[test]
fn a_paused_program_refuses_verifications_and_nothing_else() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    fixture.chain.pause(true).unwrap();
    let verify = fixture.verify.clone();
    fixture.refuses(&verify, BautaError::Paused);
    fixture.chain.add_holder(&mut fixture.registry, 7);
    fixture.chain.create_scope(&fixture.registry, &ScopeSpec::live());
    fixture.chain.pause(false).unwrap();
    fixture.accepts(&verify);
}

#[test]
fn a_closed_scope_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    fixture.chain.close_scope(&fixture.scope).unwrap();
    let verify = fixture.verify.clone();
    fixture.refuses(&verify, BautaError::ScopeClosed);
}

#[test]
fn a_scope_is_open_from_opens_at_until_before_closes_at() {
    let now = bauta_program_test::START_TIME;
    let mut fixture = Fixture::new(&ScopeSpec {
        opens_at: Some(now + 100),
        closes_at: Some(now + 200),
        ..ScopeSpec::default()
    });
    let first = fixture.verify.clone();
    fixture.chain.advance_clock(99);
    fixture.refuses(&first, BautaError::ScopeNotOpenYet);
    fixture.chain.advance_clock(1);
    let second = fixture
        .chain
        .prove(&fixture.registry, &fixture.members[1], &fixture.scope);
    fixture.accepts(&second);
    fixture.chain.advance_clock(100);
    fixture.refuses(&first, BautaError::ScopeEnded);
}

#[test]
fn a_retired_circuit_is_refused() {
    let closes_at = Some(bauta_program_test::START_TIME + 2 * Circuit::RETIREMENT_DELAY);
    let mut fixture = Fixture::new(&ScopeSpec {
        closes_at,
        ..ScopeSpec::default()
    });
    let circuit = fixture.scope.circuit;
    fixture.chain.retire_circuit(circuit, true).unwrap();
    fixture.chain.advance_clock(Circuit::RETIREMENT_DELAY);
    let expiry = fixture.chain.now() + 600;
    let verify = fixture.forged(|verify| verify.expiry = expiry);
    fixture.refuses(&verify, BautaError::CircuitRetired);
}

#[test]
fn a_suspended_circuit_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let circuit = fixture.scope.circuit;
    fixture.chain.suspend_circuit(circuit, true).unwrap();
    let verify = fixture.verify.clone();
    fixture.refuses(&verify, BautaError::CircuitSuspended);
    fixture.chain.suspend_circuit(circuit, false).unwrap();
    fixture.accepts(&verify);
}

#[test]
fn a_circuit_other_than_the_scopes_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    let key = TrapdoorKey::new(2);
    let circuit = fixture.chain.register_trapdoor(key).unwrap();
    let digest = fixture.chain.digest(&fixture.scope, &fixture.verify);
    let verify = Verify {
        circuit,
        proof: key.prove(digest),
        ..fixture.verify.clone()
    };
    fixture.refuses(&verify, BautaError::WrongCircuit);
}

#[test]
fn a_scope_of_another_program_is_refused() {
    let mut fixture = Fixture::new(&ScopeSpec::default());
    // The same data in an account of another program.
    let mut copy = fixture.chain.account(&fixture.scope.address).unwrap();
    copy.owner = Address::new_from_array([7; 32]);
    let address = keypair("copied scope").pubkey();
    fixture.chain.set_account(&address, copy);
    let verify = Verify {
        scope: address,
        ..fixture.verify.clone()
    };
    assert_refused(
        fixture.chain.verify(&verify, &[]),
        ErrorCode::AccountOwnedByWrongProgram,
    );
}
