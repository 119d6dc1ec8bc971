//! Tests of transactions that nodes return without their index in the slot.

use std::time::Duration;

use bauta::state::RegistryKind;
use bauta_chaos::{Faults, RecordedTransaction};
use bauta_indexing::Settings;
use bauta_indexing::testing::named;
use solana_signature::Signature;

use crate::contradictions::{Fixture, chain, with_omission};
use crate::doubts::until_quarantined;
use crate::support::recorded;

fn settings() -> Settings {
    Settings {
        compare_interval: Duration::ZERO,
        ..Settings::new(bauta::ID)
    }
}

fn remove_index(entry: &mut RecordedTransaction) {
    let mut json: serde_json::Value = serde_json::from_str(&entry.json).unwrap();
    json.as_object_mut().unwrap().remove("transactionIndex");
    entry.json = json.to_string();
}

/// The first node omits a transaction from its lists and its block. The second one does not return
/// the index of the transaction.
#[tokio::test]
async fn the_index_of_a_transaction_comes_from_a_block_that_contains_it() {
    let (mut chain, _) = chain();
    chain.wait(1);
    chain.append(named("registry"), &[100]).unwrap();
    let hidden = chain.create(named("hidden"), RegistryKind::Managed);
    let [other, mut lister] = with_omission(&chain, hidden);
    lister.iter_mut().for_each(remove_index);
    let mut fixture = Fixture::with_settings(other, lister, settings()).await;
    fixture.until_applied(hidden).await;
    assert_eq!(fixture.applied().await.len(), chain.transactions.len());
}

/// The second node returns a transaction that it has invented, and no block.
#[tokio::test]
async fn a_transaction_without_an_index_that_no_block_contains_is_quarantined() {
    let (chain, _) = chain();
    let honest = recorded(&chain);
    let mut faulty = honest.clone();
    let mut copy = faulty.last().unwrap().clone();
    let invented = Signature::from([251; 64]);
    let mut json: serde_json::Value = serde_json::from_str(&copy.json).unwrap();
    json["transaction"]["signatures"][0] = invented.to_string().into();
    (copy.signature, copy.json) = (invented.to_string(), json.to_string());
    remove_index(&mut copy);
    faulty.push(copy);
    let settings = Settings {
        quarantine_after: Duration::ZERO,
        ..settings()
    };
    let mut fixture = Fixture::with_settings(honest, faulty, settings).await;
    fixture.honest.set(Faults {
        missing_blocks: true,
        ..Faults::default()
    });
    until_quarantined(&mut fixture, &chain, invented).await;
    assert_eq!(fixture.applied().await.len(), chain.transactions.len());
}
