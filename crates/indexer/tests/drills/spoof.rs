//! What looks like an event and is none.

use bauta_client::instructions::SealRegistry;
use bauta_primitives::{FieldElement, Leaf};
use bauta_rpc::{Commitment, sign};
use bauta_store::testing::TestDatabase;
use solana_signer::Signer;

use crate::support::{Running, assert_exact, caught_up};
use crate::world::{World, Writer, eventually};

#[tokio::test(flavor = "multi_thread")]
async fn events_of_a_transaction_that_failed_are_not_taken() {
    let world = World::start().await;
    let mut writers = vec![Writer::create(world.rpc()).await];
    let database = TestDatabase::create().await.unwrap();
    let nodes = [world.rpc_url().to_owned()];
    let _indexer = Running::start(&nodes, world.websocket_url(), database.store.clone());
    for round in 0..5 {
        writers[0].change().await.unwrap();
        // The append emits its events and succeeds; what follows it, sealing a registry that isn't of holders, fails, and
        // takes it back.
        let writer = &writers[0];
        let seal = SealRegistry {
            authority: writer.authority.pubkey(),
            registry: writer.registry,
        };
        let leaf = Leaf::new(FieldElement::from_u64(900 + round));
        let instructions = [writer.append(&[leaf]), seal.instruction()];
        let (blockhash, _) = writer.rpc.latest_blockhash(Commitment::Confirmed).await.unwrap();
        let transaction = sign(&instructions, &[&writer.authority], blockhash).unwrap();
        let signature = writer.rpc.send_untried(&transaction).await.unwrap();
        eventually("it is on the chain", async || {
            let record = writer
                .rpc
                .transaction(&signature, Commitment::Confirmed)
                .await
                .unwrap();
            record.is_some_and(|record| {
                assert!(record.error.is_some());
                assert!(!record.inner.is_empty(), "the append has emitted its events");
                true
            })
        })
        .await;
    }
    writers[0].change().await.unwrap();
    caught_up(&database.store, &writers).await;
    assert_exact(&database, &world, &writers).await;
}
