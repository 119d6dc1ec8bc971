//! Transactions as the chain keeps them.

use serde::Deserialize;
use serde_json::json;
use solana_address::Address;
use solana_signature::Signature;
use solana_transaction_error::TransactionError;

use crate::{Commitment, Rpc, RpcError};

const METHOD: &str = "getTransaction";

/// What is kept of a transaction.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its first signature, which names it.
    pub signature: Signature,
    /// Its slot.
    pub slot: u64,
    /// Its place in that slot's block, if the node says so; it is in [`crate::Block`] too.
    pub index: Option<u32>,
    /// When its block was made, in Unix seconds, if the node knows.
    pub block_time: Option<i64>,
    /// What it failed with; a failed transaction has changed nothing but its payer's balance.
    pub error: Option<TransactionError>,
    /// The instructions that it was sent with.
    pub calls: Vec<Call>,
    /// The instructions that programs have called meanwhile, in the order of their execution.
    pub inner: Vec<InnerCall>,
    /// What programs have logged, cut at 10 kB.
    pub logs: Vec<String>,
    /// Compute units that it took.
    pub compute_units: Option<u64>,
}

/// One executed instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The program called.
    pub program: Address,
    /// Its accounts, in its order.
    pub accounts: Vec<Address>,
    /// Its data.
    pub data: Vec<u8>,
}

/// An instruction that a program called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InnerCall {
    /// Which of the transaction's instructions it belongs to, from 0.
    pub outer: usize,
    /// Its place among that one's inner instructions, from 0.
    pub position: usize,
    /// The instruction.
    pub call: Call,
}

impl Rpc {
    /// A transaction, if the node has it. `commitment` has to be confirmed or finalized.
    pub async fn transaction(
        &self,
        signature: &Signature,
        commitment: Commitment,
    ) -> Result<Option<Record>, RpcError> {
        let options =
            json!({ "commitment": commitment, "encoding": "json", "maxSupportedTransactionVersion": 0 });
        let params = json!([signature.to_string(), options]);
        let found: Option<RecordJson> = self.call(METHOD, &params).await?;
        found.map(RecordJson::read).transpose()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson {
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
    inner_instructions: Option<Vec<InnerJson>>,
    loaded_addresses: Option<LoadedJson>,
    log_messages: Option<Vec<String>>,
    compute_units_consumed: Option<u64>,
}

#[derive(Deserialize)]
struct InnerJson {
    index: usize,
    instructions: Vec<CallJson>,
}

/// Accounts that address lookup tables have brought in.
#[derive(Deserialize)]
struct LoadedJson {
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
    instructions: Vec<CallJson>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CallJson {
    program_id_index: usize,
    accounts: Vec<usize>,
    data: String,
}

impl RecordJson {
    fn read(self) -> Result<Record, RpcError> {
        let first = self.transaction.signatures.first();
        let first = first.ok_or_else(|| RpcError::answer(METHOD)("a transaction without a signature"))?;
        let signature = first.parse().map_err(RpcError::answer(METHOD))?;
        let message = self.transaction.message;
        let loaded = self.meta.loaded_addresses;
        let loaded = loaded.map_or_else(Vec::new, |loaded| [loaded.writable, loaded.readonly].concat());
        let keys: Vec<Address> = message
            .account_keys
            .iter()
            .chain(&loaded)
            .map(|text| text.parse().map_err(RpcError::answer(METHOD)))
            .collect::<Result<_, _>>()?;
        let calls = message
            .instructions
            .iter()
            .map(|call| call.read(&keys))
            .collect::<Result<_, _>>()?;
        let mut inner = Vec::new();
        for group in self.meta.inner_instructions.unwrap_or_default() {
            for (position, call) in group.instructions.iter().enumerate() {
                inner.push(InnerCall {
                    outer: group.index,
                    position,
                    call: call.read(&keys)?,
                });
            }
        }
        Ok(Record {
            signature,
            slot: self.slot,
            index: self.transaction_index,
            block_time: self.block_time,
            error: self.meta.err,
            calls,
            inner,
            logs: self.meta.log_messages.unwrap_or_default(),
            compute_units: self.meta.compute_units_consumed,
        })
    }
}

impl CallJson {
    fn read(&self, keys: &[Address]) -> Result<Call, RpcError> {
        let key = |index: usize| {
            keys.get(index).copied().ok_or_else(|| {
                RpcError::answer(METHOD)(format!("account {index} of {} accounts", keys.len()))
            })
        };
        Ok(Call {
            program: key(self.program_id_index)?,
            accounts: self
                .accounts
                .iter()
                .map(|&index| key(index))
                .collect::<Result<_, _>>()?,
            data: bs58::decode(&self.data)
                .into_vec()
                .map_err(RpcError::answer(METHOD))?,
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

    fn found(program: usize, account: usize) -> Value {
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

    fn read(json: Value) -> Result<Record, RpcError> {
        serde_json::from_value::<RecordJson>(json).unwrap().read()
    }

    #[test]
    fn loaded_accounts_come_after_the_message_s_own_writable_first() {
        let record = read(found(2, 1)).unwrap();
        let inner = InnerCall {
            outer: 1,
            position: 0,
            call: Call {
                program: KEYS[2].parse().unwrap(),
                accounts: vec![KEYS[1].parse().unwrap()],
                // base58: 1 * 58 + 42
                data: vec![100],
            },
        };
        assert_eq!(record.inner, [inner]);
    }

    #[test]
    fn an_account_that_is_not_there_is_an_error_not_a_panic() {
        for (program, account) in [(3, 0), (0, 3)] {
            let error = read(found(program, account)).unwrap_err().to_string();
            assert!(error.contains("account 3 of 3"), "{error}");
        }
    }
}
