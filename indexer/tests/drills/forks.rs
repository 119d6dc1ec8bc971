//! The chain forks: an older ledger is put back.

use bauta_store::testing::TestDatabase;

use crate::support::{Running, assert_exact, caught_up};
use crate::world::{Author, World};

async fn batches(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT batch FROM checkpoint")
        .fetch_one(database.pool())
        .await
        .unwrap()
}

async fn change(authors: &mut [Author], times: usize) {
    for _ in 0..times {
        for author in &mut *authors {
            author.change().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_deeper_than_a_batch_is_undone_without_a_restart() {
    let mut world = World::start().await;
    let mut authors = vec![Author::writer(&world).await, Author::holders(&world).await];
    change(&mut authors, 5).await;
    let database = TestDatabase::create().await.unwrap();
    let nodes = [world.rpc_url().to_owned()];
    let _indexer = Running::start(&nodes, world.websocket_url(), database.store.clone());
    caught_up(&database.store, &authors).await;

    world.remember();
    let others: Vec<_> = authors.iter().map(|author| author.fork(&world)).collect();
    let before = batches(&database).await;
    for _ in 0..8 {
        change(&mut authors, 1).await;
        caught_up(&database.store, &authors).await;
    }
    assert!(
        batches(&database).await > before + 3,
        "the fork is deeper than a batch"
    );

    world.put_back();
    authors = others;
    change(&mut authors, 8).await;
    caught_up(&database.store, &authors).await;
    assert_exact(&database, &world, &authors).await;
}
