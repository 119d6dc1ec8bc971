//! Project tasks, run as `cargo xtask <task>`.
//!
//! Each task is a module with a `run` function, and with an `Args` type (clap) if it has arguments.
//! To add a task, add the module, a variant of [`Task`] and its line in [`main`]. Tasks start cargo
//! for everything that needs many dependencies, so this program itself builds in seconds.

mod bench;
mod demo;
#[cfg(test)]
mod docs;
mod drill;
mod lint;
mod localnet;
mod package;
mod program;
mod progress;
#[cfg(test)]
mod public_api;
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
    /// Run the main use case end to end: holders register, one proves, the program verifies,
    /// attacks are refused
    Demo(demo::Args),
    /// Start what a developer needs, offline: a local chain with the program, Postgres, Redis and
    /// the services
    Up(up::Args),
    /// Build the node of the local chain, and print the path of its program
    Localnet,
    /// Check format, lints, packages, unused dependencies, licences, bans and sources
    Lint,
    /// Install what is missing and run every test
    Test,
    /// Run the long form of a drill
    Drill(drill::Args),
    /// Run a benchmark
    Bench(bench::Args),
    /// Build the proving engine for WebAssembly and test it under Node.js
    Wasm(wasm::Args),
    /// Build the on-chain programs, or check their recorded artifacts
    Program(program::Args),
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Demo(args) => demo::run_selected(&args),
        Task::Up(args) => up::run(&args),
        Task::Localnet => localnet::run(),
        Task::Lint => lint::run(),
        Task::Test => test::run(),
        Task::Drill(args) => drill::run(&args),
        Task::Bench(args) => bench::run(&args),
        Task::Wasm(args) => wasm::run(&args),
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
