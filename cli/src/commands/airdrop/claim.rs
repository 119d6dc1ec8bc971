use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use bauta::state::Nullifier;
use bauta_airdrop::state::Campaign;
use bauta_airdrop_client::{Claim, ClaimPlan, CreateAssociatedAccount};
use bauta_primitives::statements::ScoreClaim;
use solana_address::Address;

use super::{balance, read, token_account_bytes};
use crate::{
    cluster::tag_name,
    context::Context,
    failure::{Failure, Kind},
    proof_file::ProofFile,
    report::Report,
    transaction::Action,
};

#[derive(clap::Args)]
pub struct Args {
    /// Address of the campaign
    campaign: Address,
    /// File of the proof
    proof: PathBuf,
}

/// Submits a proof to the airdrop program. The signer pays, or is the relayer that the proof names.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let file = ProofFile::read(&args.proof)?;
    let tag = context.tag()?;
    ensure!(
        file.tag == tag,
        "the proof is for the cluster {}, and this is {}",
        tag_name(file.tag),
        tag_name(tag)
    );
    let campaign = read(context, &args.campaign).await?;
    ensure!(
        file.verify.scope == campaign.scope,
        "the proof is for the scope {}, and the campaign has the scope {}",
        file.verify.scope,
        campaign.scope
    );
    let shown = file.score.context("the proof shows no score")?;
    let plan = plan(args.campaign, &campaign, &shown)?;
    ensure!(
        file.verify.payload == plan.payload(),
        Failure::new(
            Kind::Other,
            "the payload of the proof is not that of this campaign, tier and time"
        )
        .next(format!(
            "prove again with the payload that `bauta airdrop status {} --score FILE` shows",
            args.campaign
        ))
    );
    let signers = context.signers()?;
    let relayer = file.verify.relayer;
    ensure!(
        relayer.is_none_or(|relayer| relayer == signers.signer.pubkey()),
        "only the relayer {} can submit the proof: give its keypair with --keypair",
        relayer.unwrap_or_default()
    );
    let claim = Claim {
        payer: signers.payer().pubkey(),
        recipient: file.verify.recipient,
        relayer,
        campaign: args.campaign,
        scope: campaign.scope,
        circuit: campaign.circuit,
        mint: campaign.mint,
        token_program: campaign.token_program,
        tier: plan.tier,
        as_of: shown.as_of,
        proof: file.verify.proof,
        nullifier: file.verify.nullifier,
        expiry: file.verify.expiry,
    };
    let create = CreateAssociatedAccount {
        payer: claim.payer,
        owner: claim.recipient,
        mint: claim.mint,
        token_program: claim.token_program,
    };
    let account = claim.recipient_account();
    let exists = balance(context, &account, &claim.mint).await?.is_some();
    let mut instructions = vec![claim.instruction()];
    if !exists {
        instructions.insert(0, create.instruction());
    }
    let mut action = Action::of_all("claim", instructions).creating::<Nullifier>();
    if !exists {
        action.accounts.push(token_account_bytes(&claim.token_program));
    }
    let outcome = context.run(&signers, action).await?;
    Ok(Report::new()
        .value("claimed", outcome.is_sent())
        .fact("campaign", args.campaign)
        .value("tier", plan.tier)
        .value("amount", plan.amount)
        .fact("recipient", claim.recipient)
        .fact("recipient_account", account)
        .fact("nullifier", claim.nullifier)
        .fact("nullifier_account", claim.nullifier_account())
        .and(outcome.report()))
}

/// Finds the tier of the campaign that a proof shows.
fn plan(address: Address, campaign: &Campaign, shown: &ScoreClaim) -> Result<ClaimPlan> {
    let tiers = (0..u32::from(campaign.tier_count)).chain([shown.shown]);
    let found = tiers.filter_map(|tier| ClaimPlan::at(&address, campaign, tier, shown.as_of).ok());
    let mut found = found.filter(|plan| plan.score_claim == *shown);
    found.next().with_context(|| {
        format!(
            "the campaign pays nothing for what the proof shows: {} {} in the domain {}",
            if shown.exact { "exactly" } else { "at least" },
            shown.shown,
            shown.domain
        )
    })
}
