//! `bauta program deploy` and `bauta program buffer`: bring the ELF of this version to a cluster.

use std::{path::PathBuf, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bauta_client::ClusterTag;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signer::Signer;
use tokio::time::{Instant, sleep};

use super::{on_chain, show};
use crate::{
    chain::LEVEL,
    cluster::is_public,
    commands::keypair,
    context::{Context, Signers},
    failure::{Failure, Kind},
    loader::{self, PROGRAM_HEADER, ProgramData},
    report::Report,
    transaction::{Action, after_sent},
    upload::{self, PATIENCE, Uploaded},
};

/// The address of programs/bauta/localnet-keypair.json, whose secret key is published.
const PUBLISHED: Address = Address::from_str_const("BaXwFR6H8K5UrTyRnNp9Wds1Fnz8a68yGLHpbpNbXyc2");
/// The time between two requests for the slot of the node.
const SLOT_INTERVAL: Duration = Duration::from_millis(200);

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    elf: ElfArgs,
    /// Keypair file of the program's address, for the first deployment
    #[arg(long, value_name = "FILE")]
    program_keypair: Option<PathBuf>,
}

#[derive(clap::Args)]
pub struct BufferArgs {
    #[command(flatten)]
    elf: ElfArgs,
}

#[derive(clap::Args)]
pub struct ElfArgs {
    /// ELF of the program: an artifact of this version of the command, for example
    /// programs/bauta/artifacts/bauta.v3.so
    #[arg(long, value_name = "FILE")]
    elf: PathBuf,
    /// Keypair file of the buffer. It is created if it does not exist. With the same file, an
    /// interrupted upload continues
    #[arg(long, value_name = "FILE", default_value = "buffer.json")]
    buffer: PathBuf,
}

/// Deploys the program, or upgrades it.
pub async fn deploy(context: &Context, args: &Args) -> Result<Report> {
    let signers = context.signers()?;
    let (elf, artifact) = on_chain::read_elf(&args.elf.elf)?;
    let program = on_chain::find(context).await?;
    let new = match &program {
        None => {
            refuse_published_keypair(context).await?;
            Some(program_keypair(args)?)
        }
        Some(program) => {
            check_authority(program, &signers.signer.pubkey())?;
            None
        }
    };
    if program.is_some_and(|program| program.artifact() == Some(artifact)) {
        return Ok(show(context)
            .await?
            .value("sent", false)
            .next("the program has these bytes already: there is nothing to do"));
    }
    let buffer = keypair::read_or_plan(&args.elf.buffer, context.options.dry_run)?;
    approve_all(context, &signers, &buffer.pubkey(), (&elf, new.is_some())).await?;
    let uploaded = upload::upload(context, &signers, &buffer, &elf).await?;
    let report = upload_report(&uploaded, &buffer);
    if !uploaded.is_sent {
        return Ok(report
            .fact("artifact", artifact)
            .value("sent", false)
            .next("after the upload, the command deploys the bytes of the buffer in another transaction"));
    }
    check_buffer(context, &buffer.pubkey()).await?;
    let outcome = if let Some(keypair) = &new {
        create(context, &signers, &buffer, keypair, elf.len()).await?
    } else {
        extend(context, &signers, elf.len()).await?;
        after_last_change(context).await?;
        let signer = signers.signer.pubkey();
        let instruction = loader::upgrade(&buffer.pubkey(), &signers.payer().pubkey(), &signer);
        let action = Action::of("upgrade the program to the bytes of the buffer", instruction);
        context.run(&signers, action).await?.report()
    };
    let report = after_sent(show(context).await).and(report).and(outcome);
    Ok(match new {
        Some(_) => report.next("initialise the program at once: `bauta initialize`"),
        None => report.next("compare the bytes on the chain: `bauta program verify`"),
    })
}

