//! `bauta initialize` creates the program's Config account. It can be created once.

use anyhow::{Context as _, Result, bail, ensure};
use bauta::state::Config;
use bauta_client::{ClusterTag, addresses, instructions::Initialize};
use solana_address::Address;

use crate::{
    cluster::{TagChoice, tag_name},
    context::Context,
    failure::{Failure, Kind},
    report::Report,
    transaction::{Action, LAMPORTS_PER_SOL, TypedAddress},
};

/// The signer is the program's upgrade authority. `--cluster-tag genesis` takes the genesis hash of
/// the node as the tag. The tag can't be changed later.
#[derive(clap::Args)]
pub struct Args {
    /// Admin of the program [default: the upgrade authority]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<Address>,
    /// Allow circuits with development keys. Anyone can forge proofs with such keys. It can't be
    /// changed later. Refused on mainnet
    #[arg(long)]
    allow_development_keys: bool,
    /// Genesis hash of the cluster from a source that is not the node. It confirms --cluster-tag
    /// genesis [default: the command requests it on the terminal]
    #[arg(long, value_name = "HASH")]
    genesis_hash: Option<Address>,
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
    let chosen = context.options.cluster_tag;
    ensure!(
        args.genesis_hash.is_none() || chosen == Some(TagChoice::Genesis),
        Failure::new(Kind::Other, "--genesis-hash is only for --cluster-tag genesis")
            .next("leave --genesis-hash out, or give --cluster-tag genesis")
    );
    let requested = Initialize {
        payer: signers.payer().pubkey(),
        upgrade_authority: authority,
        cluster_tag: match chosen {
            Some(TagChoice::Genesis) => rpc.genesis_hash().await?.to_bytes(),
            _ => context.tag()?.to_bytes(),
        },
        admin: args.admin.unwrap_or(authority),
        development_keys_allowed: args.allow_development_keys,
    };
    if requested.development_keys_allowed {
        let is_mainnet = context.check_genesis().await?;
        refuse_on_mainnet(&requested, is_mainnet)?;
    }
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
        let what = what(&requested);
        let mut action = Action::of(&what, requested.instruction()).creating::<Config>();
        action.sets_tag = true;
        // Only the node knows this tag, and a wrong one can't be corrected.
        let genesis = Address::from(requested.cluster_tag);
        action.is_final = (chosen == Some(TagChoice::Genesis)).then_some(TypedAddress {
            name: "genesis hash",
            address: &genesis,
            given: args.genesis_hash.as_ref(),
            option: "--genesis-hash",
        });
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

/// Returns the values that the transaction writes. None of them can be changed later, except the
/// admin.
fn what(requested: &Initialize) -> String {
    let keys = if requested.development_keys_allowed {
        "development keys ALLOWED for ever, with which anyone can forge proofs"
    } else {
        "development keys refused for ever"
    };
    let tag = tag_name(ClusterTag::new(requested.cluster_tag));
    format!(
        "initialize the program with the admin {}, the cluster tag {tag}, and {keys}",
        requested.admin
    )
}

/// Refuses development keys on mainnet: by the tag, or by the genesis hash of the node.
fn refuse_on_mainnet(requested: &Initialize, is_mainnet: bool) -> Result<()> {
    let has_tag = requested.cluster_tag == ClusterTag::MAINNET.to_bytes();
    ensure!(
        !(requested.development_keys_allowed && (has_tag || is_mainnet)),
        Failure::new(
            Kind::Other,
            "this is mainnet, where development keys are never allowed: anyone can forge proofs with them"
        )
        .next("leave --allow-development-keys out, and register the key of a ceremony: docs/ceremony.md")
    );
    Ok(())
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

    fn requested(cluster_tag: ClusterTag, development_keys_allowed: bool) -> Initialize {
        Initialize {
            payer: Address::from([1; 32]),
            upgrade_authority: Address::from([1; 32]),
            cluster_tag: cluster_tag.to_bytes(),
            admin: Address::from([3; 32]),
            development_keys_allowed,
        }
    }

    #[test]
    fn development_keys_are_refused_by_the_tag_and_by_the_genesis_hash_of_mainnet() {
        let refused = |tag, keys, is_mainnet| refuse_on_mainnet(&requested(tag, keys), is_mainnet).is_err();
        assert!(refused(ClusterTag::MAINNET, true, false));
        assert!(refused(ClusterTag::LOCAL, true, true));
        assert!(!refused(ClusterTag::MAINNET, false, true));
        assert!(!refused(ClusterTag::DEVNET, true, false));
    }

    #[test]
    fn the_question_has_every_value_that_is_written() {
        let requested = requested(ClusterTag::DEVNET, true);
        let what = what(&requested);
        for part in [&requested.admin.to_string(), "tag devnet", "keys ALLOWED"] {
            assert!(what.contains(part), "{what}");
        }
    }

    #[test]
    fn a_config_account_with_other_values_is_refused_with_the_difference() {
        let requested = requested(ClusterTag::new([2; 32]), true);
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
