//! Tests the engine without tables: its proofs against arkworks and the ordinary engine, its parts,
//! and its files.

use crate::common::{Case, Values, case, engines, products, rng};
use bauta_packed_field::{Arch, Fused, Limbs29};
use bauta_prover::{CompactEngine, CompactKey, Proof, ProverError, UnblindedC, Witness};
use proptest::prelude::*;

fn witness(case: &Case) -> Witness {
    let rows = case.r1cs.evaluations(&case.wires).unwrap();
    Witness::with_rows(case.wires.clone(), rows.a, rows.b)
}

/// Writes and reads the file of a key.
fn from_file<A: Arch>(arch: A, case: &Case) -> CompactEngine<A> {
    let file = CompactKey::new(&case.key).unwrap().to_bytes().unwrap();
    CompactEngine::new(arch, CompactKey::from_bytes(&file).unwrap()).unwrap()
}

/// Makes the same proof in one piece and from its two parts.
fn proofs<A: Arch>(arch: A, case: &Case, seed: u64) -> [Proof; 2] {
    let (engine, other) = (from_file(arch, case), from_file(arch, case));
    let witness = witness(case);
    let c = other.unblinded_c(&witness).unwrap();
    let c = UnblindedC::from_bytes(&c.to_bytes()).unwrap();
    let parts = engine.blinded_parts(&witness, &mut rng(seed)).unwrap();
    [
        engine.prove(&witness, &mut rng(seed)).unwrap(),
        engine.combine(&parts, &c, &witness).unwrap(),
    ]
}

fn check(case: &Case, seed: u64) {
    let expected = engines(&case.key)[0]
        .prove(&Witness::new(case.wires.clone()), &mut rng(seed))
        .unwrap();
    assert!(case.ark_verifies(&expected));
    assert_eq!(proofs(Limbs29, case, seed), [expected; 2], "{}", Limbs29::NAME);
    if let Some(fused) = Fused::detect_for_test() {
        assert_eq!(proofs(fused, case, seed), [expected; 2], "{}", Fused::NAME);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn proofs_without_tables_equal_those_with_tables_from_the_same_randomness(
        // The smallest domain of a back end with four lanes has 16 points.
        constraints in 8u32..150,
        public in 1u32..5,
        terms in 1usize..5,
        values in prop::sample::select(Values::ALL.to_vec()),
        seed: u64,
    ) {
        check(&products(constraints, public, terms, values, seed), seed);
    }
}

#[test]
fn equal_and_opposite_points_are_added_correctly_without_tables() {
    use ark_bn254::Fr;
    use ark_ff::Field;
    use bauta_iden3::Constraint;
    // All wires have the same column in A and B, so that the points of the key repeat.
    let values: Vec<Fr> = (0..40u64).map(|i| Fr::from(i % 3) - Fr::ONE).collect();
    let mut wires = vec![Fr::ONE, Fr::from(9u64), Fr::from(2u64), Fr::from(3u64)];
    wires.extend(values);
    let sum: Vec<(u32, Fr)> = (2..44).map(|wire| (wire, Fr::ONE)).collect();
    let total: Fr = wires[2..].iter().sum();
    wires.push(total.square());
    let constraint = Constraint {
        a: sum.clone(),
        b: sum,
        c: vec![(44, Fr::ONE)],
    };
    check(&case(1, 42, vec![constraint; 8], wires), 3);
}

#[test]
fn a_witness_that_does_not_satisfy_the_circuit_gives_no_proof() {
    let case = products(60, 2, 3, Values::Random, 1);
    let engine = from_file(Limbs29, &case);
    let mut wires = case.wires.clone();
    wires[5] += ark_bn254::Fr::from(1u64);
    let rows = case.r1cs.evaluations(&case.wires).unwrap();
    let wrong = Witness::with_rows(wires, rows.a, rows.b);
    let refused = |result| matches!(result, Err(ProverError::VerificationFailed));
    assert!(refused(engine.prove(&wrong, &mut rng(1))));
    let parts = engine.blinded_parts(&wrong, &mut rng(1)).unwrap();
    let c = engine.unblinded_c(&witness(&case)).unwrap();
    assert!(refused(engine.combine(&parts, &c, &witness(&case))));
    let without_rows = Witness::new(case.wires.clone());
    assert!(matches!(
        engine.prove(&without_rows, &mut rng(1)),
        Err(ProverError::RowsMissing)
    ));
}

#[test]
fn truncated_files_and_changed_points_are_refused() {
    let case = products(20, 2, 3, Values::Random, 1);
    let file = CompactKey::new(&case.key).unwrap().to_bytes().unwrap();
    for length in (0..file.len()).step_by(7) {
        assert!(CompactKey::from_bytes(&file[..length]).is_err(), "{length}");
    }
    assert!(CompactKey::from_bytes(&[&file[..], &[0]].concat()).is_err());
    let mut version = file.clone();
    version[8] = 2;
    assert!(CompactKey::from_bytes(&version).is_err());
    // Most of the file are points. Every change of one gives a point that is not on the curve.
    for position in (file.len() / 5..file.len()).step_by(3) {
        let mut changed = file.clone();
        changed[position] ^= 1 << (position % 8);
        assert!(CompactKey::from_bytes(&changed).is_err(), "byte {position}");
    }
}
