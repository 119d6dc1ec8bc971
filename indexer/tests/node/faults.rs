//! Tests of nodes that answer wrongly, with a real node behind fault injection proxies.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_chaos::{FaultProxy, Faults};
use bauta_indexing::chain::Source;
use bauta_indexing::nodes::{NodeSettings, RpcSource};
use bauta_indexing::{Follower, IndexerError, Settings, SourceError, request_quarantined};
use bauta_rpc::CommitmentLevel;
use bauta_store::Slot;
use bauta_store::testing::TestDatabase;

use crate::support::TestCluster;

/// A cluster with a registry, proxies in front of its node, and a follower that reads from them.
struct Fixture {
    cluster: TestCluster,
    proxies: Vec<FaultProxy>,
    database: TestDatabase,
    follower: Follower<RpcSource>,
}

fn source(proxies: &[FaultProxy]) -> RpcSource {
    let nodes: Vec<_> = proxies
        .iter()
        .map(|proxy| NodeSettings {
            url: proxy.rpc(),
            concurrency: 8,
            requests_per_second: NonZeroU32::new(1_000).unwrap(),
            timeout: Duration::from_mins(1),
            weight: 0,
        })
        .collect();
    RpcSource::new(bauta::ID, &nodes).unwrap()
}

fn settings() -> Settings {
    Settings {
        compare_interval: Duration::ZERO,
        ..Settings::new(bauta::ID)
    }
}

impl Fixture {
    async fn new(nodes: u64) -> Self {
        let cluster = TestCluster::start().await;
        cluster.create_registry().await;
        let mut proxies = Vec::new();
        for seed in 0..nodes {
            let (rpc, websocket) = (cluster.chain.rpc_url(), cluster.chain.websocket_url());
            proxies.push(FaultProxy::start(rpc, websocket, seed).await.unwrap());
        }
        let database = TestDatabase::create().await.unwrap();
        let follower = Follower::new(Arc::new(source(&proxies)), database.store.clone(), settings());
        Self {
            cluster,
            proxies,
            database,
            follower,
        }
    }

    /// Replaces the follower by a new one with new connections.
    fn restart(&mut self) {
        let source = Arc::new(source(&self.proxies));
        self.follower = Follower::new(source, self.database.store.clone(), settings());
    }

