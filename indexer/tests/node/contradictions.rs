//! Tests of two nodes that contradict each other: the first one, which is preferred, is faulty.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bauta::state::RegistryKind;
use bauta_chaos::{FaultProxy, Faults, RecordedTransaction, ReplayServer};
use bauta_indexing::chain::Source;
use bauta_indexing::nodes::{NodeSettings, RpcSource};
use bauta_indexing::testing::{TestChain, named};
use bauta_indexing::{ClusterCheck, Follower, Settings, SourceError, Step};
use bauta_store::Slot;
use bauta_store::testing::TestDatabase;
use serde_json::json;
use solana_signature::Signature;

use crate::support::recorded;

/// The time limit of a request.
const NODE_TIMEOUT: Duration = Duration::from_mins(1);

/// Two nodes, a proxy in front of the second one, and a follower that reads from them.
pub struct Fixture {
    nodes: [ReplayServer; 2],
    pub honest: FaultProxy,
    pub database: TestDatabase,
    pub follower: Follower<RpcSource>,
}

impl Fixture {
    async fn new(faulty: Vec<RecordedTransaction>, honest: Vec<RecordedTransaction>) -> Self {
        let settings = Settings {
            compare_interval: Duration::ZERO,
            ..Settings::new(bauta::ID)
        };
        Self::with_settings(faulty, honest, settings).await
    }

    pub async fn with_settings(
        faulty: Vec<RecordedTransaction>,
        honest: Vec<RecordedTransaction>,
        settings: Settings,
    ) -> Self {
        Self::with_max_listed(faulty, honest, settings, usize::MAX).await
    }

    pub async fn with_node_timeout(
        faulty: Vec<RecordedTransaction>,
        honest: Vec<RecordedTransaction>,
        settings: Settings,
        timeout: Duration,
    ) -> Self {
        let mut fixture = Self::with_settings(faulty, honest, settings.clone()).await;
        fixture.replace_source(timeout, settings);
        fixture
    }

    /// Replaces the source by one with another time limit of requests, and the follower by a new one.
    fn replace_source(&mut self, timeout: Duration, settings: Settings) {
        let source = Arc::new(source([self.nodes[0].rpc(), self.honest.rpc()], timeout));
        self.follower = Follower::new(source, self.database.store.clone(), settings);
    }

    async fn with_max_listed(
        faulty: Vec<RecordedTransaction>,
        honest: Vec<RecordedTransaction>,
        settings: Settings,
        max_listed: usize,
    ) -> Self {
        let program = bauta::ID.to_string();
        let start = |history| ReplayServer::start(&program, history, HashMap::new());
        let nodes = [start(faulty).await.unwrap(), start(honest).await.unwrap()];
        let (rpc, websocket) = (nodes[1].rpc(), nodes[1].websocket());
        let honest = FaultProxy::start(&rpc, &websocket, 1).await.unwrap();
        let source = source([nodes[0].rpc(), honest.rpc()], NODE_TIMEOUT);
        let source = Arc::new(source.with_max_listed(max_listed));
        let database = TestDatabase::create().await.unwrap();
        Self {
            nodes,
            honest,
            follower: Follower::new(source, database.store.clone(), settings),
            database,
        }
    }

    /// Replaces the first node by one with another history, and the follower by a new one.
    async fn replace_first_node(&mut self, history: Vec<RecordedTransaction>, settings: Settings) {
        let program = bauta::ID.to_string();
        let node = ReplayServer::start(&program, history, HashMap::new());
        self.nodes[0] = node.await.unwrap();
        self.replace_source(NODE_TIMEOUT, settings);
    }

    /// Steps until no further step has to follow at once, and twice more, so that what was applied
    /// is compared.
    async fn settle(&mut self) -> Step {
        let mut settled = 0;
        for _ in 0..20 {
            let step = self.follower.step().await.unwrap();
            settled = if step.again { 0 } else { settled + 1 };
            if settled == 3 {
                return step;
            }
        }
        panic!("20 steps were not enough");
    }

