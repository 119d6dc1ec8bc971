//! Drills with faulty nodes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bauta_chaos::{FaultCounts, FaultProxy, Faults};
use bauta_store::testing::TestDatabase;

use crate::actors::{Actor, Load, eventually};
use crate::chain::DrillChain;
use crate::support::{RunningIndexer, assert_equals_chain, caught_up};

/// Returns the count of one fault.
type Counter = fn(&FaultCounts) -> &AtomicU64;

/// The faults of two nodes during some slots.
struct Round {
    faults: [Faults; 2],
    /// The counts that must rise during the round. A round proves nothing about a fault that is
    /// never injected.
    injected: Vec<Counter>,
}

/// Returns the rounds in their order.
fn rounds() -> Vec<Round> {
    let none = Faults::default();
    let with = |change: fn(&mut Faults)| {
        let mut faults = Faults::default();
        change(&mut faults);
        faults
    };
    let round = |first: &Faults, second: &Faults, injected: &[Counter]| Round {
        faults: [first.clone(), second.clone()],
        injected: injected.to_vec(),
    };
    let omits = with(|faults| faults.omitted = 0.3);
    let bad_notifications =
        with(|faults| (faults.dropped, faults.duplicated, faults.reordered) = (0.4, 0.4, 0.4));
    let fails = with(|faults| (faults.errors, faults.truncated) = (0.3, 0.2));
    let slow = with(|faults| faults.max_delay = Duration::from_millis(300));
    let stale = with(|faults| (faults.stale, faults.slots_behind) = (0.5, 12));
    let ahead = with(|faults| faults.slots_ahead = 1_000_000);
    let unavailable = with(|faults| faults.unavailable = true);
    let unrecorded = with(|faults| faults.unrecorded = 0.5);
    let unreturned = with(|faults| faults.unreturned = 0.3);
    let unknown_errors = with(|faults| faults.unknown_errors = 1.0);
    let lists_wrongly = with(|faults| (faults.invented, faults.empty_pages) = (1.0, 0.5));
    let late = with(|faults| faults.delay = Duration::from_secs(2));
    let alters = with(|faults| faults.altered = 0.3);
    let copies = with(|faults| faults.copied = 0.3);
    let no_accounts = with(|faults| faults.failing_method = Some("getProgramAccounts"));
    vec![
        round(&omits, &none, &[|counts| &counts.omitted]),
        round(
            &bad_notifications,
            &omits,
            &[
                |counts| &counts.dropped,
                |counts| &counts.duplicated,
                |counts| &counts.reordered,
                |counts| &counts.omitted,
            ],
        ),
        round(
            &fails,
            &fails,
            &[|counts| &counts.errors, |counts| &counts.truncated],
        ),
        round(&slow, &stale, &[|counts| &counts.stale]),
        round(&stale, &stale, &[|counts| &counts.stale]),
        // For example a node of another cluster.
        round(&ahead, &none, &[|counts| &counts.ahead]),
        round(&unavailable, &none, &[|counts| &counts.refused]),
        round(&unrecorded, &unrecorded, &[|counts| &counts.unrecorded]),
        // Some transactions are returned by neither node.
        round(&unreturned, &unreturned, &[|counts| &counts.unreturned]),
        round(
            &unknown_errors,
            &unknown_errors,
            &[|counts| &counts.unknown_errors],
        ),
        round(
            &lists_wrongly,
            &none,
            &[|counts| &counts.invented, |counts| &counts.empty_pages],
        ),
        round(&late, &none, &[]),
        round(&no_accounts, &no_accounts, &[|counts| &counts.failed_calls]),
        round(&unavailable, &unavailable, &[|counts| &counts.refused]),
        // Both nodes omit some transactions. Some are omitted by both.
        round(&omits, &omits, &[|counts| &counts.omitted]),
        // The preferred node contradicts the other one about contents, and is left out in the end.
        round(&alters, &none, &[|counts| &counts.altered]),
        round(&copies, &none, &[|counts| &counts.copied]),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_faulty_nodes_the_database_equals_the_chain() {
    let chain = DrillChain::start().await;
    let mut proxies = Vec::new();
    for seed in [1, 2] {
        proxies.push(
            FaultProxy::start(chain.rpc_url(), chain.websocket_url(), seed)
                .await
                .unwrap(),
        );
    }
    let database = TestDatabase::create().await.unwrap();
    let nodes: Vec<String> = proxies.iter().map(FaultProxy::rpc).collect();
    let _indexer = RunningIndexer::start(&nodes, &proxies[0].websocket(), database.store.clone());
    let load = Load::start(&chain).await;
    let rpc = chain.rpc();
    let injected = |counter: Counter| -> u64 {
        let counters = proxies.iter().map(|proxy| counter(proxy.counts()));
        counters.map(|counter| counter.load(Ordering::Relaxed)).sum()
    };
    for (number, round) in rounds().into_iter().enumerate() {
        let before: Vec<u64> = round.injected.iter().map(|counter| injected(*counter)).collect();
        for (proxy, faults) in proxies.iter().zip(round.faults) {
            proxy.set(faults);
        }
        let until = rpc.slot(bauta_rpc::CommitmentLevel::Confirmed).await.unwrap() + 50;
        eventually("fifty slots", async || {
            rpc.slot(bauta_rpc::CommitmentLevel::Confirmed).await.unwrap() > until
        })
        .await;
        for (place, (counter, before)) in round.injected.iter().zip(before).enumerate() {
            eventually(&format!("fault {place} of round {number}"), async || {
                injected(*counter) > before
            })
            .await;
        }
    }
    for proxy in &proxies {
        proxy.set(Faults::default());
    }
    let actors = load.stop().await;
    caught_up(&database.store, &actors).await;
    assert_equals_chain(&database, &chain, &actors).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_that_the_only_node_omits_stop_the_checkpoint_until_they_are_listed() {
    let chain = DrillChain::start().await;
    let proxy = FaultProxy::start(chain.rpc_url(), chain.websocket_url(), 5)
        .await
        .unwrap();
    let database = TestDatabase::create().await.unwrap();
    let indexer = RunningIndexer::start(&[proxy.rpc()], &proxy.websocket(), database.store.clone());
    let load = Load::of([Actor::authority(&chain).await]);
    let changed = "SELECT EXISTS (SELECT FROM registries WHERE sequence > 0)";
    eventually("the indexer follows the registry", async || {
        sqlx::query_scalar(changed)
            .fetch_one(database.pool())
            .await
            .unwrap()
    })
    .await;
    proxy.set(Faults {
        omitted: 0.5,
        ..Faults::default()
    });
    eventually("the indexer stops because of the gap", async || {
        let reason = indexer.status.borrow().stop_reason.clone();
        reason.is_some_and(|reason| {
            !reason.is_retryable && reason.message.contains("read the missing changes from the chain")
        })
    })
    .await;
    let actors = load.stop().await;
    let registry = database
        .store
        .registry(actors[0].expected().registry)
        .await
        .unwrap();
    assert!(registry.sequence.get() < actors[0].expected().tree_changes);
    proxy.set(Faults::default());
    caught_up(&database.store, &actors).await;
    assert_equals_chain(&database, &chain, &actors).await;
}
