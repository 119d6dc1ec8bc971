//! `bauta initialize`: creates the program's Config, once.

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, Result, bail, ensure};
use bauta::state::Config;
use bauta_client::{addresses, decode_account, instructions::Initialize};
use bauta_rpc::{Commitment, Rpc};
use solana_address::Address;
use solana_signer::Signer;

use crate::keypair;

/// The tag of every local chain, whose genesis hash changes at each start.
const LOCAL: &[u8] = b"bauta local chain";
const LAMPORTS_PER_SOL: u64 = 1_000_000_000;

#[derive(clap::Args)]
pub struct Args {
    /// The node's JSON-RPC
    #[arg(long, default_value = "http://127.0.0.1:8899")]
    url: String,
    /// The keypair of the program's upgrade authority, which also pays
    #[arg(long, value_name = "FILE")]
    keypair: PathBuf,
    /// Who administers the program [default: the upgrade authority]
    #[arg(long, value_name = "ADDRESS")]
    admin: Option<Address>,
    /// Which cluster this is: "genesis" for a public one's genesis hash, "local", or 64 hexadecimal digits; fixed for ever
    #[arg(long, value_name = "TAG")]
    cluster_tag: ClusterTag,
    /// Let circuits with development keys be registered, whose proofs anybody can forge; fixed for ever
    #[arg(long)]
    allow_development_keys: bool,
    /// First have a test chain give the upgrade authority so many SOL
    #[arg(long, value_name = "SOL")]
    airdrop: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClusterTag {
    Genesis,
    Given([u8; 32]),
}

impl FromStr for ClusterTag {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut tag = [0; 32];
        match text {
            "genesis" => return Ok(Self::Genesis),
            "local" => tag[..LOCAL.len()].copy_from_slice(LOCAL),
            _ => hex::decode_to_slice(text, &mut tag)
                .map_err(|_| r#"expected "genesis", "local" or 64 hexadecimal digits"#)?,
        }
        Ok(Self::Given(tag))
    }
}

/// Creates the Config, or makes sure that the one that is there is the one asked for.
pub async fn run(args: &Args) -> Result<()> {
    let authority = keypair::read(&args.keypair)?;
    let rpc = Rpc::new(&args.url)?;
    let wanted = Initialize {
        payer: authority.pubkey(),
        upgrade_authority: authority.pubkey(),
        cluster_tag: match args.cluster_tag {
            ClusterTag::Genesis => rpc.genesis_hash().await?.to_bytes(),
            ClusterTag::Given(tag) => tag,
        },
        admin: args.admin.unwrap_or_else(|| authority.pubkey()),
        development_keys_allowed: args.allow_development_keys,
    };
    if let Some(present) = config(&rpc).await? {
        check(&present, &wanted)?;
        println!("initialized before");
    } else {
        let (_, program) = rpc.account(&bauta::ID, Commitment::Confirmed).await?;
        ensure!(
            program.is_some_and(|program| program.executable),
            "there is no program at {} on {}: deploy it first",
            bauta::ID,
            rpc.host()
        );
        if let Some(sol) = args.airdrop {
            rpc.airdrop(&authority.pubkey(), u64::from(sol) * LAMPORTS_PER_SOL)
                .await
                .context("can't get lamports; only test chains give them away")?;
        }
        let done = rpc
            .send_and_confirm(&[wanted.instruction()], &[&authority])
            .await?;
        println!("initialized in slot {} by {}", done.slot, done.signature);
    }
    println!("program      {}", bauta::ID);
    println!("config       {}", addresses::config().address);
    println!("admin        {}", wanted.admin);
    println!("cluster tag  {}", hex::encode(wanted.cluster_tag));
    if wanted.development_keys_allowed {
        println!("DEVELOPMENT KEYS ARE ALLOWED: anybody can forge proofs made with them");
    }
    Ok(())
}

async fn config(rpc: &Rpc) -> Result<Option<Config>> {
    let (_, account) = rpc
        .account(&addresses::config().address, Commitment::Confirmed)
        .await?;
    account
        .map(|account| {
            decode_account(&account.owner, &account.data).context("can't read the program's Config")
        })
        .transpose()
}

/// A program is initialised once: whoever asks again must ask for the same.
fn check(present: &Config, wanted: &Initialize) -> Result<()> {
    let mut differences = Vec::new();
    if present.admin != wanted.admin {
        differences.push(format!("its admin is {}", present.admin));
    }
    if present.cluster_tag != wanted.cluster_tag {
        differences.push(format!("its cluster tag is {}", hex::encode(present.cluster_tag)));
    }
    if (present.development_keys_allowed != 0) != wanted.development_keys_allowed {
        let allowed = if present.development_keys_allowed == 0 {
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
        "the program was initialised before, in another way, and that happens once: {}",
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
        assert_eq!(digits.parse(), Ok(ClusterTag::Given([7; 32])));
        let Ok(ClusterTag::Given(local)) = "local".parse() else {
            panic!("a fixed tag");
        };
        assert!(local.starts_with(b"bauta local chain\0"));
        for wrong in ["", "mainnet", "07", &"07".repeat(33), &"0g".repeat(32)] {
            assert!(ClusterTag::from_str(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn another_configuration_than_the_one_asked_for_is_told() {
        let wanted = Initialize {
            payer: Address::from([1; 32]),
            upgrade_authority: Address::from([1; 32]),
            cluster_tag: [2; 32],
            admin: Address::from([3; 32]),
            development_keys_allowed: true,
        };
        let same = Config {
            admin: wanted.admin,
            pending_admin: Address::default(),
            cluster_tag: wanted.cluster_tag,
            paused: 1,
            development_keys_allowed: 1,
            bump: 255,
            padding: [0; 5],
        };
        check(&same, &wanted).unwrap();
        for (change, said) in [
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
            let error = check(&change, &wanted).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
