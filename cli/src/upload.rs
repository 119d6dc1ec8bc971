//! Writes an ELF into a buffer of the loader, in many transactions.
//!
//! ```text
//!   read the buffer ──> chunks that differ ──> sign and send a group ──> wait for its results
//!        ^                                                                    │
//!        └──────────────── until no chunk differs ────────────────────────────┘
//! ```
//!
//! What the chain has decides what is written, so an interrupted upload continues where it ended.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use bauta_client::addresses::UPGRADEABLE_LOADER;
use bauta_rpc::{CommitmentLevel, MAX_TRANSACTION_BYTES, Rpc};
use indicatif::ProgressBar;
use solana_address::Address;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::versioned::VersionedTransaction;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

use crate::{
    chain::LEVEL,
    context::{Context, Signers},
    failure::{Failure, Kind},
    key::{SignerOf, sign},
    loader::{self, Buffer},
    progress,
    transaction::{Action, Cost, MAX_PRIORITY_FEE, SIGNATURE_FEE, compute_budget, priority_fee},
};

/// The transactions that are sent before the command waits for their results.
const GROUP: usize = 64;
/// The requests that are open at the same time. Public nodes refuse more from one client.
const CONCURRENT: usize = 8;
/// The rounds in a row that may change nothing on the chain.
const MAX_IDLE_ROUNDS: u32 = 4;
/// The time after the first round that changed nothing. It doubles with each further one.
const BACK_OFF: Duration = Duration::from_millis(500);
/// The time between two requests for the results of a group.
const STATUS_INTERVAL: Duration = Duration::from_millis(300);
/// The longest time for which a node that responds may show no progress of the chain.
pub const PATIENCE: Duration = Duration::from_mins(3);
/// The time after which transactions without a result are sent again. Nodes drop some.
const RESEND_INTERVAL: Duration = Duration::from_secs(2);
/// The limit of compute units of a write with a priority fee. A write needs about 2,700.
const WRITE_UNITS: u32 = 5_000;

/// What an upload did.
pub struct Uploaded {
    /// The chunks that this command wrote.
    pub written: usize,
    /// The chunks of the ELF.
    pub chunks: usize,
    /// Whether an earlier command created the buffer.
    pub is_resumed: bool,
    /// What it costs.
    pub cost: Cost,
    /// Whether it was sent. A dry run sends nothing.
    pub is_sent: bool,
}

/// Creates the buffer if it does not exist, and writes the chunks of the ELF that it does not have.
/// The signer of the command has the authority over the buffer.
pub async fn upload(context: &Context, signers: &Signers, buffer: &Keypair, elf: &[u8]) -> Result<Uploaded> {
    let address = buffer.pubkey();
    let authority = signers.signer.pubkey();
    let writer = Writer::new(context, signers, address)?;
    let found = read(context, &address).await?;
    let is_resumed = found.is_some();
    if let Some(found) = &found {
        check_own(&address, found, &authority, elf.len())?;
    }
    let missing = writer.missing(elf, found.as_ref().map(|found| found.elf.as_slice()));
    let chunks = elf.len().div_ceil(writer.chunk);
    let write_fees = writer.fee * missing.len() as u64;
    let mut uploaded = Uploaded {
        written: 0,
        chunks,
        is_resumed,
        cost: Cost {
            fee: write_fees,
            rent: 0,
        },
        is_sent: false,
    };
    let bytes = elf.len();
    let go = if is_resumed {
        let what = format!(
            "write the remaining {} of {chunks} parts of {bytes} bytes into the buffer {address}",
            missing.len()
        );
        context
            .approve(&signers.payer().pubkey(), &what, &uploaded.cost)
            .await?
    } else {
        let what = format!(
            "create the buffer {address} and write {bytes} bytes in {} transactions",
            missing.len()
        );
        let rent = context.rent(loader::BUFFER_HEADER + bytes).await?;
        let payer = signers.payer().pubkey();
        let mut action = Action::of_all(
            &what,
            loader::create_buffer(&payer, &address, &authority, rent, bytes),
        );
        action.signers.push(buffer);
        action.deposit = rent;
        action.following_fees = write_fees;
        let outcome = context.run(signers, action).await?;
        uploaded.cost = outcome.cost();
        outcome.is_sent()
    };
    if !go {
        return Ok(uploaded);
    }
    uploaded.is_sent = true;
    let progress = progress::bar(
        context,
        "writing",
        "parts",
        chunks as u64,
        (chunks - missing.len()) as u64,
    );
    writer.write_all(context, elf, &progress).await.map_err(|error| {
        Failure::new(
            Kind::Node,
            format!("can't write the buffer {address} completely: {error:#}"),
        )
        .next("repeat the command: it continues with the same buffer")
    })?;
    progress.finish_and_clear();
    uploaded.written = missing.len();
    Ok(uploaded)
}

