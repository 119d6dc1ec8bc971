//! The main job on the ELF, end to end, with the real circuit: holders register, one proves, the program accepts once.

use bauta::errors::BautaError;
use bauta::state::Nullifier;
use bauta_client::{Event, Verification};
use bauta_program_test::{Elf, RegistrySpec, ScopeSpec, World, assert_refused, keypair};
use solana_sha256_hasher::hash;
use solana_signer::Signer;

fn holders_register_one_proves_and_the_program_accepts_once(elf: Elf) {
    let mut world = World::on(elf);
    let circuit = world.register_ownership().unwrap();
    let mut registry = world.create_registry(RegistrySpec::default());
    let members: Vec<_> = (0..30).map(|_| world.holder(&mut registry, 5)).collect();
    let state = world.registry_state(&registry);
    assert_eq!(state.next_index, 30);
    assert_eq!(
        state.root,
        registry.root().to_bytes(),
        "the program's root is the reference tree's"
    );

    let gate = keypair("gate");
    let spec = ScopeSpec {
        circuit: Some(circuit),
        gate: Some(gate.pubkey()),
        ..ScopeSpec::default()
    };
    let scope = world.create_scope(&registry, &spec);
    let verify = world.prove(&registry, &members[17], &scope);
    let sent = world.verify(&verify, &[&gate]).unwrap();

    let [Event::OwnershipVerified(event)] = &sent.events[..] else {
        panic!("one event: {:?}", sent.events)
    };
    assert_eq!(event.scope, scope.address);
    assert_eq!(event.registry, registry.address);
    assert_eq!(event.circuit, circuit);
    assert_eq!(event.root, registry.root().to_bytes());
    assert_eq!(event.claim, verify.claim.to_bytes());
    assert_eq!(event.nullifier, verify.nullifier.to_bytes());
    assert_eq!(event.recipient, verify.recipient);
    assert_eq!(event.relayer, solana_address::Address::default());
    assert_eq!(event.timestamp, world.now());

    let (program, data) = &sent.return_data;
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

    let nullifier: Nullifier = world.state(&verify.nullifier_account()).unwrap();
    assert_eq!(nullifier.scope, scope.address);
    assert_eq!(nullifier.nullifier, verify.nullifier.to_bytes());
    assert_eq!(nullifier.rent_payer, world.payer.pubkey());

    assert_refused(world.verify(&verify, &[&gate]), BautaError::NullifierUsed);
    let again = world.prove(&registry, &members[17], &scope);
    assert_ne!(again.proof, verify.proof, "proofs are freshly blinded");
    assert_refused(world.verify(&again, &[&gate]), BautaError::NullifierUsed);
    let other = world.prove(&registry, &members[3], &scope);
    world.verify(&other, &[&gate]).unwrap();
}

#[test]
fn thin_path_on_the_elf_of_sbpf_v0() {
    holders_register_one_proves_and_the_program_accepts_once(Elf::V0);
}

#[test]
fn thin_path_on_the_elf_of_sbpf_v3() {
    holders_register_one_proves_and_the_program_accepts_once(Elf::V3);
}
