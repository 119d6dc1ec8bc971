//! `bauta admin`: the settings of the program.

use anyhow::Result;
use bauta::state::Config;
use bauta_client::{
    ClusterTag, addresses,
    instructions::{AcceptAdmin, Pause, ReplaceAdmin, SetAdmin},
};
use solana_address::Address;

use crate::{
    cluster::tag_name,
    context::Context,
    failure::{Failure, Kind},
    report::Report,
    transaction::Action,
    values::present,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Show the settings
    Show,
    /// Name the next admin, who must accept. The signer is the admin
    Transfer {
        /// The next admin
        #[arg(required_unless_present = "cancel")]
        new_admin: Option<Address>,
        /// Cancel a transfer that is not accepted
        #[arg(long, conflicts_with = "new_admin")]
        cancel: bool,
    },
    /// Become the admin. The signer is the address that `transfer` named
    Accept,
    /// Replace the admin. The signer is the program's upgrade authority
    Replace {
        /// The new admin
        new_admin: Address,
    },
    /// Refuse all verifications until `resume`. The signer is the admin
    Pause,
    /// Accept verifications again. The signer is the admin
    Resume,
}

/// Runs the subcommand.
pub async fn run(context: &Context, command: &Command) -> Result<Report> {
    let (what, instruction) = match command {
        Command::Show => {
            context.check_pinned().await?;
            return show(context).await;
        }
        Command::Transfer { new_admin, .. } => (
            new_admin.map_or_else(
                || "cancel the transfer of the admin".to_owned(),
                |new| format!("name {new} as the next admin"),
            ),
            SetAdmin {
                admin: context.signer_address()?,
                new_admin: new_admin.unwrap_or_default(),
            }
            .instruction(),
        ),
        Command::Accept => (
            "become the admin".to_owned(),
            AcceptAdmin {
                new_admin: context.signer_address()?,
            }
            .instruction(),
        ),
        Command::Replace { new_admin } => (
            format!("replace the admin by {new_admin}"),
            ReplaceAdmin {
                upgrade_authority: context.signer_address()?,
                new_admin: *new_admin,
            }
            .instruction(),
        ),
        Command::Pause => ("refuse all verifications".to_owned(), pause(context, true)?),
        Command::Resume => ("accept verifications again".to_owned(), pause(context, false)?),
    };
    let signers = context.signers()?;
    let outcome = context.run(&signers, Action::of(&what, instruction)).await?;
    outcome.report_after(show(context).await)
}

fn pause(context: &Context, paused: bool) -> Result<solana_instruction::Instruction> {
    let admin = context.signer_address()?;
    Ok(Pause { admin, paused }.instruction())
}

/// Reads the settings. They exist if the program is initialised.
pub async fn config(context: &Context) -> Result<Config> {
    let config = context.find(&addresses::config().address).await?;
    config.ok_or_else(|| {
        Failure::new(
            Kind::Other,
            format!(
                "the program is not initialised on the cluster of {}",
                context.rpc.host()
            ),
        )
        .next("its upgrade authority runs `bauta initialize`")
        .into()
    })
}

async fn show(context: &Context) -> Result<Report> {
    let config = config(context).await?;
    Ok(Report::new()
        .fact("program", bauta::ID)
        .fact("config", addresses::config().address)
        .fact("admin", config.admin)
        .optional("pending_admin", present(config.pending_admin))
        .fact("cluster_tag", tag_name(ClusterTag::new(config.cluster_tag)))
        .value("paused", config.paused != 0)
        .value("development_keys_allowed", config.development_keys_allowed != 0))
}
