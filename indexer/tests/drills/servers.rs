//! The database's server goes down, and indexers come and go.

use bauta_dev_servers::Postgres;
use bauta_indexer::Role;
use bauta_store::Store;
use bauta_store::testing::TestDatabase;

use crate::support::{Running, assert_exact, caught_up};
use crate::world::{Load, World, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_under_a_batch_leaves_all_of_it_or_nothing() {
    let world = World::start().await;
    let server = Postgres::start().unwrap();
    let database = TestDatabase::on(server.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let nodes = [world.rpc_url().to_owned()];
    let _indexer = Running::start(&nodes, world.websocket_url(), database.store.clone());
    let load = Load::start(&world).await;
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
        // somewhere within a batch: they come without a pause
        server.crash_and_restart().unwrap();
        eventually("the database answers", async || {
            database.store.ping().await.is_ok()
        })
        .await;
    }
    let authors = load.stop().await;
    caught_up(&database.store, &authors).await;
    assert_exact(&database, &world, &authors).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_replicas_one_leads_and_the_other_takes_over() {
    let world = World::start().await;
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let nodes = [world.rpc_url().to_owned()];
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let store = Store::connect(&url, 4).await.unwrap();
        replicas.push(Running::start(&nodes, world.websocket_url(), store));
    }
    let load = Load::start(&world).await;
    let leader = |replicas: &[Running]| {
        let leads: Vec<_> = (0..replicas.len())
            .filter(|place| replicas[*place].status.borrow().role == Role::Leader)
            .collect();
        assert!(leads.len() < 2, "two lead");
        leads.first().copied()
    };
    for _ in 0..4 {
        eventually("somebody leads", async || leader(&replicas).is_some()).await;
        let gone = leader(&replicas).unwrap();
        let checkpoint = database.store.checkpoint().await.unwrap();
        drop(replicas.swap_remove(gone));
        eventually("the other one leads and goes on", async || {
            leader(&replicas).is_some() && database.store.checkpoint().await.unwrap() > checkpoint
        })
        .await;
        let store = Store::connect(&url, 4).await.unwrap();
        replicas.push(Running::start(&nodes, world.websocket_url(), store));
    }
    let authors = load.stop().await;
    caught_up(&database.store, &authors).await;
    assert_exact(&database, &world, &authors).await;
}
