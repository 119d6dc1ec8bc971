//! Tests that invalid witnesses and keys are refused.

use crate::common::{Values, engines, products, rng};
use ark_ff::{AdditiveGroup, Field};
use bauta_iden3::Unsatisfied;
use bauta_prover::{Engine, Options, ProverError, Witness};

#[test]
fn a_witness_of_the_wrong_length_is_refused() {
    let case = products(30, 1, 3, Values::Random, 1);
    for engine in engines(&case.key) {
        for length in [0, case.wires.len() - 1, case.wires.len() + 1] {
            let mut wires = case.wires.clone();
            wires.resize(length, ark_bn254::Fr::ZERO);
            let result = engine.prove(&Witness::new(wires), &mut rng(1));
            assert!(matches!(
                result,
                Err(ProverError::WitnessLength { expected, found }) if expected == case.wires.len() && found == length
            ));
        }
    }
}

#[test]
fn rows_of_the_wrong_length_are_refused() {
    let case = products(30, 1, 3, Values::Random, 1);
    let rows = case.r1cs.evaluations(&case.wires).unwrap();
    for engine in engines(&case.key) {
        for (a, b, matrix) in [(29, 30, 'A'), (30, 31, 'B')] {
            let (mut rows_a, mut rows_b) = (rows.a.clone(), rows.b.clone());
            rows_a.resize(a, ark_bn254::Fr::ZERO);
            rows_b.resize(b, ark_bn254::Fr::ZERO);
            let witness = Witness::with_rows(case.wires.clone(), rows_a, rows_b);
            let result = engine.prove(&witness, &mut rng(1));
            assert!(matches!(result, Err(ProverError::RowCount { matrix: found, .. }) if found == matrix));
        }
    }
}

#[test]
fn a_witness_without_the_constant_one_is_refused() {
    let case = products(30, 1, 3, Values::Random, 1);
    let mut wires = case.wires.clone();
    wires[0] = ark_bn254::Fr::ZERO;
    for engine in engines(&case.key) {
        let result = engine.prove(&Witness::new(wires.clone()), &mut rng(1));
        assert!(matches!(result, Err(ProverError::ConstantOne)));
    }
}

#[test]
fn an_unsatisfying_witness_never_gives_a_proof_that_verifies() {
    let case = products(30, 1, 3, Values::Random, 1);
    let mut wires = case.wires.clone();
    let last = wires.len() - 1;
    wires[last] += ark_bn254::Fr::ONE;
    let witness = Witness::new(wires);
    assert!(matches!(
        witness.check(&case.r1cs),
        Err(ProverError::Unsatisfied(Unsatisfied::Constraint {
            constraint: 29
        }))
    ));
    for engine in engines(&case.key) {
        let proof = engine.prove(&witness, &mut rng(1)).unwrap();
        assert!(!case.ark_verifies(&proof));
    }
    let engine = Engine::prepare_with(&case.key, Options::service()).unwrap();
    assert!(matches!(
        engine.prove(&witness, &mut rng(1)),
        Err(ProverError::VerificationFailed)
    ));
    assert!(engine.prove_batch(&[witness], &mut rng(1)).is_err());
}

#[test]
fn self_verification_refuses_a_witness_of_another_circuit_with_the_same_number_of_wires() {
    let case = products(30, 1, 3, Values::Random, 1);
    let other = products(30, 1, 3, Values::Random, 2);
    let engine = Engine::prepare_with(&case.key, Options::service()).unwrap();
    let result = engine.prove(&Witness::new(other.wires.clone()), &mut rng(1));
    assert!(matches!(result, Err(ProverError::VerificationFailed)));
}

#[test]
fn self_verification_accepts_valid_proofs() {
    let case = products(30, 3, 3, Values::Random, 1);
    let engine = Engine::prepare_with(&case.key, Options::service()).unwrap();
    let proof = engine
        .prove(&Witness::new(case.wires.clone()), &mut rng(1))
        .unwrap();
    assert!(case.ark_verifies(&proof));
}

#[test]
fn malformed_keys_are_refused() {
    let good = products(30, 2, 3, Values::Random, 1).key;
    let mut keys = vec![good.clone(); 8];
    keys[0].a.pop();
    keys[1].h.pop();
    keys[2].c.pop();
    keys[3].ic.pop();
    keys[4].domain_size = 48;
    keys[5].coefficients[0].wire = keys[5].n_vars;
    keys[6].coefficients.pop();
    keys[7].n_public = keys[7].n_vars;
    for (i, key) in keys.iter().enumerate() {
        let result = Engine::prepare(key);
        assert!(matches!(result, Err(ProverError::InvalidKey(_))), "key {i}");
    }
}

#[test]
fn tables_stay_within_the_budget_or_an_error_is_returned() {
    let case = products(200, 1, 3, Values::Random, 1);
    let least = Engine::prepare(&case.key).unwrap().table_bytes() * 3 / 4;
    let smaller = Options {
        table_budget: least,
        ..Options::default()
    };
    let engine = Engine::prepare_with(&case.key, smaller).unwrap();
    assert!(engine.table_bytes() <= least);
    let proof = engine
        .prove(&Witness::new(case.wires.clone()), &mut rng(1))
        .unwrap();
    assert!(case.ark_verifies(&proof));
    let none = Options {
        table_budget: 1000,
        ..Options::default()
    };
    assert!(matches!(
        Engine::prepare_with(&case.key, none),
        Err(ProverError::TableBudget { .. })
    ));
}
