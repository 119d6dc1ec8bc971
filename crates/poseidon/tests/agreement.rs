//! Compares the hash with two other implementations: circomlibjs (checked-in vectors) and
//! light-poseidon (random inputs).

use ark_bn254::Fr;
use ark_ff::{PrimeField, UniformRand};
use bauta_peers::poseidon::hash_groups;
use bauta_poseidon::{MAX_INPUTS, Parameters, PoseidonError, hash, hash_array};
use serde_json::Value;

fn element(value: &Value) -> Fr {
    let digits = value
        .as_str()
        .and_then(|text| text.strip_prefix("0x"))
        .expect("0x and hex digits");
    Fr::from_be_bytes_mod_order(&hex::decode(digits).expect("hex digits"))
}

#[test]
fn equals_circomlibjs_on_the_checked_in_vectors() {
    let vectors: Vec<Value> = serde_json::from_str(include_str!("../vectors/poseidon.json")).unwrap();
    let mut per_count = [0; MAX_INPUTS];
    for vector in &vectors {
        let inputs: Vec<Fr> = vector["inputs"].as_array().unwrap().iter().map(element).collect();
        assert_eq!(
            hash(&inputs).unwrap(),
            element(&vector["hash"]),
            "inputs {}",
            vector["inputs"]
        );
        per_count[inputs.len() - 1] += 1;
    }
    assert_eq!(per_count, [16; MAX_INPUTS]);
}

#[test]
fn equals_light_poseidon_on_random_inputs_of_every_width() {
    let rng = &mut ark_std::test_rng();
    for count in 1..=MAX_INPUTS {
        for _ in 0..25 {
            let inputs: Vec<Fr> = (0..count).map(|_| Fr::rand(rng)).collect();
            assert_eq!(
                hash(&inputs).unwrap(),
                hash_groups(&inputs, count)[0],
                "{count} inputs"
            );
        }
    }
}

#[test]
fn hash_array_equals_hash() {
    let inputs: [Fr; 6] = std::array::from_fn(|i| Fr::from(i as u64));
    assert_eq!(hash_array(&inputs), hash(&inputs).unwrap());
}

#[test]
fn zero_and_more_than_six_inputs_are_refused() {
    for count in [0, MAX_INPUTS + 1, 100] {
        assert_eq!(
            hash(&vec![Fr::from(1u64); count]),
            Err(PoseidonError::InputCount(count))
        );
        assert_eq!(
            Parameters::for_inputs(count),
            Err(PoseidonError::InputCount(count))
        );
    }
    assert_eq!(
        PoseidonError::InputCount(7).to_string(),
        "Poseidon takes 1 to 6 inputs, got 7"
    );
}
