//! Drills of crashes of the database and of failovers between replicas.

use bauta_dev_servers::Postgres;
use bauta_indexing::Role;
use bauta_store::Store;
use bauta_store::testing::TestDatabase;

use crate::actors::{Load, eventually};
use crate::chain::DrillChain;
use crate::support::{RunningIndexer, assert_equals_chain, caught_up};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_crash_during_a_batch_leaves_all_of_it_or_nothing() {
    let chain = DrillChain::start().await;
    let server = Postgres::start().unwrap();
    let database = TestDatabase::on(server.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let nodes = [chain.rpc_url().to_owned()];
    let _indexer = RunningIndexer::start(&nodes, chain.websocket_url(), database.store.clone());
    let load = Load::start(&chain).await;
    for _ in 0..4 {
        let batch = "SELECT coalesce(max(batch), 0) FROM checkpoint";
        let before: i64 = sqlx::query_scalar(batch)
            .fetch_one(database.pool())
            .await
            .unwrap();
        eventually("batches are written", async || {
            let now = sqlx::query_scalar::<_, i64>(batch)
                .fetch_one(database.pool())
                .await;
            now.is_ok_and(|now| now > before + 2)
        })
        .await;
        // Batches follow each other without a pause, so the crash is most likely during a batch.
        server.crash_and_restart().unwrap();
        eventually("the database accepts connections", async || {
            database.store.ping().await.is_ok()
        })
        .await;
    }
    let actors = load.stop().await;
    caught_up(&database.store, &actors).await;
    assert_equals_chain(&database, &chain, &actors).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_replicas_leads_and_the_other_takes_over() {
    let chain = DrillChain::start().await;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let nodes = [chain.rpc_url().to_owned()];
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let store = Store::connect(&url, 4).await.unwrap();
        replicas.push(RunningIndexer::start(&nodes, chain.websocket_url(), store));
    }
    let load = Load::start(&chain).await;
    let leader = |replicas: &[RunningIndexer]| {
        let leads: Vec<_> = (0..replicas.len())
            .filter(|index| replicas[*index].status.borrow().role == Role::Leader)
            .collect();
        assert!(leads.len() < 2, "two replicas lead");
        leads.first().copied()
    };
    for _ in 0..4 {
        eventually("a replica leads", async || leader(&replicas).is_some()).await;
        let ended = leader(&replicas).unwrap();
        let checkpoint = database.store.checkpoint().await.unwrap();
        drop(replicas.swap_remove(ended));
        eventually("the other replica leads and applies events", async || {
            leader(&replicas).is_some() && database.store.checkpoint().await.unwrap() > checkpoint
        })
        .await;
        let store = Store::connect(&url, 4).await.unwrap();
        replicas.push(RunningIndexer::start(&nodes, chain.websocket_url(), store));
    }
    let actors = load.stop().await;
    caught_up(&database.store, &actors).await;
    assert_equals_chain(&database, &chain, &actors).await;
}
