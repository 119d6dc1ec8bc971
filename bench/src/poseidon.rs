//! Trees of 2^20 leaves with this project's Poseidon, compared with light-poseidon.

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

/// Computes the root of a tree.
type ComputeRoot<'a> = Box<dyn Fn() -> Fr + Send + Sync + 'a>;

/// Returns the tree's root with light-poseidon. Each part of a level has its own hasher and may run
/// on another thread.
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
    // Compare with light-poseidon on a subtree only, because it is slow.
    let part = &leaves[..1 << 12];
    ensure!(
        tree_levels(portable, part, 6)?[6][0] == light_poseidon_root(part),
        "the roots differ"
    );
    ensure!(
        root(vectorised, &leaves) == root(portable, &leaves),
        "the back ends differ"
    );

    // The rounds are those of the fastest, the portable and light-poseidon's tree.
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
        let works: [(&str, ComputeRoot); 3] = [
            (vectorised.name(), Box::new(move || root(vectorised, leaves))),
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
        "| | rounds | median, ms | minimum, ms | µs per hash | speed relative to light-poseidon |\n|---|--:|--:|--:|--:|--:|\n",
    );
    for (i, (contender, time)) in contenders.iter().zip(&times).enumerate() {
        let reference = &times[i / 3 * 3 + 2];
        writeln!(
            table,
            "| {} | {} | {:.0} | {:.0} | {:.2} | {:.1} |",
            contender.name,
            time.rounds,
            time.median,
            time.min,
            time.median * each,
            reference.median / time.median,
        )?;
    }
    println!("{LEAVES} leaves, {hashes} hashes of four\n\n{table}");
    if !options.quick {
        page::write(
            "poseidon",
            &format!(
                "# Poseidon\n\n\
                 The root of the 4-ary tree of 2^20 leaves ({hashes} hashes of four elements), computed by\n\
                 `bauta_poseidon::tree_levels` and by light-poseidon. Here light-poseidon is parallel as well, with\n\
                 one hasher for each part of a level. In each round all implementations run one after another, so\n\
                 that other load on the machine affects all of them equally: compare the ratios. The slower\n\
                 implementations run in fewer rounds. The table gives the number of rounds.\n\n    \
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
