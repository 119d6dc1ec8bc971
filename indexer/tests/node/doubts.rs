//! Tests of a node that has listed a transaction that no node returned. It is doubted: what only it
//! lists stops nothing, and is not lost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta::state::RegistryKind;
use bauta_chaos::{Faults, RecordedTransaction};
use bauta_indexing::chain::{ListedBy, ListedTransaction, Source};
use bauta_indexing::nodes::RpcSource;
use bauta_indexing::testing::{TestChain, named};
use bauta_indexing::{Settings, SourceError, request_quarantined};
use solana_signature::Signature;

use crate::contradictions::{Fixture, chain, with_omission};
use crate::support::recorded;

/// How long a test waits for a condition.
const LIMIT: Duration = Duration::from_mins(5);

/// Settings with which a transaction that no node returns stops the checkpoint for longer than the
/// test takes.
fn settings() -> Settings {
    Settings {
        compare_interval: Duration::ZERO,
        quarantine_after: Duration::from_hours(1),
        ..Settings::new(bauta::ID)
    }
}

/// Adds a transaction that does not exist to the last slot of a history.
fn add_invention(history: &mut Vec<RecordedTransaction>, number: u8) -> Signature {
    let signature = Signature::from([number; 64]);
    let invented = RecordedTransaction {
        signature: signature.to_string(),
        json: "null".into(),
        ..history.last().unwrap().clone()
    };
    history.push(invented);
    signature
}

/// Lists until a transaction is in a list, and returns the entry.
async fn listed(source: &RpcSource, chain: &TestChain, signature: Signature) -> ListedTransaction {
    let start = Instant::now();
    loop {
        let listed = source.list_on_all_nodes(&[bauta::ID], None, chain.slot).await;
        let mut listed = listed.unwrap_or_default().into_iter();
        if let Some(entry) = listed.find(|entry| entry.signature == signature) {
            return entry;
        }
        assert!(start.elapsed() < LIMIT, "{signature} is not listed");
    }
}

/// Makes the source doubt the node that lists a transaction that does not exist.
async fn doubt_lister(source: &RpcSource, chain: &TestChain, invented: Signature) {
    let entry = listed(source, chain, invented).await;
    let listed_by = source.record_unreturned(entry.slot, entry.signature);
    assert_eq!(listed_by, ListedBy::One);
}

/// Steps until the checkpoint is at the end of the chain and a transaction is quarantined.
pub async fn until_quarantined(fixture: &mut Fixture, chain: &TestChain, signature: Signature) {
    let start = Instant::now();
    let mut last = None;
    loop {
        match fixture.follower.step().await {
            Ok(step) => {
                let is_at_end = step.checkpoint.is_some_and(|at| at.slot == chain.slot);
                if is_at_end && quarantined(fixture).await.contains(&signature) {
                    return;
                }
            }
            Err(error) => last = Some(error),
        }
        assert!(
            start.elapsed() < LIMIT,
            "the checkpoint stops; the last error: {last:?}"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn quarantined(fixture: &Fixture) -> Vec<Signature> {
    let entries = fixture.database.store.quarantined().await.unwrap();
    entries.iter().map(|entry| entry.signature).collect()
}

#[tokio::test]
async fn a_node_that_has_invented_a_transaction_does_not_stop_the_checkpoint_with_the_next_ones() {
    let (chain, _) = chain();
    let honest = recorded(&chain);
    let mut faulty = honest.clone();
    let [first, second, third] = [251, 252, 253].map(|number| add_invention(&mut faulty, number));
    let mut fixture = Fixture::with_settings(faulty, honest, settings()).await;
    let source = Arc::clone(fixture.follower.source());
    doubt_lister(&source, &chain, first).await;
    until_quarantined(&mut fixture, &chain, second).await;
    until_quarantined(&mut fixture, &chain, third).await;
    assert_eq!(fixture.applied().await.len(), chain.transactions.len());
}

#[tokio::test]
async fn what_only_a_doubted_node_has_is_applied_when_it_returns_it() {
    let (mut chain, _) = chain();
    chain.wait(1);
    let hidden = chain.create(named("hidden"), RegistryKind::Managed);
    let [other, mut lister] = with_omission(&chain, hidden);
    let invented = add_invention(&mut lister, 251);
    let mut fixture = Fixture::with_settings(other, lister, settings()).await;
    let source = Arc::clone(fixture.follower.source());
    doubt_lister(&source, &chain, invented).await;
    fixture.honest.set(Faults {
        unreturned: 1.0,
        ..Faults::default()
    });
    until_quarantined(&mut fixture, &chain, hidden).await;
    assert!(!fixture.applied().await.contains(&hidden));

    fixture.honest.set(Faults::default());
    let start = Instant::now();
    let mut is_returned = false;
    while !is_returned {
        assert!(start.elapsed() < LIMIT, "the node does not return it");
        sqlx::query("UPDATE quarantine SET next_attempt_at = now()")
            .execute(fixture.database.pool())
            .await
            .unwrap();
        let answers = request_quarantined(&fixture.database.store, &source).await;
        if let Some(answers) = answers.unwrap() {
            is_returned = fixture.follower.apply_quarantine_answers(answers).await.unwrap();
        }
    }
    fixture.until_applied(hidden).await;
    // The invented one is still in the quarantine, and stops nothing.
    until_quarantined(&mut fixture, &chain, invented).await;
    assert_eq!(fixture.applied().await.len(), chain.transactions.len());
}

#[tokio::test]
async fn a_doubted_node_that_does_not_answer_does_not_delay_what_it_has_invented() {
    let (chain, _) = chain();
    let honest = recorded(&chain);
    let mut faulty = honest.clone();
    let [first, second] = [251, 252].map(|number| add_invention(&mut faulty, number));
    // The proxy is in front of the second node. The node's time limit is longer than the test.
    let node_timeout = Duration::from_hours(1);
    let fixture = Fixture::with_node_timeout(honest, faulty, settings(), node_timeout).await;
    let source = fixture.follower.source();
    doubt_lister(source, &chain, first).await;
    fixture.honest.set(Faults {
        silent_method: Some("getTransaction"),
        ..Faults::default()
    });
    let start = Instant::now();
    loop {
        let entry = listed(source, &chain, second).await;
        assert!(start.elapsed() < LIMIT, "the lists are not compared");
        if !source.is_doubted(entry.slot, second) {
            // The other node has not listed in time.
            continue;
        }
        let fetched = tokio::time::timeout(LIMIT, source.fetch(&[entry])).await;
        match fetched.expect("the node delays the others").unwrap_err() {
            SourceError::NotReturned { signature, .. } | SourceError::NotOnChain { signature, .. } => {
                assert_eq!(signature, second);
                break;
            }
            // The honest node has not answered in time.
            error => assert!(start.elapsed() < LIMIT, "{error}"),
        }
    }
}
