//! Tests of the failover between nodes that are unavailable, behind or faulty.

use std::collections::HashMap;
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bauta_chaos::{FaultProxy, Faults, RecordedTransaction, ReplayServer};
use bauta_indexing::chain::Source;
use bauta_indexing::nodes::{NodeSettings, RpcSource};
use bauta_indexing::testing::{TestChain, named};
use bauta_indexing::{Follower, IndexerError, Settings, SourceError};
use bauta_rpc::CommitmentLevel;
use bauta_store::testing::TestDatabase;
use bauta_store::{Sequence, Slot};
use solana_signature::Signature;

use crate::support::{TestCluster, recorded};

fn node(url: &str, requests_per_second: u32) -> NodeSettings {
    NodeSettings {
        url: url.to_owned(),
        concurrency: 4,
        requests_per_second: NonZeroU32::new(requests_per_second).unwrap(),
        timeout: Duration::from_secs(5),
        weight: 0,
    }
}

/// Returns a URL with a key, at a port where no server listens.
fn unavailable_url() -> String {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    format!("http://127.0.0.1:{port}/v2/secret-key")
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_to_an_unavailable_node_go_to_the_next_one() {
    let mut cluster = TestCluster::start().await;
    cluster.create_registry().await;
    cluster.append(3).await;
    let nodes = [node(&unavailable_url(), 100), node(cluster.chain.rpc_url(), 100)];
    let source = RpcSource::new(bauta::ID, &nodes).unwrap();
    let head = source.head(Slot::ZERO).await.unwrap();
    let listed = source.list(&[bauta::ID], None, head.confirmed).await.unwrap();
    let fetched = source.fetch(&listed).await.unwrap();
    assert_eq!((listed.len(), fetched.len()), (3, 3));
    let on_all_nodes = source
        .list_on_all_nodes(&[bauta::ID], None, head.confirmed)
        .await
        .unwrap();
    assert_eq!(on_all_nodes, listed);
}

#[tokio::test]
async fn if_all_nodes_are_unavailable_the_error_names_one_without_its_key() {
    let source = RpcSource::new(
        bauta::ID,
        &[node(&unavailable_url(), 100), node(&unavailable_url(), 100)],
    )
    .unwrap();
    let error = source.head(Slot::ZERO).await.unwrap_err();
    assert!(matches!(error, SourceError::Unavailable { .. }), "{error}");
    let message = error.to_string();
    assert!(
        message.contains("http://127.0.0.1:") && !message.contains("secret-key"),
        "{message}"
    );
}

#[test]
fn a_configuration_without_a_valid_node_is_refused() {
    for nodes in [Vec::new(), vec![node("ftp://127.0.0.1", 1)]] {
        let error = RpcSource::new(bauta::ID, &nodes).err().unwrap();
        assert!(matches!(error, SourceError::InvalidNode { .. }), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_has_not_reached_the_requested_slot_is_not_used() {
    let cluster = TestCluster::start().await;
    let source = cluster.source();
    let head = source.head(Slot::ZERO).await.unwrap();
    let future = head.confirmed.saturating_add(1_000_000);
    let error = source.list(&[bauta::ID], None, future).await.unwrap_err();
    assert!(matches!(error, SourceError::Unavailable { .. }), "{error}");
    // Such a node may not know a transaction yet, so its statuses are not used.
    let signature = Signature::from([1; 64]);
    let statuses = source.statuses(&[signature], head.confirmed).await.unwrap();
    assert_eq!(statuses, [None]);
    let error = source.statuses(&[signature], future).await.unwrap_err();
    assert!(error.to_string().contains("is needed"), "{error}");
}

#[tokio::test]
async fn a_short_page_is_not_the_end_of_the_list() {
    let signature = |number: u16| {
        let mut bytes = [1; 64];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Signature::from(bytes).to_string()
    };
    let transaction = |number: u16| RecordedTransaction {
        signature: signature(number),
        slot: 100 + u64::from(number),
        block_time: 1_767_225_600,
        failed: false,
        json: "null".into(),
    };
    let history = (0..1_500).map(transaction).collect();
    let replay = ReplayServer::start(&bauta::ID.to_string(), history, HashMap::new())
        .await
        .unwrap();
    let proxy = FaultProxy::start(&replay.rpc(), &replay.websocket(), 3)
        .await
        .unwrap();
    proxy.set(Faults {
        omitted: 0.3,
        ..Faults::default()
    });
    let source = RpcSource::new(bauta::ID, &[node(&proxy.rpc(), 1_000)]).unwrap();
    let listed = source.list(&[bauta::ID], None, Slot::new(1_599)).await.unwrap();
    assert!((900..1_200).contains(&listed.len()), "{}", listed.len());
    let (first, last) = (listed[0].slot.get(), listed[listed.len() - 1].slot.get());
    assert!(first < 120 && last > 1_579, "from {first} to {last}");
}

/// Starts two proxies for one chain, and a source that has compared them.
async fn two_nodes(cluster: &TestCluster) -> (FaultProxy, FaultProxy, RpcSource) {
    let (rpc, websocket) = (cluster.chain.rpc_url(), cluster.chain.websocket_url());
    let first = FaultProxy::start(rpc, websocket, 1).await.unwrap();
    let second = FaultProxy::start(rpc, websocket, 2).await.unwrap();
    let nodes = [node(&first.rpc(), 1_000), node(&second.rpc(), 1_000)];
    let source = RpcSource::new(bauta::ID, &nodes).unwrap();
    source.head(Slot::ZERO).await.unwrap();
    (first, second, source)
}

fn ahead() -> Faults {
    Faults {
        slots_ahead: 1_000_000,
        ..Faults::default()
    }
}

fn unavailable() -> Faults {
    Faults {
        unavailable: true,
        ..Faults::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slot_beyond_the_chain_from_one_node_does_not_move_the_checkpoint() {
    let mut cluster = TestCluster::start().await;
    cluster.create_registry().await;
    let (faulty, other, source) = two_nodes(&cluster).await;
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::new(bauta::ID);
    let mut follower = Follower::new(Arc::new(source), database.store.clone(), settings);
    follower.step().await.unwrap();
    // The preferred node becomes faulty while the follower runs.
    faulty.set(ahead());
    for leaves in 1..5 {
        cluster.append(leaves).await;
        follower.step().await.unwrap();
        let slot = cluster.rpc.slot(CommitmentLevel::Confirmed).await.unwrap();
        let checkpoint = database.store.checkpoint().await.unwrap().unwrap();
        assert!(checkpoint.slot.get() <= slot, "{checkpoint} is beyond {slot}");
    }
    // The other node becomes unavailable: the faulty node alone does not move the checkpoint.
    other.set(unavailable());
    let before = database.store.checkpoint().await.unwrap();
    let stopped = follower.step().await.unwrap_err();
    assert!(
        matches!(stopped, IndexerError::Source(SourceError::DisputedHead { .. })),
        "{stopped}"
    );
    assert_eq!(database.store.checkpoint().await.unwrap(), before);
    // With correct answers the follower continues.
    other.set(Faults::default());
    faulty.set(Faults::default());
    cluster.append(1).await;
    follower.step().await.unwrap();
    let registry = database.store.registry(cluster.registry()).await;
    assert_eq!(registry.unwrap().sequence, Sequence::new(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_or_unavailable_node_does_not_delay_the_others() {
    let cluster = TestCluster::start().await;
    let (first, second, source) = two_nodes(&cluster).await;
    let stuck = Faults {
        stale: 1.0,
        slots_behind: 100,
        ..Faults::default()
    };
    for (impaired, healthy) in [(&first, &second), (&second, &first)] {
        for faults in [unavailable(), stuck.clone()] {
            impaired.set(faults);
            healthy.set(Faults::default());
            let slot = Slot::new(cluster.rpc.slot(CommitmentLevel::Confirmed).await.unwrap());
            let head = source.head(slot).await.unwrap();
            assert!(head.confirmed >= slot, "{} is before {slot}", head.confirmed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_to_a_node_respect_its_rate_limit() {
    let cluster = TestCluster::start().await;
    let source = RpcSource::new(bauta::ID, &[node(cluster.chain.rpc_url(), 10)]).unwrap();
    let start = Instant::now();
    // Each call sends two requests. The limit allows a burst of ten, then ten per second.
    for _ in 0..10 {
        source.head(Slot::ZERO).await.unwrap();
    }
    assert!(
        start.elapsed() >= Duration::from_millis(900),
        "{:?}",
        start.elapsed()
    );
}

/// Healthy nodes with weights share the requests.
#[tokio::test(flavor = "multi_thread")]
async fn nodes_get_requests_in_proportion_to_their_weights() {
    let mut chain = TestChain::default();
    chain.initialize();
    let registry = named("registry");
    chain.create(registry, bauta::state::RegistryKind::Managed);
    for leaf in 0..38 {
        chain.wait(1);
        chain.append(registry, &[leaf]).unwrap();
    }
    let recorded = recorded(&chain);
    let program = bauta::ID.to_string();
    let start = || ReplayServer::start(&program, recorded.clone(), HashMap::new());
    let servers = [start().await.unwrap(), start().await.unwrap()];
    let nodes: Vec<_> = servers
        .iter()
        .zip([3, 1])
        .map(|(server, weight)| NodeSettings {
            weight,
            ..node(&server.rpc(), 1_000)
        })
        .collect();
    let source = RpcSource::new(bauta::ID, &nodes).unwrap();
    let listed = source.list(&[bauta::ID], None, chain.slot).await.unwrap();
    assert_eq!(listed.len(), 40);
    let fetched = source.fetch(&listed).await.unwrap();
    assert_eq!(fetched.len(), 40);
    let counts = servers
        .each_ref()
        .map(|server| server.counts().transactions.load(Ordering::Relaxed));
    assert_eq!(counts[0] + counts[1], 40);
    assert!((26..=34).contains(&counts[0]), "{counts:?}");
}
