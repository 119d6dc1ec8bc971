//! Access to the chain through a node's JSON-RPC.

use std::env;

use anyhow::{Context, Result, anyhow};
use bauta_client::ProgramError;
use bauta_rpc::{CommitmentLevel, Rpc, RpcError, sign};
use bauta_store::Slot;
use serde_json::{Value, json};
use solana_address::Address;
use solana_instruction::Instruction;
use solana_keypair::{Keypair, read_keypair_file};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction_error::TransactionError;

use crate::metaplex::ForeignAccount;

/// A node, and the payer of all transactions, who is the program's admin.
pub struct Chain {
    pub rpc: Rpc,
    pub payer: Keypair,
}

/// A confirmed transaction.
pub struct Sent {
    pub signature: Signature,
    pub slot: Slot,
    pub compute_units: u64,
    pub transaction_bytes: usize,
}

/// The reason why a transaction had no effect.
pub enum Failure {
    /// The transaction was refused. Contains the name of the program's rule, or the error of the
    /// runtime.
    Refused(String),
    /// The transaction was not sent, or its result is unknown.
    Failed(anyhow::Error),
}

impl Chain {
    /// Uses the node and the keypair that `cargo xtask demo` has set in the environment.
    pub fn from_environment() -> Result<Self> {
        let payer = read_keypair_file(variable("BAUTA_KEYPAIR")?).map_err(|error| anyhow!("{error}"))?;
        Ok(Self {
            rpc: Rpc::new(&variable("SOLANA_RPC_URL")?)?,
            payer,
        })
    }

    /// Sends one transaction, which the payer signs as well, and waits until it is confirmed.
    pub async fn send(&self, instructions: &[Instruction], signers: &[&Keypair]) -> Result<Sent, Failure> {
        self.submit(instructions, signers, false).await
    }

    /// Sends a transaction like [`send`](Self::send), but without the node's preflight check. A
    /// refused transaction then gets into a block as a failed one.
    pub async fn send_without_preflight(
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
        skip_preflight: bool,
    ) -> Result<Sent, Failure> {
        let refused = |error: RpcError| match error.transaction_error() {
            Some(error) => Failure::Refused(rule(&error, instructions)),
            None => Failure::Failed(error.into()),
        };
        let mut all = vec![&self.payer];
        all.extend(
            signers
                .iter()
                .filter(|signer| signer.pubkey() != self.payer.pubkey()),
        );
        let (blockhash, last_height) = self
            .rpc
            .latest_blockhash(CommitmentLevel::Confirmed)
            .await
            .map_err(refused)?;
        let transaction = sign(instructions, &all, blockhash).map_err(refused)?;
        // The length of a compact array with up to 127 signatures takes one byte.
        let transaction_bytes = 1 + 64 * transaction.signatures.len() + transaction.message.serialize().len();
        let signature = if skip_preflight {
            self.rpc.send_without_preflight(&transaction).await
        } else {
            self.rpc.send(&transaction).await
        };
        let signature = signature.map_err(refused)?;
        let confirmed = self.rpc.confirm(&signature, last_height).await.map_err(refused)?;
        let executed = self
            .rpc
            .transaction(&signature, CommitmentLevel::Confirmed)
            .await
            .map_err(refused)?;
        Ok(Sent {
            signature,
            slot: Slot::new(confirmed.slot),
            compute_units: executed.and_then(|executed| executed.compute_units).unwrap_or(0),
            transaction_bytes,
        })
    }

    /// Returns an account's data and owner.
    pub async fn account(&self, address: &Address) -> Result<bauta_rpc::Account> {
        let (_, account) = self.rpc.account(address, CommitmentLevel::Confirmed).await?;
        account.with_context(|| format!("there is no account at {address}"))
    }

    /// Returns whether there is an account at an address.
    pub async fn exists(&self, address: &Address) -> Result<bool> {
        let (_, account) = self.rpc.account(address, CommitmentLevel::Confirmed).await?;
        Ok(account.is_some())
    }

    /// Returns the chain's time in Unix seconds. On a busy machine, the time of a local chain is
    /// behind real time.
    pub async fn time(&self) -> Result<i64> {
        const CLOCK: Address = Address::from_str_const("SysvarC1ock11111111111111111111111111111111");
        let account = self.account(&CLOCK).await?;
        // Five values of eight bytes each, little-endian: the slot, the start of the epoch, the
        // epoch, the leader schedule's epoch, and the time.
        let time = account.data.get(32..40).and_then(|bytes| bytes.try_into().ok());
        Ok(i64::from_le_bytes(
            time.context("the clock account must have 40 bytes")?,
        ))
    }

    /// Moves the clock of a local chain forward to a time in Unix seconds. A time in the past
    /// changes nothing.
    pub async fn advance_clock(&self, time: i64) -> Result<()> {
        if time <= self.time().await? {
            return Ok(());
        }
        let milliseconds = u64::try_from(time)? * 1_000;
        let params = json!([{ "absoluteTimestamp": milliseconds }]);
        let _: Value = self.rpc.call("surfnet_timeTravel", &params).await?;
        Ok(())
    }

    /// Writes an account of a program that does not run on the local chain.
    pub async fn write_account(&self, account: &ForeignAccount) -> Result<()> {
        let ForeignAccount { address, owner, data } = account;
        let lamports = self.rent(data.len()).await?;
        let update = json!({
            "lamports": lamports,
            "data": hex::encode(data),
            "owner": owner.to_string(),
            "executable": false,
            "rentEpoch": 0,
        });
        let params = json!([address.to_string(), update]);
        let _: Value = self.rpc.call("surfnet_setAccount", &params).await?;
        Ok(())
    }

    /// Returns the lamports that make an account of this size rent-exempt.
    pub async fn rent(&self, bytes: usize) -> Result<u64> {
        Ok(self.rpc.rent_exempt_balance(bytes).await?)
    }
}

impl From<Failure> for anyhow::Error {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(rule) => anyhow!("refused: {rule}"),
            Failure::Failed(error) => error,
        }
    }
}

/// Returns a variable that `cargo xtask demo` or `cargo xtask up` sets.
pub fn variable(name: &str) -> Result<String> {
    env::var(name).with_context(|| format!("{name} is not set; start this program with `cargo xtask`"))
}

fn rule(error: &TransactionError, instructions: &[Instruction]) -> String {
    let programs: Vec<Address> = instructions
        .iter()
        .map(|instruction| instruction.program_id)
        .collect();
    ProgramError::of_transaction(error, &programs).map_or_else(|| format!("{error:?}"), |error| error.name)
}
