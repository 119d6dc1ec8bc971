//! Proving times of the ownership statement with this engine, ark-groth16, snarkjs and rapidsnark,
//! and of the other statements with the first two.

use std::fmt::Write as _;

use anyhow::{Context, Result, ensure};
use ark_bn254::{Bn254, Fr};
use ark_ff::UniformRand;
use ark_groth16::{Groth16, ProvingKey};
use ark_std::rand::{SeedableRng, rngs::StdRng};
use bauta_circuits::{
    CircuitsError, Ownership, Statement,
    constraint_system::Assignment,
    keys::with_table_budget,
    statement::{self, sample_inputs},
    statements::{NAMES, Visitor, visit},
};
use bauta_iden3::{R1cs, ZKey};
use bauta_primitives::{ProofInputs, tree::Depth};
use bauta_prover::{BackEnd, Engine, Options, TableSource, Witness};
use rayon::{
    ThreadPool,
    iter::{IntoParallelIterator, ParallelIterator},
};
use serde_json::json;

use crate::{
    Figures, member, page, peers,
    timing::{Contender, Times, in_turn, machine, once},
};

/// Number of proofs in one measurement of the throughput.
const BATCH: u32 = 16;

/// A statement at one depth, with the inputs of all contenders.
struct Case<S: Statement> {
    statement: S,
    inputs: ProofInputs<S::Private>,
    r1cs: R1cs,
    zkey: ZKey,
    ark_key: ProvingKey<Bn254>,
    ark_matrices: Vec<Vec<Vec<(Fr, usize)>>>,
}

impl<S: Statement> Case<S> {
    fn new(statement: S, inputs: ProofInputs<S::Private>) -> Result<Self> {
        let r1cs = statement::r1cs(&statement);
        let zkey = ZKey::development(&r1cs, &mut StdRng::seed_from_u64(2))?;
        Ok(Self {
            statement,
            inputs,
            ark_key: zkey.to_ark_proving_key(),
            ark_matrices: r1cs.to_ark_matrices().into(),
            r1cs,
            zkey,
        })
    }

    fn witness(&self) -> Witness {
        self.witness_by(statement::assign)
    }

    fn witness_by(
        &self,
        assign: impl Fn(&S, &ProofInputs<S::Private>, usize, usize) -> Result<Assignment, CircuitsError>,
    ) -> Witness {
        let (wires, constraints) = (self.r1cs.wires as usize, self.r1cs.constraints.len());
        assign(&self.statement, &self.inputs, wires, constraints)
            .expect("the inputs are valid")
            .into_witness()
    }

    /// Computes the witness and the proof, as `prove_with_arkworks` does.
    fn prove(&self, engine: &Engine) {
        let proof = engine.prove(
            &self.witness_by(statement::assign_parallel),
            &mut StdRng::from_entropy(),
        );
        std::hint::black_box(proof.expect("the witness is valid"));
    }

    fn prove_with_arkworks(&self) {
        let witness = self.witness_by(statement::assign_parallel);
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
        std::hint::black_box(proof.expect("the witness is valid"));
    }

    fn prove_batch(&self, engine: &Engine) {
        let witnesses: Vec<_> = (0..BATCH).into_par_iter().map(|_| self.witness()).collect();
        let proofs = engine.prove_batch(&witnesses, &mut StdRng::from_entropy());
        std::hint::black_box(proofs.expect("the witnesses are valid"));
    }

    fn engine(&self, options: Options) -> Option<Engine> {
        Engine::prepare_with(&self.zkey, options).ok()
    }

    /// Measures starts from key and tables on disk, including the first proof, in milliseconds.
    fn warm_starts(&self, rounds: usize) -> Result<Times> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("ownership.zkey");
        std::fs::write(&path, self.zkey.to_bytes()?)?;
        Engine::open(&path, Options::default())?;
        let mut start = vec![Contender::new("warm start", || {
            let (engine, source) = Engine::open(&path, Options::default()).expect("the key is valid");
            assert!(
                matches!(source, TableSource::File),
                "the tables were written before"
            );
            self.prove(&engine);
        })];
        Ok(in_turn(&mut start, rounds)[0])
    }
}

fn pool(threads: usize) -> Result<ThreadPool> {
    Ok(rayon::ThreadPoolBuilder::new().num_threads(threads).build()?)
}

/// The medians of one case. Each array contains the times in milliseconds with 1 thread and with 2
/// threads, and the processor time with 2 threads.
struct Medians {
    /// The back ends of this machine, the fastest first.
    back_ends: Vec<(BackEnd, [f64; 3])>,
    arkworks: [f64; 3],
    verified: f64,
    batch: f64,
    prepare: f64,
    table_bytes: usize,
}

