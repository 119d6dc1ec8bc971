//! `bauta initialize` creates the program's Config account. It can be created once.

use anyhow::{Context as _, Result, bail};
use bauta::state::Config;
use bauta_client::{addresses, instructions::Initialize};
use solana_address::Address;

use crate::{
    cluster::TagChoice,
    context::Context,
    failure::{Failure, Kind},
    report::Report,
    transaction::{Action, LAMPORTS_PER_SOL},
};

/// The signer is the program's upgrade authority. `--cluster-tag genesis` takes the genesis hash of
/// the node as the tag. The tag can't be changed later.
#[derive(clap::Args)]
pub struct Args {
    /// Admin of the program [default: the upgrade authority]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<Address>,
    /// Allow circuits with development keys. Anyone can forge proofs with such keys. It can't be
    /// changed later
    #[arg(long)]
    allow_development_keys: bool,
    /// Request this number of SOL for the upgrade authority first. Only test clusters have an
    /// airdrop
    #[arg(long, value_name = "SOL")]
    airdrop: Option<u32>,
}

/// Creates the Config account. If it exists, checks that it has the requested values.
pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let signers = context.signers()?;
    let authority = signers.signer.pubkey();
    let rpc = &context.rpc;
    let requested = Initialize {
        payer: signers.payer().pubkey(),
        upgrade_authority: authority,
        cluster_tag: match context.options.cluster_tag {
            Some(TagChoice::Genesis) => rpc.genesis_hash().await?.to_bytes(),
            _ => context.tag()?.to_bytes(),
        },
        admin: args.admin.unwrap_or(authority),
        development_keys_allowed: args.allow_development_keys,
    };
    let config = addresses::config().address;
    let done = if let Some(existing) = context.find(&config).await? {
        check(&existing, &requested)?;
        Report::new().value("already_initialized", true)
    } else {
        let program = context.account(&bauta::ID).await?;
        if !program.is_some_and(|program| program.executable) {
            let message = format!(
                "there is no program at {} on the cluster of {}",
                bauta::ID,
                rpc.host()
            );
            return Err(Failure::new(Kind::Other, message)
                .next("deploy the program first")
                .into());
        }
        if let Some(sol) = args.airdrop.filter(|_| !context.options.dry_run) {
            rpc.airdrop(&requested.payer, u64::from(sol) * LAMPORTS_PER_SOL)
                .await
                .context("the airdrop failed: only test clusters have one")?;
        }
        let mut action = Action::of("initialize the program", requested.instruction()).creating::<Config>();
        action.sets_tag = true;
        context.run(&signers, action).await?.report()
    };
    let report = Report::new()
        .fact("program", bauta::ID)
        .fact("config", config)
        .fact("admin", requested.admin)
        .fact("cluster_tag", hex::encode(requested.cluster_tag))
        .value("development_keys_allowed", requested.development_keys_allowed)
        .and(done);
    Ok(if requested.development_keys_allowed {
        report.warning("development keys are allowed. Anyone can forge proofs with such keys.")
    } else {
        report
    })
}

/// Compares an existing Config account with the requested values. A program can't be initialised
/// twice.
fn check(existing: &Config, requested: &Initialize) -> Result<()> {
    let mut differences = Vec::new();
    if existing.admin != requested.admin {
        differences.push(format!("its admin is {}", existing.admin));
    }
    if existing.cluster_tag != requested.cluster_tag {
        differences.push(format!(
            "its cluster tag is {}",
            hex::encode(existing.cluster_tag)
        ));
    }
    if (existing.development_keys_allowed != 0) != requested.development_keys_allowed {
        let allowed = if existing.development_keys_allowed == 0 {
            "refused"
        } else {
            "allowed"
        };
        differences.push(format!("development keys are {allowed}"));
    }
    if differences.is_empty() {
        return Ok(());
    }
    bail!(
        "the program is already initialised with other values, which can't be changed: {}",
        differences.join("; ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_config_account_with_other_values_is_refused_with_the_difference() {
        let requested = Initialize {
            payer: Address::from([1; 32]),
            upgrade_authority: Address::from([1; 32]),
            cluster_tag: [2; 32],
            admin: Address::from([3; 32]),
            development_keys_allowed: true,
        };
        let same = Config {
            admin: requested.admin,
            pending_admin: Address::default(),
            cluster_tag: requested.cluster_tag,
            paused: 1,
            development_keys_allowed: 1,
            bump: 255,
            padding: [0; 5],
        };
        check(&same, &requested).unwrap();
        for (change, expected) in [
            (
                Config {
                    admin: Address::from([9; 32]),
                    ..same
                },
                "admin",
            ),
            (
                Config {
                    cluster_tag: [9; 32],
                    ..same
                },
                "cluster tag",
            ),
            (
                Config {
                    development_keys_allowed: 0,
                    ..same
                },
                "development keys are refused",
            ),
        ] {
            let error = check(&change, &requested).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
