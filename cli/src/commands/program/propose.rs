//! `bauta program propose`: the transaction with which a multisig upgrades the program.
//!
//! The vault of the multisig is the upgrade authority. It can't sign here: its program signs for it
//! when its members have approved. So the command prints the transaction without signatures.

use anyhow::{Context as _, Result};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta_primitives::sha256;
use bauta_rpc::{serialize, unsigned};
use solana_address::Address;

use super::{
    deploy::{check_buffer, nobody},
    on_chain,
};
use crate::{
    chain::LEVEL,
    context::Context,
    failure::{Failure, Kind},
    loader,
    report::Report,
};

/// The program of Squads, version 4.
const SQUADS: Address = Address::from_str_const("SQDS4ep65T869zMMBKyuUq6aD6EgTu8psMjkvj52pCf");

#[derive(clap::Args)]
pub struct Args {
    /// Address of the buffer, which `bauta program buffer` prints
    #[arg(long, value_name = "ADDRESS")]
    buffer: Address,
    /// Account of the Squads multisig (version 4). Its vault must be the upgrade authority [default:
    /// the upgrade authority is not compared]
    #[arg(long, value_name = "ADDRESS")]
    multisig: Option<Address>,
    /// Number of the vault of the multisig
    #[arg(long, value_name = "NUMBER", default_value_t = 0, requires = "multisig")]
    vault_index: u8,
    /// Address that receives the lamports of the buffer [default: the upgrade authority]
    #[arg(long, value_name = "ADDRESS")]
    spill: Option<Address>,
}

pub async fn run(context: &Context, args: &Args) -> Result<Report> {
    let program = on_chain::read(context).await?;
    let authority = program.authority.ok_or_else(nobody)?;
    let vault = args.multisig.map(|multisig| vault(&multisig, args.vault_index));
    if let Some(vault) = vault.filter(|vault| *vault != authority) {
        let message = format!(
            "the vault {} of the multisig is {vault}, but the upgrade authority is {authority}",
            args.vault_index
        );
        return Err(Failure::new(Kind::Other, message)
            .next("compare --multisig and --vault-index with the multisig's own pages")
            .into());
    }
    let (buffer, artifact) = check_buffer(context, &args.buffer).await?;
    if buffer.authority != Some(authority) {
        let message = format!(
            "the authority of the buffer {} is not the upgrade authority {authority}",
            args.buffer
        );
        return Err(Failure::new(Kind::Other, message)
            .next("repeat `bauta program buffer` with the buffer's keypair file: it hands the buffer over")
            .into());
    }
    if program.elf.len() < buffer.elf.len() {
        let message = format!(
            "the program's account has room for {} bytes, but the buffer has {}",
            program.elf.len(),
            buffer.elf.len()
        );
        return Err(Failure::new(Kind::Other, message)
            .next("`bauta program buffer` with the buffer's keypair file extends the account")
            .into());
    }
    let spill = args.spill.unwrap_or(authority);
    let instruction = loader::upgrade(&args.buffer, &spill, &authority);
    // The multisig replaces the blockhash when it sends the transaction.
    let (blockhash, _) = context.rpc.latest_blockhash(LEVEL).await?;
    let transaction =
        unsigned(&[instruction], &authority, blockhash).context("can't make the transaction")?;
    let message = transaction.message.serialize();
    let bytes = serialize(&transaction)?;
    Ok(Report::new()
        .fact("program", bauta::ID)
        .fact("upgrade_authority", authority)
        .fact("buffer", args.buffer)
        .fact("artifact", artifact)
        .fact("elf_sha256", hex::encode(sha256(&buffer.elf)))
        .fact("spill", spill)
        .value("transaction_bytes", bytes.len())
        .fact("message_base58", bs58::encode(&message).into_string())
        .fact("message_base64", BASE64.encode(&message))
        .fact("transaction_base58", bs58::encode(&bytes).into_string())
        .fact("transaction_base64", BASE64.encode(&bytes))
        .next("each member of the multisig compares elf_sha256 with their own build before they approve")
        .next("import the transaction at the multisig; after its execution, run `bauta program verify`"))
}

/// Derives the vault of a Squads multisig.
fn vault(multisig: &Address, index: u8) -> Address {
    let seeds: [&[u8]; 4] = [b"multisig", multisig.as_ref(), b"vault", &[index]];
    Address::find_program_address(&seeds, &SQUADS).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_vault_of_each_multisig_has_its_own_address_that_no_keypair_has() {
        let (first, second) = (Address::from([1; 32]), Address::from([2; 32]));
        let vaults = [vault(&first, 0), vault(&first, 1), vault(&second, 0)];
        assert!(vaults.iter().all(|vault| !vault.is_on_curve()));
        assert!(vaults[0] != vaults[1] && vaults[0] != vaults[2]);
    }
}
