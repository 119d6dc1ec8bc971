//! Project tasks, run as `cargo xtask <task>`.
//!
//! A task is a module of its own with an `Args` type (clap) and a `run` function. To add one: add the module, a variant
//! of [`Task`] and its line in [`main`]. Heavy work is done by spawning cargo, so that this program builds in seconds.

mod bench;
mod demo;
#[cfg(test)]
mod docs;
mod drill;
mod lint;
mod localnet;
mod program;
mod progress;
mod system;
mod test;
mod up;
mod wasm;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Project tasks")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Watch the main job end to end: holders register, one proves, the ELF verifies, attacks are refused
    Demo,
    /// Bring up what a developer needs, offline: a local chain with the program, Postgres, Redis
    Up(up::Args),
    /// Build the local chain's node, and say where it is
    Localnet,
    /// Check format, lints, unused dependencies, licences and sources
    Lint,
    /// Do the setup and run every test
    Test,
    /// Run the long form of a drill
    Drill(drill::Args),
    /// Run a benchmark
    Bench(bench::Args),
    /// Build the proving engine for WebAssembly and let it prove under node
    Wasm,
    /// Build the on-chain programs, check their recorded artifacts
    Program(program::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Demo => demo::run(),
        Task::Up(args) => up::run(&args),
        Task::Localnet => localnet::run(),
        Task::Lint => lint::run(),
        Task::Test => test::run(),
        Task::Drill(args) => drill::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Wasm => wasm::run(),
        Task::Program(args) => program::run(&args),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
