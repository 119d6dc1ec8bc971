//! Sends transactions and waits for their confirmation.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::json;
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_message::{AddressLookupTableAccount, VersionedMessage, v0, v1};
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::{Transaction, versioned::VersionedTransaction};
use tokio::time::{Instant, sleep};

use crate::{CommitmentLevel, Rpc, RpcError, client::WithContext};

/// The time between two requests for a transaction's status. A slot takes 400 ms.
const STATUS_INTERVAL: Duration = Duration::from_millis(100);
/// The time after which a transaction without a status is sent again. Nodes drop some transactions.
const RESEND_INTERVAL: Duration = Duration::from_secs(2);

/// The time without a higher block height after which a node is stalled, in time limits of a call:
/// three minutes with the default limit.
const STALL: u32 = 6;

/// The maximum length of a transaction without a version, or of version 0, in bytes.
pub const MAX_TRANSACTION_BYTES: usize = 1232;
/// The maximum length of a transaction of version 1 in bytes (SIMD-0296).
pub const MAX_V1_TRANSACTION_BYTES: usize = v1::MAX_TRANSACTION_SIZE;

/// The limits that a transaction of version 1 has in its header instead of in instructions
/// (SIMD-0385). Without them, a cluster would grant no compute units and load no accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct V1Limits {
    /// The maximum number of compute units.
    pub compute_units: u32,
    /// The maximum number of bytes of all accounts that the transaction loads, including programs.
    pub loaded_account_bytes: u32,
    /// The priority fee of the whole transaction in lamports.
    pub priority_fee: u64,
}

impl Default for V1Limits {
    /// The limits that a cluster allows at most, without a priority fee: 1.4 million compute units
    /// and 64 MiB of accounts.
    fn default() -> Self {
        Self {
            compute_units: 1_400_000,
            loaded_account_bytes: 64 * 1024 * 1024,
            priority_fee: 0,
        }
    }
}

/// A transaction that was confirmed and succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// The transaction's signature.
    pub signature: Signature,
    /// The slot that contains the transaction.
    pub slot: u64,
}