    /// Steps until the database has the registry's present number of changes. A step that fails is
    /// repeated, because a node may not have answered in time.
    async fn follow(&mut self) {
        let expected = self.cluster.changes();
        let start = Instant::now();
        let mut last = None;
        loop {
            last = self.follower.step().await.err().or(last);
            let changes = self.changes().await;
            if changes == Some(expected) {
                return;
            }
            assert!(
                start.elapsed() < Duration::from_mins(2),
                "{changes:?} of {expected} changes; the last error: {last:?}"
            );
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Requests the quarantined transactions that are due. Returns whether some can be applied now.
    async fn retry_quarantined(&mut self) -> bool {
        let (store, source) = (&self.database.store, self.follower.source());
        match request_quarantined(store, source).await.unwrap() {
            Some(answers) => self.follower.apply_quarantine_answers(answers).await.unwrap(),
            None => false,
        }
    }

    async fn changes(&self) -> Option<u64> {
        let registry = self.database.store.registry(self.cluster.registry()).await;
        registry.ok().map(|registry| registry.sequence.get())
    }
}

fn with(change: impl FnOnce(&mut Faults)) -> Faults {
    let mut faults = Faults::default();
    change(&mut faults);
    faults
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_without_its_inner_instructions_is_fetched_from_another_node() {
    let mut fixture = Fixture::new(2).await;
    fixture.proxies[0].set(with(|faults| faults.unrecorded = 1.0));
    for _ in 0..3 {
        fixture.cluster.append(2).await;
        fixture.follow().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_without_its_inner_instructions_is_never_remembered_as_one_without_events() {
    let mut fixture = Fixture::new(1).await;
    fixture.follow().await;
    fixture.proxies[0].set(with(|faults| faults.unrecorded = 1.0));
    fixture.cluster.append(2).await;
    let stopped = fixture.follower.step().await.unwrap_err();
    assert!(stopped.is_retryable(), "{stopped}");
    assert!(
        stopped
            .to_string()
            .contains("did not record the inner instructions"),
        "{stopped}"
    );
    // The same follower continues when the node returns them.
    fixture.proxies[0].set(Faults::default());
    fixture.follow().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_no_version_knows_do_not_stop_the_indexer() {
    let mut fixture = Fixture::new(1).await;
    fixture.proxies[0].set(with(|faults| faults.unknown_errors = 1.0));
    for _ in 0..3 {
        fixture.cluster.append(2).await;
        fixture.follow().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_of_another_cluster_is_refused_by_name() {
    let mut fixture = Fixture::new(1).await;
    fixture.follow().await;
    fixture.cluster.append(2).await;
    fixture.proxies[0].set(with(|faults| faults.other_cluster = true));
    fixture.restart();
    let before = fixture.database.store.checkpoint().await.unwrap();
    let refused = fixture.follower.step().await.unwrap_err();
    assert!(
        matches!(refused, IndexerError::Source(SourceError::OtherCluster { .. })),
        "{refused}"
    );
    assert!(!refused.is_retryable());
    let url = fixture.proxies[0].rpc();
    assert!(
        refused.to_string().contains(url.trim_end_matches('/')),
        "{refused}"
    );
    assert_eq!(fixture.database.store.checkpoint().await.unwrap(), before);
    // The follower continues when the URL leads to a node of the cluster.
    fixture.proxies[0].set(Faults::default());
    fixture.follow().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn beside_a_node_of_another_cluster_the_other_nodes_are_used() {
    let mut fixture = Fixture::new(2).await;
    fixture.follow().await;
    fixture.proxies[0].set(with(|faults| faults.other_cluster = true));
    fixture.restart();
    fixture.cluster.append(2).await;
    fixture.follow().await;
    // A node that was unavailable is checked again before it is used.
    fixture.proxies[0].set(with(|faults| faults.unavailable = true));
    fixture.cluster.append(2).await;
    fixture.follow().await;
    fixture.proxies[0].set(with(|faults| faults.other_cluster = true));
    fixture.cluster.append(2).await;
    fixture.follow().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_first_start_nodes_of_different_clusters_are_refused() {
    let mut fixture = Fixture::new(2).await;
    fixture.proxies[1].set(with(|faults| faults.other_cluster = true));
    let refused = fixture.follower.step().await.unwrap_err();
    assert!(
        matches!(refused, IndexerError::Source(SourceError::OtherCluster { .. })),
        "{refused}"
    );
    assert_eq!(fixture.database.store.genesis_hash().await.unwrap(), None);
    assert_eq!(fixture.database.store.checkpoint().await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_first_start_one_of_several_nodes_records_no_cluster_alone() {
    let mut fixture = Fixture::new(2).await;
    fixture.proxies[0].set(with(|faults| faults.other_cluster = true));
    fixture.proxies[1].set(with(|faults| faults.unavailable = true));
    let waiting = fixture.follower.step().await.unwrap_err();
    assert!(waiting.is_retryable(), "{waiting}");
    assert!(
        waiting.to_string().contains("two of several nodes must agree"),
        "{waiting}"
    );
    assert_eq!(fixture.database.store.genesis_hash().await.unwrap(), None);
    for proxy in &fixture.proxies {
        proxy.set(Faults::default());
    }
    fixture.follow().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_answers_late_does_not_delay_the_others() {
    let mut fixture = Fixture::new(2).await;
    fixture.follow().await;
    for late in [0, 1] {
        fixture.proxies[late].set(with(|faults| faults.delay = Duration::from_secs(30)));
        // The first request notices that the node is slow.
        fixture.follower.source().head(Slot::ZERO).await.unwrap();
        let start = Instant::now();
        for _ in 0..3 {
            fixture.follower.source().head(Slot::ZERO).await.unwrap();
            let slot = fixture
                .cluster
                .rpc
                .slot(CommitmentLevel::Confirmed)
                .await
                .unwrap();
            let source = fixture.follower.source();
            let listed = source.list(&[bauta::ID], None, Slot::new(slot)).await;
            assert!(!listed.unwrap().is_empty());
        }
        // One list alone would take as long as this if the late node were used first.
        let limit = Duration::from_secs(20);
        assert!(start.elapsed() < limit, "{:?}", start.elapsed());
        fixture.proxies[late].set(Faults::default());
        fixture.restart();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_only_one_node_lists_and_that_is_in_no_block_does_not_stop_the_indexer() {
    let mut fixture = Fixture::new(2).await;
    fixture.proxies[0].set(with(|faults| faults.invented = 1.0));
    for _ in 0..3 {
        fixture.cluster.append(2).await;
        fixture.follow().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_lists_many_transactions_that_do_not_exist_does_not_stop_the_indexer() {
    let mut fixture = Fixture::new(2).await;
    fixture.follow().await;
    fixture.proxies[0].set(with(|faults| faults.inventions = 60));
    for _ in 0..2 {
        fixture.cluster.append(2).await;
        fixture.follow().await;
    }
    let quarantined = fixture.database.store.quarantined().await.unwrap();
    assert!(quarantined.is_empty(), "{quarantined:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_finalizes_early_makes_no_slot_final_that_a_fork_can_remove() {
    let fixture = Fixture::new(1).await;
    fixture.proxies[0].set(with(|faults| faults.finalized_early = 1.0));
    let head = fixture.follower.source().head(Slot::ZERO).await.unwrap();
    assert!(
        head.finalized.get() + 31 <= head.confirmed.get().max(31),
        "{head:?}"
    );
}

/// A node without a block says nothing about the transactions of the block.
#[tokio::test(flavor = "multi_thread")]
async fn a_block_that_is_missing_on_a_node_does_not_show_that_a_transaction_is_absent() {
    let mut fixture = Fixture::new(2).await;
    fixture.follow().await;
    fixture.cluster.append(2).await;
    // The only other node is unavailable.
    fixture.proxies[0].set(with(|faults| {
        faults.unreturned = 1.0;
        faults.missing_blocks = true;
    }));
    fixture.proxies[1].set(with(|faults| faults.unavailable = true));
    let error = fixture.follower.step().await.unwrap_err();
    assert!(
        matches!(error, IndexerError::Source(SourceError::NotReturned { .. })),
        "{error}"
    );
    for proxy in &fixture.proxies {
        proxy.set(Faults::default());
    }
    fixture.follow().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_with_empty_lists_hides_no_transaction_that_another_node_lists() {
    let mut fixture = Fixture::new(2).await;
    fixture.follow().await;
    fixture.proxies[0].set(with(|faults| faults.empty_pages = 1.0));
    for _ in 0..3 {
        fixture.cluster.append(2).await;
        fixture.follow().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_method_that_a_node_does_not_serve_is_requested_from_the_next_one() {
    let mut fixture = Fixture::new(2).await;
    for method in [
        "getTransaction",
        "getSignaturesForAddress",
        "getSignatureStatuses",
        "getSlot",
    ] {
        fixture.proxies[0].set(with(|faults| faults.failing_method = Some(method)));
        fixture.cluster.append(2).await;
        fixture.follow().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_no_node_returns_is_quarantined_and_applied_when_one_returns_it() {
    let mut fixture = Fixture::new(2).await;
    fixture.follow().await;
    let source = Arc::new(source(&fixture.proxies));
    let settings = Settings {
        quarantine_after: Duration::ZERO,
        ..settings()
    };
    fixture.follower = Follower::new(source, fixture.database.store.clone(), settings);
    for proxy in &fixture.proxies {
        proxy.set(with(|faults| faults.unreturned = 1.0));
    }
    fixture.cluster.append(2).await;
    let before = fixture.database.store.checkpoint().await.unwrap();
    fixture.follower.step().await.unwrap();
    assert!(fixture.database.store.checkpoint().await.unwrap() > before);
    let store = fixture.database.store.clone();
    assert_eq!(store.quarantined().await.unwrap().len(), 1);
    // It is due after a minute. Until then the follower does not request it.
    assert!(!fixture.retry_quarantined().await);
    assert_eq!(store.quarantined().await.unwrap()[0].attempts, 0);
    for proxy in &fixture.proxies {
        proxy.set(Faults::default());
    }
    sqlx::query("UPDATE quarantine SET next_attempt_at = now()")
        .execute(fixture.database.pool())
        .await
        .unwrap();
    assert!(fixture.retry_quarantined().await);
    fixture.follow().await;
    assert!(store.quarantined().await.unwrap().is_empty());
}
