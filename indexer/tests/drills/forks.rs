//! A drill of forks, which are created by restoring an older ledger.

use bauta_store::testing::TestDatabase;

use crate::actors::Actor;
use crate::chain::DrillChain;
use crate::support::{RunningIndexer, assert_equals_chain, caught_up};

/// Returns the number of the last batch.
async fn last_batch(database: &TestDatabase) -> i64 {
    sqlx::query_scalar("SELECT batch FROM checkpoint")
        .fetch_one(database.pool())
        .await
        .unwrap()
}

async fn change(actors: &mut [Actor], times: usize) {
    for _ in 0..times {
        for actor in &mut *actors {
            actor.change().await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_deeper_than_a_batch_is_rolled_back_without_a_restart() {
    let mut chain = DrillChain::start().await;
    let mut actors = vec![Actor::authority(&chain).await, Actor::holders(&chain).await];
    change(&mut actors, 5).await;
    let database = TestDatabase::create().await.unwrap();
    let nodes = [chain.rpc_url().to_owned()];
    let _indexer = RunningIndexer::start(&nodes, chain.websocket_url(), database.store.clone());
    caught_up(&database.store, &actors).await;

    chain.save();
    let forked: Vec<_> = actors.iter().map(|actor| actor.fork(&chain)).collect();
    let before = last_batch(&database).await;
    for _ in 0..8 {
        change(&mut actors, 1).await;
        caught_up(&database.store, &actors).await;
    }
    assert!(
        last_batch(&database).await > before + 3,
        "the fork must be deeper than a batch"
    );

    chain.restore();
    actors = forked;
    // One change more than on the abandoned fork, so that the counts differ until the rollback.
    change(&mut actors, 9).await;
    caught_up(&database.store, &actors).await;
    assert_equals_chain(&database, &chain, &actors).await;
}
