//! `bauta initialize` creates the program's Config account. It can be created once.

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, Result, bail, ensure};
use bauta::state::Config;
use bauta_client::{ClusterTag as Tag, addresses, decode_account, instructions::Initialize};
use bauta_rpc::{CommitmentLevel, Rpc};
use solana_address::Address;
use solana_signer::Signer;

use crate::keypair;

const LAMPORTS_PER_SOL: u64 = 1_000_000_000;

#[derive(clap::Args)]
pub struct Args {
    /// URL of the node's JSON-RPC interface
    #[arg(long, default_value = "http://127.0.0.1:8899")]
    url: String,
    /// Keypair file of the program's upgrade authority, which also pays
    #[arg(long, value_name = "FILE")]
    keypair: PathBuf,
    /// Admin of the program [default: the upgrade authority]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<Address>,
    /// Tag of the cluster: "genesis" for the genesis hash of a public cluster, "local", or 64
    /// hexadecimal digits. It can't be changed later
    #[arg(long, value_name = "TAG")]
    cluster_tag: ClusterTag,
    /// Allow circuits with development keys. Anyone can forge proofs with such keys. It can't be
    /// changed later
    #[arg(long)]
    allow_development_keys: bool,
    /// Request this number of SOL for the upgrade authority first. Only test clusters have an
    /// airdrop
    #[arg(long, value_name = "SOL")]
    airdrop: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClusterTag {
    Genesis,
    Fixed([u8; 32]),
}

impl FromStr for ClusterTag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "genesis" => Ok(Self::Genesis),
            "local" => Ok(Self::Fixed(Tag::LOCAL.to_bytes())),
            _ => {
                let mut tag = [0; 32];
                hex::decode_to_slice(text, &mut tag)
                    .map_err(|_| r#"expected "genesis", "local" or 64 hexadecimal digits"#)?;
                Ok(Self::Fixed(tag))
            }
        }
    }
}

/// Creates the Config account. If it exists, checks that it has the requested values.
pub async fn run(args: &Args) -> Result<()> {
    let authority = keypair::read(&args.keypair)?;
    let rpc = Rpc::new(&args.url)?;
    let requested = Initialize {
        payer: authority.pubkey(),
        upgrade_authority: authority.pubkey(),
        cluster_tag: match args.cluster_tag {
            ClusterTag::Genesis => rpc.genesis_hash().await?.to_bytes(),
            ClusterTag::Fixed(tag) => tag,
        },
        admin: args.admin.unwrap_or_else(|| authority.pubkey()),
        development_keys_allowed: args.allow_development_keys,
    };
    if let Some(existing) = config(&rpc).await? {
        check(&existing, &requested)?;
        println!("already initialized");
    } else {
        let (_, program) = rpc.account(&bauta::ID, CommitmentLevel::Confirmed).await?;
        ensure!(
            program.is_some_and(|program| program.executable),
            "there is no program at {} on the cluster of {}: deploy the program first",
            bauta::ID,
            rpc.host()
        );
        if let Some(sol) = args.airdrop {
            rpc.airdrop(&authority.pubkey(), u64::from(sol) * LAMPORTS_PER_SOL)
                .await
                .context("the airdrop failed: only test clusters have one")?;
        }
        let done = rpc
            .send_and_confirm(&[requested.instruction()], &[&authority])
            .await?;
        println!("initialized in slot {} by {}", done.slot, done.signature);
    }
    println!("program      {}", bauta::ID);
    println!("config       {}", addresses::config().address);
    println!("admin        {}", requested.admin);
    println!("cluster tag  {}", hex::encode(requested.cluster_tag));
    if requested.development_keys_allowed {
        println!("WARNING: development keys are allowed. Anyone can forge proofs with such keys.");
    }
    Ok(())
}

async fn config(rpc: &Rpc) -> Result<Option<Config>> {
    let (_, account) = rpc
        .account(&addresses::config().address, CommitmentLevel::Confirmed)
        .await?;
    account
        .map(|account| {
            decode_account(&account.owner, &account.data).context("can't read the program's Config")
        })
        .transpose()
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
    fn a_cluster_tag_is_genesis_local_or_32_bytes() {
        assert_eq!("genesis".parse(), Ok(ClusterTag::Genesis));
        let digits = "07".repeat(32);
        assert_eq!(digits.parse(), Ok(ClusterTag::Fixed([7; 32])));
        let Ok(ClusterTag::Fixed(local)) = "local".parse() else {
            panic!("the tag of local chains is fixed");
        };
        assert!(local.starts_with(b"bauta local chain\0"));
        for wrong in ["", "mainnet", "07", &"07".repeat(33), &"0g".repeat(32)] {
            assert!(ClusterTag::from_str(wrong).is_err(), "{wrong}");
        }
    }

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
