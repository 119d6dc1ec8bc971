//! `bauta verify`: submits a proof to the program.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use bauta::state::{self, ScopeMode};
use solana_signer::Signer;

use crate::{
    cluster::tag_name,
    commands::scope,
    context::Context,
    failure::{Failure, Kind},
    proof_file::ProofFile,
    report::Report,
    transaction::Action,
    values::present,
};

#[derive(clap::Args)]
pub struct Args {
    /// File of the proof
    proof: PathBuf,
}

/// Runs the subcommand. The signer pays, or is the relayer that the proof names.
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
        .next("submit the proof through the consumer program, or through the relay of an API")
        .into());
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
        .next("give its keypair with --keypair, or make a proof without --relayer")
        .into());
    }
    let mut verify = file.verify;
    verify.payer = signers.payer().pubkey();
    // The circuit and the registry come from the scope: those of the file are only information.
    verify.circuit = scope.circuit;
    verify.registry = (scope.mode == ScopeMode::Live as u8).then_some(scope.registry);
    let action = Action::of("verify a proof", verify.instruction()).creating::<state::Nullifier>();
    let outcome = context.run(&signers, action).await?;
    Ok(Report::new()
        .value("verified", outcome.is_sent())
        .fact("scope", verify.scope)
        .fact("nullifier", verify.nullifier)
        .fact("nullifier_account", verify.nullifier_account())
        .fact("claim", verify.claim)
        .fact("recipient", verify.recipient)
        .and(outcome.report()))
}
