//! The arguments of the command.

use clap::{Parser, Subcommand};

use crate::{commands, options::Options};

/// The text at the end of the help.
const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  a file, an argument or an account is not as the command needs it
  2  the arguments are wrong
  3  the node is unreachable or gave no valid answer
  4  the program or the cluster refused the transaction
  5  the result of a transaction is unknown
  6  the command was not confirmed
  7  a check failed (doctor, inspect, ceremony check, program)";

/// Operate and use a Bauta program on a Solana cluster
#[derive(Parser)]
#[command(name = "bauta", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Subcommand)]
pub enum Command {
    /// Print the program's address, or check its bytes and change its upgrade authority
    Program(commands::program::Args),
    /// Print the address of a keypair, and create the keypair if the file does not exist
    Keypair(commands::keypair::Args),
    /// Create the program's Config account, signed by its upgrade authority
    Initialize(commands::initialize::Args),
    /// Show and change the settings of the program
    #[command(subcommand)]
    Admin(commands::admin::Command),
    /// List, register, suspend and retire circuits
    #[command(subcommand)]
    Circuit(commands::circuit::Command),
    /// Make the key of a circuit with many participants
    #[command(subcommand)]
    Ceremony(commands::ceremony::Command),
    /// Create and change registries
    #[command(subcommand)]
    Registry(commands::registry::Command),
    /// Add and list the collections of a registry
    #[command(subcommand)]
    Collection(commands::collection::Command),
    /// Register and evict the holders of assets
    #[command(subcommand)]
    Holder(commands::holder::Command),
    /// Create, list and close scopes
    #[command(subcommand)]
    Scope(commands::scope::Command),
    /// Create, fund, show, claim and sweep campaigns of the airdrop program
    #[command(subcommand)]
    Airdrop(commands::airdrop::Command),
    /// Return the rent of nullifier accounts
    #[command(subcommand)]
    Nullifier(commands::nullifier::Command),
    /// Create, show, export and import the identity of a member
    #[command(subcommand)]
    Identity(commands::identity::Command),
    /// Make a proof of membership, with a path that is rebuilt from the chain
    Prove(Box<commands::prove::Args>),
    /// Verify a proof on chain
    Verify(commands::verify::Args),
    /// Check a proof file against the chain and show what it says
    Inspect(commands::inspect::Args),
    /// Check this machine, the node and the program, and say what to do
    Doctor(commands::doctor::Args),
    /// Print the completions of a shell
    Completions(commands::generate::CompletionsArgs),
    /// Write the manual pages into a folder
    Man(commands::generate::ManArgs),
    /// Print the reference of docs/cli.md
    #[command(hide = true)]
    Reference,
}
