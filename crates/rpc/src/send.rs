//! Sending transactions, and waiting for them.

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

use crate::{Commitment, Rpc, RpcError, call::InContext};

/// How often a transaction's state is asked for: a slot takes 400 ms.
const INTERVAL: Duration = Duration::from_millis(100);
/// How often a transaction that isn't there is sent again: nodes drop some.
const AGAIN: Duration = Duration::from_secs(2);

/// A transaction that is on the chain and succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Confirmed {
    /// Its signature.
    pub signature: Signature,
    /// Its slot.
    pub slot: u64,
}

impl Rpc {
    /// Sends instructions in one transaction and waits until it is confirmed. The first signer pays.
    pub async fn send_and_confirm(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Confirmed, RpcError> {
        let (blockhash, last_height) = self.latest_blockhash(Commitment::Confirmed).await?;
        let transaction = sign(instructions, signers, blockhash)?;
        let signature = self.send(&transaction).await?;
        self.wait(&signature, last_height, Some(&transaction)).await
    }

    /// A blockhash for a new transaction, and the last block height that takes a transaction with it.
    pub async fn latest_blockhash(&self, commitment: Commitment) -> Result<(Hash, u64), RpcError> {
        const METHOD: &str = "getLatestBlockhash";
        let answer: InContext<BlockhashJson> =
            self.call(METHOD, &json!([{ "commitment": commitment }])).await?;
        let blockhash = answer.value.blockhash.parse().map_err(RpcError::answer(METHOD))?;
        Ok((blockhash, answer.value.last_valid_block_height))
    }

    /// Has a node try a transaction and, if it succeeds there, send it on.
    pub async fn send(&self, transaction: &Transaction) -> Result<Signature, RpcError> {
        let options = json!({ "encoding": "base64", "preflightCommitment": Commitment::Confirmed });
        self.submit(transaction, options).await
    }

    /// Sends a transaction untried, so that it comes on the chain even if it fails, and costs its fee.
    pub async fn send_untried(&self, transaction: &Transaction) -> Result<Signature, RpcError> {
        let options = json!({ "encoding": "base64", "skipPreflight": true });
        self.submit(transaction, options).await
    }

    /// Waits until a transaction is confirmed, or can't be any more because blocks are past `last_height`.
    pub async fn confirm(&self, signature: &Signature, last_height: u64) -> Result<Confirmed, RpcError> {
        self.wait(signature, last_height, None).await
    }

    /// Has a test chain give lamports away, and waits for them.
    pub async fn airdrop(&self, to: &Address, lamports: u64) -> Result<Confirmed, RpcError> {
        const METHOD: &str = "requestAirdrop";
        let (_, last_height) = self.latest_blockhash(Commitment::Confirmed).await?;
        let options = json!({ "commitment": Commitment::Confirmed });
        let text: String = self
            .call(METHOD, &json!([to.to_string(), lamports, options]))
            .await?;
        let signature = text.parse().map_err(RpcError::answer(METHOD))?;
        self.confirm(&signature, last_height).await
    }

    async fn submit(
        &self,
        transaction: &Transaction,
        options: serde_json::Value,
    ) -> Result<Signature, RpcError> {
        const METHOD: &str = "sendTransaction";
        let bytes = wincode::serialize(transaction).map_err(build())?;
        let text: String = self.call(METHOD, &json!([BASE64.encode(bytes), options])).await?;
        text.parse().map_err(RpcError::answer(METHOD))
    }

    /// Asks for a transaction's state until it has one. A node that is away for less than a call may take is waited for.
    async fn wait(
        &self,
        signature: &Signature,
        last_height: u64,
        again: Option<&Transaction>,
    ) -> Result<Confirmed, RpcError> {
        let mut answered = Instant::now();
        let mut sent = Instant::now();
        loop {
            match self.state(signature, last_height).await {
                Ok(Some(confirmed)) => return Ok(confirmed),
                Ok(None) => answered = Instant::now(),
                Err(error) if error.is_transient() && answered.elapsed() < self.options().timeout => {}
                Err(error) => return Err(error),
            }
            if let Some(transaction) = again.filter(|_| sent.elapsed() >= AGAIN) {
                sent = Instant::now();
                // Its state, asked for next, says more than this answer.
                let _ = self.send_untried(transaction).await;
            }
            sleep(INTERVAL).await;
        }
    }

    async fn state(&self, signature: &Signature, last_height: u64) -> Result<Option<Confirmed>, RpcError> {
        let signature = *signature;
        // Asked before the state: a transaction that isn't there now can't come after that height.
        let height = self.block_height(Commitment::Confirmed).await?;
        match self.statuses(&[signature], false).await?.remove(0) {
            None if height > last_height => Err(RpcError::Expired { signature }),
            None => Ok(None),
            Some(status) if status.commitment < Commitment::Confirmed => Ok(None),
            Some(status) => match status.error {
                Some(error) => Err(RpcError::Failed { signature, error }),
                None => Ok(Some(Confirmed {
                    signature,
                    slot: status.slot,
                })),
            },
        }
    }
}

/// Signs a transaction of these instructions. The first signer pays.
pub fn sign(
    instructions: &[Instruction],
    signers: &[&Keypair],
    blockhash: Hash,
) -> Result<Transaction, RpcError> {
    let payer = signers.first().map(Signer::pubkey);
    let mut transaction = Transaction::new_with_payer(instructions, payer.as_ref());
    transaction.try_sign(signers, blockhash).map_err(build())?;
    Ok(transaction)
}

fn build<E: ToString>() -> impl FnOnce(E) -> RpcError {
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
