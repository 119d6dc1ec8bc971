//! Benchmarks. Each benchmark is a module with a function `run`. It prints its measurements, writes
//! its page under docs/benchmarks (not with `--quick`) and returns its figures. With `--json`, the
//! figures are printed last, as one object. `cargo xtask bench` runs this program.

#[cfg(feature = "api")]
mod api;
mod circuits;
#[cfg(feature = "svm")]
mod cu;
#[cfg(feature = "indexer")]
mod indexer;
mod member;
mod page;
mod peers;
mod poseidon;
#[cfg(feature = "service")]
mod process;
mod prover;
#[cfg(feature = "service")]
mod service;
#[cfg(feature = "store")]
mod store;
mod timing;
mod web;

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

/// Options of all benchmarks.
#[derive(Args)]
struct Options {
    /// Repeat less often, and don't write the page
    #[arg(long, global = true)]
    quick: bool,
    /// Print the figures as one JSON object at the end
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
    /// Proving times of this engine, ark-groth16, snarkjs and rapidsnark
    Prover,
    /// Poseidon and tree building, compared with light-poseidon
    Poseidon,
    /// A million leaves into Postgres, paths, analytics; compared with a layout of one row for each
    /// node
    #[cfg(feature = "store")]
    Store,
    /// Reading a recorded history, the lag behind a live chain, recovery from `kill -9`, memory;
    /// the steady state with up to 10 million leaves and verifications (8 GB on disk)
    #[cfg(feature = "indexer")]
    Indexer,
    /// The prover service over HTTP, compared with the engine alone; its start, its memory, its
    /// progress events
    #[cfg(feature = "service")]
    Service,
    /// The API service over HTTP with 1,000 clients: cached reads, tiles, paths; compared with
    /// nginx
    #[cfg(feature = "api")]
    Api,
    /// The WebAssembly prover in Node and in Chromium, compared with snarkjs
    Web,
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
        #[cfg(feature = "api")]
        Name::Api => api::run(&options)?,
        Name::Web => web::run(&options)?,
    };
    if options.json {
        println!("{}", serde_json::Value::Object(figures));
    }
    Ok(())
}