fn measure(case: &Case<Ownership>, rounds: usize) -> Result<Medians> {
    let with = |back_end| Options {
        back_end: Some(back_end),
        ..Options::default()
    };
    let pools = [pool(1)?, pool(2)?];
    let (prepare, best) = once(|| pools[1].install(|| case.engine(Options::default())));
    let best = best.context("the key is valid")?;
    let mut engines = Vec::new();
    for back_end in BackEnd::ALL {
        engines.extend(case.engine(with(back_end)).map(|engine| (back_end, engine)));
    }
    let verifying = case.engine(Options::service()).context("the key is valid")?;

    let mut contenders = Vec::new();
    for pool in &pools {
        for (back_end, engine) in &engines {
            contenders.push(Contender::new(back_end.name(), || {
                pool.install(|| case.prove(engine));
            }));
        }
        contenders.push(Contender::new("ark", || {
            pool.install(|| case.prove_with_arkworks());
        }));
    }
    contenders.push(Contender::new("verified", || {
        pools[1].install(|| case.prove(&verifying));
    }));
    contenders.push(Contender::new("batch", || {
        pools[1].install(|| case.prove_batch(&best));
    }));
    let times = in_turn(&mut contenders, rounds);
    let in_pool = engines.len() + 1;
    let both = |i: usize| [times[i].median, times[i + in_pool].median, times[i + in_pool].cpu];
    let back_ends = engines
        .iter()
        .enumerate()
        .map(|(i, (back_end, _))| (*back_end, both(i)));
    Ok(Medians {
        back_ends: back_ends.collect(),
        arkworks: both(engines.len()),
        verified: times[2 * in_pool].median,
        batch: times[2 * in_pool + 1].median,
        prepare,
        table_bytes: best.table_bytes(),
    })
}

/// A case of any statement.
trait AnyCase: Sync {
    fn prove(&self, engine: &Engine);
    fn prove_with_arkworks(&self);
    fn engine(&self) -> Result<Engine>;
    fn constraints(&self) -> usize;
    fn key_bytes(&self) -> Result<usize>;
}

impl<S: Statement> AnyCase for Case<S> {
    fn prove(&self, engine: &Engine) {
        self.prove(engine);
    }

    fn prove_with_arkworks(&self) {
        self.prove_with_arkworks();
    }

    fn engine(&self) -> Result<Engine> {
        let options = with_table_budget(Options::default(), self.r1cs.constraints.len());
        self.engine(options).context("the key is valid")
    }

    fn constraints(&self) -> usize {
        self.r1cs.constraints.len()
    }

    fn key_bytes(&self) -> Result<usize> {
        Ok(self.zkey.to_bytes()?.len())
    }
}

/// Creates the case of a statement from its sample.
struct CreateCase;

impl Visitor for CreateCase {
    type Output = Result<Box<dyn AnyCase>>;

    fn visit<S: Statement + Clone + 'static>(&mut self, statement: S) -> Self::Output {
        let inputs = sample_inputs(&statement);
        Ok(Box::new(Case::new(statement, inputs)?))
    }
}

/// Measures all statements at depth 10 in turn, with 2 threads.
fn compare_statements(rounds: usize, text: &mut String, figures: &mut Figures) -> Result<()> {
    let pool = pool(2)?;
    let cases = NAMES.iter().map(|name| {
        let case = visit(name, Depth::Ten, &mut CreateCase).context("the name is in the list")??;
        let engine = pool.install(|| case.engine())?;
        Ok((*name, case, engine))
    });
    let cases = cases.collect::<Result<Vec<_>>>()?;
    let mut contenders = Vec::new();
    for (_, case, engine) in &cases {
        contenders.push(Contender::new("fastest", || {
            pool.install(|| case.prove(engine));
        }));
        contenders.push(Contender::new("ark", || {
            pool.install(|| case.prove_with_arkworks());
        }));
    }
    let times = in_turn(&mut contenders, rounds);
    writeln!(
        text,
        "## All statements at depth 10, 2 threads\n\n\
         | statement | constraints | ms | relative to ownership | ark-groth16, ms | speed relative to ark-groth16 | zkey, bytes |\n\
         |---|--:|--:|--:|--:|--:|--:|"
    )?;
    let first = times[0].median;
    for ((name, case, _), pair) in cases.iter().zip(times.chunks(2)) {
        let [ours, ark] = [pair[0].median, pair[1].median];
        let (relative, speedup) = (ours / first, ark / ours);
        writeln!(
            text,
            "| {name} | {} | {ours:.1} | {relative:.2} | {ark:.1} | {speedup:.1} | {} |",
            case.constraints(),
            case.key_bytes()?,
        )?;
        figures.insert(format!("{name}10_ms"), json!(ours));
        figures.insert(format!("{name}10_relative_time"), json!(relative));
        figures.insert(format!("{name}10_speedup_arkworks"), json!(speedup));
    }
    Ok(())
}