/// Returns what the rest of an upload costs: the rent of a new buffer, and the fees.
pub async fn cost(context: &Context, signers: &Signers, buffer: &Address, elf: &[u8]) -> Result<Cost> {
    let writer = Writer::new(context, signers, *buffer)?;
    let found = read(context, buffer).await?;
    let missing = writer.missing(elf, found.as_ref().map(|found| found.elf.as_slice()));
    let mut cost = Cost {
        fee: writer.fee * missing.len() as u64,
        rent: 0,
    };
    if found.is_none() {
        cost.rent = context.rent(loader::BUFFER_HEADER + elf.len()).await?;
        // The keypair of the buffer signs too.
        cost.fee += context.fee_of_series(1, signers.count() + 1);
    }
    Ok(cost)
}

/// Reads a buffer. `None` if there is no account at the address.
pub async fn read(context: &Context, address: &Address) -> Result<Option<Buffer>> {
    let Some(account) = context.account(address).await? else {
        return Ok(None);
    };
    let is_loader = account.owner == UPGRADEABLE_LOADER;
    let buffer = is_loader.then(|| Buffer::parse(account.data)).flatten();
    buffer
        .map(Some)
        .with_context(|| format!("the account {address} is not a buffer of the upgradeable loader"))
}

/// Refuses a buffer that the command can't continue.
fn check_own(address: &Address, found: &Buffer, authority: &Address, len: usize) -> Result<()> {
    let reason = if found.authority != Some(*authority) {
        let of = found
            .authority
            .map_or_else(|| "nobody".to_owned(), |authority| authority.to_string());
        format!("its authority is {of}, and not the signer {authority}")
    } else if found.elf.len() != len {
        format!("it is for {} bytes, but the ELF has {len}", found.elf.len())
    } else {
        return Ok(());
    };
    Err(Failure::new(
        Kind::Other,
        format!("the buffer {address} can't be continued: {reason}"),
    )
    .next("name another keypair file with --buffer")
    .into())
}

/// Writes chunks into one buffer.
struct Writer<'a> {
    rpc: &'a Rpc,
    buffer: Address,
    authority: Address,
    /// The payer first, then the authority if it is another one.
    signers: Vec<SignerOf<'a>>,
    price: u64,
    /// The bytes of a chunk.
    chunk: usize,
    /// The fee of a write in lamports.
    fee: u64,
}

impl<'a> Writer<'a> {
    fn new(context: &'a Context, signers: &'a Signers, buffer: Address) -> Result<Self> {
        let (payer, authority) = (signers.payer(), &signers.signer);
        let mut all = vec![SignerOf::Key(payer)];
        if payer.pubkey() != authority.pubkey() {
            all.push(SignerOf::Key(authority));
        }
        let price = context.options.compute_unit_price;
        let priority = priority_fee(WRITE_UNITS, price);
        ensure!(
            priority <= MAX_PRIORITY_FEE,
            Failure::new(
                Kind::Other,
                "the priority fee of each transaction would be above 0.1 SOL"
            )
            .next("choose a lower --compute-unit-price: it is in millionths of a lamport")
        );
        Ok(Self {
            rpc: &context.rpc,
            buffer,
            authority: authority.pubkey(),
            chunk: chunk_bytes(all.len(), price > 0),
            fee: SIGNATURE_FEE * all.len() as u64 + priority,
            signers: all,
            price,
        })
    }

