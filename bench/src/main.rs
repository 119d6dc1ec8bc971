//! Benchmarks. Each is a module with a `run` that prints what it measures, writes its page under docs/benchmarks (not
//! with `--quick`) and returns its figures; `--json` prints those last, as one object. `cargo xtask bench` calls this.

mod circuits;
#[cfg(feature = "svm")]
mod cu;
#[cfg(feature = "indexer")]
mod indexer;
mod member;
mod page;
mod peers;
mod poseidon;
mod prover;
#[cfg(feature = "service")]
mod service;
#[cfg(feature = "store")]
mod store;
mod timing;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Parser, Subcommand};

/// The figures of one benchmark, by name.
type Figures = serde_json::Map<String, serde_json::Value>;

#[derive(Parser)]
#[command(name = "cargo xtask bench", about = "Benchmarks")]
struct Cli {
    #[command(subcommand)]
    name: Name,
    #[command(flatten)]
    options: Options,
}

/// How to run.
#[derive(Args)]
struct Options {
    /// Fewer repetitions, and no page written
    #[arg(long, global = true)]
    quick: bool,
    /// Print one JSON object of figures, last
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Subcommand)]
enum Name {
    /// Compute units and transaction bytes of every instruction (exact)
    #[cfg(feature = "svm")]
    Cu,
    /// Constraints and key sizes of every circuit (exact)
    Circuits,
    /// Proving: this engine beside ark-groth16, snarkjs and rapidsnark
    Prover,
    /// Poseidon and tree building beside light-poseidon
    Poseidon,
    /// A million leaves into Postgres, paths out of it, analytics; beside a row for each node
    #[cfg(feature = "store")]
    Store,
    /// A recorded history read in, the lag behind a live chain, recovery from `kill -9`, memory
    #[cfg(feature = "indexer")]
    Indexer,
    /// The prover service over HTTP beside the engine alone; its start, its memory, its news
    #[cfg(feature = "service")]
    Service,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(Cli { name, options }: Cli) -> Result<()> {
    let figures: Figures = match name {
        #[cfg(feature = "svm")]
        Name::Cu => cu::run(&options)?,
        Name::Circuits => circuits::run(),
        Name::Prover => prover::run(&options)?,
        Name::Poseidon => poseidon::run(&options)?,
        #[cfg(feature = "store")]
        Name::Store => store::run(&options)?,
        #[cfg(feature = "indexer")]
        Name::Indexer => indexer::run(&options)?,
        #[cfg(feature = "service")]
        Name::Service => service::run(&options)?,
    };
    if options.json {
        println!("{}", serde_json::Value::Object(figures));
    }
    Ok(())
}
