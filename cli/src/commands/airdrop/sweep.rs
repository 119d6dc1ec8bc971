use anyhow::{Result, ensure};
use bauta_airdrop_client::{CreateAssociatedAccount, Sweep, addresses};
use solana_address::Address;

use super::{balance, read, token_account_bytes};
use crate::{context::Context, report::Report, transaction::Action};

#[derive(clap::Args)]
pub struct Args {
    /// Address of the campaign
    campaign: Address,
    /// Token account for the rest of the vault [default: the associated account of the signer, which is
    /// created if it does not exist]
    #[arg(long, value_name = "ADDRESS")]
    to: Option<Address>,
}

/// Transfers the rest of the vault to a token account.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let campaign = read(context, &args.campaign).await?;
    let now = context.now().await?;
    ensure!(
        now >= campaign.sweep_at,
        "the vault can be swept from {} on, in {} seconds",
        campaign.sweep_at,
        campaign.sweep_at - now
    );
    let signers = context.signers()?;
    let authority = signers.signer.pubkey();
    ensure!(
        authority == campaign.authority,
        "the signer {authority} is not the authority of the campaign, which is {}",
        campaign.authority
    );
    let amount = balance(context, &campaign.vault, &campaign.mint)
        .await?
        .unwrap_or(0);
    ensure!(amount > 0, "the vault {} is empty", campaign.vault);
    let associated = addresses::associated(&authority, &campaign.token_program, &campaign.mint);
    let destination = args.to.unwrap_or(associated);
    let sweep = Sweep {
        authority,
        campaign: args.campaign,
        mint: campaign.mint,
        token_program: campaign.token_program,
        destination,
    };
    let mut action = Action::of("sweep the vault of a campaign", sweep.instruction());
    let is_missing = balance(context, &destination, &campaign.mint).await?.is_none();
    if is_missing {
        ensure!(
            destination == associated,
            "{destination} is no token account of the mint {}",
            campaign.mint
        );
        let create = CreateAssociatedAccount {
            payer: signers.payer().pubkey(),
            owner: authority,
            mint: campaign.mint,
            token_program: campaign.token_program,
        };
        action.instructions.insert(0, create.instruction());
        action.accounts.push(token_account_bytes(&campaign.token_program));
    }
    let outcome = context.run(&signers, action).await?;
    Ok(Report::new()
        .value("swept", outcome.is_sent())
        .fact("campaign", args.campaign)
        .value("amount", amount)
        .fact("destination", destination)
        .and(outcome.report()))
}
