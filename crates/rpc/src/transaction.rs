//! Reads executed transactions.

use serde::Deserialize;
use serde_json::json;
use solana_address::Address;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;

use crate::{CommitmentLevel, Rpc, RpcError};

const METHOD: &str = "getTransaction";

/// A transaction that the cluster has executed.
#[derive(Clone, Debug)]
pub struct ExecutedTransaction {
    /// The first signature, which identifies the transaction.
    pub signature: Signature,
    /// The slot that contains the transaction.
    pub slot: u64,
    /// The transaction's index in the block of that slot. `None` if the node does not report it;
    /// [`crate::Block::signatures`] contains it as well.
    pub index: Option<u32>,
    /// The time of the block in Unix seconds. `None` if the node does not have it.
    pub block_time: Option<i64>,
    /// The transaction's error. `None` if it succeeded. A failed transaction has only changed the
    /// balance of its payer.
    pub error: Option<TransactionError>,
    /// The instructions of the transaction's message.
    pub instructions: Vec<ExecutedInstruction>,
    /// The instructions that programs invoked, in the order of their execution.
    pub inner_instructions: Vec<InnerInstruction>,
    /// The logs of the programs. The cluster truncates them at 10 kB.
    pub logs: Vec<String>,
    /// The compute units that the transaction consumed.
    pub compute_units: Option<u64>,
}

/// An executed instruction, with all accounts as addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecutedInstruction {
    /// The program that executed the instruction.
    pub program: Address,
    /// The instruction's accounts in the order that the program expects.
    pub accounts: Vec<Address>,
    /// The instruction's data.
    pub data: Vec<u8>,
}

/// An instruction that a program invoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerInstruction {
    /// The index of the transaction's instruction that caused this one, from 0.
    pub outer_index: usize,
    /// The index among the inner instructions of that instruction, from 0.
    pub inner_index: usize,
    /// The instruction.
    pub instruction: ExecutedInstruction,
}

