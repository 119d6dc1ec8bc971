//! Tests of an indexer that runs with a real node.

use std::time::Duration;

use bauta_client::decode_account;
use bauta_indexing::Role;
use bauta_rpc::CommitmentLevel;
use bauta_store::testing::TestDatabase;
use bauta_store::{Sequence, Slot};

use crate::support::TestCluster;

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_followed_live_and_the_roots_equal_those_of_the_accounts() {
    let mut cluster = TestCluster::start().await;
    cluster.create_registry().await;
    for leaves in [1, 5, 20] {
        cluster.append(leaves).await;
    }
    let database = TestDatabase::create().await.unwrap();
    let mut replica = cluster.index(&database.store);
    // First the history.
    replica
        .until("caught up", |status| status.caught_up_at.is_some())
        .await;
    let address = cluster.registry();
    let registry = database.store.registry(address).await.unwrap();
    assert_eq!((registry.sequence.get(), registry.next_index), (3, 26));

    // Then live. The websocket wakes the indexer before the poll interval has passed.
    for leaves in [2, 3] {
        cluster.append(leaves).await;
    }
    let slot = Slot::new(cluster.rpc.slot(CommitmentLevel::Confirmed).await.unwrap());
    let status = replica
        .until("at the slot", |status| {
            status.checkpoint.is_some_and(|at| at.slot >= slot)
        })
        .await;
    assert_eq!(status.ready(Duration::from_secs(10)), Ok(()));
    let registry = database.store.registry(address).await.unwrap();
    assert_eq!((registry.sequence.get(), registry.next_index), (5, 31));
    let (_, account) = cluster
        .rpc
        .account(&cluster.registry(), CommitmentLevel::Confirmed)
        .await
        .unwrap();
    let account = account.unwrap();
    let on_chain: bauta::state::Registry = decode_account(&account.owner, &account.data).unwrap();
    let root = database
        .store
        .root_at(&registry, Sequence::new(on_chain.sequence))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(root.to_bytes(), on_chain.root);

    // Slots are marked as final.
    let finalized = async {
        while database
            .store
            .finalized_slot()
            .await
            .unwrap()
            .is_none_or(|finalized| finalized < slot)
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), finalized)
        .await
        .unwrap();
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_replica_takes_over_within_seconds() {
    let mut cluster = TestCluster::start().await;
    cluster.create_registry().await;
    let database = TestDatabase::create().await.unwrap();
    let mut first = cluster.index(&database.store);
    first
        .until("the leader", |status| status.role == Role::Leader)
        .await;
    let mut second = cluster.index(&database.store);
    second
        .until("on standby", |status| status.role == Role::Standby)
        .await;
    cluster.append(4).await;
    first.stop().await;
    cluster.append(4).await;
    let slot = Slot::new(cluster.rpc.slot(CommitmentLevel::Confirmed).await.unwrap());
    let takeover = second.until("the leader", |status| status.role == Role::Leader);
    tokio::time::timeout(Duration::from_secs(5), takeover)
        .await
        .unwrap();
    second
        .until("at the slot", |status| {
            status.checkpoint.is_some_and(|at| at.slot >= slot)
        })
        .await;
    let registry = database.store.registry(cluster.registry()).await.unwrap();
    assert_eq!((registry.sequence.get(), registry.next_index), (2, 8));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unavailable_database_is_a_retryable_stop_reason() {
    let cluster = TestCluster::start().await;
    let postgres = bauta_dev_servers::Postgres::start().unwrap();
    let store = bauta_store::Store::connect(postgres.url(), 4).await.unwrap();
    store.migrate().await.unwrap();
    let mut replica = cluster.index(&store);
    replica
        .until("caught up", |status| status.caught_up_at.is_some())
        .await;
    drop(postgres);
    let status = replica
        .until("stopped", |status| status.stop_reason.is_some())
        .await;
    assert!(status.stop_reason.unwrap().is_retryable);
    replica.stop().await;
}
