use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bauta::state::{Circuit, Registry, Scope, ScopeMode};
use bauta_airdrop::{
    instructions::CampaignRules,
    mint,
    reward::{Curve, Reward, Shape, Tier},
    state::Campaign,
};
use bauta_airdrop_client::{CreateAssociatedAccount, CreateCampaign, addresses};
use bauta_client::instructions::CreateScope;
use bauta_primitives::{FieldElement, Root};
use clap::ValueEnum;
use solana_address::Address;

use super::{balance, token_account_bytes};
use crate::{
    context::Context,
    report::Report,
    transaction::Action,
    values::{self, element},
};

#[derive(clap::Args)]
pub struct Args {
    /// Registry with the scores
    #[arg(long, value_name = "ADDRESS")]
    registry: Address,
    /// Circuit of the statement reputation
    #[arg(long, value_name = "ADDRESS")]
    circuit: Address,
    /// Mint of the tokens
    #[arg(long, value_name = "ADDRESS")]
    mint: Address,
    /// What the scores are about, as in the leaves
    #[arg(long, value_name = "DOMAIN", value_parser = element)]
    domain: FieldElement,
    /// Threshold in millionths, and the amount for it in the smallest unit of the token. Repeat it for
    /// up to 8 tiers, in rising order
    #[arg(long, value_name = "THRESHOLD:AMOUNT", value_parser = tier, required_unless_present = "curve", conflicts_with = "curve")]
    tier: Vec<Tier>,
    /// Members show the exact score, and this curve gives the amount. An exact score is almost a name
    #[arg(
        long,
        value_enum,
        requires = "floor",
        requires = "cap",
        requires = "min",
        requires = "max"
    )]
    curve: Option<ShapeName>,
    /// Lowest score that gets an amount, in millionths
    #[arg(long, value_name = "SCORE", requires = "curve")]
    floor: Option<u32>,
    /// Score from which on the amount is --max, in millionths
    #[arg(long, value_name = "SCORE", requires = "curve")]
    cap: Option<u32>,
    /// Amount at --floor, in the smallest unit of the token
    #[arg(long, value_name = "AMOUNT", requires = "curve")]
    min: Option<u64>,
    /// Amount from --cap on, in the smallest unit of the token
    #[arg(long, value_name = "AMOUNT", requires = "curve")]
    max: Option<u64>,
    /// Greatest age of the time that a proof shows: 2h to 30d
    #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = values::duration)]
    max_age: Duration,
    /// Time until the scope opens
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = values::duration)]
    opens_in: Duration,
    /// Time until the scope ends
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = values::duration)]
    closes_in: Duration,
    /// Time between the end of the scope and the sweep of the vault
    #[arg(long, value_name = "DURATION", default_value = "7d", value_parser = values::duration)]
    grace: Duration,
    /// Number that distinguishes the campaigns of an authority, and the scopes over the registry
    #[arg(long, default_value_t = 0)]
    nonce: u64,
    /// Root that the registry must accept. It is the only accepted root of the campaign
    #[arg(long, value_name = "ROOT", value_parser = element)]
    expected_root: Option<FieldElement>,
    /// Accept a circuit with a development key, with which anyone can forge proofs
    #[arg(long)]
    allow_development_key: bool,
}

/// The shapes of curves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ShapeName {
    Linear,
    SquareRoot,
    Quadratic,
}

impl From<ShapeName> for Shape {
    fn from(name: ShapeName) -> Self {
        match name {
            ShapeName::Linear => Self::Linear,
            ShapeName::SquareRoot => Self::SquareRoot,
            ShapeName::Quadratic => Self::Quadratic,
        }
    }
}

fn tier(text: &str) -> Result<Tier, String> {
    let parts = text.split_once(':').and_then(|(threshold, amount)| {
        Some(Tier {
            threshold: threshold.parse().ok()?,
            amount: amount.parse().ok()?,
        })
    });
    parts.ok_or_else(|| {
        format!("{text:?} is not a tier: give a threshold and an amount, for example 500000:1000")
    })
}

