//! `cargo xtask bench NAME`: a benchmark, and its page under docs/benchmarks.

use anyhow::Result;
use clap::ValueEnum;

use crate::{localnet, system, workspace};

#[derive(clap::Args)]
pub struct Args {
    /// Which benchmark
    name: Name,
    /// Fewer repetitions: under a minute once built; writes no page
    #[arg(long)]
    quick: bool,
    /// Print one JSON object of figures, last
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// Compute units and transaction bytes of every instruction (exact)
    Cu,
    /// Constraints and key sizes of every circuit (exact)
    Circuits,
    /// Proving: this engine beside ark-groth16, snarkjs and rapidsnark
    Prover,
    /// Poseidon and tree building beside light-poseidon
    Poseidon,
    /// A million leaves into Postgres, paths out of it, analytics; beside a row for each node
    Store,
    /// A recorded history read in, the lag behind a live chain, recovery from `kill -9`, memory
    Indexer,
}

impl Name {
    /// Exact figures don't depend on the profile, and the SVM takes minutes to build; timings need the build that services run as.
    fn profile(self) -> &'static [&'static str] {
        match self {
            Self::Cu => &["--features", "svm"],
            Self::Circuits => &[],
            Self::Prover | Self::Poseidon => &["--profile", "dist"],
            Self::Store => &["--profile", "dist", "--features", "store"],
            Self::Indexer => &["--profile", "dist", "--features", "indexer"],
        }
    }
}

/// Builds and runs one.
pub fn run(args: &Args) -> Result<()> {
    system::require(&[system::CC, system::NODE, system::NPM])?;
    if matches!(args.name, Name::Indexer) {
        // the node that it follows, and the service, which the benchmark starts and kills
        localnet::build()?;
        let mut service = workspace::cargo()?;
        service.args([
            "build",
            "--quiet",
            "--locked",
            "--profile",
            "dist",
            "--package",
            "bauta-indexer",
        ]);
        workspace::run(&mut service)?;
    }
    let mut cargo = workspace::cargo()?;
    cargo
        .args(["run", "--quiet", "--locked", "--package", "bauta-bench"])
        .args(args.name.profile())
        .arg("--");
    if let Some(name) = args.name.to_possible_value() {
        cargo.arg(name.get_name());
    }
    cargo
        .args(args.quick.then_some("--quick"))
        .args(args.json.then_some("--json"));
    workspace::run(&mut cargo)
}
