//! Runs the subcommand that the arguments name.

use anyhow::Result;
use clap::CommandFactory as _;

use crate::{
    arguments::{Cli, Command},
    commands::{
        admin, airdrop, ceremony, circuit, collection, doctor, generate, holder, identity, initialize,
        inspect, keypair, nullifier, program, prove, registry, scope, verify,
    },
    context::Context,
    options::Options,
    report::Report,
};

/// Runs a subcommand.
pub async fn run(command: Command, options: Options) -> Result<Report> {
    let context = || Context::new(options);
    match command {
        Command::Program(args) => program::run(context, &args).await,
        Command::Keypair(args) => keypair::run(&args),
        Command::Initialize(args) => initialize::run(&context()?, &args).await,
        Command::Admin(command) => admin::run(&context()?, &command).await,
        Command::Circuit(command) => circuit::run(&context()?, &command).await,
        Command::Ceremony(command) => ceremony::run(&context()?, &command),
        Command::Registry(command) => registry::run(&context()?, &command).await,
        Command::Collection(command) => collection::run(&context()?, &command).await,
        Command::Holder(command) => holder::run(&context()?, &command).await,
        Command::Scope(command) => scope::run(&context()?, &command).await,
        Command::Airdrop(command) => airdrop::run(&context()?, &command).await,
        Command::Nullifier(command) => nullifier::run(&context()?, &command).await,
        Command::Identity(command) => identity::run(context, &command).await,
        Command::Prove(args) => prove::run(&context()?, &args).await,
        Command::Verify(args) => verify::run(&context()?, &args).await,
        Command::Inspect(args) => inspect::run(&context()?, &args).await,
        Command::Doctor(args) => doctor::run(&context()?, &args).await,
        Command::Completions(args) => Ok(generate::completions(&args, Cli::command())),
        Command::Man(args) => generate::manual(&args, Cli::command()),
        Command::Reference => Ok(generate::reference(Cli::command())),
    }
}
