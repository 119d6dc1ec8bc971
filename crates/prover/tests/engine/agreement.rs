//! Compares the proofs of every back end with arkworks.

use crate::common::{Case, Values, case, engines, products, rng};
use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Projective};
use ark_ec::{CurveGroup, VariableBaseMSM};
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_groth16::Groth16;
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use bauta_iden3::Constraint;
use bauta_prover::{Proof, ProverError, Witness};
use proptest::prelude::*;

/// Computes the proof as docs/prover.md defines it, directly from the key, with arkworks's
/// multi-scalar multiplication and FFT.
fn reference(case: &Case, r1: Fr, r2: Fr) -> Proof {
    let (key, z) = (&case.key, &case.wires);
    let a = G1Projective::msm(&key.a, z).unwrap() + key.alpha_g1;
    let b = G2Projective::msm(&key.b2, z).unwrap() + key.beta_g2;
    let rows = case.r1cs.evaluations(z).unwrap();
    let domain = Radix2EvaluationDomain::<Fr>::new(key.domain_size as usize).unwrap();
    let zeta = <Fr as ark_ff::FftField>::get_root_of_unity(2 * u64::from(key.domain_size)).unwrap();
    let coset = domain.get_coset(zeta).unwrap();
    let on_coset = |values: &[Fr]| coset.fft(&domain.ifft(values));
    let public_rows = &z[..=case.r1cs.n_public() as usize];
    let (a_rows, b_rows, c_rows) = (
        on_coset(&[&rows.a[..], public_rows].concat()),
        on_coset(&rows.b),
        on_coset(&rows.c),
    );
    let quotient: Vec<Fr> = (0..a_rows.len())
        .map(|i| a_rows[i] * b_rows[i] - c_rows[i])
        .collect();
    let c = G1Projective::msm(&key.c, &z[public_rows.len()..]).unwrap()
        + G1Projective::msm(&key.h, &quotient).unwrap();
    Proof {
        a: (a * r1.inverse().unwrap()).into_affine(),
        b: ((b + key.delta_g2 * r2) * r1).into_affine(),
        c: (c + a * r2).into_affine(),
    }
}

/// Returns the factors that the engine draws from a generator with this seed.
fn blinding(seed: u64) -> (Fr, Fr) {
    let rng = &mut rng(seed);
    (Fr::rand(rng), Fr::rand(rng))
}

