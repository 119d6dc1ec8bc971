//! Nodes that lie, in every way at once and one after the other.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bauta_chaos::{Faults, Proxy};
use bauta_store::testing::TestDatabase;

use crate::support::{Running, assert_exact, caught_up};
use crate::world::{Author, Load, World, eventually};

/// What two nodes do wrong at the same time.
fn rounds() -> Vec<[Faults; 2]> {
    let none = Faults::default();
    let with = |change: fn(&mut Faults)| {
        let mut faults = Faults::default();
        change(&mut faults);
        faults
    };
    let hides = with(|faults| faults.hidden = 0.3);
    let lost_notices = with(|faults| (faults.dropped, faults.repeated, faults.reordered) = (0.4, 0.4, 0.4));
    let fails = with(|faults| (faults.errors, faults.truncated) = (0.3, 0.2));
    let slow = with(|faults| faults.delay = Duration::from_millis(300));
    let old = with(|faults| (faults.old, faults.slots_behind) = (0.5, 12));
    let ahead = with(|faults| faults.slots_ahead = 1_000_000);
    let away = with(|faults| faults.away = true);
    vec![
        [hides.clone(), none.clone()],
        [lost_notices, hides.clone()],
        [fails.clone(), fails],
        [slow, old.clone()],
        [old.clone(), old],
        // of another cluster, say
        [ahead, none.clone()],
        [away.clone(), none],
        [away.clone(), away],
        // both hide, and some transactions are hidden by both
        [hides.clone(), hides],
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn behind_nodes_that_lie_the_database_is_what_the_chain_says() {
    let world = World::start().await;
    let mut proxies = Vec::new();
    for seed in [1, 2] {
        proxies.push(
            Proxy::start(world.rpc_url(), world.websocket_url(), seed)
                .await
                .unwrap(),
        );
    }
    let database = TestDatabase::create().await.unwrap();
    let nodes: Vec<String> = proxies.iter().map(Proxy::rpc).collect();
    let _indexer = Running::start(&nodes, &proxies[0].websocket(), database.store.clone());
    let load = Load::start(&world).await;
    let rpc = world.rpc();
    for round in rounds() {
        for (proxy, faults) in proxies.iter().zip(round) {
            proxy.set(faults);
        }
        let until = rpc.slot(bauta_rpc::Commitment::Confirmed).await.unwrap() + 50;
        eventually("fifty slots", async || {
            rpc.slot(bauta_rpc::Commitment::Confirmed).await.unwrap() > until
        })
        .await;
    }
    for proxy in &proxies {
        proxy.set(Faults::default());
    }
    let authors = load.stop().await;
    caught_up(&database.store, &authors).await;
    assert_exact(&database, &world, &authors).await;

    let told = |counter: fn(&bauta_chaos::Told) -> &std::sync::atomic::AtomicU64| -> u64 {
        let counters = proxies.iter().map(|proxy| counter(proxy.told()));
        counters.map(|counter| counter.load(Ordering::Relaxed)).sum()
    };
    // each lie was told, or nothing has been shown
    assert!(told(|told| &told.hidden) > 0);
    assert!(told(|told| &told.errors) > 0);
    assert!(told(|told| &told.truncated) > 0);
    assert!(told(|told| &told.old) > 0);
    assert!(told(|told| &told.ahead) > 0);
    assert!(told(|told| &told.dropped) > 0);
    assert!(told(|told| &told.repeated) > 0);
    assert!(told(|told| &told.reordered) > 0);
    assert!(told(|told| &told.refused) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_only_node_hides_stops_the_checkpoint_until_it_is_shown() {
    let world = World::start().await;
    let proxy = Proxy::start(world.rpc_url(), world.websocket_url(), 5)
        .await
        .unwrap();
    let database = TestDatabase::create().await.unwrap();
    let indexer = Running::start(&[proxy.rpc()], &proxy.websocket(), database.store.clone());
    let load = Load::of([Author::writer(&world).await]);
    let changed = "SELECT EXISTS (SELECT FROM registries WHERE sequence > 0)";
    eventually("it follows the registry", async || {
        sqlx::query_scalar(changed)
            .fetch_one(database.pool())
            .await
            .unwrap()
    })
    .await;
    proxy.set(Faults {
        hidden: 0.5,
        ..Faults::default()
    });
    eventually("it says that something is missing", async || {
        let trouble = indexer.status.borrow().trouble.clone();
        trouble.is_some_and(|trouble| {
            !trouble.is_transient && trouble.reason.contains("read the missing changes")
        })
    })
    .await;
    let authors = load.stop().await;
    let registry = database
        .store
        .registry(authors[0].seen().address())
        .await
        .unwrap();
    assert!(registry.sequence.get() < authors[0].seen().changes);
    proxy.set(Faults::default());
    caught_up(&database.store, &authors).await;
    assert_exact(&database, &world, &authors).await;
}
