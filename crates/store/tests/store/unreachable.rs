//! Errors when the database is unreachable.

use std::net::TcpListener;

use bauta_dev_servers::Postgres;
use bauta_primitives::tree::Depth;
use bauta_store::testing::TestDatabase;
use bauta_store::{RegistryKind, Store, StoreError};

use crate::support::{Chain, address, leaf};

#[tokio::test]
async fn a_url_where_no_server_listens_is_unreachable() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = Store::connect(&format!("postgres://x:y@127.0.0.1:{port}/z"), 1)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("is unreachable"), "{error}");
}

#[tokio::test]
async fn an_invalid_url_and_an_unknown_database_are_different_errors() {
    let error = Store::connect("not a url", 1).await.unwrap_err();
    assert!(matches!(error, StoreError::InvalidUrl(_)), "{error}");
    let database = TestDatabase::empty().await.unwrap();
    let url = database.url().unwrap().replace("bauta_test_", "no_such_");
    let error = Store::connect(&url, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    assert!(error.to_string().contains("no_such_"), "{error}");
}

#[tokio::test]
async fn every_call_fails_as_unreachable_after_the_server_stops() {
    let server = Postgres::start().unwrap();
    let database = TestDatabase::on(server.url()).await.unwrap();
    let store = database.store.clone();
    store.migrate().await.unwrap();
    let mut chain = Chain::new();
    chain.create(address("registry"), RegistryKind::Managed, Depth::Ten);
    store.apply(&chain.batch()).await.unwrap();
    let registry = store.registry(address("registry")).await.unwrap();
    drop(server);
    chain.append(address("registry"), vec![leaf(1)]);
    for error in [
        store.ping().await.unwrap_err(),
        store.apply(&chain.batch()).await.unwrap_err(),
        store
            .path(&registry, Depth::Ten.empty_root(), 0, chain.now)
            .await
            .unwrap_err(),
        store.checkpoint().await.unwrap_err(),
        store.migrate().await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Unreachable(_)), "{error}");
    }
}
