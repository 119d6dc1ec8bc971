//! The chain forks: an older ledger is put back.

use bauta_store::testing::TestDatabase;

use crate::support::{Running, assert_exact, caught_up};
use crate::world::{World, Writer};

async fn batches(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT batch FROM checkpoint")
        .fetch_one(database.pool())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_deeper_than_a_batch_is_undone_without_a_restart() {
    let mut world = World::start().await;
    let mut writer = Writer::create(world.rpc()).await;
    for _ in 0..5 {
        writer.change().await.unwrap();
    }
    let database = TestDatabase::create().await.unwrap();
    let nodes = [world.rpc_url().to_owned()];
    let _indexer = Running::start(&nodes, world.websocket_url(), database.store.clone());
    let mut writers = vec![writer];
    caught_up(&database.store, &writers).await;

    world.remember();
    let other = writers[0].fork(world.rpc());
    let before = batches(&database).await;
    for _ in 0..12 {
        writers[0].change().await.unwrap();
        caught_up(&database.store, &writers).await;
    }
    assert!(
        batches(&database).await > before + 3,
        "the fork is deeper than a batch"
    );

    world.put_back();
    writers[0] = other;
    for _ in 0..8 {
        writers[0].change().await.unwrap();
    }
    caught_up(&database.store, &writers).await;
    assert_exact(&database, &world, &writers).await;
}
