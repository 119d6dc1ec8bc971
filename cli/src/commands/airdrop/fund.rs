use anyhow::{Context as _, Result, ensure};
use bauta_airdrop_client::{Fund, addresses};
use solana_address::Address;

use super::{balance, read};
use crate::{
    context::Context,
    failure::{Failure, Kind},
    report::Report,
    transaction::Action,
};

#[derive(clap::Args)]
pub struct Args {
    /// Address of the campaign
    campaign: Address,
    /// Amount in the smallest unit of the token
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    amount: u64,
    /// Token account to take the tokens from [default: the associated account of the signer]
    #[arg(long, value_name = "ADDRESS")]
    from: Option<Address>,
}

/// Transfers tokens of the signer to the vault.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let campaign = read(context, &args.campaign).await?;
    let signers = context.signers()?;
    let owner = signers.signer.pubkey();
    let associated = addresses::associated(&owner, &campaign.token_program, &campaign.mint);
    let source = args.from.unwrap_or(associated);
    let available = balance(context, &source, &campaign.mint).await?.ok_or_else(|| {
        let message = format!("{source} is no token account of the mint {}", campaign.mint);
        Failure::new(Kind::Other, message).next("name the account with the tokens with --from")
    })?;
    ensure!(
        available >= args.amount,
        "the account {source} has {available}, which is less than {}",
        args.amount
    );
    let vault = balance(context, &campaign.vault, &campaign.mint).await?;
    ensure!(
        vault.is_some(),
        "the vault {} does not exist: create it as the associated token account of the campaign",
        campaign.vault
    );
    let fund = Fund {
        owner,
        source,
        campaign: args.campaign,
        mint: campaign.mint,
        token_program: campaign.token_program,
        amount: args.amount,
        decimals: campaign.decimals,
    };
    let transfer = fund
        .instruction()
        .context("the campaign's token program is unknown")?;
    let outcome = context
        .run(&signers, Action::of("fund a campaign", transfer))
        .await?;
    let after = balance(context, &campaign.vault, &campaign.mint).await?;
    Ok(Report::new()
        .fact("campaign", args.campaign)
        .fact("vault", campaign.vault)
        .value("amount", args.amount)
        .value("vault_balance", after)
        .and(outcome.report()))
}
