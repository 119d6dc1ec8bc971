//! `bauta program propose`: the transaction with which a multisig upgrades the program.
//!
//! ```text
//!   buffer ──────> upgrade                    ┐
//!   --idl-buffer ─> the IDL on the chain      ┼─ one transaction, which the vault signs
//!   --commit ─────> record of the build       ┘
//! ```
//!
//! The vault of the multisig is the upgrade authority. It can't sign here: its program signs for it
//! when its members have approved. So the command prints the transaction without signatures, and with
//! `--create` a member creates it at the multisig.

use anyhow::{Context as _, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bauta_primitives::sha256;
use bauta_rpc::{serialize, unsigned};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_transaction::versioned::VersionedTransaction;

use super::{
    deploy::{check_buffer, nobody},
    idl, on_chain,
    squads::{self, Creation, vault},
    verified_build::{self, Build},
};
use crate::{
    chain::LEVEL,
    context::Context,
    failure::{Failure, Kind},
    loader,
    report::Report,
    transaction::Action,
};

/// The number of hexadecimal digits of a commit.
const COMMIT_DIGITS: usize = 40;
/// The size of a multisig's transaction account besides the message, and of the proposal's account
/// with 64 members, in bytes. The rent in the preview is for the largest.
const ACCOUNT_BYTES: [usize; 2] = [256, 8 + 32 + 8 + 9 + 1 + 3 * (4 + 64 * 32)];

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
    /// Buffer of the IDL, which `anchor idl create-buffer` writes and whose authority is the vault. The
    /// transaction then replaces the IDL on the chain
    #[arg(long, value_name = "ADDRESS")]
    idl_buffer: Option<Address>,
    /// Commit of the public repository from which the bytes are built: 40 hexadecimal digits. The
    /// transaction then writes the record for public verifiers of builds
    #[arg(long, value_name = "COMMIT", requires = "repository")]
    commit: Option<String>,
    /// URL of the public repository
    #[arg(long, value_name = "URL", requires = "commit")]
    repository: Option<String>,
    /// Argument of the build, for the record. Can be repeated
    #[arg(
        long,
        value_name = "ARGUMENT",
        requires = "commit",
        allow_hyphen_values = true
    )]
    build_argument: Vec<String>,
    /// Create the transaction at the Squads multisig, and begin its approval. The signer is a member
    /// who may initiate transactions
    #[arg(long, requires = "multisig")]
    create: bool,
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
    let mut instructions = vec![loader::upgrade(&args.buffer, &spill, &authority)];
    if let Some(buffer) = &args.idl_buffer {
        instructions.push(replace_idl(context, &authority, buffer).await?);
    }
    instructions.extend(record(context, args, &authority).await?);
    // The multisig replaces the blockhash when it sends the transaction.
    let (blockhash, _) = context.rpc.latest_blockhash(LEVEL).await?;
    let transaction = unsigned(&instructions, &authority, blockhash).context(
        "can't make the transaction: leave --idl-buffer or --commit out, and propose them in another one",
    )?;
    let message = transaction.message.serialize();
    let bytes = serialize(&transaction)?;
    let report = Report::new()
        .fact("program", bauta::ID)
        .fact("upgrade_authority", authority)
        .fact("buffer", args.buffer)
        .fact("artifact", artifact)
        .fact("elf_sha256", hex::encode(sha256(&buffer.elf)))
        .fact("idl_sha256", hex::encode(idl::hash()))
        .optional("idl_account", args.idl_buffer.map(|_| idl::account()))
        .optional(
            "build_record",
            args.commit.as_ref().map(|_| verified_build::record(&authority)),
        )
        .fact("spill", spill)
        .value("instructions", instructions.len())
        .value("transaction_bytes", bytes.len())
        .fact("message_base58", bs58::encode(&message).into_string())
        .fact("message_base64", BASE64.encode(&message))
        .fact("transaction_base58", bs58::encode(&bytes).into_string())
        .fact("transaction_base64", BASE64.encode(&bytes));
    let report = match (&args.multisig, args.create) {
        (Some(multisig), true) => report.and(create(context, args, multisig, &transaction).await?),
        _ => report.next("import the transaction at the multisig"),
    };
    Ok(report
        .next("each member of the multisig compares elf_sha256 with their own build before they approve")
        .next("after the execution, run `bauta program verify`"))
}

/// Returns the instruction that replaces the IDL by the data of a buffer.
async fn replace_idl(context: &Context, authority: &Address, buffer: &Address) -> Result<Instruction> {
    let account = idl::account();
    if context.account(&account).await?.is_none() {
        let message = format!("the program has no IDL on the chain yet: there is no account at {account}");
        return Err(Failure::new(Kind::Other, message)
            .next("publish the first IDL with `anchor idl init` before you hand the upgrade authority over")
            .into());
    }
    ensure!(
        context.account(buffer).await?.is_some(),
        "there is no buffer of the IDL at {buffer}: write it with `anchor idl create-buffer`"
    );
    Ok(idl::replace(authority, buffer))
}

/// Returns the instruction that writes the record of the build, if the arguments name one.
async fn record(context: &Context, args: &Args, authority: &Address) -> Result<Option<Instruction>> {
    let Some((commit, repository)) = args.commit.as_ref().zip(args.repository.as_ref()) else {
        return Ok(None);
    };
    let is_hex = commit.bytes().all(|digit| digit.is_ascii_hexdigit());
    ensure!(
        is_hex && commit.len() == COMMIT_DIGITS,
        "--commit must have {COMMIT_DIGITS} hexadecimal digits"
    );
    ensure!(
        repository.starts_with("https://"),
        "--repository must begin with https://, so that verifiers can read it"
    );
    let exists = context
        .account(&verified_build::record(authority))
        .await?
        .is_some();
    let build = Build {
        repository,
        commit,
        arguments: &args.build_argument,
        slot: context.rpc.slot(LEVEL).await?,
    };
    Ok(Some(verified_build::write(authority, exists, &build)))
}

/// Creates the transaction at the multisig. The signer is one of its members.
async fn create(
    context: &Context,
    args: &Args,
    multisig: &Address,
    transaction: &VersionedTransaction,
) -> Result<Report> {
    let account = context.account(multisig).await?;
    let account = account.with_context(|| format!("there is no multisig at {multisig}"))?;
    let newest = squads::newest_transaction(&account.owner, &account.data)
        .with_context(|| format!("can't read the multisig {multisig}"))?;
    let signers = context.signers()?;
    let creation = Creation {
        multisig,
        index: newest + 1,
        vault_index: args.vault_index,
        creator: &signers.signer.pubkey(),
        rent_payer: &signers.payer().pubkey(),
    };
    let message = squads::message(transaction)?;
    let what = format!(
        "create the transaction {} of the multisig {multisig}",
        creation.index
    );
    let mut action = Action::of_all(&what, creation.instructions(&message)?.to_vec());
    let [of_transaction, of_proposal] = ACCOUNT_BYTES;
    action.accounts = vec![of_transaction + 2 * message.len(), of_proposal];
    let outcome = context.run(&signers, action).await?;
    Ok(Report::new()
        .value("multisig_transaction", creation.index)
        .fact("transaction_account", creation.transaction())
        .fact("proposal_account", creation.proposal())
        .and(outcome.report())
        .next("the members approve the transaction at the multisig"))
}
