//! Random circuits with satisfying witnesses, keys for them, and arkworks's verifier.
#![allow(dead_code)]

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup, Field, UniformRand};
use ark_std::rand::{Rng, SeedableRng, rngs::StdRng};
use bauta_iden3::{Constraint, LinearCombination, R1cs, ZKey, evaluate};
use bauta_prover::{BackEnd, Engine, Options, Proof};

pub struct Case {
    pub r1cs: R1cs,
    pub wires: Vec<Fr>,
    pub key: ZKey,
}

impl Case {
    pub fn public(&self) -> &[Fr] {
        &self.wires[1..=self.r1cs.n_public() as usize]
    }

    pub fn ark_verifies(&self, proof: &Proof) -> bool {
        self.ark_verifies_for(proof, self.public())
    }

    pub fn ark_verifies_for(&self, proof: &Proof, public: &[Fr]) -> bool {
        let proof = ark_groth16::Proof {
            a: proof.a,
            b: proof.b,
            c: proof.c,
        };
        bauta_peers::groth16::verifies(&self.key.to_ark_verifying_key(), public, &proof)
    }
}

pub fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

pub fn key(r1cs: &R1cs) -> ZKey {
    ZKey::development(r1cs, &mut rng(5)).unwrap()
}

/// How the input wires of a witness are chosen.
#[derive(Clone, Copy, Debug)]
pub enum Values {
    Random,
    Bits,
    Zeros,
    Ones,
    MinusOne,
}

impl Values {
    pub const ALL: [Self; 5] = [Self::Random, Self::Bits, Self::Zeros, Self::Ones, Self::MinusOne];

    pub fn draw(self, rng: &mut StdRng) -> Fr {
        match self {
            Self::Random => Fr::rand(rng),
            Self::Bits => Fr::from(rng.r#gen::<bool>()),
            Self::Zeros => Fr::ZERO,
            Self::Ones => Fr::ONE,
            Self::MinusOne => -Fr::ONE,
        }
    }
}

/// Returns a circuit of products. Each constraint multiplies two random combinations of earlier
/// wires into a new wire.
pub fn products(constraints: u32, public: u32, terms: usize, values: Values, seed: u64) -> Case {
    let rng = &mut rng(seed);
    let private_inputs = 3;
    let given = 1 + public + private_inputs;
    let mut wires = vec![Fr::ONE];
    wires.extend((1..given).map(|_| values.draw(rng)));
    let mut rows = Vec::new();
    for wire in given..given + constraints {
        let mut combination = || -> LinearCombination {
            let mut terms: Vec<(u32, Fr)> = (0..terms)
                .map(|_| {
                    (
                        rng.gen_range(0..wire),
                        if rng.r#gen() { Fr::ONE } else { Fr::rand(rng) },
                    )
                })
                .collect();
            terms.sort_by_key(|term| term.0);
            terms.dedup_by_key(|term| term.0);
            terms
        };
        let (a, b) = (combination(), combination());
        wires.push(evaluate(&a, &wires) * evaluate(&b, &wires));
        rows.push(Constraint {
            a,
            b,
            c: vec![(wire, Fr::ONE)],
        });
    }
    case(public, private_inputs, rows, wires)
}

pub fn case(public: u32, private_inputs: u32, constraints: Vec<Constraint>, wires: Vec<Fr>) -> Case {
    let r1cs = R1cs {
        public_outputs: 0,
        public_inputs: public,
        private_inputs,
        wires: u32::try_from(wires.len()).unwrap(),
        constraints,
    };
    r1cs.is_satisfied(&wires).unwrap();
    let key = key(&r1cs);
    Case { r1cs, wires, key }
}

/// Returns an engine for each back end that this machine supports.
pub fn engines(key: &ZKey) -> Vec<Engine> {
    BackEnd::ALL
        .into_iter()
        .filter_map(|back_end| {
            Engine::prepare_with(
                key,
                Options {
                    back_end: Some(back_end),
                    ..Options::default()
                },
            )
            .ok()
        })
        .collect()
}
