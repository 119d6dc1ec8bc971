//! `bauta nullifier`: the accounts that mark nullifiers as used.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use bauta::state::Nullifier as NullifierAccount;
use bauta_client::{Event, addresses, instructions::ReclaimNullifier};
use bauta_primitives::{FieldElement, Nullifier};
use clap::ArgGroup;
use solana_address::Address;

use crate::{
    commands::scope,
    context::Context,
    failure::{Failure, Kind},
    progress,
    report::Report,
    transaction::{Action, Cost},
    values::element,
};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Close nullifier accounts of a scope that is over. The rent returns to the accounts that paid
    /// it. Anyone can do this
    Reclaim(ReclaimArgs),
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("which").required(true)))]
pub struct ReclaimArgs {
    /// Address of the scope
    scope: Address,
    /// Nullifier. Can be repeated
    #[arg(value_parser = element, group = "which")]
    nullifiers: Vec<FieldElement>,
    /// All nullifiers of the scope, from its events
    #[arg(long, group = "which")]
    all: bool,
}

/// Runs the subcommand.
pub async fn run(context: &Context, command: &Command) -> Result<Report> {
    let Command::Reclaim(args) = command;
    let state = scope::read(context, &args.scope).await?;
    let now = context.now().await?;
    if !state.is_over(now) {
        return Err(Failure::new(
            Kind::Refused,
            format!(
                "the scope {} is not over: it ends at the Unix time {}, and the chain's time is {now}",
                args.scope, state.closes_at
            ),
        )
        .next("repeat the command after the end, or let its creator close the scope")
        .into());
    }
    let nullifiers: BTreeSet<FieldElement> = if args.all {
        used(context, &args.scope).await?
    } else {
        args.nullifiers.iter().copied().collect()
    };
    let signers = context.signers()?;
    if nullifiers.len() > 1 {
        let cost = Cost {
            fee: context.fee_of_series(nullifiers.len(), signers.count()),
            rent: 0,
        };
        let what = format!("return the rent of {} nullifier accounts", nullifiers.len());
        let payer = signers.payer().pubkey();
        context.approve_series(&payer, &what, &cost).await?;
    }
    let progress = progress::bar(context, "returning", "accounts", nullifiers.len() as u64, 0);
    let mut items = Vec::new();
    for nullifier in nullifiers.into_iter().map(Nullifier::new) {
        let address = addresses::nullifier(&args.scope, nullifier).address;
        let account: Option<NullifierAccount> = context.find(&address).await?;
        let Some(account) = account else {
            // Of all nullifiers of the events, some can be reclaimed already.
            ensure!(
                args.all,
                "there is no account of the nullifier {nullifier}: it was not used, or its rent was returned"
            );
            continue;
        };
        let reclaim = ReclaimNullifier {
            scope: args.scope,
            nullifier,
            rent_payer: account.rent_payer,
        };
        let action = Action::of("return the rent of a nullifier account", reclaim.instruction());
        let outcome = context.run(&signers, action).await?;
        items.push(
            Report::new()
                .fact("nullifier", nullifier)
                .fact("rent_payer", account.rent_payer)
                .and(outcome.report()),
        );
        progress.inc(1);
    }
    progress.finish_and_clear();
    Ok(Report::list(items))
}

/// Returns the nullifiers that were used in a scope.
async fn used(context: &Context, scope: &Address) -> Result<BTreeSet<FieldElement>> {
    let mut used = BTreeSet::new();
    for event in context.events(scope).await? {
        if let Event::OwnershipVerified(event) = event
            && event.scope == *scope
        {
            used.insert(FieldElement::from_bytes("nullifier", event.nullifier)?);
        }
    }
    Ok(used)
}
