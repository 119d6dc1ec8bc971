//! `bauta verify`: submits a proof to the program, or relays it through an API.

use std::{path::PathBuf, time::Duration};

use anyhow::{Result, ensure};
use bauta::state::{self, ScopeMode};
use bauta_client::instructions::Verify;

use crate::{
    cluster::tag_name,
    commands::scope,
    context::Context,
    failure::{Failure, Kind},
    proof_file::ProofFile,
    relay,
    report::Report,
    transaction::Action,
    values::{self, present},
};

#[derive(clap::Args)]
pub struct Args {
    /// File of the proof
    proof: PathBuf,
    /// URL of an API whose relay submits the proof and pays. The API learns the recipient and the
    /// payload, but not the member [default: the signer submits and pays]
    #[arg(long, value_name = "URL")]
    relay: Option<String>,
    /// The relay submits the proof at a random moment within this time, at most 1 h
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = values::duration, requires = "relay")]
    max_delay: Duration,
}

/// Runs the subcommand. The signer pays, or is the relayer that the proof names. With `--relay`, no
/// keypair is used.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let file = ProofFile::read(&args.proof)?;
    let tag = context.tag()?;
    ensure!(
        file.tag == tag,
        "the proof is for the cluster {}, and this is {}",
        tag_name(file.tag),
        tag_name(tag)
    );
    let scope = scope::read(context, &file.verify.scope).await?;
    if let Some(gate) = present(scope.gate) {
        return Err(Failure::new(
            Kind::Other,
            format!("the scope has the gate {gate}: only its consumer program can submit a proof"),
        )
        .next("submit the proof through the consumer program")
        .into());
    }
    if let Some(url) = &args.relay {
        if !context.options.dry_run {
            relay::relay(context, url, &file.verify, args.max_delay).await?;
        }
        return Ok(report(&file.verify, !context.options.dry_run));
    }
    let signers = context.signers()?;
    if let Some(relayer) = file
        .verify
        .relayer
        .filter(|relayer| *relayer != signers.signer.pubkey())
    {
        return Err(Failure::new(
            Kind::Other,
            format!("only the relayer {relayer} can submit the proof"),
        )
        .next("give its keypair with --keypair, or the URL of its API with --relay, or make a proof without --relayer")
        .into());
    }
    let mut verify = file.verify;
    verify.payer = signers.payer().pubkey();
    // The circuit and the registry come from the scope: those of the file are only information.
    verify.circuit = scope.circuit;
    verify.auxiliary_registry = present(scope.auxiliary_registry);
    verify.registry = (scope.mode == ScopeMode::Live as u8).then_some(scope.registry);
    let action = Action::of("verify a proof", verify.instruction()).creating::<state::Nullifier>();
    let outcome = context.run(&signers, action).await?;
    Ok(report(&verify, outcome.is_sent()).and(outcome.report()))
}

fn report(verify: &Verify, is_verified: bool) -> Report {
    Report::new()
        .value("verified", is_verified)
        .fact("scope", verify.scope)
        .fact("nullifier", verify.nullifier)
        .fact("nullifier_account", verify.nullifier_account())
        .fact("claim", verify.claim)
        .fact("recipient", verify.recipient)
}
