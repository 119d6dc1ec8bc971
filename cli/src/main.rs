//! The command `bauta`, which operates a Bauta program on a cluster. Each subcommand is a module.

mod initialize;
mod keypair;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "bauta",
    version,
    about = "Operate a Bauta program on a Solana cluster"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Print the program's address
    Program,
    /// Print the address of a keypair, and create the keypair if the file does not exist
    Keypair(keypair::Args),
    /// Create the program's Config account, signed by its upgrade authority
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