impl Rpc {
    /// Returns a transaction, or `None` if the node does not have it. `level` must be confirmed or
    /// finalized.
    pub async fn transaction(
        &self,
        signature: &Signature,
        level: CommitmentLevel,
    ) -> Result<Option<ExecutedTransaction>, RpcError> {
        let options = json!({ "commitment": level, "encoding": "json", "maxSupportedTransactionVersion": 0 });
        let params = json!([signature.to_string(), options]);
        let response: Option<ResponseJson> = self.call(METHOD, &params).await?;
        response.map(ResponseJson::parse).transpose()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResponseJson {
    slot: u64,
    transaction_index: Option<u32>,
    block_time: Option<i64>,
    meta: MetaJson,
    transaction: TransactionJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MetaJson {
    err: Option<TransactionError>,
    inner_instructions: Option<Vec<InnerInstructionsJson>>,
    loaded_addresses: Option<LoadedAddressesJson>,
    log_messages: Option<Vec<String>>,
    compute_units_consumed: Option<u64>,
}

#[derive(Deserialize)]
struct InnerInstructionsJson {
    index: usize,
    instructions: Vec<InstructionJson>,
}

/// Accounts that the transaction loads from address lookup tables.
#[derive(Deserialize)]
struct LoadedAddressesJson {
    writable: Vec<String>,
    readonly: Vec<String>,
}

#[derive(Deserialize)]
struct TransactionJson {
    signatures: Vec<String>,
    message: MessageJson,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct MessageJson {
    account_keys: Vec<String>,
    instructions: Vec<InstructionJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InstructionJson {
    program_id_index: usize,
    accounts: Vec<usize>,
    data: String,
}

impl ResponseJson {
    fn parse(self) -> Result<ExecutedTransaction, RpcError> {
        let first = self.transaction.signatures.first();
        let first =
            first.ok_or_else(|| RpcError::invalid_response(METHOD)("the transaction has no signature"))?;
        let signature = first.parse().map_err(RpcError::invalid_response(METHOD))?;
        let message = self.transaction.message;
        let loaded = self.meta.loaded_addresses;
        let loaded = loaded.map_or_else(Vec::new, |loaded| [loaded.writable, loaded.readonly].concat());
        let keys: Vec<Address> = message
            .account_keys
            .iter()
            .chain(&loaded)
            .map(|text| text.parse().map_err(RpcError::invalid_response(METHOD)))
            .collect::<Result<_, _>>()?;
        let instructions = message
            .instructions
            .iter()
            .map(|instruction| instruction.parse(&keys))
            .collect::<Result<_, _>>()?;
        let mut inner_instructions = Vec::new();
        for group in self.meta.inner_instructions.unwrap_or_default() {
            for (inner_index, instruction) in group.instructions.iter().enumerate() {
                inner_instructions.push(InnerInstruction {
                    outer_index: group.index,
                    inner_index,
                    instruction: instruction.parse(&keys)?,
                });
            }
        }
        Ok(ExecutedTransaction {
            signature,
            slot: self.slot,
            index: self.transaction_index,
            block_time: self.block_time,
            error: self.meta.err,
            instructions,
            inner_instructions,
            logs: self.meta.log_messages.unwrap_or_default(),
            compute_units: self.meta.compute_units_consumed,
        })
    }
}

impl InstructionJson {
    fn parse(&self, keys: &[Address]) -> Result<ExecutedInstruction, RpcError> {
        let key = |index: usize| {
            keys.get(index).copied().ok_or_else(|| {
                RpcError::invalid_response(METHOD)(format!(
                    "it refers to account {index}, but the transaction has {} accounts",
                    keys.len()
                ))
            })
        };
        Ok(ExecutedInstruction {
            program: key(self.program_id_index)?,
            accounts: self
                .accounts
                .iter()
                .map(|&index| key(index))
                .collect::<Result<_, _>>()?,
            data: bs58::decode(&self.data)
                .into_vec()
                .map_err(RpcError::invalid_response(METHOD))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    const KEYS: [&str; 3] = [
        "Stake11111111111111111111111111111111111111",
        "Vote111111111111111111111111111111111111111",
        "Config1111111111111111111111111111111111111",
    ];

    fn response(program: usize, account: usize) -> Value {
        json!({
            "slot": 7,
            "blockTime": null,
            "meta": {
                "err": null,
                "loadedAddresses": { "writable": [KEYS[1]], "readonly": [KEYS[2]] },
                "innerInstructions": [{ "index": 1, "instructions": [
                    { "programIdIndex": program, "accounts": [account], "data": "2j", "stackHeight": 2 }
                ] }]
            },
            "transaction": { "signatures": [Signature::default().to_string()], "message": { "accountKeys": [KEYS[0]], "instructions": [] } }
        })
    }

    fn parse(json: Value) -> Result<ExecutedTransaction, RpcError> {
        serde_json::from_value::<ResponseJson>(json).unwrap().parse()
    }

    #[test]
    fn loaded_accounts_follow_the_accounts_of_the_message_writable_first() {
        let transaction = parse(response(2, 1)).unwrap();
        let inner = InnerInstruction {
            outer_index: 1,
            inner_index: 0,
            instruction: ExecutedInstruction {
                program: KEYS[2].parse().unwrap(),
                accounts: vec![KEYS[1].parse().unwrap()],
                // base58: 1 * 58 + 42
                data: vec![100],
            },
        };
        assert_eq!(transaction.inner_instructions, [inner]);
    }

    #[test]
    fn an_account_index_out_of_range_is_an_error_not_a_panic() {
        for (program, account) in [(3, 0), (0, 3)] {
            let error = parse(response(program, account)).unwrap_err().to_string();
            assert!(
                error.contains("account 3, but the transaction has 3 accounts"),
                "{error}"
            );
        }
    }
}
