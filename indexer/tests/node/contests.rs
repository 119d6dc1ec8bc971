//! Tests of what one node invents, alters or denies, with its contents. The first node is faulty.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta::state::RegistryKind;
use bauta_chaos::{FaultProxy, Faults, RecordedTransaction, ReplayServer};
use bauta_indexing::chain::Source;
use bauta_indexing::nodes::{NodeSettings, RpcSource};
use bauta_indexing::testing::{TestChain, named};
use bauta_indexing::{Follower, Settings, SourceError};
use bauta_store::testing::TestDatabase;
use bauta_store::{ContestState, Slot};
use solana_signature::Signature;

use crate::support::recorded;

/// How long a test waits for a condition.
const LIMIT: Duration = Duration::from_mins(5);

/// Nodes behind proxies, and a follower that reads from them.
struct Fixture {
    _nodes: Vec<ReplayServer>,
    proxies: Vec<FaultProxy>,
    database: TestDatabase,
    follower: Follower<RpcSource>,
}

impl Fixture {
    async fn new(histories: Vec<Vec<RecordedTransaction>>, timeout: Duration) -> Self {
        let (mut nodes, mut proxies) = (Vec::new(), Vec::new());
        let program = bauta::ID.to_string();
        for (seed, history) in (0..).zip(histories) {
            let node = ReplayServer::start(&program, history, HashMap::new());
            let node = node.await.unwrap();
            let proxy = FaultProxy::start(&node.rpc(), &node.websocket(), seed).await;
            proxies.push(proxy.unwrap());
            nodes.push(node);
        }
        let settings: Vec<_> = proxies
            .iter()
            .map(|proxy| NodeSettings {
                url: proxy.rpc(),
                concurrency: 8,
                requests_per_second: NonZeroU32::new(1_000).unwrap(),
                timeout,
                weight: 0,
            })
            .collect();
        let source = Arc::new(RpcSource::new(bauta::ID, &settings).unwrap());
        let database = TestDatabase::create().await.unwrap();
        let settings = Settings {
            compare_interval: Duration::ZERO,
            ..Settings::new(bauta::ID)
        };
        Self {
            follower: Follower::new(source, database.store.clone(), settings),
            _nodes: nodes,
            proxies,
            database,
        }
    }

