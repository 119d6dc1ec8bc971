//! The command `bauta`: what an operator does to a program on a chain. Each command is a module of its own.

mod initialize;
mod keypair;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "bauta", version, about = "Operate a Bauta program on a Solana chain")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the program's address
    Program,
    /// Print a keypair's address; make the keypair if there is none
    Keypair(keypair::Args),
    /// Create the program's Config, as its upgrade authority
    Initialize(initialize::Args),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Program => {
            println!("{}", bauta::ID);
            Ok(())
        }
        Command::Keypair(args) => keypair::run(&args),
        Command::Initialize(args) => initialize::run(&args).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
