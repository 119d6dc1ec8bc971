//! Reads executed transactions.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Value, json};
use solana_address::Address;
use solana_signature::Signature;

use crate::{CommitmentLevel, ExecutionError, Rpc, RpcError, instruction_data};

const METHOD: &str = "getTransaction";
/// The newest transaction version that is accepted. A node refuses to return a transaction, or a
/// block that contains one, of a newer version. Anyone can send such a transaction, so every
/// version is accepted.
pub const ANY_VERSION: u8 = u8::MAX;

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
    pub error: Option<ExecutionError>,
    /// The instructions of the transaction's message.
    pub instructions: Vec<ExecutedInstruction>,
    /// The instructions that programs invoked, in the order of their execution. `None` if the node
    /// did not record them, which is not the same as none.
    pub inner_instructions: Option<Vec<InnerInstruction>>,
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
    /// The program, the accounts and the data.
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
        let response: Option<ResponseJson> = self.call(METHOD, &params(signature, level)).await?;
        response.map(ResponseJson::parse).transpose()
    }

    /// Returns several transactions like [`Self::transaction`], with one request, in the order of
    /// the signatures. Each one can fail by itself.
    pub async fn transactions(
        &self,
        signatures: &[Signature],
        level: CommitmentLevel,
    ) -> Result<Vec<Result<Option<ExecutedTransaction>, RpcError>>, RpcError> {
        let params: Vec<Value> = signatures
            .iter()
            .map(|signature| params(signature, level))
            .collect();
        let responses = self.call_batch(METHOD, &params).await?;
        let parse =
            |response: Result<Option<ResponseJson>, RpcError>| response?.map(ResponseJson::parse).transpose();
        Ok(responses.into_iter().map(parse).collect())
    }
}

fn params(signature: &Signature, level: CommitmentLevel) -> Value {
    let options =
        json!({ "commitment": level, "encoding": "json", "maxSupportedTransactionVersion": ANY_VERSION });
    json!([signature.to_string(), options])
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
    err: Option<ExecutionError>,
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
        let inner_instructions = self
            .meta
            .inner_instructions
            .map(|groups| parse_groups(&groups, message.instructions.len(), &keys));
        Ok(ExecutedTransaction {
            signature,
            slot: self.slot,
            index: self.transaction_index,
            block_time: self.block_time,
            error: self.meta.err,
            instructions,
            inner_instructions: inner_instructions.transpose()?,
            logs: self.meta.log_messages.unwrap_or_default(),
            compute_units: self.meta.compute_units_consumed,
        })
    }
}

/// Parses the inner instructions of a transaction with `outer` instructions.
fn parse_groups(
    groups: &[InnerInstructionsJson],
    outer: usize,
    keys: &[Address],
) -> Result<Vec<InnerInstruction>, RpcError> {
    let mut parsed = Vec::new();
    let mut seen = HashSet::new();
    for group in groups {
        if group.index >= outer || !seen.insert(group.index) {
            let reason = format!(
                "it has inner instructions of instruction {} twice, or the transaction has only {outer} instructions",
                group.index
            );
            return Err(RpcError::invalid_response(METHOD)(reason));
        }
        for (inner_index, instruction) in group.instructions.iter().enumerate() {
            parsed.push(InnerInstruction {
                outer_index: group.index,
                inner_index,
                instruction: instruction.parse(keys)?,
            });
        }
    }
    Ok(parsed)
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
            data: instruction_data::decode(&self.data).map_err(RpcError::invalid_response(METHOD))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 3] = [
        "Stake11111111111111111111111111111111111111",
        "Vote111111111111111111111111111111111111111",
        "Config1111111111111111111111111111111111111",
    ];

    /// The data of the transaction's instructions, in base58.
    const OUTER: &str = "2j";

    fn response(program: usize, account: usize) -> Value {
        let outer = json!({ "programIdIndex": 0, "accounts": [], "data": OUTER });
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
            "transaction": { "signatures": [Signature::default().to_string()], "message": {
                "accountKeys": [KEYS[0]],
                "instructions": [outer, outer]
            } }
        })
    }

    #[test]
    fn inner_instructions_that_were_not_recorded_are_not_none() {
        for absent in [true, false] {
            let mut json = response(0, 0);
            let meta = json["meta"].as_object_mut().unwrap();
            meta.remove("innerInstructions");
            if !absent {
                meta.insert("innerInstructions".into(), Value::Null);
            }
            assert_eq!(parse(json).unwrap().inner_instructions, None);
        }
        let mut json = response(0, 0);
        json["meta"]["innerInstructions"] = json!([]);
        assert_eq!(parse(json).unwrap().inner_instructions, Some(Vec::new()));
    }

    #[test]
    fn inner_instructions_of_one_instruction_are_accepted_once_and_only_if_it_exists() {
        let mut json = response(0, 0);
        let group = json["meta"]["innerInstructions"][0].clone();
        json["meta"]["innerInstructions"] = json!([group, group]);
        let error = parse(json).unwrap_err().to_string();
        assert!(error.contains("instruction 1 twice"), "{error}");
        let mut json = response(0, 0);
        json["meta"]["innerInstructions"][0]["index"] = 2.into();
        let error = parse(json).unwrap_err().to_string();
        assert!(error.contains("only 2 instructions"), "{error}");
    }

    #[test]
    fn errors_and_versions_that_are_unknown_do_not_make_a_transaction_unreadable() {
        for err in [
            json!({ "InstructionError": [0, { "BorshIoError": "unknown" }] }),
            json!({ "AnErrorOfTheFuture": { "account": 3 } }),
        ] {
            let mut json = response(0, 0);
            json["meta"]["err"] = err.clone();
            json["version"] = 1.into();
            json["transaction"]["message"]["configuration"] = json!({ "priority": 1 });
            let transaction = parse(json).unwrap();
            assert_eq!(transaction.error, Some(ExecutionError::new(err)));
        }
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
        assert_eq!(transaction.inner_instructions, Some(vec![inner]));
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
