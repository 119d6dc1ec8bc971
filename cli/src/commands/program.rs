//! `bauta program`: the program's bytes on the cluster, and its upgrade authority.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use bauta_client::addresses::{self, UPGRADEABLE_LOADER};
use bauta_primitives::sha256;
use clap::ArgGroup;
use solana_address::Address;
use solana_instruction::{AccountMeta, Instruction};
use solana_keypair::Keypair;
use solana_signer::Signer;

use crate::{
    commands::keypair,
    context::Context,
    failure::{Failure, Kind},
    report::Report,
    transaction::Action,
};

/// The record of the program's build, with the hashes of the ELFs of this version.
const BUILD: &str = include_str!("../../../programs/bauta/artifacts/build.toml");
/// The bytes of a `ProgramData` account before the ELF: a tag, the slot, and the optional upgrade
/// authority.
const HEADER: usize = 45;
/// The largest number of zeros at the end of an ELF.
const MAX_ZEROS: usize = 64;
/// The number of the loader's instruction that sets the upgrade authority.
const SET_AUTHORITY: u32 = 4;
/// The number of the loader's instruction that sets the upgrade authority, which signs as well.
const SET_AUTHORITY_CHECKED: u32 = 7;
/// The owner of accounts that no program controls.
const SYSTEM_PROGRAM: Address = Address::new_from_array([0; 32]);

#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(clap::Subcommand)]
pub enum Command {
    /// Show the program's upgrade authority and which bytes it has
    Show,
    /// Compare the program's bytes with those of this version. The exit code is 7 if they differ
    Verify,
    /// Hand the upgrade authority to another address, or give it up for ever. The signer is the
    /// upgrade authority
    Authority(AuthorityArgs),
}

#[derive(clap::Args)]
#[command(group(ArgGroup::new("authority").required(true)))]
pub struct AuthorityArgs {
    /// Keypair file of the next upgrade authority, which signs too
    #[arg(long, value_name = "FILE", group = "authority")]
    new_keypair: Option<PathBuf>,
    /// Address of the next upgrade authority, for example the vault of a multisig. It does not
    /// sign, so a wrong address can't be corrected
    #[arg(long, value_name = "ADDRESS", group = "authority", requires = "again")]
    new: Option<Address>,
    /// The address of --new a second time, from another source
    #[arg(long, value_name = "ADDRESS", requires = "new")]
    again: Option<Address>,
    /// Nobody can upgrade the program after that
    #[arg(long, group = "authority")]
    give_up_for_ever: bool,
}

/// The program on a cluster.
pub struct OnChain {
    /// The upgrade authority. `None` if nobody can upgrade the program.
    pub authority: Option<Address>,
    /// The slot of the last upgrade.
    pub slot: u64,
    /// The ELF. The loader fills the account with zeros after it.
    elf: Vec<u8>,
}

/// Runs the subcommand. Without one, prints the program's address.
pub async fn run(context: impl FnOnce() -> Result<Context>, args: &Args) -> Result<Report> {
    match &args.command {
        None => Ok(Report::bare("program", bauta::ID)),
        Some(Command::Show) => show(&context()?).await,
        Some(Command::Verify) => verify(&context()?).await,
        Some(Command::Authority(args)) => set_authority(&context()?, args).await,
    }
}

impl OnChain {
    /// Reads the program.
    pub async fn read(context: &Context) -> Result<Self> {
        let program = context.account(&bauta::ID).await?;
        if !program.is_some_and(|program| program.executable) {
            let message = format!(
                "there is no program at {} on the cluster of {}",
                bauta::ID,
                context.rpc.host()
            );
            return Err(Failure::new(Kind::Other, message)
                .next("deploy the program, or name the right cluster with --cluster")
                .into());
        }
        let address = addresses::program_data().address;
        let account = context.account(&address).await?;
        let account = account
            .filter(|account| account.owner == UPGRADEABLE_LOADER)
            .with_context(|| format!("the program has no account of the upgradeable loader at {address}"))?;
        Self::parse(account.data).with_context(|| format!("the account {address} has no header of a program"))
    }

    fn parse(mut data: Vec<u8>) -> Option<Self> {
        let (header, _) = data.split_first_chunk::<HEADER>()?;
        let slot = u64::from_le_bytes(header[4..12].try_into().ok()?);
        let authority: [u8; 32] = header[13..].try_into().ok()?;
        let authority = match header[12] {
            0 => None,
            1 => Some(Address::from(authority)),
            _ => return None,
        };
        Some(Self {
            authority,
            slot,
            elf: data.split_off(HEADER),
        })
    }

    /// Returns the name of the artifact of this version that has the program's bytes.
    pub fn artifact(&self) -> Option<&'static str> {
        let end = self.elf.iter().rposition(|byte| *byte != 0)? + 1;
        // An ELF can itself end with a few zeros.
        let candidates = (end..=self.elf.len()).take(MAX_ZEROS);
        let hashes: Vec<String> = candidates
            .map(|end| hex::encode(sha256(&self.elf[..end])))
            .collect();
        ["bauta.so", "bauta.v3.so"]
            .into_iter()
            .find(|name| recorded(name).is_some_and(|recorded| hashes.iter().any(|hash| hash == recorded)))
    }
}

