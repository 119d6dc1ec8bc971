//! `cargo xtask bench NAME`: runs a benchmark and writes its page under docs/benchmarks.

use anyhow::Result;
use clap::ValueEnum;

use crate::{localnet, system, wasm, workspace};

/// Arguments of `cargo xtask bench`.
#[derive(clap::Args)]
pub struct Args {
    /// Name of the benchmark
    name: Name,
    /// Repeat less often, and don't write the page. It takes under a minute once everything is
    /// built
    #[arg(long)]
    quick: bool,
    /// Print the figures as one JSON object at the end
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Name {
    /// Compute units and transaction bytes of every instruction (exact)
    Cu,
    /// Constraints and key sizes of every circuit (exact)
    Circuits,
    /// Proving times of this engine, ark-groth16, snarkjs and rapidsnark
    Prover,
    /// Poseidon and tree building, compared with light-poseidon
    Poseidon,
    /// A million leaves into Postgres, paths, analytics; compared with a layout of one row for each
    /// node
    Store,
    /// Reading a recorded history, the lag behind a live chain, recovery from `kill -9`, memory;
    /// the steady state with up to 10 million leaves and verifications (8 GB on disk)
    Indexer,
    /// The prover service over HTTP, compared with the engine alone; its start, its memory, its
    /// progress events
    Service,
    /// The API service over HTTP with 1,000 clients: cached reads, tiles, paths; compared with
    /// nginx. Relayed verifications
    Api,
    /// The WebAssembly prover in Node and in Chromium, compared with snarkjs
    Web,
}

impl Name {
    /// Returns cargo's options for the build of this benchmark. Exact figures do not depend on the
    /// profile. Timings need the profile that services are shipped with. Features select only the
    /// dependencies that this benchmark needs, because some take minutes to build.
    fn build_options(self) -> &'static [&'static str] {
        match self {
            Self::Cu => &["--features", "svm"],
            Self::Circuits => &[],
            Self::Prover | Self::Poseidon | Self::Web => &["--profile", "dist"],
            Self::Store => &["--profile", "dist", "--features", "store"],
            Self::Indexer => &["--profile", "dist", "--features", "indexer"],
            Self::Service => &["--profile", "dist", "--features", "service"],
            Self::Api => &["--profile", "dist", "--features", "api"],
        }
    }
}

/// Builds and runs the benchmark.
pub fn run(args: &Args) -> Result<()> {
    system::require(&[system::CC, system::NODE, system::NPM])?;
    // Benchmarks find the services that they start in the folder of their own program.
    match args.name {
        Name::Indexer => {
            // The indexer follows this node.
            localnet::build()?;
            build_service("bauta-indexer")?;
        }
        Name::Service => {
            system::require(&[system::POSTGRES, system::REDIS])?;
            build_service("prover-service")?;
        }
        Name::Api => {
            system::require(&[system::POSTGRES, system::NGINX])?;
            // The relays are sent to this node. A node without optimisation would be the slowest
            // part of them.
            build_service(localnet::PROGRAM)?;
            build_service("bauta-api")?;
        }
        _ => {}
    }
    let mut cargo = workspace::cargo()?;
    if matches!(args.name, Name::Web) {
        system::require(&[system::CHROMIUM])?;
        cargo.env("BAUTA_WASM_PROVERS", wasm::build()?);
    }
    if matches!(args.name, Name::Api) {
        cargo.env(
            "BAUTA_LOCALNET",
            workspace::target()?.join("dist").join(localnet::PROGRAM),
        );
    }
    cargo
        .args(["run", "--quiet", "--locked", "--package", "bauta-bench"])
        .args(args.name.build_options())
        .arg("--");
    if let Some(name) = args.name.to_possible_value() {
        cargo.arg(name.get_name());
    }
    cargo
        .args(args.quick.then_some("--quick"))
        .args(args.json.then_some("--json"));
    workspace::run(&mut cargo)
}

/// Builds a service with the profile that it is shipped with.
pub fn build_service(package: &str) -> Result<()> {
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
