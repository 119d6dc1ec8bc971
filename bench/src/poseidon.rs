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
    // light-poseidon takes its share of the minute: a quick run uses a sixteenth of the leaves.
    let (leaves, rounds) = if options.quick {
        (1 << 16, 5)
    } else {
        (1 << 20, 15)
    };
    let rng = &mut StdRng::seed_from_u64(1);
    let leaves: Vec<Fr> = (0..leaves).map(|_| Fr::rand(rng)).collect();
    let (vectorised, portable) = (Batch::default(), Batch::portable());
    // The levels above the leaves given are of padding alone; light-poseidon stops below them.
    let own = tree_levels(portable, &leaves, leaves.len().ilog2() / 2)?;
    ensure!(
        own.last().and_then(|level| level.first()) == Some(&light_poseidon_root(&leaves)),
        "the roots differ"
    );
    ensure!(
        root(vectorised, &leaves) == root(portable, &leaves),
        "the back ends differ"
    );

    let pools = [1, 2].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build());
    let mut contenders = Vec::new();
    for (threads, pool) in (1..).zip(&pools) {
        let pool = pool
            .as_ref()
            .map_err(|error| anyhow::anyhow!("no thread pool: {error}"))?;
        let leaves = &leaves;
        let mut add = |name: &str, work: Box<dyn Fn() -> Fr + Send + Sync>| {
            contenders.push(Contender::new(
                format!("{name}, {threads} thread(s)"),
                move || {
                    std::hint::black_box(pool.install(&work));
                },
            ));
        };
        add("AVX-512 IFMA", Box::new(move || root(vectorised, leaves)));
        add("portable", Box::new(move || root(portable, leaves)));
        add(
            "light-poseidon 0.5",
            Box::new(move || light_poseidon_root(leaves)),
        );
    }
    let times = in_turn(&mut contenders, rounds);

    let hashes = (1..=DEPTH)
        .map(|level| leaves.len().div_ceil(1 << (2 * level)))
        .sum::<usize>();
    let hashes = u32::try_from(hashes)?;
    let mut table = String::from(
        "| | median, ms | least, ms | µs a hash | times light-poseidon |\n|---|--:|--:|--:|--:|\n",
    );
    for (i, (contender, time)) in contenders.iter().zip(&times).enumerate() {
        let reference = &times[i / 3 * 3 + 2];
        writeln!(
            table,
            "| {} | {:.0} | {:.0} | {:.2} | {:.1} |",
            contender.name,
            time.median,
            time.least,
            time.median * 1e3 / f64::from(hashes),
            reference.median / time.median,
        )?;
    }
    println!("{} leaves, {hashes} hashes of four\n\n{table}", leaves.len());
    if !vectorised.is_vectorised() {
        println!("This machine has no AVX-512 IFMA: the first row of each group is the portable way too.");
    }
    if !options.quick {
        page::write(
            "poseidon",
            &format!(
                "# Poseidon\n\nThe root of the 4-ary tree over 2^20 leaves ({hashes} hashes of four elements): `bauta_poseidon::tree_levels` \
                 beside light-poseidon, which is parallel here too (one hasher for each piece of a level). Medians of {rounds} rounds in which \
                 all take turns, so that other load meets all alike; compare the ratios.\n\n    cargo xtask bench poseidon\n\n{}\n\n{table}",
                crate::timing::machine(),
            ),
        )?;
    }
    let mut figures = Figures::new();
    figures.insert("tree_speedup".into(), json!(times[5].median / times[3].median));
    figures.insert(
        "tree_speedup_portable".into(),
        json!(times[5].median / times[4].median),
    );
    figures.insert("tree_s".into(), json!(times[3].median / 1e3));
    Ok(figures)
}