/// Returns the recorded hash of an artifact.
fn recorded(name: &str) -> Option<&'static str> {
    let line = format!("\"{name}\" = \"");
    BUILD
        .lines()
        .find_map(|text| text.strip_prefix(&line)?.strip_suffix('"'))
}

async fn show(context: &Context) -> Result<Report> {
    let program = OnChain::read(context).await?;
    Ok(Report::new()
        .fact("program", bauta::ID)
        .fact("program_data", addresses::program_data().address)
        .optional("upgrade_authority", program.authority)
        .value("last_upgrade_slot", program.slot)
        .optional("artifact", program.artifact()))
}

async fn verify(context: &Context) -> Result<Report> {
    let artifact = OnChain::read(context).await?.artifact();
    let report = show(context).await?;
    Ok(match artifact.and_then(recorded) {
        Some(hash) => report.fact("elf_sha256", hash),
        None => report
            .warning("the bytes of the program are not those of this version")
            .next("check out the version of the program, and compare it with `cargo xtask program check`")
            .failed(Kind::Check),
    })
}

async fn set_authority(context: &Context, args: &AuthorityArgs) -> Result<Report> {
    let signers = context.signers()?;
    let signer = signers.signer.pubkey();
    let program = OnChain::read(context).await?;
    if program.authority != Some(signer) {
        let found = program.authority.map_or_else(
            || "nobody can upgrade the program".to_owned(),
            |authority| format!("the upgrade authority is {authority}, not the signer {signer}"),
        );
        return Err(Failure::new(Kind::Refused, found)
            .next("sign with the keypair of the upgrade authority (--keypair)")
            .into());
    }
    let next = args.new_keypair.as_deref().map(keypair::read).transpose()?;
    if let Some(new) = &args.new {
        check_new(context, new, args.again.as_ref()).await?;
    }
    let new = next.as_ref().map(Keypair::pubkey).or(args.new);
    let mut accounts = vec![
        AccountMeta::new(addresses::program_data().address, false),
        AccountMeta::new_readonly(signer, true),
    ];
    accounts.extend(new.map(|new| AccountMeta::new_readonly(new, next.is_some())));
    let number = if next.is_some() {
        SET_AUTHORITY_CHECKED
    } else {
        SET_AUTHORITY
    };
    let instruction = Instruction {
        program_id: UPGRADEABLE_LOADER,
        accounts,
        data: number.to_le_bytes().to_vec(),
    };
    let what = new.map_or_else(
        || "give up the upgrade authority for ever".to_owned(),
        |new| format!("hand the upgrade authority to {new}"),
    );
    let mut action = Action::of(&what, instruction);
    action.is_final = args.give_up_for_ever;
    action.signers.extend(&next);
    let outcome = context.run(&signers, action).await?;
    Ok(show(context).await?.and(outcome.report()))
}

/// Refuses an address that can't be meant. An address that signs for nobody would end all upgrades.
async fn check_new(context: &Context, new: &Address, again: Option<&Address>) -> Result<()> {
    ensure!(
        again == Some(new),
        "--new and --again are different addresses: take both from their owner"
    );
    let account = context.account(new).await?;
    if let Some(account) = account.filter(|account| account.owner != SYSTEM_PROGRAM) {
        let message = format!(
            "the address {new} is an account of the program {}, and can't sign for an upgrade",
            account.owner
        );
        return Err(Failure::new(Kind::Other, message)
            .next("for a multisig, give the address of its vault and not that of its account")
            .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn with_elf(elf: Vec<u8>) -> OnChain {
        let mut data = vec![0; HEADER];
        data.extend(elf);
        OnChain::parse(data).unwrap()
    }

    #[test]
    fn the_elfs_of_this_version_are_known_also_with_zeros_after_them() {
        for name in ["bauta.so", "bauta.v3.so"] {
            let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../programs/bauta/artifacts/");
            let mut elf = fs::read(format!("{folder}{name}")).unwrap();
            assert_eq!(with_elf(elf.clone()).artifact(), Some(name));
            elf.resize(elf.len() + 5_000, 0);
            assert_eq!(with_elf(elf.clone()).artifact(), Some(name));
            elf[1_000] ^= 1;
            assert_eq!(with_elf(elf).artifact(), None);
        }
        assert_eq!(with_elf(Vec::new()).artifact(), None);
    }

    #[test]
    fn the_upgrade_authority_is_read_and_a_short_or_unknown_header_is_refused() {
        let mut data = vec![0; HEADER];
        assert_eq!(OnChain::parse(data.clone()).unwrap().authority, None);
        data[12] = 1;
        data[13..].fill(7);
        let authority = OnChain::parse(data.clone()).unwrap().authority;
        assert_eq!(authority, Some(Address::from([7; 32])));
        data[12] = 2;
        assert!(OnChain::parse(data.clone()).is_none());
        assert!(OnChain::parse(vec![0; HEADER - 1]).is_none());
    }
}
