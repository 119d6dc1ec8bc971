//! Small constraint systems and their witnesses.
#![allow(dead_code, reason = "each test file uses only a part of this module")]

pub mod container;

use ark_bn254::{Fq, Fq2, Fr, G2Affine, g2};
use ark_ec::short_weierstrass::SWCurveConfig;
use ark_ff::{AdditiveGroup, Field, UniformRand};
use bauta_iden3::{Constraint, R1cs};
use rand::{SeedableRng, rngs::StdRng};

/// Returns a reproducible generator of random numbers.
pub fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// Returns a constraint system with one public output `y`, one public input `p`, a private input
/// `x`, and `steps` inner wires: `w_1 = x·(p + 3x)`, `w_{k+1} = (w_k - 5)·(w_k + x + 7)`,
/// `y = w_last + 2p`. In addition there is a private wire that no constraint uses, and a constraint
/// without B: `0·0 = x - x'` for a copy `x'` of `x`.
pub fn chain(steps: u32) -> R1cs {
    assert!(steps > 0);
    let [one, y, p, x, unused, copy, first] = [0, 1, 2, 3, 4, 5, 6];
    let (fr, neg) = (Fr::from, |n: u64| -Fr::from(n));
    let mut constraints = vec![Constraint {
        a: vec![(x, fr(1_u64))],
        b: vec![(p, fr(1_u64)), (x, fr(3_u64))],
        c: vec![(first, Fr::ONE)],
    }];
    for step in 1..steps {
        let wire = first + step - 1;
        constraints.push(Constraint {
            a: vec![(one, neg(5)), (wire, Fr::ONE)],
            b: vec![(one, fr(7_u64)), (x, Fr::ONE), (wire, Fr::ONE)],
            c: vec![(wire + 1, Fr::ONE)],
        });
    }
    constraints.push(Constraint {
        a: vec![],
        b: vec![],
        c: vec![(x, Fr::ONE), (copy, neg(1))],
    });
    constraints.push(Constraint {
        a: vec![(one, Fr::ONE)],
        b: vec![(p, fr(2_u64)), (first + steps - 1, Fr::ONE)],
        c: vec![(y, Fr::ONE)],
    });
    let _ = unused;
    R1cs {
        public_outputs: 1,
        public_inputs: 1,
        private_inputs: 2,
        wires: first + steps,
        constraints,
    }
}

/// Returns a satisfying assignment of [`chain`].
pub fn chain_witness(steps: u32, seed: u64) -> Vec<Fr> {
    let mut rng = rng(seed);
    let (p, x, unused) = (Fr::rand(&mut rng), Fr::rand(&mut rng), Fr::rand(&mut rng));
    let mut inner = vec![x * (p + x.double() + x)];
    for _ in 1..steps {
        let last = inner[inner.len() - 1];
        inner.push((last - Fr::from(5_u64)) * (last + x + Fr::from(7_u64)));
    }
    let y = inner[inner.len() - 1] + p.double();
    let mut z = vec![Fr::ONE, y, p, x, unused, x];
    z.extend(inner);
    assert_ne!(y, Fr::ZERO);
    z
}

/// Returns a point that is on G2's curve but not in the subgroup of order r.
pub fn outside_the_subgroup() -> G2Affine {
    (1_u64..)
        .map(|x| Fq2::new(Fq::from(x), Fq::ONE))
        .find_map(|x| {
            Some(G2Affine::new_unchecked(
                x,
                (x.square() * x + g2::Config::COEFF_B).sqrt()?,
            ))
        })
        .filter(|point| point.is_on_curve() && !point.is_in_correct_subgroup_assuming_on_curve())
        .expect("one point in 2^254 of the curve is in the subgroup")
}
