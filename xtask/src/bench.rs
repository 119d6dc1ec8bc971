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
    /// The prover service over HTTP beside the engine alone; its start, its memory, its news
    Service,
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
            Self::Service => &["--profile", "dist", "--features", "service"],
        }
    }
}

/// Builds and runs one.
pub fn run(args: &Args) -> Result<()> {
    system::require(&[system::CC, system::NODE, system::NPM])?;
    // Benchmarks start and kill services, which they find beside themselves.
    match args.name {
        Name::Indexer => {
            // the node that it follows
            localnet::build()?;
            build("bauta-indexer")?;
        }
        Name::Service => {
            system::require(&[system::POSTGRES, system::REDIS])?;
            build("prover-service")?;
        }
        _ => {}
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

/// Builds a service as it is shipped.
fn build(package: &str) -> Result<()> {
    let mut cargo = workspace::cargo()?;
    cargo.args([
        "build",
        "--quiet",
        "--locked",
        "--profile",
        "dist",
        "--package",
        package,
    ]);
    workspace::run(&mut cargo)
}
