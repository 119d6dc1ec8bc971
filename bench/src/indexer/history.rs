//! Histories in the form in which a node returns them.

use anyhow::Result;
use bauta_chaos::RecordedTransaction;
use bauta_indexing::chain::Transaction;
use bauta_indexing::testing::{TestChain, named};
use serde_json::json;

/// Number of transactions in one slot.
const PER_SLOT: u32 = 20;

/// Returns a history of at least `events` events. Three transactions contain two registrations (two
/// events each) and one verification.
pub fn of_events(events: u32) -> Result<Vec<RecordedTransaction>> {
    let (registry, scope) = (named("registry"), named("scope"));
    let mut chain = TestChain::default();
    chain.initialize();
    chain.create(registry, bauta::state::RegistryKind::Holders);
    chain.open_scope(scope, registry);
    chain.wait(1);
    for number in 0..=(events / 5) {
        let (mint, track) = (u64::from(number), u64::from(number % 8));
        chain.register(registry, mint, mint % 5_000, track)?;
        // Register every second token again, with another secret.
        chain.register(registry, mint / 2, 5_000 + mint, u64::from(number / 2 % 8))?;
        chain.verify(scope, registry, track);
        if number % (PER_SLOT / 3) == 0 {
            chain.wait(1);
        }
    }
    Ok(chain.transactions.iter().map(recorded).collect())
}

/// Returns a transaction in the form of a node's answer.
pub fn recorded(transaction: &Transaction) -> RecordedTransaction {
    let text = |bytes: &[u8]| bs58::encode(bytes).into_string();
    let signature = transaction.signature.to_string();
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
    let block_time = 1_767_225_600;
    let document = json!({
        "slot": transaction.slot.get(),
        "blockTime": block_time,
        "transactionIndex": transaction.index,
        "version": "legacy",
        "meta": {
            "err": null, "fee": 5_000, "computeUnitsConsumed": 90_000, "logMessages": [],
            "innerInstructions": [{ "index": 0, "instructions": inner_instructions }],
            "loadedAddresses": { "writable": [], "readonly": [] },
        },
        "transaction": {
            "signatures": [signature],
            "message": { "accountKeys": keys, "instructions": [] },
        },
    });
    RecordedTransaction {
        signature,
        slot: transaction.slot.get(),
        block_time,
        failed: !transaction.succeeded,
        json: document.to_string(),
    }
}
