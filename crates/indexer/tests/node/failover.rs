//! Several nodes: one that is away or behind costs a try, nothing else.

use std::net::TcpListener;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use bauta_indexer::SourceError;
use bauta_indexer::chain::Source;
use bauta_indexer::rpc::{NodeSettings, RpcSource};
use bauta_store::Address;

use crate::support::Net;

fn program() -> Address {
    Address(bauta::ID.to_bytes())
}

fn node(url: &str, per_second: u32) -> NodeSettings {
    NodeSettings {
        url: url.to_owned(),
        concurrency: 4,
        per_second: NonZeroU32::new(per_second).unwrap(),
        patience: Duration::from_secs(5),
    }
}

/// A URL where nobody listens, with a key in it.
fn nobody() -> String {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    format!("http://127.0.0.1:{port}/v2/secret-key")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_away_is_passed_over() {
    let mut net = Net::start().await;
    net.create_registry().await;
    net.append(3).await;
    let nodes = [node(&nobody(), 100), node(net.chain.rpc_url(), 100)];
    let source = RpcSource::new(program(), &nodes).unwrap();
    let head = source.head(0).await.unwrap();
    let listed = source.list(&[program()], None, head.confirmed).await.unwrap();
    let fetched = source.fetch(&listed).await.unwrap();
    assert_eq!((listed.len(), fetched.len()), (3, 3));
    let everywhere = source
        .list_everywhere(&[program()], None, head.confirmed)
        .await
        .unwrap();
    assert_eq!(everywhere, listed);
}

#[tokio::test]
async fn when_all_are_away_the_error_names_them_without_their_keys() {
    let source = RpcSource::new(program(), &[node(&nobody(), 100), node(&nobody(), 100)]).unwrap();
    let error = source.head(0).await.unwrap_err();
    assert!(matches!(error, SourceError::Nodes { .. }), "{error}");
    let told = error.to_string();
    assert!(
        told.contains("http://127.0.0.1:") && !told.contains("secret-key"),
        "{told}"
    );
    for none in [Vec::new(), vec![node("ftp://127.0.0.1", 1)]] {
        let refused = RpcSource::new(program(), &none).err().unwrap();
        assert!(matches!(refused, SourceError::Node { .. }), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_up_to_a_slot_that_the_node_has_not_reached_is_refused() {
    let net = Net::start().await;
    let source = net.source();
    let head = source.head(0).await.unwrap();
    let far = head.confirmed + 1_000_000;
    let refused = source.list(&[program()], None, far).await.unwrap_err();
    assert!(matches!(refused, SourceError::Nodes { .. }), "{refused}");
    // nor does its not knowing a signature mean anything
    let signature = bauta_store::Signature([1; 64]);
    let known = source.statuses(&[signature], head.confirmed).await.unwrap();
    assert_eq!(known, [None]);
    let refused = source.statuses(&[signature], far).await.unwrap_err();
    assert!(refused.to_string().contains("is needed"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_asked_no_more_often_than_its_limit() {
    let net = Net::start().await;
    let source = RpcSource::new(program(), &[node(net.chain.rpc_url(), 10)]).unwrap();
    let begun = Instant::now();
    // two requests each: after a burst of ten, ten a second
    for _ in 0..10 {
        source.head(0).await.unwrap();
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
}
