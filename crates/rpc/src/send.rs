//! Sends transactions and waits for their confirmation.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::json;
use solana_address::Address;
use solana_hash::Hash;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::Transaction;
use tokio::time::{Instant, sleep};

use crate::{CommitmentLevel, Rpc, RpcError, client::WithContext};

/// The time between two requests for a transaction's status. A slot takes 400 ms.
const STATUS_INTERVAL: Duration = Duration::from_millis(100);
/// The time after which a transaction without a status is sent again. Nodes drop some transactions.
const RESEND_INTERVAL: Duration = Duration::from_secs(2);

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
        let signature = self.send(&transaction).await?;
        self.wait(&signature, last_valid_height, Some(&transaction)).await
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

    /// Sends a transaction. The node simulates it first (preflight) and refuses it if the
    /// simulation fails.
    pub async fn send(&self, transaction: &Transaction) -> Result<Signature, RpcError> {
        let options = json!({ "encoding": "base64", "preflightCommitment": CommitmentLevel::Confirmed });
        self.submit(transaction, options).await
    }

    /// Sends a transaction without preflight. A transaction that fails is then executed on the
    /// chain and costs its fee.
    pub async fn send_without_preflight(&self, transaction: &Transaction) -> Result<Signature, RpcError> {
        let options = json!({ "encoding": "base64", "skipPreflight": true });
        self.submit(transaction, options).await
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
        transaction: &Transaction,
        options: serde_json::Value,
    ) -> Result<Signature, RpcError> {
        const METHOD: &str = "sendTransaction";
        let bytes = wincode::serialize(transaction).map_err(build_error())?;
        let text: String = self.call(METHOD, &json!([BASE64.encode(bytes), options])).await?;
        text.parse().map_err(RpcError::invalid_response(METHOD))
    }

    /// Requests the status of a transaction until it is confirmed. Tolerates a node that is
    /// unavailable for less than the time limit of a call.
    async fn wait(
        &self,
        signature: &Signature,
        last_valid_height: u64,
        resend: Option<&Transaction>,
    ) -> Result<Confirmation, RpcError> {
        let mut last_response = Instant::now();
        let mut last_sent = Instant::now();
        loop {
            match self.confirmation(signature, last_valid_height).await {
                Ok(Some(confirmation)) => return Ok(confirmation),
                Ok(None) => last_response = Instant::now(),
                Err(error) if error.is_retryable() && last_response.elapsed() < self.options().timeout => {}
                Err(error) => return Err(error),
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
    ) -> Result<Option<Confirmation>, RpcError> {
        let signature = *signature;
        // The height is requested before the status. If the height has passed the limit, a
        // transaction without a status can no longer be executed.
        let height = self.block_height(CommitmentLevel::Confirmed).await?;
        match self.statuses(&[signature], false).await?.remove(0) {
            None if height > last_valid_height => Err(RpcError::Expired { signature }),
            None => Ok(None),
            Some(status) if status.level < CommitmentLevel::Confirmed => Ok(None),
            Some(status) => match status.error {
                Some(error) => Err(RpcError::Failed { signature, error }),
                None => Ok(Some(Confirmation {
                    signature,
                    slot: status.slot,
                })),
            },
        }
    }
}

/// Creates a transaction from instructions and signs it. The first signer pays the fee.
pub fn sign(
    instructions: &[Instruction],
    signers: &[&Keypair],
    blockhash: Hash,
) -> Result<Transaction, RpcError> {
    let payer = signers.first().map(Signer::pubkey);
    let mut transaction = Transaction::new_with_payer(instructions, payer.as_ref());
    transaction.try_sign(signers, blockhash).map_err(build_error())?;
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
