//! Trees over 2^20 leaves: this project's Poseidon beside light-poseidon.

use std::fmt::Write as _;

use anyhow::{Result, ensure};
use ark_bn254::Fr;
use ark_ff::UniformRand;
use ark_std::rand::{SeedableRng, rngs::StdRng};
use bauta_poseidon::{Batch, tree_levels};
use light_poseidon::{Poseidon, PoseidonHasher};
use rayon::{iter::ParallelIterator, slice::ParallelSlice};
use serde_json::json;

use crate::{
    Figures, Options, page,
    timing::{Contender, in_turn},
};

const DEPTH: u32 = 10;
const LEAVES: usize = 1 << (2 * DEPTH);

/// A way to the root.
type Work<'a> = Box<dyn Fn() -> Fr + Send + Sync + 'a>;

/// The tree's root with light-poseidon, one hasher for each thread's piece of a level.
fn light_poseidon_root(leaves: &[Fr]) -> Fr {
    let mut level = leaves.to_vec();
    while level.len() > 1 {
        level = level
            .par_chunks(4 * 512)
            .flat_map_iter(|children| {
                let mut hasher = Poseidon::<Fr>::new_circom(4).expect("light-poseidon has this width");
                let hashes: Vec<Fr> = children
                    .chunks(4)
                    .map(|group| hasher.hash(group).expect("there are four children"))
                    .collect();
                hashes
            })
            .collect();
    }
    level[0]
}

fn root(batch: Batch, leaves: &[Fr]) -> Fr {
    let levels = tree_levels(batch, leaves, DEPTH).expect("the leaves fit");
    levels[DEPTH as usize][0]
}

/// Runs the benchmark.
pub fn run(options: &Options) -> Result<Figures> {
    let rng = &mut StdRng::seed_from_u64(1);
    let leaves: Vec<Fr> = (0..LEAVES).map(|_| Fr::rand(rng)).collect();
    let (vectorised, portable) = (Batch::default(), Batch::portable());
    // On a subtree, since light-poseidon takes its time.
    let part = &leaves[..1 << 12];
    ensure!(
        tree_levels(portable, part, 6)?[6][0] == light_poseidon_root(part),
        "the roots differ"
    );
    ensure!(
        root(vectorised, &leaves) == root(portable, &leaves),
        "the back ends differ"
    );

    // Rounds of the vectorised, of the portable and of light-poseidon's tree, and numbers of threads.
    let (rounds, threads): ([usize; 3], &[usize]) = if options.quick {
        ([5, 2, 1], &[2])
    } else {
        ([15, 5, 3], &[1, 2])
    };
    let pools = threads
        .iter()
        .map(|&threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build())
        .collect::<Result<Vec<_>, _>>()?;
    let mut contenders = Vec::new();
    for (threads, pool) in threads.iter().zip(&pools) {
        let leaves = &leaves;
        let works: [(&str, Work); 3] = [
            ("AVX-512 IFMA", Box::new(move || root(vectorised, leaves))),
            ("portable", Box::new(move || root(portable, leaves))),
            (
                "light-poseidon 0.5",
                Box::new(move || light_poseidon_root(leaves)),
            ),
        ];
        for ((name, work), rounds) in works.into_iter().zip(rounds) {
            let work = move || {
                std::hint::black_box(pool.install(&work));
            };
            contenders.push(Contender::new(format!("{name}, {threads} thread(s)"), work).at_most(rounds));
        }
    }
    let times = in_turn(&mut contenders, rounds[0]);

    let hashes = (1..=DEPTH).map(|level| LEAVES >> (2 * level)).sum::<usize>();
    let each = 1e3 / f64::from(u32::try_from(hashes)?);
    let mut table = String::from(
        "| | rounds | median, ms | least, ms | µs a hash | times light-poseidon |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for (i, (contender, time)) in contenders.iter().zip(&times).enumerate() {
        let reference = &times[i / 3 * 3 + 2];
        writeln!(
            table,
            "| {} | {} | {:.0} | {:.0} | {:.2} | {:.1} |",
            contender.name,
            time.rounds,
            time.median,
            time.least,
            time.median * each,
            reference.median / time.median,
        )?;
    }
    println!("{LEAVES} leaves, {hashes} hashes of four\n\n{table}");
    if !vectorised.is_vectorised() {
        println!("This machine has no AVX-512 IFMA: the first row of each group is the portable way too.");
    }
    if !options.quick {
        page::write(
            "poseidon",
            &format!(
                "# Poseidon\n\nThe root of the 4-ary tree over 2^20 leaves ({hashes} hashes of four elements): `bauta_poseidon::tree_levels` \
                 beside light-poseidon, which is parallel here too (one hasher for each piece of a level). In a round all take turns, so that other \
                 load meets all alike: compare the ratios. The slower ways sit out the later rounds: the table says how many each was timed in.\n\n    \
                 cargo xtask bench poseidon\n\n{}\n\n{table}",
                crate::timing::machine(),
            ),
        )?;
    }
    // The last three rows are those with two threads.
    let [vectorised, portable, light] = times[times.len() - 3..] else {
        unreachable!("there are three rows for each number of threads");
    };
    let mut figures = Figures::new();
    figures.insert("tree_speedup".into(), json!(light.median / vectorised.median));
    figures.insert(
        "tree_speedup_portable".into(),
        json!(light.median / portable.median),
    );
    figures.insert("tree_s".into(), json!(vectorised.median / 1e3));
    Ok(figures)
}
