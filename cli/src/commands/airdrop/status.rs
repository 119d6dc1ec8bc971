use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use bauta_airdrop::{
    reward::{Reward, Shape},
    state::Campaign,
};
use bauta_airdrop_client::ClaimPlan;
use solana_address::Address;

use super::{balance, read};
use crate::{commands::scope, context::Context, report::Report, score_file, values::hex32};

#[derive(clap::Args)]
pub struct Args {
    /// Address of the campaign
    campaign: Address,
    /// File with the member's score. Shows the tier with the greatest amount, and how to prove it. The
    /// file is private and leaves this machine in no form
    #[arg(long, value_name = "FILE")]
    score: Option<PathBuf>,
}

/// Shows a campaign, and what a score reaches in it.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let campaign = read(context, &args.campaign).await?;
    let scope = scope::read(context, &campaign.scope).await?;
    ensure!(
        scope.gate == args.campaign,
        "the gate of the scope is {}, and not the campaign: no claim can succeed",
        scope.gate
    );
    let now = context.now().await?;
    let vault = balance(context, &campaign.vault, &campaign.mint).await?;
    let report = Report::new()
        .fact("campaign", args.campaign)
        .fact("authority", campaign.authority)
        .value("nonce", campaign.nonce)
        .fact("scope", campaign.scope)
        .fact("scope_status", scope::status(&scope, now))
        .value("opens_at", scope.opens_at)
        .value("closes_at", scope.closes_at)
        .fact("registry", campaign.registry)
        .fact("circuit", campaign.circuit)
        .fact("mint", campaign.mint)
        .value("decimals", campaign.decimals)
        .fact("vault", campaign.vault)
        .value("vault_balance", vault)
        .fact("domain", hex32(&campaign.domain))
        .value("max_age", campaign.max_age)
        .value("sweep_at", campaign.sweep_at)
        .value("can_be_swept", now >= campaign.sweep_at);
    let report = with_reward(report, &campaign)?;
    match &args.score {
        None => Ok(report),
        Some(file) => with_score(report, args, file, &campaign, now),
    }
}

fn with_reward(report: Report, campaign: &Campaign) -> Result<Report> {
    let reward = campaign
        .reward()
        .context("the campaign has a kind of reward that this version does not know")?;
    Ok(match reward {
        Reward::Tiers(tiers) => {
            let items = (0..).zip(&tiers).map(|(number, tier): (u32, _)| {
                Report::new()
                    .value("tier", number)
                    .value("threshold", tier.threshold)
                    .value("amount", tier.amount)
            });
            report.fact("reward", "tiers").with_items(items.collect())
        }
        Reward::Curve(curve) => report
            .fact("reward", shape(curve.shape))
            .value("floor", curve.floor)
            .value("cap", curve.cap)
            .value("min", curve.min)
            .value("max", curve.max),
    })
}

const fn shape(shape: Shape) -> &'static str {
    match shape {
        Shape::Linear => "linear",
        Shape::SquareRoot => "square-root",
        Shape::Quadratic => "quadratic",
    }
}

/// Adds the tier that a score reaches, and the next step of the member.
fn with_score(
    report: Report,
    args: &Args,
    file: &std::path::Path,
    campaign: &Campaign,
    now: i64,
) -> Result<Report> {
    let score = score_file::read(file)?;
    ensure!(
        score.domain().to_bytes() == campaign.domain,
        "the domain of the score is not that of the campaign"
    );
    let now = u64::try_from(now).context("the chain's time is before 1970")?;
    let Some(plan) = ClaimPlan::best(&args.campaign, campaign, score.score(), now)? else {
        return Ok(report
            .value("claim_tier", None::<u32>)
            .next("the score reaches no tier of the campaign"));
    };
    let shown = plan.score_claim;
    ensure!(
        (score.issued_at()..score.expires_at()).contains(&shown.as_of),
        "the score is not valid at {}, the last full hour: it is valid from {} until before {}",
        shown.as_of,
        score.issued_at(),
        score.expires_at()
    );
    let what = if shown.exact {
        "--exact".to_owned()
    } else {
        format!("--at-least {}", shown.shown)
    };
    let payload = hex::encode(plan.payload());
    let prove = format!(
        "prove it with `bauta prove {} --score {} {what} --as-of {} --payload {payload} --identity FILE --entry ENTRY \
         --recipient ADDRESS`, then `bauta airdrop claim {} proof.json`",
        campaign.scope,
        file.display(),
        shown.as_of,
        args.campaign
    );
    Ok(report
        .value("claim_tier", plan.tier)
        .value("claim_amount", plan.amount)
        .value("claim_at_least", (!shown.exact).then_some(shown.shown))
        .value("claim_as_of", shown.as_of)
        .fact("claim_payload", payload)
        .next(prove))
}
