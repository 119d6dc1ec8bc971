//! Sending transactions, and waiting for them.

use std::{thread, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde::Deserialize;
use serde_json::json;
use solana_instruction::Instruction;
use solana_keypair::Keypair;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction::Transaction;
use solana_transaction_error::TransactionError;

use crate::{InContext, Rpc, RpcError, parse_signature};

/// How often a transaction's state is asked for: a slot takes 400 ms.
const INTERVAL: Duration = Duration::from_millis(100);

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
    pub fn send_and_confirm(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<Confirmed, RpcError> {
        let (transaction, last_height) = self.sign(instructions, signers)?;
        let signature = self.send(&transaction)?;
        self.confirm(&signature, last_height)
    }

    /// Signs a transaction with the newest blockhash. Gives, too, the last block height that takes it.
    pub fn sign(
        &self,
        instructions: &[Instruction],
        signers: &[&Keypair],
    ) -> Result<(Transaction, u64), RpcError> {
        let payer = signers.first().map(Signer::pubkey);
        let (blockhash, last_height) = self.latest_blockhash()?;
        let mut transaction = Transaction::new_with_payer(instructions, payer.as_ref());
        transaction
            .try_sign(signers, blockhash)
            .map_err(|error| RpcError::Build {
                reason: error.to_string(),
            })?;
        Ok((transaction, last_height))
    }

    /// Has a node try a transaction and, if it succeeds there, send it on.
    pub fn send(&self, transaction: &Transaction) -> Result<Signature, RpcError> {
        const METHOD: &str = "sendTransaction";
        let bytes = wincode::serialize(transaction).map_err(|error| RpcError::Build {
            reason: error.to_string(),
        })?;
        let options = json!({ "encoding": "base64", "preflightCommitment": "confirmed" });
        let text: String = self.call(METHOD, &json!([BASE64.encode(bytes), options]))?;
        parse_signature(METHOD, &text)
    }

    /// Waits until a transaction is confirmed, or can't be any more.
    pub fn confirm(&self, signature: &Signature, last_height: u64) -> Result<Confirmed, RpcError> {
        loop {
            // Asked before the state: a transaction that isn't there now can't come after that height.
            let height: u64 = self.call("getBlockHeight", &json!([{ "commitment": "confirmed" }]))?;
            if let Some(status) = self.status(signature)? {
                if let Some(error) = status.err {
                    return Err(RpcError::Failed {
                        signature: *signature,
                        error,
                    });
                }
                if matches!(status.commitment.as_deref(), Some("confirmed" | "finalized")) {
                    return Ok(Confirmed {
                        signature: *signature,
                        slot: status.slot,
                    });
                }
            } else if height > last_height {
                return Err(RpcError::Expired {
                    signature: *signature,
                });
            }
            thread::sleep(INTERVAL);
        }
    }

    fn status(&self, signature: &Signature) -> Result<Option<Status>, RpcError> {
        let answer: InContext<[Option<Status>; 1]> =
            self.call("getSignatureStatuses", &json!([[signature.to_string()]]))?;
        let [status] = answer.value;
        Ok(status)
    }
}

#[derive(Deserialize)]
struct Status {
    slot: u64,
    err: Option<TransactionError>,
    #[serde(rename = "confirmationStatus")]
    commitment: Option<String>,
}
