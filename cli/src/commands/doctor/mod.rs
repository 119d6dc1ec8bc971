//! `bauta doctor`: checks this machine, the node, the program, the services and the database, and says
//! for each what to do. It changes nothing and prints no secret.

mod database;
mod machine;
mod services;

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use anyhow::Result;
use bauta::state::{Circuit, Config};
use bauta_client::{ClusterTag, addresses};
use serde_json::{Value, json};
use solana_signer::Signer;

use crate::{
    clock,
    cluster::tag_name,
    commands::{circuit::wrong_auxiliary_format, keypair, program},
    context::Context,
    failure::Kind,
    key,
    report::Report,
    transaction::sol,
};

/// What to do without a keypair.
const CREATE: &str = "create one with `bauta keypair FILE` and name it with --keypair";

#[derive(clap::Args)]
pub struct Args {
    /// URL of an API to check
    #[arg(long, value_name = "URL", env = "BAUTA_API_URL", hide_env_values = true)]
    api: Option<String>,
    /// URL of a prover service to check
    #[arg(long, value_name = "URL", env = "BAUTA_PROVER_URL", hide_env_values = true)]
    prover: Option<String>,
    /// URL of the database of an indexer to check
    #[arg(long, value_name = "URL", env = "BAUTA_DATABASE_URL", hide_env_values = true)]
    database: Option<String>,
}

