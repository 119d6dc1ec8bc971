use std::time::Duration;

use bauta_client::decode_account;
use bauta_indexer::Role;
use bauta_rpc::Commitment;
use bauta_store::testing::TestDatabase;
use bauta_store::{Sequence, Slot};

use crate::support::Net;

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_is_followed_live_and_its_roots_are_the_accounts() {
    let mut net = Net::start().await;
    net.create_registry().await;
    for leaves in [1, 5, 20] {
        net.append(leaves).await;
    }
    let database = TestDatabase::create().await.unwrap();
    let mut replica = net.index(&database.store);
    // history first
    replica.until("level", |status| status.level_at.is_some()).await;
    let address = net.registry();
    let registry = database.store.registry(address).await.unwrap();
    assert_eq!((registry.sequence, registry.next_index), (Sequence::new(3), 26));

    // then live: the websocket's word comes before the poll interval's
    for leaves in [2, 3] {
        net.append(leaves).await;
    }
    let slot = Slot::new(net.rpc.slot(Commitment::Confirmed).await.unwrap());
    let at = |status: &bauta_indexer::Status| status.checkpoint.map_or(Slot::ZERO, |at| at.slot);
    let status = replica.until("there", |status| at(status) >= slot).await;
    assert_eq!(status.ready(Duration::from_secs(10)), Ok(()));
    let registry = database.store.registry(address).await.unwrap();
    assert_eq!((registry.sequence, registry.next_index), (Sequence::new(5), 31));
    let (_, account) = net
        .rpc
        .account(&net.registry(), Commitment::Confirmed)
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

    // what is final gets marked, and its journal goes
    let finality = async {
        while database
            .store
            .finalized_slot()
            .await
            .unwrap()
            .is_none_or(|final_at| final_at < slot)
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), finality)
        .await
        .unwrap();
    replica.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_replica_takes_over_within_seconds() {
    let mut net = Net::start().await;
    net.create_registry().await;
    let database = TestDatabase::create().await.unwrap();
    let mut first = net.index(&database.store);
    first.until("leading", |status| status.role == Role::Leader).await;
    let mut second = net.index(&database.store);
    second
        .until("waiting", |status| status.role == Role::Standby)
        .await;
    net.append(4).await;
    first.stop().await;
    net.append(4).await;
    let slot = Slot::new(net.rpc.slot(Commitment::Confirmed).await.unwrap());
    let took_over = second.until("leading", |status| status.role == Role::Leader);
    tokio::time::timeout(Duration::from_secs(5), took_over)
        .await
        .unwrap();
    second
        .until("there", |status| {
            status.checkpoint.is_some_and(|at| at.slot >= slot)
        })
        .await;
    let registry = database.store.registry(net.registry()).await.unwrap();
    assert_eq!((registry.sequence, registry.next_index), (Sequence::new(2), 8));
    second.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_comes_back_is_gone_on_with() {
    let net = Net::start().await;
    let postgres = bauta_dev_servers::Postgres::start().unwrap();
    let store = bauta_store::Store::connect(postgres.url(), 4).await.unwrap();
    store.migrate().await.unwrap();
    let mut replica = net.index(&store);
    replica.until("level", |status| status.level_at.is_some()).await;
    drop(postgres);
    let status = replica
        .until("in trouble", |status| status.trouble.is_some())
        .await;
    assert!(status.trouble.unwrap().is_transient);
    replica.stop().await;
}
