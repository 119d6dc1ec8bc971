//! Tests development keys with ark-groth16, which is an independent prover and verifier.

mod common;

use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand;
use bauta_iden3::{DEVELOPMENT, R1cs, ZKey};
use common::{chain, chain_witness, rng};

fn prove(key: &ZKey, system: &R1cs, z: &[Fr]) -> ark_groth16::Proof<Bn254> {
    let mut rng = rng(9);
    bauta_peers::groth16::prove(
        &key.to_ark_proving_key(),
        [Fr::rand(&mut rng), Fr::rand(&mut rng)],
        &system.to_ark_matrices(),
        system.n_public() as usize + 1,
        z,
    )
}

#[test]
fn ark_groth16_proves_and_verifies_with_a_development_key() {
    let (system, z) = (chain(20), chain_witness(20, 1));
    system
        .is_satisfied(&z)
        .expect("the witness is made for the system");
    let key = ZKey::development(&system, &mut rng(2)).expect("a valid system");
    let proof = prove(&key, &system, &z);
    let verifying = key.to_ark_verifying_key();
    assert!(bauta_peers::groth16::verifies(&verifying, &z[1..3], &proof));
    assert!(!bauta_peers::groth16::verifies(&verifying, &[z[2], z[1]], &proof));
}

#[test]
fn a_development_key_passes_the_checks_of_a_ceremony_key_and_its_contribution_is_named_so() {
    let system = chain(5);
    let key = ZKey::development(&system, &mut rng(3)).expect("a valid system");
    key.check_sound().expect("gamma and delta differ");
    key.check_circuit(&system).expect("its own system");
    let hashes = key.verify_transcript().expect("one contribution");
    assert_eq!(hashes, [key.contributions[0].hash()]);
    assert_eq!(key.contributions[0].name.as_deref(), Some(DEVELOPMENT));
}

#[test]
fn writing_and_reading_a_key_gives_the_same_key() {
    let key = ZKey::development(&chain(5), &mut rng(4)).expect("a valid system");
    let bytes = key.to_bytes().expect("a consistent key");
    assert_eq!(ZKey::from_bytes(&bytes).expect("just written"), key);
}

#[test]
fn systems_without_constraints_or_private_wires_have_keys() {
    let empty = R1cs {
        wires: 1,
        ..R1cs::default()
    };
    let only_public = R1cs {
        public_inputs: 1,
        wires: 2,
        ..R1cs::default()
    };
    let only_private = R1cs {
        private_inputs: 1,
        wires: 2,
        ..R1cs::default()
    };
    for system in [empty, only_public, only_private] {
        let key = ZKey::development(&system, &mut rng(8)).expect("a valid system");
        let key = ZKey::from_bytes(&key.to_bytes().expect("consistent")).expect("just written");
        key.check_sound().expect("sound");
        key.check_circuit(&system).expect("its own system");
        key.verify_transcript().expect("one contribution");
    }
}