    /// Returns the offsets of the chunks that a buffer does not have. A new buffer has only zeros.
    fn missing(&self, elf: &[u8], found: Option<&[u8]>) -> Vec<usize> {
        let chunks = elf.chunks(self.chunk).enumerate();
        chunks
            .map(|(index, chunk)| (index * self.chunk, chunk))
            .filter(|(offset, chunk)| match found {
                Some(found) => found.get(*offset..*offset + chunk.len()) != Some(*chunk),
                None => chunk.iter().any(|byte| *byte != 0),
            })
            .map(|(offset, _)| offset)
            .collect()
    }

    /// Writes until the buffer has the ELF. Fails if some rounds in a row change nothing.
    async fn write_all(&self, context: &Context, elf: &[u8], progress: &ProgressBar) -> Result<()> {
        let chunks = elf.len().div_ceil(self.chunk);
        let (mut before, mut idle) = (usize::MAX, 0);
        let mut last_error = None;
        loop {
            let found = read(context, &self.buffer).await?;
            let found = found.with_context(|| format!("there is no buffer at {}", self.buffer))?;
            let missing = self.missing(elf, Some(&found.elf));
            progress.set_position((chunks - missing.len()) as u64);
            if missing.is_empty() {
                return Ok(());
            }
            if missing.len() < before {
                idle = 0;
            } else {
                idle += 1;
                if idle > MAX_IDLE_ROUNDS {
                    let reason = last_error.unwrap_or_else(|| "the cluster executes no write".to_owned());
                    anyhow::bail!("{} of {chunks} parts are missing: {reason}", missing.len());
                }
                sleep(BACK_OFF * 2_u32.pow(idle - 1)).await;
            }
            before = missing.len();
            for group in missing.chunks(GROUP) {
                if let Err(error) = self.write_group(elf, group, progress).await {
                    // What the chain has after that decides whether this matters.
                    last_error = Some(format!("{error:#}"));
                    break;
                }
            }
        }
    }

    /// Sends a group of chunks, and waits until each has a result or can't be executed any more.
    async fn write_group(&self, elf: &[u8], offsets: &[usize], progress: &ProgressBar) -> Result<()> {
        let (blockhash, last_valid_height) = self.rpc.latest_blockhash(LEVEL).await?;
        let mut pending = Vec::with_capacity(offsets.len());
        for offset in offsets {
            let end = elf.len().min(offset + self.chunk);
            let write = loader::write(&self.buffer, &self.authority, *offset, &elf[*offset..end]);
            let mut instructions = vec![write];
            if self.price > 0 {
                instructions.extend(compute_budget(WRITE_UNITS, self.price));
            }
            let transaction = sign(&instructions, &self.signers, blockhash).await?;
            pending.push((transaction.signatures[0], transaction));
        }
        self.send_all(
            pending
                .iter()
                .map(|(_, transaction)| transaction.clone())
                .collect(),
        )
        .await?;
        let mut last_sent = Instant::now();
        let (mut highest, mut last_growth) = (0, Instant::now());
        loop {
            // The height is requested before the results. After the limit, what has no result can't
            // be executed any more.
            let height = self.rpc.block_height(LEVEL).await?;
            if height > highest {
                (highest, last_growth) = (height, Instant::now());
            }
            ensure!(
                last_growth.elapsed() <= PATIENCE,
                "the block height of the node at {} does not grow",
                self.rpc.host()
            );
            let signatures: Vec<Signature> = pending.iter().map(|(signature, _)| *signature).collect();
            let statuses = self.rpc.statuses(&signatures, false).await?;
            let mut index = 0;
            let mut failed = None;
            pending.retain(|_| {
                let status = statuses[index].as_ref();
                index += 1;
                let is_done = status.is_some_and(|status| status.level >= CommitmentLevel::Confirmed);
                if let Some(error) = status
                    .filter(|_| is_done)
                    .and_then(|status| status.error.as_ref())
                {
                    failed = Some(error.to_string());
                }
                if is_done {
                    progress.inc(1);
                }
                !is_done
            });
            if let Some(reason) = failed {
                anyhow::bail!("a write failed: {reason}");
            }
            if pending.is_empty() {
                return Ok(());
            }
            ensure!(
                height <= last_valid_height,
                "{} transactions were not executed in time",
                pending.len()
            );
            if last_sent.elapsed() >= RESEND_INTERVAL {
                last_sent = Instant::now();
                self.send_all(
                    pending
                        .iter()
                        .map(|(_, transaction)| transaction.clone())
                        .collect(),
                )
                .await?;
            }
            sleep(STATUS_INTERVAL).await;
        }
    }