/// The result of a check.
enum Finding {
    Good(String),
    /// A finding that may be intended, and what to do otherwise.
    Notice(String, &'static str),
    /// An error, and what to do.
    Problem(String, &'static str),
}

use Finding::{Good, Notice, Problem};

/// Runs all checks. The exit code is 7 if one of them found a problem.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let mut checks: Vec<(&'static str, Finding)> = Vec::new();
    checks.push(("version", Good(format!("bauta {}", env!("CARGO_PKG_VERSION")))));
    checks.push(("machine", machine::machine()));
    checks.push(("disk", machine::disk()));
    checks.push(("keys", machine::keys()));
    checks.push(("keypair", check_keypair(context)));
    if let Some(payer) = &context.options.fee_payer {
        checks.push(("fee payer", check_key_file(payer)));
    }
    let node = check_node(context).await;
    let reachable = !matches!(node, Problem(..));
    checks.push(("node", node));
    if reachable {
        checks.push(("cluster", check_cluster(context).await));
        checks.push(("clock", or_problem(check_clock(context).await)));
        checks.push(("balance", or_problem(check_balance(context).await)));
        checks.push(("program", or_problem(check_program(context).await)));
        checks.push(("settings", or_problem(check_settings(context).await)));
        checks.push(("circuits", or_problem(check_circuits(context).await)));
    }
    if let Some(url) = &args.api {
        checks.push(("api", services::api(context, url).await));
    }
    if let Some(url) = &args.prover {
        checks.push(("prover", services::prover(url).await));
    }
    if let Some(url) = &args.database {
        checks.extend(database::check(context, url).await);
    }
    let failed = checks.iter().any(|(_, finding)| matches!(finding, Problem(..)));
    let report = Report::list(
        checks
            .into_iter()
            .map(|(name, finding)| item(name, finding))
            .collect(),
    );
    Ok(if failed {
        report.failed(Kind::Check)
    } else {
        report
    })
}

fn item(name: &'static str, finding: Finding) -> Report {
    let (result, found, next) = match finding {
        Good(found) => ("ok", found, ""),
        Notice(found, next) => ("notice", found, next),
        Problem(found, next) => ("problem", found, next),
    };
    Report::new()
        .fact("check", name)
        .fact("result", result)
        .fact("found", found)
        .fact("what_to_do", next)
}

fn or_problem(result: Result<Finding>) -> Finding {
    result.unwrap_or_else(|error| {
        let next = "deploy the program, or name another node with --cluster";
        Problem(format!("{error:#}"), next)
    })
}

fn check_keypair(context: &Context) -> Finding {
    let Ok(path) = context.keypair_path() else {
        return Notice("no keypair is configured".into(), CREATE);
    };
    check_key_file(path)
}

fn check_key_file(path: &Path) -> Finding {
    let shown = path.display();
    match key::stored(path) {
        Err(error) => return Problem(format!("{error:#}"), "correct --keypair"),
        Ok(Some(key)) => return Good(format!("{}, in the key store {}", key.address, key.store.name())),
        Ok(None) => {}
    }
    match (keypair::read(path), fs::metadata(path)) {
        (Ok(keypair), Ok(file)) if file.permissions().mode() & 0o077 != 0 => Problem(
            format!("{}, in {shown}, which other users can read", keypair.pubkey()),
            "run chmod 600 on the file",
        ),
        (Ok(keypair), _) => Good(format!("{}, in {shown}", keypair.pubkey())),
        (Err(error), _) => Notice(format!("{error:#}"), CREATE),
    }
}

async fn check_node(context: &Context) -> Finding {
    let host = context.rpc.host();
    let version: Result<Value, _> = context.rpc.call("getVersion", &json!([])).await;
    match version {
        Ok(version) => {
            let core = version["solana-core"].as_str().unwrap_or("unknown");
            Good(format!("{host}, version {}", core.escape_default()))
        }
        Err(error) => Problem(
            error.to_string(),
            "start the node, or name another one with --cluster",
        ),
    }
}

async fn check_cluster(context: &Context) -> Finding {
    let Some(tag) = context.cluster.tag else {
        return Notice(
            "the cluster's tag is not pinned".into(),
            "name the cluster with --cluster-tag",
        );
    };
    match context.check_genesis().await {
        Ok(_) => Good(tag_name(tag)),
        Err(error) => Problem(format!("{error:#}"), "correct --cluster or --cluster-tag"),
    }
}

async fn check_clock(context: &Context) -> Result<Finding> {
    let difference = clock::now()? - context.now().await?;
    Ok(if difference.abs() <= clock::MAX_DIFFERENCE {
        Good(format!("{difference} s before the chain"))
    } else {
        Notice(
            format!(
                "{difference} s before the chain, more than {} s",
                clock::MAX_DIFFERENCE
            ),
            "set the clock of this machine, or use a node that follows the cluster",
        )
    })
}

async fn check_balance(context: &Context) -> Result<Finding> {
    let Ok(signers) = context.signers() else {
        return Ok(Notice(
            "no keypair, so no transactions".into(),
            "see the check keypair",
        ));
    };
    let payer = signers.payer().pubkey();
    let lamports = context
        .account(&payer)
        .await?
        .map_or(0, |account| account.lamports);
    let found = format!("{payer} has {}", sol(lamports));
    Ok(if lamports == 0 {
        Notice(found, "transfer SOL to it before you send transactions")
    } else {
        Good(found)
    })
}

async fn check_program(context: &Context) -> Result<Finding> {
    let program = program::read(context).await?;
    let authority = program
        .authority
        .map_or_else(|| "nobody".to_owned(), |authority| authority.to_string());
    Ok(match program.artifact() {
        Some(name) => Good(format!("the bytes of {name}; upgradeable by {authority}")),
        None => Notice(
            format!("bytes that are not those of this version; upgradeable by {authority}"),
            "compare the versions of the program and of this command",
        ),
    })
}

async fn check_settings(context: &Context) -> Result<Finding> {
    let config: Option<Config> = context.find(&addresses::config().address).await?;
    let Some(config) = config else {
        return Ok(Problem(
            "the program is not initialised".into(),
            "its upgrade authority runs `bauta initialize`",
        ));
    };
    let tag = ClusterTag::new(config.cluster_tag);
    if context.cluster.tag.is_some_and(|pinned| pinned != tag) {
        return Ok(Problem(
            format!("the program has the cluster tag {}", tag_name(tag)),
            "name the right cluster with --cluster or --cluster-tag",
        ));
    }
    let development = config.development_keys_allowed != 0;
    if development && tag == ClusterTag::MAINNET {
        return Ok(Problem(
            "the program allows development keys on mainnet: anyone can forge proofs".into(),
            "don't use this program",
        ));
    }
    let keys = if development { "allowed" } else { "refused" };
    let found = format!("admin {}, development keys {keys}", config.admin);
    Ok(if config.paused == 0 {
        Good(found)
    } else {
        Notice(
            format!("{found}, paused: all verifications are refused"),
            "its admin runs `bauta admin resume`",
        )
    })
}

/// Checks that the registered circuits have the auxiliary formats of their statements.
async fn check_circuits(context: &Context) -> Result<Finding> {
    let circuits = context.list::<Circuit>(&[]).await?;
    for (address, circuit) in &circuits {
        if let Some(wrong) = wrong_auxiliary_format(circuit) {
            return Ok(Problem(
                format!("{address}: {wrong}"),
                "the admin runs `bauta circuit retire` on it",
            ));
        }
    }
    Ok(Good(format!("{} registered", circuits.len())))
}