fn check(case: &Case, seed: u64) {
    let (r1, r2) = blinding(seed);
    let expected = reference(case, r1, r2);
    assert!(case.ark_verifies(&expected));
    let rows = case.r1cs.evaluations(&case.wires).unwrap();
    for engine in engines(&case.key) {
        let from_key = engine
            .prove(&Witness::new(case.wires.clone()), &mut rng(seed))
            .unwrap();
        assert_eq!(from_key, expected, "{:?}", engine.back_end());
        let witness = Witness::with_rows(case.wires.clone(), rows.a.clone(), rows.b.clone());
        assert_eq!(
            engine.prove(&witness, &mut rng(seed)).unwrap(),
            expected,
            "{:?}",
            engine.back_end()
        );
        assert!(engine.verify(&expected, case.public()).unwrap());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn every_back_end_makes_the_same_proof_as_arkworks_from_the_same_randomness(
        constraints in 1u32..200,
        public in 0u32..5,
        terms in 1usize..6,
        values in prop::sample::select(Values::ALL.to_vec()),
        seed: u64,
    ) {
        check(&products(constraints, public, terms, values, seed), seed);
    }
}

#[test]
fn proofs_of_1000_constraints_are_right_for_every_kind_of_witness() {
    for (i, values) in Values::ALL.into_iter().enumerate() {
        check(&products(1000, 1, 3, values, i as u64), i as u64);
    }
}

/// Returns a circuit whose wires all have the same column in A, and therefore the same point. With
/// equal values, every addition in a bucket adds equal points. With opposite values, it adds
/// opposite points, whose sum is infinity.
fn equal_columns(values: impl Fn(u32) -> Fr) -> Case {
    let count = 300;
    let mut wires = vec![Fr::ONE, Fr::ZERO];
    wires.extend((0..count).map(values));
    let sum: Vec<(u32, Fr)> = (2..2 + count).map(|wire| (wire, Fr::ONE)).collect();
    let total: Fr = wires[2..].iter().sum();
    wires.push(total * total);
    let last = count + 2;
    let rows = vec![Constraint {
        a: sum.clone(),
        b: sum,
        c: vec![(last, Fr::ONE)],
    }];
    case(1, count, rows, wires)
}

#[test]
fn equal_and_opposite_points_in_one_bucket_are_added_correctly() {
    let value = Fr::rand(&mut rng(9));
    check(&equal_columns(|_| value), 1);
    check(&equal_columns(|i| if i % 2 == 0 { value } else { -value }), 2);
    check(&equal_columns(|i| if i % 3 == 0 { value } else { -value }), 3);
    check(&equal_columns(|_| Fr::ZERO), 4);
    check(&equal_columns(|i| Fr::from(i % 5)), 5);
    check(&equal_columns(|i| if i < 150 { -Fr::ONE } else { Fr::ONE }), 6);
}

#[test]
fn a_proof_verifies_only_for_its_own_public_inputs() {
    let case = products(50, 2, 3, Values::Random, 3);
    for engine in engines(&case.key) {
        let proof = engine
            .prove(&Witness::new(case.wires.clone()), &mut rng(1))
            .unwrap();
        for index in 0..2 {
            let mut public = case.public().to_vec();
            public[index] += Fr::ONE;
            assert!(!case.ark_verifies_for(&proof, &public));
            assert!(!engine.verify(&proof, &public).unwrap());
        }
    }
}

#[test]
fn each_proof_of_a_batch_has_new_randomness() {
    let case = products(300, 1, 3, Values::Random, 4);
    for engine in engines(&case.key) {
        let witnesses: Vec<_> = (0..5).map(|_| Witness::new(case.wires.clone())).collect();
        let proofs = engine.prove_batch(&witnesses, &mut rng(1)).unwrap();
        for (i, proof) in proofs.iter().enumerate() {
            assert!(case.ark_verifies(proof));
            for other in &proofs[..i] {
                assert!(proof.a != other.a && proof.b != other.b && proof.c != other.c);
            }
        }
    }
}

#[test]
fn rerandomized_proofs_equal_arkworks_and_verify() {
    let case = products(50, 2, 3, Values::Random, 5);
    let key = case.key.to_ark_verifying_key();
    for engine in engines(&case.key) {
        let proof = engine
            .prove(&Witness::new(case.wires.clone()), &mut rng(1))
            .unwrap();
        let other = engine.rerandomize(&proof, &mut rng(2)).unwrap();
        let ark = ark_groth16::Proof {
            a: proof.a,
            b: proof.b,
            c: proof.c,
        };
        let ark = Groth16::<Bn254>::rerandomize_proof(&key, &ark, &mut rng(2));
        assert_eq!((other.a, other.b, other.c), (ark.a, ark.b, ark.c));
        assert!(case.ark_verifies(&other));
        assert!(proof.a != other.a && proof.b != other.b && proof.c != other.c);
    }
}

#[test]
fn rerandomizing_does_not_make_an_invalid_proof_valid() {
    let case = products(50, 2, 3, Values::Random, 5);
    let engine = &engines(&case.key)[0];
    let mut proof = engine
        .prove(&Witness::new(case.wires.clone()), &mut rng(1))
        .unwrap();
    proof.c = (proof.c + proof.a).into_affine();
    let other = engine.rerandomize(&proof, &mut rng(2)).unwrap();
    assert!(!case.ark_verifies(&other));
    proof.a = G1Affine::identity();
    assert!(matches!(
        engine.rerandomize(&proof, &mut rng(2)),
        Err(ProverError::Infinity)
    ));
}

/// Checks that neither the pool's number of threads nor sharing an engine changes a proof.
#[test]
fn threads_can_share_an_engine_and_pools_of_any_size_give_the_same_proof() {
    let case = products(300, 1, 3, Values::Random, 4);
    for engine in engines(&case.key) {
        let prove = || {
            engine
                .prove(&Witness::new(case.wires.clone()), &mut rng(1))
                .unwrap()
        };
        let expected = prove();
        std::thread::scope(|scope| {
            let proofs = [1, 2, 3].map(|threads| {
                scope.spawn(move || {
                    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
                    pool.unwrap().install(prove)
                })
            });
            for proof in proofs {
                assert_eq!(proof.join().unwrap(), expected);
            }
        });
    }
}