    /// Sends transactions. Fails with the first error, after all of them were sent.
    async fn send_all(&self, transactions: Vec<VersionedTransaction>) -> Result<()> {
        let mut transactions = transactions.into_iter();
        let mut open = JoinSet::new();
        let mut result = Ok(());
        loop {
            while open.len() < CONCURRENT {
                let Some(transaction) = transactions.next() else {
                    break;
                };
                let rpc = self.rpc.clone();
                open.spawn(async move { rpc.send_without_preflight(&transaction).await });
            }
            match open.join_next().await {
                None => return result,
                Some(sent) => {
                    let sent = sent.context("a request ended early")?;
                    if result.is_ok() {
                        result = sent.map(|_| ()).map_err(Into::into);
                    }
                }
            }
        }
    }
}

/// Returns how many bytes of the ELF a transaction has room for.
fn chunk_bytes(signatures: usize, has_price: bool) -> usize {
    // The number of signatures, each signature, the header, the number of addresses, the addresses
    // (those of the signers, the buffer and the loader), the blockhash, and the number of
    // instructions.
    let frame = 1 + 64 * signatures + 3 + 1 + 32 * (signatures + 2) + 32 + 1;
    // The program, two accounts with their number, the length of the data in at most two bytes, and
    // the number, the offset and the length of the write.
    let write = 1 + 3 + 2 + 4 + 4 + 8;
    // The address of the program, and two instructions of 8 and 12 bytes.
    let budget = if has_price { 32 + 8 + 12 } else { 0 };
    MAX_TRANSACTION_BYTES - frame - write - budget
}

#[cfg(test)]
mod tests {
    use bauta_rpc::{serialize, sign};

    use super::*;

    #[test]
    fn a_chunk_fills_a_transaction() {
        let (payer, authority, buffer) = (Keypair::new(), Keypair::new(), Address::new_unique());
        for signers in [vec![&authority], vec![&payer, &authority]] {
            for price in [0, 7] {
                let length = |bytes: usize| {
                    let write = loader::write(&buffer, &authority.pubkey(), 0, &vec![1; bytes]);
                    let mut instructions = vec![write];
                    if price > 0 {
                        instructions.extend(compute_budget(WRITE_UNITS, price));
                    }
                    let transaction = sign(&instructions, &signers, [0; 32].into());
                    transaction.and_then(|transaction| serialize(&transaction))
                };
                let chunk = chunk_bytes(signers.len(), price > 0);
                assert_eq!(length(chunk).unwrap().len(), MAX_TRANSACTION_BYTES);
                assert!(length(chunk + 1).is_err());
            }
        }
    }
}
