//! The check of the nodes' history at the start.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::time::Duration;

use bauta_chaos::{RecordedTransaction, ReplayServer};
use bauta_indexing::check_retention;
use bauta_indexing::nodes::{NodeSettings, RpcSource};
use bauta_store::testing::TestDatabase;
use bauta_store::{Batch, Position, Slot};

#[tokio::test]
async fn a_node_that_no_longer_has_the_slot_after_the_checkpoint_is_named() {
    // Its first block is that of slot 100.
    let transaction = RecordedTransaction {
        signature: "1".repeat(64),
        slot: 100,
        block_time: 0,
        failed: false,
        json: "null".into(),
    };
    let replay = ReplayServer::start(&bauta::ID.to_string(), vec![transaction], HashMap::new())
        .await
        .unwrap();
    let node = |url: String| NodeSettings {
        url,
        concurrency: 1,
        requests_per_second: NonZeroU32::new(100).unwrap(),
        timeout: Duration::from_secs(5),
        weight: 0,
    };
    // A node that does not answer is not known to be unsuitable.
    let nodes = [node(replay.rpc()), node("http://127.0.0.1:1".into())];
    let source = RpcSource::new(bauta::ID, &nodes).unwrap();
    let database = TestDatabase::create().await.unwrap();
    let named = vec![replay.rpc()];
    assert_eq!(check_retention(&database.store, &source).await.unwrap(), named);
    for (checkpoint, expected) in [(98, named), (99, Vec::new())] {
        let batch = Batch {
            records: Vec::new(),
            checkpoint: Position::end_of_slot(Slot::new(checkpoint)),
        };
        database.store.apply(&batch).await.unwrap();
        let found = check_retention(&database.store, &source).await.unwrap();
        assert_eq!(found, expected, "checkpoint {checkpoint}");
    }
}
