//! `bauta program`: the program's bytes on the cluster, and its upgrade authority.
//!
//! ```text
//!   deploy    ELF ──> buffer ──> program           the signer is the upgrade authority
//!   buffer    ELF ──> buffer of the multisig ┐
//!   propose              upgrade message <───┘──> the multisig signs and sends it
//!   verify    compares the bytes on the chain with the record of this version
//! ```

mod authority;
mod deploy;
mod idl;
mod on_chain;
mod propose;
mod squads;
mod verified_build;

use anyhow::Result;
use bauta_client::addresses;

pub use on_chain::read;

use crate::{cluster::tag_name, context::Context, failure::Kind, report::Report};

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
pub enum Command {
    /// Show the program's upgrade authority and which bytes it has
    Show,
    /// Compare the program's bytes with those of this version. The exit code is 7 if they differ
    Verify,
    /// Deploy the program, or upgrade it if the signer is its upgrade authority. If it is
    /// interrupted, repeat it: it continues
    Deploy(deploy::Args),
    /// Write the ELF of an upgrade into a buffer, and hand the buffer to the upgrade authority. If
    /// it is interrupted, repeat it: it continues
    Buffer(deploy::BufferArgs),
    /// Print the transaction with which a multisig upgrades the program to the bytes of a buffer
    Propose(propose::Args),
    /// Hand the upgrade authority to another address, or give it up for ever. The signer is the
    /// upgrade authority
    Authority(authority::Args),
}

/// Runs the subcommand. Without one, prints the program's address.
pub async fn run(context: impl FnOnce() -> Result<Context>, args: &Args) -> Result<Report> {
    let Some(command) = &args.command else {
        return Ok(Report::bare("program", bauta::ID));
    };
    let context = context()?;
    // The members of a multisig rely on commands that send nothing.
    context.check_pinned().await?;
    match command {
        Command::Show => show(&context).await,
        Command::Verify => verify(&context).await,
        Command::Deploy(args) => deploy::deploy(&context, args).await,
        Command::Buffer(args) => deploy::buffer(&context, args).await,
        Command::Propose(args) => propose::run(&context, args).await,
        Command::Authority(args) => authority::run(&context, args).await,
    }
}

async fn show(context: &Context) -> Result<Report> {
    let program = on_chain::read(context).await?;
    Ok(Report::new()
        .fact("program", bauta::ID)
        .optional("cluster_tag", context.cluster.tag.map(tag_name))
        .fact("program_data", addresses::program_data().address)
        .optional("upgrade_authority", program.authority)
        .value("last_upgrade_slot", program.slot)
        .optional("artifact", program.artifact()))
}

async fn verify(context: &Context) -> Result<Report> {
    let artifact = on_chain::read(context).await?.artifact();
    let report = show(context).await?;
    Ok(match artifact.and_then(on_chain::recorded) {
        Some(hash) => report.fact("elf_sha256", hash),
        None => report
            .warning("the bytes of the program are not those of this version")
            .next("check out the version of the program, and compare it with `cargo xtask program check`")
            .failed(Kind::Check),
    })
}