/// Writes the ELF into a buffer, extends the program if it is too small for it, and hands the
/// buffer to the upgrade authority.
pub async fn buffer(context: &Context, args: &BufferArgs) -> Result<Report> {
    let signers = context.signers()?;
    let signer = signers.signer.pubkey();
    let (elf, artifact) = on_chain::read_elf(&args.elf.elf)?;
    let program = on_chain::read(context).await?;
    let authority = program.authority.ok_or_else(nobody)?;
    let buffer = keypair::read_or_plan(&args.elf.buffer, context.options.dry_run)?;
    let address = buffer.pubkey();
    let report = |uploaded: &Uploaded| upload_report(uploaded, &buffer).fact("artifact", artifact);
    approve_all(context, &signers, &address, (&elf, false)).await?;
    let propose = format!("make the transaction of the multisig: `bauta program propose --buffer {address}`");
    // A repeated command finds the buffer with its last authority.
    let found = upload::read(context, &address).await?;
    if found.is_some_and(|found| found.authority == Some(authority) && authority != signer) {
        check_buffer(context, &address).await?;
        return Ok(Report::new()
            .fact("buffer", address)
            .fact("authority", authority)
            .fact("artifact", artifact)
            .value("sent", false)
            .next(propose));
    }
    let uploaded = upload::upload(context, &signers, &buffer, &elf).await?;
    if !uploaded.is_sent {
        return Ok(report(&uploaded).fact("authority", authority).value("sent", false).next(
            "after the upload, the command hands the buffer to the upgrade authority in another transaction",
        ));
    }
    check_buffer(context, &address).await?;
    extend(context, &signers, elf.len()).await?;
    let done = report(&uploaded).fact("authority", authority);
    if authority == signer {
        return Ok(done.value("sent", true).next(propose));
    }
    let what = format!("hand the buffer to the upgrade authority {authority}");
    let instruction = loader::set_authority(&address, &signer, Some(&authority), false);
    let outcome = context.run(&signers, Action::of(&what, instruction)).await?;
    Ok(done.and(outcome.report()).next(propose))
}

/// Shows what the upload and the transactions after it cost together, and requests one confirmation
/// on mainnet.
async fn approve_all(
    context: &Context,
    signers: &Signers,
    buffer: &Address,
    (elf, is_new): (&[u8], bool),
) -> Result<()> {
    let mut cost = upload::cost(context, signers, buffer, elf).await?;
    if is_new {
        let from_buffer = context.rent(loader::BUFFER_HEADER + elf.len()).await?;
        let data_rent = context.rent(PROGRAM_HEADER + elf.len()).await?;
        cost.rent += context.rent(loader::PROGRAM_BYTES).await? + data_rent.saturating_sub(from_buffer);
        // The keypair of the program signs too.
        cost.fee += context.fee_of_series(1, signers.count() + 1);
    } else {
        let program = on_chain::read(context).await?;
        let has = PROGRAM_HEADER + program.elf.len();
        let mut transactions = 1;
        if let Some(additional) = loader::extension(has, PROGRAM_HEADER + elf.len()) {
            let after = context.rent(has + additional).await?;
            cost.rent += after.saturating_sub(context.rent(has).await?);
            transactions += 1;
        }
        cost.fee += context.fee_of_series(transactions, signers.count());
    }
    let what = if is_new {
        "deploy the program: all transactions together"
    } else {
        "upgrade the program: all transactions together"
    };
    context
        .approve_series(&signers.payer().pubkey(), what, &cost)
        .await?;
    Ok(())
}

fn upload_report(uploaded: &Uploaded, buffer: &Keypair) -> Report {
    Report::new()
        .fact("buffer", buffer.pubkey())
        .value("chunks", uploaded.chunks)
        .value("chunks_written", uploaded.written)
        .value("resumed", uploaded.is_resumed)
        .value("upload_fee_lamports", uploaded.cost.fee)
        .value("upload_rent_lamports", uploaded.cost.rent)
}

/// Refuses a buffer whose bytes on the chain are not those of an artifact. Returns the artifact.
pub async fn check_buffer(context: &Context, address: &Address) -> Result<(loader::Buffer, &'static str)> {
    let buffer = upload::read(context, address).await?;
    let buffer = buffer.with_context(|| format!("there is no buffer at {address}"))?;
    let artifact = on_chain::artifact_of(&buffer.elf, &format!("the buffer {address}"))?;
    Ok((buffer, artifact))
}