fn reward(args: &Args) -> Result<Reward> {
    let reward = match args.curve {
        None => Reward::Tiers(args.tier.clone()),
        Some(shape) => Reward::Curve(Curve {
            shape: shape.into(),
            floor: args.floor.context("name the lowest score with --floor")?,
            cap: args.cap.context("name the highest score with --cap")?,
            min: args.min.context("name the lowest amount with --min")?,
            max: args.max.context("name the highest amount with --max")?,
        }),
    };
    reward.check().map_err(|error| refused(&error))?;
    Ok(reward)
}

/// Returns the message of a rule of the program.
fn refused(error: &anchor_lang::error::Error) -> anyhow::Error {
    match error {
        anchor_lang::error::Error::AnchorError(error) => anyhow::anyhow!("{}", error.error_msg),
        anchor_lang::error::Error::ProgramError(error) => anyhow::anyhow!("{}", error.program_error),
    }
}

/// Creates the scope, the vault and the campaign in one transaction.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let reward = reward(args)?;
    context.read::<Registry>(&args.registry, "registry").await?;
    context.read::<Circuit>(&args.circuit, "circuit").await?;
    let account = context.account(&args.mint).await?;
    let account = account.with_context(|| format!("there is no mint at {}", args.mint))?;
    let decimals = mint::check(&account.owner, &account.data).map_err(|error| refused(&error))?;
    let now = context.now().await?;
    let signers = context.signers()?;
    let (payer, authority) = (signers.payer().pubkey(), signers.signer.pubkey());
    let campaign = addresses::campaign(&authority, args.nonce).address;
    let scope = CreateScope {
        payer,
        creator: authority,
        registry: args.registry,
        circuit: args.circuit,
        auxiliary_registry: None,
        nonce: args.nonce,
        mode: ScopeMode::Snapshot,
        gate: Some(campaign),
        required_claim: None,
        opens_at: values::later(now, args.opens_in),
        closes_at: values::later(now, args.closes_in),
        expected_root: args.expected_root.map(Root::new),
    };
    for (what, address) in [("campaign", campaign), ("scope", scope.scope())] {
        ensure!(
            context.account(&address).await?.is_none(),
            "the {what} {address} exists: choose another --nonce"
        );
    }
    let seconds = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    let create = CreateCampaign {
        payer,
        authority,
        nonce: args.nonce,
        scope: scope.scope(),
        circuit: args.circuit,
        mint: args.mint,
        token_program: account.owner,
        rules: CampaignRules {
            domain: args.domain.to_bytes(),
            reward,
            max_age: seconds(args.max_age),
            grace: seconds(args.grace),
            development_key: args.allow_development_key,
        },
    };
    let vault = CreateAssociatedAccount {
        payer,
        owner: campaign,
        mint: args.mint,
        token_program: account.owner,
    };
    let instructions = vec![scope.instruction(), vault.instruction(), create.instruction()];
    let mut action = Action::of_all("create a campaign", instructions)
        .creating::<Scope>()
        .creating::<Campaign>();
    if balance(context, &create.vault(), &args.mint).await?.is_none() {
        action.accounts.push(token_account_bytes(&account.owner));
    }
    let outcome = context.run(&signers, action).await?;
    let sweep_at = scope.closes_at.saturating_add(create.rules.grace);
    Ok(Report::new()
        .fact("campaign", campaign)
        .fact("scope", create.scope)
        .fact("vault", create.vault())
        .fact("mint", args.mint)
        .value("decimals", decimals)
        .value("opens_at", scope.opens_at)
        .value("closes_at", scope.closes_at)
        .value("sweep_at", sweep_at)
        .and(outcome.report())
        .next(format!(
            "deposit tokens with `bauta airdrop fund {campaign} AMOUNT`"
        )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tier_is_a_threshold_and_an_amount() {
        let expected = Tier {
            threshold: 500_000,
            amount: 1_000,
        };
        assert_eq!(tier("500000:1000"), Ok(expected));
        for wrong in ["", "5", "5:", ":5", "a:5", "-1:5", "5:1.5", "4294967296:1"] {
            assert!(tier(wrong).is_err(), "{wrong}");
        }
    }
}
