//! `bauta inspect`: checks a proof file against the chain, and shows what it says.

use std::path::PathBuf;

use anyhow::Result;
use bauta::state::{Circuit, Registry, Scope, ScopeMode};
use bauta_circuits::{Proof, VerifyingKey};

use crate::{
    chain::LEVEL,
    cluster::tag_name,
    commands::{admin, circuit, scope},
    context::Context,
    failure::{Failure, Kind},
    proof_file::{ProofFile, shown_prefix},
    report::Report,
    values::present,
};

#[derive(clap::Args)]
pub struct Args {
    /// File of the proof
    proof: PathBuf,
}

/// Runs the subcommand. A proof that the program would refuse is reported with each reason. A proof
/// that is not valid at all is a failure.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let file = ProofFile::read(&args.proof)?;
    let verify = &file.verify;
    let scope = scope::read(context, &verify.scope).await?;
    let key: Circuit = context.read(&scope.circuit, "circuit").await?;
    let valid = file.tag == context.tag()? && is_valid(&file, &key);
    if !valid {
        return Err(Failure::new(
            Kind::Check,
            format!(
                "the proof is not valid for the circuit {} and the cluster {}",
                scope.circuit,
                tag_name(file.tag)
            ),
        )
        .next(
            "make a new proof with `bauta prove`: a changed recipient, payload or root makes a proof invalid",
        )
        .into());
    }
    let now = context.now().await?;
    let (_, used) = context.rpc.account(&verify.nullifier_account(), LEVEL).await?;
    let registry: Registry = context.read(&scope.registry, "registry").await?;
    let root = verify.root.to_bytes();
    let root_accepted = if scope.mode == ScopeMode::Snapshot as u8 {
        scope.root == root
    } else {
        registry.accepts(&root, now)
    };
    let auxiliary_accepted = auxiliary_accepted(context, &file, &scope, now).await?;
    let paused = admin::config(context).await?.paused != 0;
    let status = scope::status(&scope, now);
    let circuit_status = circuit::status(&key, now);
    let claim_accepted = scope.has_required_claim == 0 || scope.required_claim == verify.claim.to_bytes();
    let expired = now > verify.expiry;
    let acceptable = used.is_none()
        && root_accepted
        && auxiliary_accepted != Some(false)
        && claim_accepted
        && !expired
        && !paused
        && status == "open"
        && ["active", "retires"].contains(&circuit_status);
    let report = Report::new()
        .value("valid", true)
        .value("acceptable_now", acceptable)
        .value("paused", paused)
        .optional("gate", present(scope.gate))
        .value("nullifier_used", used.is_some())
        .value("expired", expired)
        .value("root_accepted", root_accepted)
        .value("claim_accepted", claim_accepted)
        .fact("scope_status", status)
        .fact("circuit_status", circuit_status)
        .fact("cluster_tag", tag_name(file.tag))
        .fact("scope", verify.scope)
        .fact("registry", scope.registry)
        .fact("circuit", scope.circuit)
        .fact("claim", verify.claim)
        .value("score_shown", file.score.map(|score| score.shown))
        .value("score_exact", file.score.map(|score| score.exact))
        .optional("score_domain", file.score.map(|score| score.domain))
        .value("score_as_of", file.score.map(|score| score.as_of))
        .optional(
            "address_shown",
            file.address.as_ref().map(|claim| shown_prefix(claim).join("-")),
        )
        .value(
            "address_components",
            file.address.map(|claim| claim.min_components),
        )
        .value("address_schema", file.address.and_then(|claim| claim.schema))
        .value("address_as_of", file.address.map(|claim| claim.as_of))
        .value("auxiliary_root_accepted", auxiliary_accepted)
        .fact("nullifier", verify.nullifier)
        .fact("root", verify.root)
        .fact("recipient", verify.recipient)
        .optional("relayer", verify.relayer)
        .value("expiry", verify.expiry)
        .fact("payload", hex::encode(&verify.payload));
    Ok(if circuit::is_development(&key) {
        report.warning(bauta_circuits::keys::DEVELOPMENT_WARNING)
    } else {
        report
    })
}

/// Returns whether the auxiliary registry of the scope accepts the root of the proof. `None` if the
/// scope has none.
async fn auxiliary_accepted(
    context: &Context,
    file: &ProofFile,
    scope: &Scope,
    now: i64,
) -> Result<Option<bool>> {
    let Some(address) = present(scope.auxiliary_registry) else {
        return Ok(None);
    };
    let registry: Registry = context.read(&address, "registry").await?;
    let root = file.verify.auxiliary_root;
    Ok(Some(
        root.is_some_and(|root| registry.accepts(&root.to_bytes(), now)),
    ))
}

/// Checks the proof with the verifying key on chain.
fn is_valid(file: &ProofFile, circuit: &Circuit) -> bool {
    let key = VerifyingKey::from_bytes(&circuit.verifying_key);
    let proof = Proof::from_bytes(&file.verify.proof);
    match (key, proof) {
        (Ok(key), Ok(proof)) => key.verify(file.public().digest(), &proof).is_ok(),
        _ => false,
    }
}