    /// Steps until the checkpoint is at the end of the chain. A step that fails is repeated.
    async fn until_end(&mut self, chain: &TestChain) {
        let start = Instant::now();
        let mut last = None;
        loop {
            match self.follower.step().await {
                Ok(step) if !step.again && step.checkpoint.is_some_and(|at| at.slot == chain.slot) => return,
                Ok(_) => {}
                Err(error) => last = Some(error),
            }
            assert!(
                start.elapsed() < LIMIT,
                "the checkpoint stops; the last error: {last:?}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn assert_equals(&self, chain: &TestChain) {
        let registry = self.database.store.registry(named("registry")).await.unwrap();
        let root = self.database.store.root_at(&registry, registry.sequence).await;
        assert_eq!(root.unwrap(), Some(chain.root(named("registry"))));
        let applied = self
            .database
            .store
            .applied_transactions_after(Slot::ZERO)
            .await
            .unwrap();
        let applied: Vec<Signature> = applied.iter().map(|entry| entry.signature).collect();
        let expected: Vec<_> = chain.transactions.iter().map(|entry| entry.signature).collect();
        assert_eq!(applied, expected);
    }
}

/// Returns a chain with a registry, whose newest slots are not final.
fn chain() -> TestChain {
    let mut chain = TestChain::default();
    chain.initialize();
    chain.create(named("registry"), RegistryKind::Managed);
    for leaf in 0..20 {
        chain.wait(1);
        chain.append(named("registry"), &[leaf]).unwrap();
    }
    chain
}

fn with(change: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    change(&mut faults);
    faults
}

#[tokio::test]
async fn contested_events_that_one_of_two_nodes_alters_are_read_from_the_other_one() {
    let chain = chain();
    let histories = vec![recorded(&chain), recorded(&chain)];
    let mut fixture = Fixture::new(histories, Duration::from_mins(1)).await;
    fixture.proxies[0].set(with(|faults| faults.altered = 0.2));
    fixture.until_end(&chain).await;
    fixture.assert_equals(&chain).await;
    let contested = fixture.database.store.contested().await.unwrap();
    assert!(!contested.is_empty());
}

#[tokio::test]
async fn a_contested_event_is_decided_beside_an_honest_node_that_takes_three_seconds() {
    let chain = chain();
    let histories = vec![recorded(&chain), recorded(&chain)];
    let mut fixture = Fixture::new(histories, Duration::from_mins(1)).await;
    fixture.proxies[0].set(with(|faults| faults.altered = 0.05));
    fixture.proxies[1].set(with(|faults| faults.delay = Duration::from_secs(3)));
    fixture.until_end(&chain).await;
    fixture.assert_equals(&chain).await;
}

#[tokio::test]
async fn a_contested_copy_that_one_of_two_nodes_returns_under_another_signature_is_set_aside() {
    let chain = chain();
    let histories = vec![recorded(&chain), recorded(&chain)];
    let mut fixture = Fixture::new(histories, Duration::from_mins(1)).await;
    fixture.proxies[0].set(with(|faults| faults.copied = 1.0));
    fixture.until_end(&chain).await;
    fixture.assert_equals(&chain).await;
    let contested = fixture.database.store.contested().await.unwrap();
    assert_eq!(contested.len(), 1);
}

#[tokio::test]
async fn with_three_nodes_what_two_do_not_have_is_undone_before_it_is_final() {
    let mut honest = chain();
    honest.wait(1);
    let mut fork = honest.forked();
    let invented = fork.append(named("registry"), &[77]).unwrap();
    let slot = fork.slot;
    // Nothing in the next slots contradicts it.
    for number in 0..40 {
        let address = named(&format!("other {number}"));
        honest.wait(1);
        honest.create(address, RegistryKind::Managed);
    }
    let mut faulty = recorded(&honest);
    let entry = recorded(&fork)
        .into_iter()
        .find(|entry| entry.signature == invented.to_string());
    let place = faulty.partition_point(|entry| entry.slot <= slot.get());
    faulty.insert(place, entry.unwrap());
    let histories = vec![faulty, recorded(&honest), recorded(&honest)];
    let mut fixture = Fixture::new(histories, Duration::from_mins(1)).await;
    let start = Instant::now();
    loop {
        if let Ok(step) = fixture.follower.step().await {
            let _ = fixture.follower.finalize(step.head, Some(Slot::ZERO)).await;
        }
        if fixture.database.store.finalized_slot().await.unwrap() >= Some(slot) {
            break;
        }
        assert!(start.elapsed() < LIMIT);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    fixture.until_end(&honest).await;
    fixture.assert_equals(&honest).await;
    let contested = fixture.database.store.contested().await.unwrap();
    let contested: Vec<_> = contested.iter().map(|row| (row.signature, row.state)).collect();
    assert_eq!(contested, [(invented, ContestState::Undone)]);
}

#[tokio::test]
async fn a_node_that_does_not_answer_does_not_delay_what_only_it_lists() {
    let chain = chain();
    let mut faulty = recorded(&chain);
    let last = faulty.last().unwrap().clone();
    let signature = Signature::from([251; 64]);
    faulty.push(RecordedTransaction {
        signature: signature.to_string(),
        ..last
    });
    // The time limit of a request is longer than the test.
    let fixture = Fixture::new(vec![faulty, recorded(&chain)], Duration::from_hours(1)).await;
    fixture.proxies[0].set(with(|faults| faults.silent_method = Some("getTransaction")));
    let source = fixture.follower.source();
    let start = Instant::now();
    loop {
        assert!(start.elapsed() < LIMIT, "the node delays the others");
        let listed = source.list_on_all_nodes(&[bauta::ID], None, chain.slot).await;
        let mut listed = listed.unwrap_or_default().into_iter();
        let Some(entry) = listed.find(|entry| entry.signature == signature) else {
            continue;
        };
        let fetched = tokio::time::timeout(LIMIT, source.fetch(&[entry])).await;
        match fetched.expect("the node delays the others").unwrap_err() {
            SourceError::NotReturned { .. } | SourceError::NotOnChain { .. } => break,
            // The honest node has not answered in time.
            _ => {}
        }
    }
}
