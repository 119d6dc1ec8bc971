//! An end-to-end test with the real circuit: holders register, one proves, and the program accepts
//! the proof once.

use bauta::errors::BautaError;
use bauta::state::Nullifier;
use bauta_client::{Event, Verification};
use bauta_program_test::{Elf, RegistrySpec, ScopeSpec, TestChain, assert_refused, keypair};
use solana_sha256_hasher::hash;
use solana_signer::Signer;

fn run(elf: Elf) {
    let mut chain = TestChain::on(elf);
    let circuit = chain.register_ownership().unwrap();
    let mut registry = chain.create_registry(RegistrySpec::default());
    let members: Vec<_> = (0..30).map(|_| chain.add_holder(&mut registry, 5)).collect();
    let state = chain.registry_state(&registry);
    assert_eq!(state.next_index, 30);
    assert_eq!(
        state.root,
        registry.root().to_bytes(),
        "the program and the reference tree have the same root"
    );

    let gate = keypair("gate");
    let spec = ScopeSpec {
        circuit: Some(circuit),
        gate: Some(gate.pubkey()),
        ..ScopeSpec::default()
    };
    let scope = chain.create_scope(&registry, &spec);
    let verify = chain.prove(&registry, &members[17], &scope);
    let receipt = chain.verify(&verify, &[&gate]).unwrap();

    let [Event::OwnershipVerified(event)] = &receipt.events[..] else {
        panic!("one event is expected: {:?}", receipt.events)
    };
    assert_eq!(event.scope, scope.address);
    assert_eq!(event.registry, registry.address);
    assert_eq!(event.circuit, circuit);
    assert_eq!(event.root, registry.root().to_bytes());
    assert_eq!(event.claim, verify.claim.to_bytes());
    assert_eq!(event.nullifier, verify.nullifier.to_bytes());
    assert_eq!(event.recipient, verify.recipient);
    assert_eq!(event.relayer, solana_address::Address::default());
    assert_eq!(event.timestamp, chain.now());

    let (program, data) = &receipt.return_data;
    assert_eq!(
        Verification::decode(program, data).unwrap(),
        Verification {
            scope: scope.address,
            registry: registry.address,
            circuit,
            claim: verify.claim,
            nullifier: verify.nullifier,
            recipient: verify.recipient,
            payload_hash: hash(b"payload").to_bytes(),
        }
    );

    let nullifier: Nullifier = chain.state(&verify.nullifier_account()).unwrap();
    assert_eq!(nullifier.rent_payer, chain.payer.pubkey());
    assert_eq!(nullifier.scope_tag, scope.address.to_bytes()[..16]);
    assert_eq!(nullifier.nullifier_prefix, verify.nullifier.to_bytes()[..16]);

    assert_refused(chain.verify(&verify, &[&gate]), BautaError::NullifierUsed);
    let again = chain.prove(&registry, &members[17], &scope);
    assert_ne!(
        again.proof, verify.proof,
        "every proof is blinded with new randomness"
    );
    assert_refused(chain.verify(&again, &[&gate]), BautaError::NullifierUsed);
    let other = chain.prove(&registry, &members[3], &scope);
    chain.verify(&other, &[&gate]).unwrap();
}

#[test]
fn a_holder_registers_proves_and_is_accepted_once_on_sbpf_v0() {
    run(Elf::V0);
}

#[test]
fn a_holder_registers_proves_and_is_accepted_once_on_sbpf_v3() {
    run(Elf::V3);
}