/// Creates the program from the buffer, whose lamports pay for the account of its bytes.
async fn create(
    context: &Context,
    signers: &Signers,
    buffer: &Keypair,
    program: &Keypair,
    len: usize,
) -> Result<Report> {
    let payer = signers.payer().pubkey();
    let rent = context.rent(loader::PROGRAM_BYTES).await?;
    let from_buffer = context.rent(loader::BUFFER_HEADER + len).await?;
    let data_rent = context.rent(PROGRAM_HEADER + len).await?;
    let signer = signers.signer.pubkey();
    let funded = context.account(&bauta::ID).await?;
    let funded = funded.map_or(0, |account| account.lamports);
    let what = format!(
        "deploy the program at {} with the upgrade authority {signer}",
        bauta::ID
    );
    let mut action = Action::of_all(
        &what,
        loader::deploy(&payer, &buffer.pubkey(), &signer, (rent, funded), len),
    );
    action.signers.push(program);
    action.deposit = rent.saturating_sub(funded) + data_rent.saturating_sub(from_buffer);
    Ok(context.run(signers, action).await?.report())
}

/// Extends the account of the program's bytes if it is too small for `len` bytes.
async fn extend(context: &Context, signers: &Signers, len: usize) -> Result<()> {
    let program = on_chain::read(context).await?;
    let has = PROGRAM_HEADER + program.elf.len();
    let Some(additional) = loader::extension(has, PROGRAM_HEADER + len) else {
        return Ok(());
    };
    after_last_change(context).await?;
    let what = format!("extend the program's account by {additional} bytes");
    let mut action = Action::of(&what, loader::extend(&signers.payer().pubkey(), additional));
    let after = context.rent(has + additional).await?;
    action.deposit = after.saturating_sub(context.rent(has).await?);
    context.run(signers, action).await?;
    Ok(())
}

/// Waits until the slot of the program's last change is over. The loader changes a program once in
/// a slot.
async fn after_last_change(context: &Context) -> Result<()> {
    let changed = on_chain::read(context).await?.slot;
    let end = Instant::now() + PATIENCE;
    while context.rpc.slot(LEVEL).await? <= changed {
        ensure!(
            Instant::now() < end,
            Failure::new(
                Kind::Node,
                format!("the node at {} stays at the slot {changed}", context.rpc.host())
            )
            .next("repeat the command with another node: it continues")
        );
        sleep(SLOT_INTERVAL).await;
    }
    Ok(())
}

fn program_keypair(args: &Args) -> Result<Keypair> {
    let next = "give the keypair of the program's address with --program-keypair";
    let Some(file) = &args.program_keypair else {
        let message = format!("there is no program at {} on the cluster", bauta::ID);
        return Err(Failure::new(Kind::Other, message).next(next).into());
    };
    let keypair = keypair::read(file)?;
    if keypair.pubkey() == bauta::ID {
        return Ok(keypair);
    }
    let message = format!(
        "the address of {} is {}, but the program's instructions work only at {}",
        file.display(),
        keypair.pubkey(),
        bauta::ID
    );
    Err(Failure::new(Kind::Other, message).next(next).into())
}

/// Refuses to deploy to a public cluster with the keypair that is in the repository. Anyone could
/// take the address over.
async fn refuse_published_keypair(context: &Context) -> Result<()> {
    let genesis = ClusterTag::new(context.rpc.genesis_hash().await?.to_bytes());
    let is_local = context.cluster.tag.is_none_or(|tag| !is_public(tag));
    if bauta::ID != PUBLISHED || (is_local && !is_public(genesis)) {
        return Ok(());
    }
    let message = format!(
        "the secret key of the address {PUBLISHED} is in the repository of Bauta, so it is only for local \
         chains"
    );
    Err(Failure::new(Kind::Other, message)
        .next(
            "generate a key, put its address into `declare_id!`, and build the program and the command \
             again (programs/bauta/README.md)",
        )
        .into())
}

fn check_authority(program: &ProgramData, signer: &Address) -> Result<()> {
    match program.authority {
        Some(authority) if authority == *signer => Ok(()),
        Some(authority) => {
            let message = format!("the upgrade authority is {authority}, not the signer {signer}");
            Err(Failure::new(Kind::Refused, message)
                .next(
                    "for a multisig, write a buffer with `bauta program buffer`, and then use `bauta \
                     program propose`",
                )
                .into())
        }
        None => Err(nobody()),
    }
}

/// Returns the error for a program without an upgrade authority.
pub fn nobody() -> anyhow::Error {
    Failure::new(Kind::Refused, "nobody can upgrade the program").into()
}