/// Runs the benchmark.
pub fn run(options: &crate::Options) -> Result<Figures> {
    let (rounds, peer_rounds) = if options.quick { (7, 3) } else { (25, 15) };
    let depths: &[Depth] = if options.quick {
        &[Depth::Ten]
    } else {
        &[Depth::Ten, Depth::Sixteen]
    };
    let mut text = String::new();
    let mut figures = Figures::new();
    for &depth in depths {
        let case = Case::new(Ownership::new(depth), member::inputs(depth)?)?;
        let medians = measure(&case, rounds)?;
        let warm = case.warm_starts(rounds)?;
        let (_, best) = *medians
            .back_ends
            .first()
            .context("every machine has a back end")?;
        let proofs_per_second = f64::from(BATCH) * 1e3 / medians.batch;
        writeln!(
            text,
            "## Depth {}: {} constraints, {} wires, domain {}\n",
            depth.levels(),
            case.r1cs.constraints.len(),
            case.r1cs.wires,
            case.zkey.domain_size,
        )?;
        writeln!(
            text,
            "| | 1 thread, ms | 2 threads, ms | processor time, ms | speed relative to ark-groth16, 2 threads | relative speed by processor time |\n\
             |---|--:|--:|--:|--:|--:|"
        )?;
        let mut row = |name: &str, [one, two, cpu]: [f64; 3]| {
            let [_, ark, ark_cpu] = medians.arkworks;
            writeln!(
                text,
                "| {name} | {one:.1} | {two:.1} | {cpu:.1} | {:.1} | {:.1} |",
                ark / two,
                ark_cpu / cpu
            )
        };
        for (back_end, times) in &medians.back_ends {
            row(&format!("this engine, {}", back_end.name()), *times)?;
        }
        row("ark-groth16 0.6, `parallel`", medians.arkworks)?;
        for peer in peers::measure(&case.zkey, case.witness().wires(), peer_rounds)? {
            let ratio = medians.arkworks[1] / peer.median_ms;
            writeln!(
                text,
                "| {} | | {:.1} | | {ratio:.1} | |",
                peer.name, peer.median_ms
            )?;
        }
        writeln!(text, "\n| | |\n|---|--:|")?;
        writeln!(
            text,
            "| proofs per second, batches of {BATCH} on 2 threads | {proofs_per_second:.0} |"
        )?;
        writeln!(
            text,
            "| one proof with self-verification, 2 threads, ms | {:.1} |",
            medians.verified
        )?;
        writeln!(
            text,
            "| preparation of the key, 2 threads, ms | {:.0} |",
            medians.prepare
        )?;
        writeln!(text, "| tables, bytes | {} |", medians.table_bytes)?;
        writeln!(
            text,
            "| start from key and tables on disk, including the first proof, ms | {:.1} |\n",
            warm.median
        )?;
        if depth == Depth::Ten {
            ensure!(best[1] > 0.0, "the clock does not advance");
            figures.insert("depth10_ms".into(), json!(best[1]));
            figures.insert("speedup_arkworks".into(), json!(medians.arkworks[1] / best[1]));
            for (name, back_ends) in [
                ("speedup_arkworks_portable", &[BackEnd::Portable][..]),
                (
                    "speedup_arkworks_without_ifma",
                    &[BackEnd::Avx2, BackEnd::Portable],
                ),
            ] {
                let mut measured = medians.back_ends.iter();
                let found = measured.find(|(back_end, _)| back_ends.contains(back_end));
                let (_, times) = found.context("the portable back end runs on every machine")?;
                figures.insert(name.into(), json!(medians.arkworks[1] / times[1]));
            }
            figures.insert("proofs_per_s".into(), json!(proofs_per_second));
            figures.insert("warm_start_ms".into(), json!(warm.median));
        }
    }
    compare_statements(rounds, &mut text, &mut figures)?;
    println!("{text}");
    if !options.quick {
        page::write("prover", &format!("{HEAD}\n{}\n\n{text}", machine()))?;
    }
    Ok(figures)
}

/// The explanation at the top of the page.
const HEAD: &str = "# Proving

The time from the inputs of the `ownership` statement to a proof, including the witness, for this
engine and ark-groth16. ark-groth16 uses cached matrices and a witness that is computed by the same
fast code. For snarkjs and rapidsnark, the time of the proof alone, from the witness; rapidsnark's
time includes the start of the process. The figures are medians of 25 rounds (15 for snarkjs and
rapidsnark, which run after the others). In each round all run one after another, so that other load
on the machine affects all of them equally: compare the ratios. Processor time is the sum over both
threads, as measured by the scheduler. On a busy machine (see the load average) it is the more
reliable measure. The last section measures all statements at depth 10 in one run, with their samples
as inputs. The programs are built with the profile `dist` for plain x86-64; the engine
selects AVX-512 IFMA or AVX2 at run time.

    cargo xtask bench prover
";
