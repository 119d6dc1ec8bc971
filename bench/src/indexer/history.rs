//! Histories in the form in which a node returns them.

use anyhow::Result;
use bauta_chaos::RecordedTransaction;
use bauta_indexing::chain::Transaction;
use bauta_indexing::testing::{TestChain, named, transaction_json};

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
    RecordedTransaction {
        signature: transaction.signature.to_string(),
        slot: transaction.slot.get(),
        block_time: transaction.time.unwrap_or_default(),
        failed: !transaction.succeeded,
        json: transaction_json(transaction).to_string(),
    }
}
