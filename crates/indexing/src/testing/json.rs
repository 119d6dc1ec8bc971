//! Transactions in the form in which a node returns them.

use serde_json::{Value, json};

use crate::chain::Transaction;

/// Returns a transaction as the result of `getTransaction`. Its message has one instruction, which
/// has no data.
#[must_use]
pub fn transaction_json(transaction: &Transaction) -> Value {
    let text = |bytes: &[u8]| bs58::encode(bytes).into_string();
    // The first key is the payer. The program and its event authority follow.
    let mut keys = vec![text(&[3; 32])];
    let mut key_index = |address: &[u8]| {
        let address = text(address);
        keys.iter().position(|key| *key == address).unwrap_or_else(|| {
            keys.push(address);
            keys.len() - 1
        })
    };
    let inner_instructions: Vec<_> = transaction
        .inner_instructions
        .iter()
        .map(|inner| {
            let accounts: Vec<_> = inner
                .accounts
                .iter()
                .map(|account| key_index(account.as_ref()))
                .collect();
            json!({
                "programIdIndex": key_index(inner.program.as_ref()), "accounts": accounts,
                "data": text(&inner.data), "stackHeight": 2,
            })
        })
        .collect();
    let program = key_index(bauta::ID.as_ref());
    json!({
        "slot": transaction.slot.get(),
        "blockTime": transaction.time,
        "transactionIndex": transaction.index,
        "version": "legacy",
        "meta": {
            "err": null, "fee": 5_000, "computeUnitsConsumed": 90_000, "logMessages": [],
            "innerInstructions": [{ "index": 0, "instructions": inner_instructions }],
            "loadedAddresses": { "writable": [], "readonly": [] },
        },
        "transaction": {
            "signatures": [transaction.signature.to_string()],
            "message": {
                "accountKeys": keys,
                "instructions": [{ "programIdIndex": program, "accounts": [], "data": "" }],
            },
        },
    })
}
