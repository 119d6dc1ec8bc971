//! Checks the queries that proofs are made from (docs/prover.md, steps 1 and 2) by pairings of a
//! key's own points. The checks work for any key, because they do not need its secrets.

use std::{fs, path::Path, process};

use crate::common::{Case, case, engines, rng};
use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{AffineRepr, CurveGroup, VariableBaseMSM, pairing::Pairing};
use ark_ff::{AdditiveGroup, FftField, Field, UniformRand};
use ark_poly::{EvaluationDomain, Radix2EvaluationDomain};
use bauta_iden3::{Constraint, ZKey, snarkjs::Snarkjs};
use bauta_prover::Witness;

/// The domain size. All rows are used: 30 constraints, the constant one and a public wire.
const N: usize = 32;
const ROWS: u32 = 30;

/// Returns the circuit `x_j · x_j = y_j`. The columns of `x_j` in A and B, and of `y_j` in C, are
/// one in row j and zero elsewhere, so `A_(x_j)(τ) = ℓ_j(τ)`.
fn squares() -> Case {
    let rng = &mut rng(3);
    let x: Vec<Fr> = (0..ROWS).map(|_| Fr::rand(rng)).collect();
    let wires = [
        vec![Fr::ONE, Fr::rand(rng)],
        x.clone(),
        x.iter().map(Fr::square).collect(),
    ]
    .concat();
    let one = |wire| vec![(wire, Fr::ONE)];
    let rows = (0..ROWS)
        .map(|j| Constraint {
            a: one(2 + j),
            b: one(2 + j),
            c: one(2 + ROWS + j),
        })
        .collect();
    case(1, ROWS, rows, wires)
}

/// Returns the same circuit with a key from a real ceremony, for powers of tau up to `2^power`
/// rows.
fn with_ceremony(power: u32) -> Case {
    let mut case = squares();
    let snarkjs = Snarkjs::install().expect("node, npm and, the first time, the network");
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("queries-{power}-{}", process::id()));
    fs::create_dir_all(&directory).unwrap();
    fs::write(directory.join("circuit.r1cs"), case.r1cs.to_bytes().unwrap()).unwrap();
    let powers = snarkjs.powers_of_tau(&directory, power).unwrap();
    for arguments in [
        &["groth16", "setup", "circuit.r1cs", powers, "key_0.zkey"][..],
        &[
            "zkey",
            "contribute",
            "key_0.zkey",
            "key.zkey",
            "-n=one",
            "-e=not random at all",
        ],
    ] {
        snarkjs.run(&directory, arguments).unwrap();
    }
    case.key = ZKey::from_bytes(&fs::read(directory.join("key.zkey")).unwrap()).unwrap();
    fs::remove_dir_all(directory).unwrap();
    case
}

/// Returns `Σ values_j · ℓ_j(τ)`, which is the value at τ of the polynomial that has `values` on
/// the domain.
fn at_tau(key: &ZKey, values: &[Fr]) -> G1Affine {
    // Rows 30 and 31 are those of the constant one and the public wire.
    let lagrange = [&key.a[2..2 + ROWS as usize], &key.a[..2]].concat();
    G1Projective::msm(&lagrange, values).unwrap().into_affine()
}

/// Returns `Σ f(ζ^(2i+1)) · H_i`.
fn quotient(key: &ZKey, on_odd_coset: impl Fn(usize) -> Fr) -> G1Affine {
    let scalars: Vec<Fr> = (0..N).map(on_odd_coset).collect();
    G1Projective::msm(&key.h, &scalars).unwrap().into_affine()
}

fn equal(left: [(G1Affine, G2Affine); 2], right: [(G1Affine, G2Affine); 1]) -> bool {
    let pairing = |pairs: &[(G1Affine, G2Affine)]| {
        Bn254::multi_pairing(pairs.iter().map(|pair| pair.0), pairs.iter().map(|pair| pair.1))
    };
    pairing(&left) == pairing(&right)
}

fn check(case: &Case) {
    let (key, z, one) = (&case.key, &case.wires, G2Affine::generator());
    let x = 2..2 + ROWS as usize;

    // P(τ)/δ from the points of the odd coset: e(Σ P(ζ^(2i+1))·H_i, δ) · e(c(τ), 1) = e(a(τ),
    // b(τ)).
    let mut b = z[x.clone()].to_vec();
    b.resize(N, Fr::from(0u64));
    let a = [&z[x.clone()], &z[..2]].concat();
    let c: Vec<Fr> = a.iter().zip(&b).map(|(a, b)| *a * b).collect();
    let domain = Radix2EvaluationDomain::<Fr>::new(N).unwrap();
    let coset = domain
        .get_coset(Fr::get_root_of_unity(2 * N as u64).unwrap())
        .unwrap();
    let [on_a, on_b, on_c] = [&a, &b, &c].map(|values| coset.fft(&domain.ifft(values)));
    let b_at_tau = G2Projective::msm(&key.b2[x.clone()], &z[x])
        .unwrap()
        .into_affine();
    let sum = quotient(key, |i| on_a[i] * on_b[i] - on_c[i]);
    assert!(equal(
        [(sum, key.delta_g2), (at_tau(key, &c), one)],
        [(at_tau(key, &a), b_at_tau)]
    ));

    // L_s = (β·A_s(τ) + α·B_s(τ) + C_s(τ))/δ. The private wires begin with wire 2.
    for j in 0..ROWS as usize {
        let (of_x, of_y) = (key.c[j], key.c[ROWS as usize + j]);
        assert!(equal(
            [(key.a[2 + j], key.beta_g2), (key.alpha_g1, key.b2[2 + j])],
            [(of_x, key.delta_g2)]
        ));
        assert_eq!(
            Bn254::pairing(of_y, key.delta_g2),
            Bn254::pairing(key.a[2 + j], one)
        );
    }

    for engine in engines(key) {
        let proof = engine.prove(&Witness::new(z.clone()), &mut rng(1)).unwrap();
        assert!(case.ark_verifies(&proof));
    }
}

/// Returns whether the key's H lacks `τ^(2n-1)`. `X^(2n-1) - X^(n-1)` is zero on the domain and
/// `-2·X^(n-1)` on the odd coset.
fn lacks_top_power(key: &ZKey) -> bool {
    let zeta = Fr::get_root_of_unity(2 * N as u64).unwrap();
    let power = |exponent: usize| zeta.pow([(exponent * (N - 1)) as u64]);
    let sum = quotient(key, |i| -power(2 * i + 1).double());
    let low = at_tau(key, &(0..N).map(|j| power(2 * j)).collect::<Vec<_>>());
    Bn254::pairing(sum, key.delta_g2) == Bn254::pairing(-low, G2Affine::generator())
}

#[test]
fn queries_of_a_development_key_are_correct() {
    let case = squares();
    check(&case);
    assert!(!lacks_top_power(&case.key));
}

#[test]
fn queries_of_a_ceremony_key_are_correct() {
    let case = with_ceremony(6);
    check(&case);
    assert!(!lacks_top_power(&case.key));
}

#[test]
fn a_key_without_the_top_power_of_tau_still_makes_valid_proofs() {
    let case = with_ceremony(5);
    assert!(
        lacks_top_power(&case.key),
        "snarkjs uses zero for the power that it lacks"
    );
    check(&case);
}