    /// Steps until a transaction is applied. A step that fails is repeated.
    pub async fn until_applied(&mut self, signature: Signature) {
        let start = Instant::now();
        let mut last = None;
        while !self.applied().await.contains(&signature) {
            assert!(
                start.elapsed() < Duration::from_mins(5),
                "{signature} is not applied; the last error: {last:?}"
            );
            last = self.follower.step().await.err().or(last);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Steps and finalizes until the slot of a transaction is final. Fails if it is final while the
    /// transaction is not applied.
    async fn until_final(&mut self, signature: Signature, slot: Slot) {
        let start = Instant::now();
        let mut last = None;
        loop {
            match self.follower.step().await {
                Ok(step) => {
                    // Nothing is reconciled, so the journal is kept.
                    let finalized = self.follower.finalize(step.head, Some(Slot::ZERO)).await;
                    last = finalized.err().or(last);
                }
                Err(error) => last = Some(error),
            }
            let finalized = self.database.store.finalized_slot().await.unwrap();
            if finalized >= Some(slot) {
                assert!(self.applied().await.contains(&signature), "{finalized:?}");
                return;
            }
            assert!(
                start.elapsed() < Duration::from_mins(5),
                "{slot} is not final; the last error: {last:?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub async fn applied(&self) -> Vec<Signature> {
        let applied = self.database.store.applied_transactions_after(Slot::ZERO).await;
        applied.unwrap().iter().map(|entry| entry.signature).collect()
    }
}

fn source(urls: [String; 2], timeout: Duration) -> RpcSource {
    let nodes = urls.map(|url| NodeSettings {
        url,
        concurrency: 8,
        requests_per_second: NonZeroU32::new(1_000).unwrap(),
        timeout,
        weight: 0,
    });
    let source = RpcSource::new(bauta::ID, &nodes).unwrap();
    // The tests must not depend on how long the nodes take.
    source.with_second_node_awaited(Duration::from_hours(1))
}

/// Returns a chain, and a transaction in the middle of it that no later one depends on.
pub fn chain() -> (TestChain, Signature) {
    let mut chain = TestChain::default();
    chain.initialize();
    let registry = named("registry");
    chain.create(registry, RegistryKind::Managed);
    let mut independent = None;
    for leaf in 0..60 {
        chain.wait(1);
        chain.append(registry, &[leaf]).unwrap();
        if leaf == 10 {
            chain.wait(1);
            independent = Some(chain.create(named("other"), RegistryKind::Managed));
        }
    }
    (chain, independent.unwrap())
}

/// Returns the history of a chain, with one transaction changed.
fn with_change(
    chain: &TestChain,
    changed: Signature,
    change: impl FnOnce(&mut RecordedTransaction),
) -> Vec<RecordedTransaction> {
    let mut history = recorded(chain);
    let changed = changed.to_string();
    let entry = history.iter_mut().find(|entry| entry.signature == changed);
    change(entry.unwrap());
    history
}

async fn assert_nothing_is_hidden(change: impl FnOnce(&mut RecordedTransaction)) {
    let (chain, changed) = chain();
    let mut fixture = Fixture::new(with_change(&chain, changed, change), recorded(&chain)).await;
    fixture.until_applied(changed).await;
    fixture.settle().await;
    assert_eq!(fixture.applied().await.len(), chain.transactions.len());
}

#[tokio::test]
async fn a_node_that_lists_a_successful_transaction_as_failed_hides_nothing() {
    assert_nothing_is_hidden(|entry| entry.failed = true).await;
}

#[tokio::test]
async fn a_node_that_lists_a_transaction_in_a_later_slot_hides_nothing() {
    assert_nothing_is_hidden(|entry| entry.slot += 1).await;
}

#[tokio::test]
async fn a_node_that_lists_a_transaction_in_an_earlier_slot_hides_nothing() {
    assert_nothing_is_hidden(|entry| entry.slot -= 1).await;
}

fn remove_events(entry: &mut RecordedTransaction) {
    let mut json: serde_json::Value = serde_json::from_str(&entry.json).unwrap();
    json["meta"]["innerInstructions"] = json!([]);
    entry.json = json.to_string();
}

#[tokio::test]
async fn a_node_that_returns_a_transaction_without_its_events_hides_nothing() {
    assert_nothing_is_hidden(remove_events).await;
}

#[tokio::test]
async fn a_node_that_returns_a_transaction_without_its_events_hides_nothing_beside_a_late_node() {
    let (chain, changed) = chain();
    let faulty = with_change(&chain, changed, remove_events);
    let mut fixture = Fixture::new(faulty, recorded(&chain)).await;
    fixture.honest.set(Faults {
        delay: Duration::from_secs(3),
        ..Faults::default()
    });
    fixture.until_final(changed, slot_of(&chain, changed)).await;
}

async fn assert_a_failed_transaction_that_is_listed_as_successful_stops_nothing(is_known: bool) {
    let (mut chain, _) = chain();
    chain.wait(1);
    let failed = chain.send_failing(Vec::new());
    chain.wait(1);
    chain.append(named("registry"), &[100]).unwrap();
    let error = json!({ "InstructionError": [0, { "Custom": 0 }] });
    let fail = |entry: &mut RecordedTransaction| {
        let mut json: serde_json::Value = serde_json::from_str(&entry.json).unwrap();
        json["meta"]["err"] = error.clone();
        entry.json = json.to_string();
    };
    let honest = with_change(&chain, failed, fail);
    let mut faulty = honest.clone();
    for entry in &mut faulty {
        entry.failed = false;
        if !is_known && entry.signature == failed.to_string() {
            entry.json = "null".into();
        }
    }
    let mut fixture = Fixture::new(faulty, honest).await;
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint.unwrap().slot, chain.slot);
    let applied = fixture.applied().await;
    assert!(!applied.contains(&failed));
    assert_eq!(applied.len(), chain.transactions.len() - 1);
}

#[tokio::test]
async fn a_node_that_lists_a_failed_transaction_as_successful_stops_nothing() {
    assert_a_failed_transaction_that_is_listed_as_successful_stops_nothing(true).await;
}

#[tokio::test]
async fn a_node_that_lists_a_failed_transaction_as_successful_and_does_not_know_it_stops_nothing() {
    assert_a_failed_transaction_that_is_listed_as_successful_stops_nothing(false).await;
}

#[tokio::test]
async fn a_node_that_does_not_know_a_transaction_does_not_stop_finality() {
    let (chain, unknown) = chain();
    let [faulty, honest] = with_omission(&chain, unknown);
    let mut fixture = Fixture::new(faulty, honest).await;
    fixture.until_applied(unknown).await;
    let step = fixture.settle().await;
    let of_unknown = slot_of(&chain, unknown);
    assert!(step.head.finalized > of_unknown, "{step:?}");
    let start = Instant::now();
    while fixture.database.store.finalized_slot().await.unwrap() != Some(step.head.finalized) {
        assert!(start.elapsed() < Duration::from_mins(2), "finality does not move");
        // The answer of the other node can come too late for one attempt.
        let _ = fixture.follower.finalize(step.head, None).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_node_whose_newest_slot_stands_still_does_not_stop_the_checkpoint() {
    let (mut chain, _) = chain();
    let frozen = recorded(&chain);
    for _ in 0..180 {
        chain.wait(1);
    }
    let last = chain.append(named("registry"), &[100]).unwrap();
    let mut fixture = Fixture::new(frozen, recorded(&chain)).await;
    // A slot that only one node reports is accepted after some seconds.
    fixture.until_applied(last).await;
    assert_eq!(fixture.applied().await.len(), chain.transactions.len());
}

pub fn slot_of(chain: &TestChain, signature: Signature) -> Slot {
    let mut transactions = chain.transactions.iter();
    let found = transactions.find(|transaction| transaction.signature == signature);
    found.unwrap().slot
}

/// Returns histories of which the first one lacks a transaction.
pub fn with_omission(chain: &TestChain, omitted: Signature) -> [Vec<RecordedTransaction>; 2] {
    let honest = recorded(chain);
    let mut faulty = honest.clone();
    faulty.retain(|entry| entry.signature != omitted.to_string());
    [faulty, honest]
}

#[tokio::test]
async fn what_a_node_lists_after_an_outage_is_added_to_final_slots() {
    let (chain, omitted) = chain();
    let [faulty, honest] = with_omission(&chain, omitted);
    let settings = Settings {
        compare_interval: Duration::ZERO,
        // At the first start, two nodes must agree on it.
        cluster: ClusterCheck::Off,
        ..Settings::new(bauta::ID)
    };
    let mut fixture = Fixture::with_settings(faulty, honest, settings).await;
    fixture.honest.set(Faults {
        unavailable: true,
        ..Faults::default()
    });
    let start = Instant::now();
    loop {
        let step = fixture.settle().await;
        // Nothing is reconciled, so the journal is kept.
        let agreed = Some(Slot::ZERO);
        let slot = fixture.follower.finalize(step.head, agreed).await.unwrap();
        if slot > Some(slot_of(&chain, omitted)) {
            break;
        }
        assert!(start.elapsed() < Duration::from_mins(5), "{slot:?}");
    }
    assert!(!fixture.applied().await.contains(&omitted));
    fixture.honest.set(Faults::default());
    fixture.until_applied(omitted).await;
    fixture.settle().await;
    assert_eq!(fixture.applied().await.len(), chain.transactions.len());
}

#[tokio::test]
async fn a_transaction_that_its_only_lister_returns_late_is_not_dismissed() {
    let (mut chain, _) = chain();
    chain.wait(1);
    let late = chain.create(named("late"), RegistryKind::Managed);
    let [other, lister] = with_omission(&chain, late);
    let mut fixture = Fixture::new(other, lister).await;
    // The node that lists it does not have the transaction and its block yet.
    fixture.honest.set(Faults {
        unreturned: 1.0,
        missing_blocks: true,
        ..Faults::default()
    });
    let source = Arc::clone(fixture.follower.source());
    let start = Instant::now();
    let entry = loop {
        let listed = source.list_on_all_nodes(&[bauta::ID], None, chain.slot).await;
        let mut listed = listed.unwrap().into_iter();
        if let Some(entry) = listed.find(|entry| entry.signature == late) {
            break entry;
        }
        assert!(
            start.elapsed() < Duration::from_mins(5),
            "the node does not list it"
        );
    };
    let error = source.fetch(&[entry]).await.unwrap_err();
    let is_on_some_nodes = matches!(
        error,
        SourceError::NotOnChain {
            on_all_nodes: false,
            ..
        }
    );
    assert!(is_on_some_nodes, "{error}");
    fixture.honest.set(Faults::default());
    fixture.until_applied(late).await;
}

#[tokio::test]
async fn a_node_that_refuses_a_request_for_statuses_gets_it_three_times() {
    let (chain, transaction) = chain();
    let fixture = Fixture::new(recorded(&chain), recorded(&chain)).await;
    fixture.honest.set(Faults {
        failing_method: Some("getSignatureStatuses"),
        ..Faults::default()
    });
    let source = fixture.follower.source();
    let statuses = source.statuses_on_all_nodes(&[transaction], Slot::ZERO).await;
    assert_eq!(statuses.unwrap()[0].len(), 1);
    let counts = fixture.honest.counts();
    assert_eq!(counts.failed_calls.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn one_of_two_nodes_decides_alone_until_the_other_one_has_listed() {
    let (chain, _) = chain();
    let fixture = Fixture::new(recorded(&chain), recorded(&chain)).await;
    let source = fixture.follower.source();
    assert!(source.is_single_node());
    let start = Instant::now();
    while source.is_single_node() {
        assert!(start.elapsed() < Duration::from_mins(5), "no second node lists");
        // The answer of a node can come too late for one attempt.
        let _ = source.list_on_all_nodes(&[bauta::ID], None, chain.slot).await;
    }
}

#[tokio::test]
async fn what_a_node_lists_much_later_than_another_one_is_compared() {
    let (chain, omitted) = chain();
    let [faulty, honest] = with_omission(&chain, omitted);
    let mut fixture = Fixture::new(faulty, honest).await;
    fixture.honest.set(Faults {
        delay: Duration::from_secs(3),
        ..Faults::default()
    });
    fixture.until_applied(omitted).await;
}

#[tokio::test]
async fn no_slot_is_final_before_a_node_that_answers_late_has_listed_it() {
    let (chain, omitted) = chain();
    let [faulty, honest] = with_omission(&chain, omitted);
    let mut fixture = Fixture::new(faulty, honest).await;
    fixture.honest.set(Faults {
        delay: Duration::from_secs(3),
        ..Faults::default()
    });
    fixture.until_final(omitted, slot_of(&chain, omitted)).await;
}

#[tokio::test]
async fn what_only_a_node_that_answers_late_knows_is_not_removed() {
    let (chain, omitted) = chain();
    let [faulty, honest] = with_omission(&chain, omitted);
    let mut fixture = Fixture::new(faulty, honest).await;
    fixture.until_applied(omitted).await;
    fixture.settle().await;
    fixture.honest.set(Faults {
        delay: Duration::from_secs(2),
        ..Faults::default()
    });
    for step in 0..5 {
        // The other node may not answer in time. The rows stay.
        let _ = fixture.follower.step().await;
        assert!(fixture.applied().await.contains(&omitted), "step {step}");
    }
}

/// Returns the history of a chain with entries that do not exist, `count` of them for each entry.
fn with_inventions(chain: &TestChain, count: u8) -> Vec<RecordedTransaction> {
    let mut history = Vec::new();
    for (entry, number) in recorded(chain).into_iter().zip(0_u8..) {
        let invented = (0..count).map(|which| RecordedTransaction {
            signature: Signature::from([[number, which, 1, 1]; 16].concat().try_into().unwrap_or([0; 64]))
                .to_string(),
            json: "null".into(),
            ..entry.clone()
        });
        history.extend(invented);
        history.push(entry);
    }
    history
}

#[tokio::test]
async fn what_one_node_invents_in_a_backfill_is_removed_together() {
    let (chain, _) = chain();
    let settings = Settings {
        backfill_slots: 0,
        ..Settings::new(bauta::ID)
    };
    let mut fixture = Fixture::with_settings(with_inventions(&chain, 20), recorded(&chain), settings).await;
    let last_final = chain
        .transactions
        .iter()
        .rev()
        .find(|t| t.slot.get() + 31 <= chain.slot.get());
    // One by one, they take minutes: each is requested from both nodes in three rounds.
    fixture.until_applied(last_final.unwrap().signature).await;
    assert!(fixture.follower.source().is_left_out(0));
    let stored: i64 = sqlx::query_scalar("SELECT count(*) FROM backfill_transactions")
        .fetch_one(fixture.database.pool())
        .await
        .unwrap();
    assert!(stored < 100, "{stored} entries are stored");
}

/// Returns a chain that was applied, and steps until the first node is left out, because it lists
/// many transactions that no node returns.
async fn with_a_node_left_out() -> (TestChain, Fixture) {
    let (chain, _) = chain();
    let settings = Settings {
        compare_interval: Duration::ZERO,
        quarantine_after: Duration::ZERO,
        ..Settings::new(bauta::ID)
    };
    let mut fixture = Fixture::with_settings(recorded(&chain), recorded(&chain), settings.clone()).await;
    fixture.settle().await;
    // No block shows that they do not exist.
    fixture.honest.set(Faults {
        missing_blocks: true,
        ..Faults::default()
    });
    let history = with_inventions(&chain, 20);
    fixture.replace_first_node(history, settings).await;
    let start = Instant::now();
    let mut last = None;
    let mut compared = 0;
    while compared < 3 || !fixture.follower.source().is_left_out(0) {
        assert!(
            start.elapsed() < Duration::from_mins(5),
            "the lists are not compared; the last error: {last:?}"
        );
        match fixture.follower.step().await {
            Ok(_) => compared += 1,
            Err(error) => (compared, last) = (0, Some(error)),
        }
    }
    (chain, fixture)
}

#[tokio::test]
async fn many_transactions_that_one_node_lists_and_no_node_returns_do_not_stop_the_comparison() {
    let (chain, fixture) = with_a_node_left_out().await;
    let quarantined = fixture.database.store.quarantined().await.unwrap();
    // They are not forgotten, because a node may have them.
    assert!(!quarantined.is_empty());
    assert_eq!(fixture.applied().await.len(), chain.transactions.len());
}

#[tokio::test]
async fn the_list_of_a_node_that_is_left_out_is_not_used_beside_a_late_node() {
    let (chain, fixture) = with_a_node_left_out().await;
    fixture.honest.set(Faults {
        delay: Duration::from_secs(2),
        ..Faults::default()
    });
    for _ in 0..3 {
        let source = fixture.follower.source();
        let listed = source.list_on_all_nodes(&[bauta::ID], None, chain.slot).await;
        let is_known = |signature| {
            let mut transactions = chain.transactions.iter();
            transactions.any(|transaction| transaction.signature == signature)
        };
        assert!(listed.unwrap().iter().all(|entry| is_known(entry.signature)));
    }
}

#[tokio::test]
async fn a_node_whose_list_is_longer_than_the_limit_is_not_used() {
    let (chain, _) = chain();
    let settings = Settings {
        compare_interval: Duration::ZERO,
        ..Settings::new(bauta::ID)
    };
    let faulty = with_inventions(&chain, 20);
    let mut fixture = Fixture::with_max_listed(faulty, recorded(&chain), settings, 200).await;
    let step = fixture.settle().await;
    assert_eq!(step.checkpoint.unwrap().slot, chain.slot);
    assert_eq!(fixture.applied().await.len(), chain.transactions.len());
    // Otherwise it would be left out, because nothing in the list exists.
    assert!(!fixture.follower.source().is_left_out(0));
}
