//! Proving times: this engine beside ark-groth16.

use anyhow::Result;
use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand;
use ark_groth16::{Groth16, ProvingKey};
use ark_std::rand::{SeedableRng, rngs::StdRng};
use bauta_circuits::{Ownership, OwnershipInputs, statement};
use bauta_iden3::{R1cs, ZKey};
use bauta_primitives::tree::Depth;
use bauta_prover::{BackEnd, Engine, Options, Witness};
use rayon::ThreadPool;

use crate::{
    Figures, member,
    timing::{Contender, in_turn, once},
};

/// One size of the ownership statement with everything that the contenders need.
struct Case {
    statement: Ownership,
    inputs: OwnershipInputs,
    r1cs: R1cs,
    zkey: ZKey,
    ark_key: ProvingKey<Bn254>,
    ark_matrices: Vec<Vec<Vec<(Fr, usize)>>>,
}

impl Case {
    fn new(depth: Depth) -> Result<Self> {
        let statement = Ownership { depth };
        let r1cs = statement::r1cs(&statement);
        let zkey = ZKey::development(&r1cs, &mut StdRng::seed_from_u64(2))?;
        Ok(Self {
            statement,
            inputs: member::inputs(depth)?,
            ark_key: zkey.to_ark_proving_key(),
            ark_matrices: r1cs.to_ark_matrices().into(),
            r1cs,
            zkey,
        })
    }

    fn witness(&self) -> Witness {
        let (wires, constraints) = (self.r1cs.wires as usize, self.r1cs.constraints.len());
        let assignment = statement::assign(&self.statement, &self.inputs, wires, constraints)
            .expect("the inputs are right");
        Witness::with_rows(
            assignment.wires().to_vec(),
            assignment.a().to_vec(),
            assignment.b().to_vec(),
        )
    }

    /// From inputs to proof, as all contenders here.
    fn prove(&self, engine: &Engine) {
        let proof = engine.prove(&self.witness(), &mut StdRng::from_entropy());
        std::hint::black_box(proof.expect("the witness is right"));
    }

    fn prove_with_arkworks(&self) {
        let witness = self.witness();
        let rng = &mut StdRng::from_entropy();
        let proof = Groth16::<Bn254>::create_proof_with_reduction_and_matrices(
            &self.ark_key,
            Fr::rand(rng),
            Fr::rand(rng),
            &self.ark_matrices,
            self.r1cs.n_public() as usize + 1,
            self.r1cs.constraints.len(),
            witness.wires(),
        );
        std::hint::black_box(proof.expect("the witness is right"));
    }

    fn engine(&self, back_end: BackEnd) -> Option<Engine> {
        let options = Options {
            back_end: Some(back_end),
            ..Options::default()
        };
        Engine::prepare_with(&self.zkey, options).ok()
    }
}

fn pool(threads: usize) -> Result<ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// Runs the benchmark.
pub fn run(options: &crate::Options) -> Result<Figures> {
    let rounds = if options.quick { 7 } else { 25 };
    let case = Case::new(Depth::Ten)?;
    let (prepare_ms, ifma) = once(|| case.engine(BackEnd::Avx512Ifma));
    println!("prepare {prepare_ms:.0} ms");
    let portable = case.engine(BackEnd::Portable).expect("runs everywhere");
    println!("tables {} bytes", portable.table_bytes());
    let pools = [pool(1)?, pool(2)?];
    let mut contenders = Vec::new();
    for (threads, pool) in [1, 2].into_iter().zip(&pools) {
        if let Some(engine) = &ifma {
            contenders.push(Contender::new(format!("ifma {threads}"), || {
                pool.install(|| case.prove(engine))
            }));
        }
        contenders.push(Contender::new(format!("portable {threads}"), || {
            pool.install(|| case.prove(&portable))
        }));
        contenders.push(Contender::new(format!("ark {threads}"), || {
            pool.install(|| case.prove_with_arkworks())
        }));
    }
    contenders.push(Contender::new("witness", || {
        drop(std::hint::black_box(case.witness()))
    }));
    let times = in_turn(&mut contenders, rounds);
    for (contender, times) in contenders.iter().zip(&times) {
        println!(
            "{:12} median {:.2} least {:.2}",
            contender.name, times.median, times.least
        );
    }
    Ok(Figures::new())
}