impl Rpc {
    /// Sends instructions in one transaction and waits until it is confirmed. The first signer pays
    /// the fee.
    ///
    /// Sends the transaction again every two seconds while it has no status.
    pub async fn send_and_confirm(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Confirmation, RpcError> {
        let (blockhash, last_valid_height) = self.latest_blockhash(CommitmentLevel::Confirmed).await?;
        let transaction = sign(instructions, signers, blockhash)?;
        self.send_until_confirmed(&transaction, last_valid_height).await
    }

    /// Sends instructions in one transaction of version 1 and waits until it is confirmed. The
    /// first signer pays the fee.
    ///
    /// Such a transaction may have 4,096 bytes. Clusters that don't have SIMD-0385 refuse it.
    pub async fn send_v1_and_confirm(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
        limits: &V1Limits,
    ) -> Result<Confirmation, RpcError> {
        let (blockhash, last_valid_height) = self.latest_blockhash(CommitmentLevel::Confirmed).await?;
        let transaction = sign_v1(instructions, signers, blockhash, limits)?;
        self.send_until_confirmed(&transaction, last_valid_height).await
    }

    /// Sends a signed transaction and waits until it is confirmed. The blockhash of the transaction
    /// is valid up to `last_valid_height`. After an error other than that of the transaction, it is
    /// not known whether the transaction was executed.
    pub async fn send_until_confirmed(
        &self,
        transaction: &VersionedTransaction,
        last_valid_height: u64,
    ) -> Result<Confirmation, RpcError> {
        let signature = self.send(transaction).await?;
        self.wait(&signature, last_valid_height, Some(transaction)).await
    }

    /// Returns a recent blockhash, and the last block height at which the cluster accepts a
    /// transaction with this blockhash.
    pub async fn latest_blockhash(&self, level: CommitmentLevel) -> Result<(Hash, u64), RpcError> {
        const METHOD: &str = "getLatestBlockhash";
        let response: WithContext<BlockhashJson> =
            self.call(METHOD, &json!([{ "commitment": level }])).await?;
        let blockhash = response
            .value
            .blockhash
            .parse()
            .map_err(RpcError::invalid_response(METHOD))?;
        Ok((blockhash, response.value.last_valid_block_height))
    }

    /// Returns whether the node would accept a transaction with this blockhash now.
    pub async fn is_blockhash_valid(
        &self,
        blockhash: &Hash,
        level: CommitmentLevel,
    ) -> Result<bool, RpcError> {
        const METHOD: &str = "isBlockhashValid";
        let response: WithContext<bool> = self
            .call(METHOD, &json!([blockhash.to_string(), { "commitment": level }]))
            .await?;
        Ok(response.value)
    }

    /// Sends a transaction. The node simulates it first (preflight) and refuses it if the
    /// simulation fails.
    pub async fn send(&self, transaction: &VersionedTransaction) -> Result<Signature, RpcError> {
        let options = json!({ "encoding": "base64", "preflightCommitment": CommitmentLevel::Confirmed });
        self.submit(transaction, options).await
    }

    /// Sends a transaction without preflight. A transaction that fails is then executed on the
    /// chain and costs its fee.
    pub async fn send_without_preflight(
        &self,
        transaction: &VersionedTransaction,
    ) -> Result<Signature, RpcError> {
        let options = json!({ "encoding": "base64", "skipPreflight": true });
        self.submit(transaction, options).await
    }

    /// Sends a transaction that is already serialized, without preflight. The node doesn't send it
    /// again by itself.
    pub async fn send_once(&self, transaction: &[u8]) -> Result<(), RpcError> {
        let options = json!({ "encoding": "base64", "skipPreflight": true, "maxRetries": 0 });
        let _: serde_json::Value = self
            .call("sendTransaction", &json!([BASE64.encode(transaction), options]))
            .await?;
        Ok(())
    }

    /// Waits until a transaction is confirmed. Fails with [`RpcError::Expired`] when the block
    /// height has passed `last_valid_height` and the transaction has no status.
    pub async fn confirm(
        &self,
        signature: &Signature,
        last_valid_height: u64,
    ) -> Result<Confirmation, RpcError> {
        self.wait(signature, last_valid_height, None).await
    }

    /// Requests an airdrop from a test cluster and waits until it is confirmed.
    pub async fn airdrop(&self, to: &Address, lamports: u64) -> Result<Confirmation, RpcError> {
        const METHOD: &str = "requestAirdrop";
        let (_, last_valid_height) = self.latest_blockhash(CommitmentLevel::Confirmed).await?;
        let options = json!({ "commitment": CommitmentLevel::Confirmed });
        let text: String = self
            .call(METHOD, &json!([to.to_string(), lamports, options]))
            .await?;
        let signature = text.parse().map_err(RpcError::invalid_response(METHOD))?;
        self.confirm(&signature, last_valid_height).await
    }

    async fn submit(
        &self,
        transaction: &VersionedTransaction,
        options: serde_json::Value,
    ) -> Result<Signature, RpcError> {
        const METHOD: &str = "sendTransaction";
        let bytes = serialize(transaction)?;
        let text: String = self.call(METHOD, &json!([BASE64.encode(bytes), options])).await?;
        text.parse::<Signature>()
            .map_err(RpcError::invalid_response(METHOD))?;
        // The node could name another transaction.
        let own = transaction.signatures.first().copied();
        own.ok_or_else(|| build_error()("it has no signature"))
    }

    /// Requests the status of a transaction until it is confirmed. Tolerates a node that is
    /// unavailable for less than the time limit of a call.
    async fn wait(
        &self,
        signature: &Signature,
        last_valid_height: u64,
        resend: Option<&VersionedTransaction>,
    ) -> Result<Confirmation, RpcError> {
        let mut last_response = Instant::now();
        let mut last_sent = Instant::now();
        let (mut highest, mut last_growth) = (0, Instant::now());
        loop {
            match self.confirmation(signature, last_valid_height).await {
                Ok(Progress::Confirmed(confirmation)) => return Ok(confirmation),
                Ok(Progress::Height(height)) => {
                    last_response = Instant::now();
                    if height > highest {
                        (highest, last_growth) = (height, Instant::now());
                    }
                }
                Err(error) if error.is_retryable() && last_response.elapsed() < self.options().timeout => {}
                Err(error) => return Err(error),
            }
            if last_growth.elapsed() > self.options().timeout * STALL {
                return Err(RpcError::Stalled {
                    host: self.host().to_owned(),
                    signature: *signature,
                });
            }
            if let Some(transaction) = resend.filter(|_| last_sent.elapsed() >= RESEND_INTERVAL) {
                last_sent = Instant::now();
                // This result is ignored: the status, which is requested next, decides.
                let _ = self.send_without_preflight(transaction).await;
            }
            sleep(STATUS_INTERVAL).await;
        }
    }

    async fn confirmation(
        &self,
        signature: &Signature,
        last_valid_height: u64,
    ) -> Result<Progress, RpcError> {
        let signature = *signature;
        // The height is requested before the status. If the height has passed the limit, a
        // transaction without a status can no longer be executed.
        let height = self.block_height(CommitmentLevel::Confirmed).await?;
        match self.statuses(&[signature], false).await?.remove(0) {
            None if height > last_valid_height => Err(RpcError::Expired { signature }),
            None => Ok(Progress::Height(height)),
            Some(status) if status.level < CommitmentLevel::Confirmed => Ok(Progress::Height(height)),
            Some(status) => match status.error {
                Some(error) => Err(RpcError::Failed { signature, error }),
                None => Ok(Progress::Confirmed(Confirmation {
                    signature,
                    slot: status.slot,
                })),
            },
        }
    }
}

/// The state of a transaction whose confirmation is awaited.
enum Progress {
    Confirmed(Confirmation),
    /// The block height of the node.
    Height(u64),
}

/// Creates a transaction without a version from instructions and signs it. The first signer pays
/// the fee. Every cluster accepts such a transaction.
pub fn sign(
    instructions: &[Instruction],
    signers: &[&Keypair],
    blockhash: Hash,
) -> Result<VersionedTransaction, RpcError> {
    let payer = signers.first().map(Signer::pubkey);
    let mut transaction = Transaction::new_with_payer(instructions, payer.as_ref());
    transaction.try_sign(signers, blockhash).map_err(build_error())?;
    check_length(transaction.into(), MAX_TRANSACTION_BYTES)
}

/// Creates a transaction of version 1 from instructions and signs it. The first signer pays the
/// fee.
pub fn sign_v1(
    instructions: &[Instruction],
    signers: &[&Keypair],
    blockhash: Hash,
    limits: &V1Limits,
) -> Result<VersionedTransaction, RpcError> {
    let payer = signers
        .first()
        .ok_or_else(|| build_error()("there is no signer"))?;
    let config = v1::TransactionConfig::empty()
        .with_compute_unit_limit(limits.compute_units)
        .with_loaded_accounts_data_size_limit(limits.loaded_account_bytes)
        .with_priority_fee(limits.priority_fee);
    let message = v1::Message::try_compile_with_config(&payer.pubkey(), instructions, blockhash, config)
        .map_err(build_error())?;
    message.validate().map_err(build_error())?;
    let transaction =
        VersionedTransaction::try_new(VersionedMessage::V1(message), signers).map_err(build_error())?;
    check_length(transaction, MAX_V1_TRANSACTION_BYTES)
}

/// Creates a transaction without a version from instructions, with empty signatures. It can be
/// simulated, or signed outside this process: each signer signs the bytes of its message.
pub fn unsigned(
    instructions: &[Instruction],
    payer: &Address,
    blockhash: Hash,
) -> Result<VersionedTransaction, RpcError> {
    let mut transaction = Transaction::new_with_payer(instructions, Some(payer));
    transaction.message.recent_blockhash = blockhash;
    check_length(transaction.into(), MAX_TRANSACTION_BYTES)
}

/// Creates a transaction of version 0 like [`unsigned`]. It names the addresses that the lookup
/// table has by their positions in the table.
pub fn unsigned_with_table(
    instructions: &[Instruction],
    payer: &Address,
    blockhash: Hash,
    table: &AddressLookupTableAccount,
) -> Result<VersionedTransaction, RpcError> {
    let tables = std::slice::from_ref(table);
    let message = v0::Message::try_compile(payer, instructions, tables, blockhash).map_err(build_error())?;
    let signatures = usize::from(message.header.num_required_signatures);
    let transaction = VersionedTransaction {
        signatures: vec![Signature::default(); signatures],
        message: VersionedMessage::V0(message),
    };
    check_length(transaction, MAX_TRANSACTION_BYTES)
}

/// Returns the bytes of a transaction as they are sent.
pub fn serialize(transaction: &VersionedTransaction) -> Result<Vec<u8>, RpcError> {
    wincode::serialize(transaction).map_err(build_error())
}

/// Reads the bytes of a transaction. They may come from anyone.
pub fn deserialize(bytes: &[u8]) -> Result<VersionedTransaction, RpcError> {
    if bytes.len() > MAX_V1_TRANSACTION_BYTES {
        return Err(RpcError::TransactionTooLong {
            bytes: bytes.len(),
            limit: MAX_V1_TRANSACTION_BYTES,
        });
    }
    wincode::deserialize(bytes).map_err(build_error())
}

fn check_length(transaction: VersionedTransaction, limit: usize) -> Result<VersionedTransaction, RpcError> {
    let bytes = serialize(&transaction)?.len();
    if bytes > limit {
        return Err(RpcError::TransactionTooLong { bytes, limit });
    }
    Ok(transaction)
}

fn build_error<E: ToString>() -> impl FnOnce(E) -> RpcError {
    |reason| RpcError::Build {
        reason: reason.to_string(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BlockhashJson {
    blockhash: String,
    last_valid_block_height: u64,
}
