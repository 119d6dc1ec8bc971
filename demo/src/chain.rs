//! The chain, through a node's JSON-RPC.

use std::env;

use anyhow::{Context, Result, anyhow};
use bauta_client::ProgramError;
use bauta_rpc::{Commitment, Rpc, RpcError, sign};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::{Keypair, read_keypair_file};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction_error::TransactionError;

/// A node, and who pays for everything: the program's admin.
pub struct Chain {
    pub rpc: Rpc,
    pub payer: Keypair,
}

/// A transaction that is confirmed.
pub struct Sent {
    pub signature: Signature,
    pub slot: u64,
    pub compute_units: u64,
    pub transaction_bytes: usize,
}

/// Why a transaction had no effect.
pub enum Failure {
    /// The program's rule, by its name; or what the runtime says.
    Refused(String),
    /// The chain was never asked, or gave no answer.
    Unsent(anyhow::Error),
}

impl Chain {
    /// The node and the keypair that `cargo xtask demo` has put into the environment.
    pub fn from_environment() -> Result<Self> {
        let payer = read_keypair_file(variable("BAUTA_KEYPAIR")?).map_err(|error| anyhow!("{error}"))?;
        Ok(Self {
            rpc: Rpc::new(&variable("SOLANA_RPC_URL")?)?,
            payer,
        })
    }

    /// Sends one transaction, which the payer signs too, and waits until it is confirmed.
    pub async fn send(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Sent, Failure> {
        self.submit(instructions, signers, false).await
    }

    /// The same without the node's trial, so that a refused transaction gets into a block, as a failed one.
    pub async fn send_untried(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Sent, Failure> {
        self.submit(instructions, signers, true).await
    }

    async fn submit(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
        untried: bool,
    ) -> Result<Sent, Failure> {
        let refused = |error: RpcError| match error.transaction_error() {
            Some(error) => Failure::Refused(rule(error, instructions)),
            None => Failure::Unsent(error.into()),
        };
        let mut all = vec![&self.payer];
        all.extend(
            signers
                .iter()
                .filter(|signer| signer.pubkey() != self.payer.pubkey()),
        );
        let (blockhash, last_height) = self
            .rpc
            .latest_blockhash(Commitment::Confirmed)
            .await
            .map_err(refused)?;
        let transaction = sign(instructions, &all, blockhash).map_err(refused)?;
        // a compact array of up to 127 signatures has one byte of length
        let transaction_bytes = 1 + 64 * transaction.signatures.len() + transaction.message.serialize().len();
        let signature = if untried {
            self.rpc.send_untried(&transaction).await
        } else {
            self.rpc.send(&transaction).await
        };
        let signature = signature.map_err(refused)?;
        let confirmed = self.rpc.confirm(&signature, last_height).await.map_err(refused)?;
        let record = self
            .rpc
            .transaction(&signature, Commitment::Confirmed)
            .await
            .map_err(refused)?;
        Ok(Sent {
            signature,
            slot: confirmed.slot,
            compute_units: record.and_then(|record| record.compute_units).unwrap_or(0),
            transaction_bytes,
        })
    }

    /// An account's bytes and owner.
    pub async fn account(&self, address: &Address) -> Result<bauta_rpc::Account> {
        let (_, account) = self.rpc.account(address, Commitment::Confirmed).await?;
        account.with_context(|| format!("no account at {address}"))
    }

    /// The chain's time, in Unix seconds: a local chain's falls behind a busy machine's.
    pub async fn time(&self) -> Result<i64> {
        const CLOCK: Address = Address::from_str_const("SysvarC1ock11111111111111111111111111111111");
        let account = self.account(&CLOCK).await?;
        // slot, the epoch's beginning, epoch, its leaders' epoch, and the time: eight bytes each, little-endian
        let time = account.data.get(32..40).and_then(|bytes| bytes.try_into().ok());
        Ok(i64::from_le_bytes(time.context("a clock has 40 bytes")?))
    }

    /// Lamports that keep an account of so many bytes.
    pub async fn rent(&self, bytes: usize) -> Result<u64> {
        Ok(self.rpc.rent_exempt_balance(bytes).await?)
    }
}

impl From<Failure> for anyhow::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(rule) => anyhow!("refused: {rule}"),
            Failure::Unsent(error) => error,
        }
    }
}

/// A variable that `cargo xtask demo` sets.
pub fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set: start this as `cargo xtask demo`"))
}

fn rule(error: &TransactionError, instructions: &[Instruction]) -> String {
    let programs: Vec<Address> = instructions
        .iter()
        .map(|instruction| instruction.program_id)
        .collect();
    ProgramError::of_transaction(error, &programs).map_or_else(|| format!("{error:?}"), |error| error.name)
}
