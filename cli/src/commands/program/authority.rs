//! `bauta program authority`: hands the upgrade authority over, or gives it up.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use bauta_client::addresses;
use clap::ArgGroup;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;

use super::{on_chain, show};
use crate::{
    commands::keypair,
    context::Context,
    failure::{Failure, Kind},
    loader,
    report::Report,
    transaction::{Action, TypedAddress},
};

/// The owner of accounts that no program controls.
const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);

#[derive(clap::Args)]
#[command(group(ArgGroup::new("authority").required(true)))]
pub struct Args {
    /// Keypair file of the next upgrade authority, which signs too
    #[arg(long, value_name = "FILE", group = "authority")]
    new_keypair: Option<PathBuf>,
    /// Address of the next upgrade authority, for example the vault of a multisig. It does not
    /// sign, so a wrong address can't be corrected
    #[arg(long, value_name = "ADDRESS", group = "authority", requires = "again")]
    new: Option<Address>,
    /// The address of --new a second time, from another source
    #[arg(long, value_name = "ADDRESS", requires = "new")]
    again: Option<Address>,
    /// Nobody can upgrade the program after that
    #[arg(long, group = "authority")]
    give_up_for_ever: bool,
    /// The program's address, which confirms --give-up-for-ever [default: the command requests it on
    /// the terminal]
    #[arg(long, value_name = "ADDRESS", requires = "give_up_for_ever")]
    program: Option<Address>,
}

pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let signers = context.signers()?;
    let signer = signers.signer.pubkey();
    let program = on_chain::read(context).await?;
    if program.authority != Some(signer) {
        let found = program.authority.map_or_else(
            || "nobody can upgrade the program".to_owned(),
            |authority| format!("the upgrade authority is {authority}, not the signer {signer}"),
        );
        return Err(Failure::new(Kind::Refused, found)
            .next("sign with the keypair of the upgrade authority (--keypair)")
            .into());
    }
    let next = args.new_keypair.as_deref().map(keypair::read).transpose()?;
    if let Some(new) = &args.new {
        check_new(context, new, args.again.as_ref()).await?;
    }
    let new = next.as_ref().map(Keypair::pubkey).or(args.new);
    let account = addresses::program_data().address;
    let instruction = loader::set_authority(&account, &signer, new.as_ref(), next.is_some());
    let what = new.map_or_else(
        || "give up the upgrade authority for ever".to_owned(),
        |new| format!("hand the upgrade authority to {new}"),
    );
    let mut action = Action::of(&what, instruction);
    action.is_final = args.give_up_for_ever.then_some(TypedAddress {
        name: "address",
        address: &bauta::ID,
        given: args.program.as_ref(),
        option: "--program",
    });
    action.signers.extend(&next);
    let outcome = context.run(&signers, action).await?;
    outcome.report_after(show(context).await)
}

/// Refuses an address that can't be meant. An address that signs for nobody would end all upgrades.
async fn check_new(context: &Context, new: &Address, again: Option<&Address>) -> Result<()> {
    ensure!(
        again == Some(new),
        "--new and --again are different addresses: take both from their owner"
    );
    let account = context.account(new).await?;
    if let Some(account) = account.filter(|account| account.owner != SYSTEM_PROGRAM) {
        let message = format!(
            "the address {new} is an account of the program {}, and can't sign for an upgrade",
            account.owner
        );
        return Err(Failure::new(Kind::Other, message)
            .next("for a multisig, give the address of its vault and not that of its account")
            .into());
    }
    Ok(())
}
