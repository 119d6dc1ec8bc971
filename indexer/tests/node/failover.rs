//! Several nodes: one that is away or behind costs a try, nothing else.

use std::collections::HashMap;
use std::net::TcpListener;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bauta_chaos::{Faults, Proxy, Recorded, Replay};
use bauta_indexer::chain::Source;
use bauta_indexer::rpc::{NodeSettings, RpcSource};
use bauta_indexer::{Follower, IndexerError, Settings, SourceError};
use bauta_rpc::Commitment;
use bauta_store::testing::TestDatabase;
use bauta_store::{Sequence, Slot};
use solana_address::Address;
use solana_signature::Signature;

use crate::support::Net;

fn program() -> Address {
    bauta::ID
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
    let head = source.head(Slot::ZERO).await.unwrap();
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
    let error = source.head(Slot::ZERO).await.unwrap_err();
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
    let head = source.head(Slot::ZERO).await.unwrap();
    let far = head.confirmed.saturating_add(1_000_000);
    let refused = source.list(&[program()], None, far).await.unwrap_err();
    assert!(matches!(refused, SourceError::Nodes { .. }), "{refused}");
    // nor does its not knowing a signature mean anything
    let signature = Signature::from([1; 64]);
    let known = source.statuses(&[signature], head.confirmed).await.unwrap();
    assert_eq!(known, [None]);
    let refused = source.statuses(&[signature], far).await.unwrap_err();
    assert!(refused.to_string().contains("is needed"), "{refused}");
}

#[tokio::test]
async fn a_page_with_holes_is_not_taken_for_the_last_one() {
    let signature = |number: u16| {
        let mut bytes = [1; 64];
        bytes[..2].copy_from_slice(&number.to_be_bytes());
        Signature::from(bytes).to_string()
    };
    let recorded = |number: u16| Recorded {
        signature: signature(number),
        slot: 100 + u64::from(number),
        block_time: 1_767_225_600,
        failed: false,
        transaction: "null".into(),
    };
    let history = (0..1_500).map(recorded).collect();
    let replay = Replay::start(&program().to_string(), history, HashMap::new())
        .await
        .unwrap();
    let proxy = Proxy::start(&replay.rpc(), &replay.websocket(), 3).await.unwrap();
    proxy.set(Faults {
        hidden: 0.3,
        ..Faults::default()
    });
    let source = RpcSource::new(program(), &[node(&proxy.rpc(), 1_000)]).unwrap();
    let listed = source.list(&[program()], None, Slot::new(1_599)).await.unwrap();
    assert!((900..1_200).contains(&listed.len()), "{}", listed.len());
    let (first, last) = (listed[0].slot, listed[listed.len() - 1].slot);
    assert!(
        first < Slot::new(120) && last > Slot::new(1_579),
        "from {first} to {last}"
    );
}

/// Two nodes before one chain, and a source that has compared them.
async fn two_nodes(net: &Net) -> (Proxy, Proxy, RpcSource) {
    let (rpc, websocket) = (net.chain.rpc_url(), net.chain.websocket_url());
    let first = Proxy::start(rpc, websocket, 1).await.unwrap();
    let second = Proxy::start(rpc, websocket, 2).await.unwrap();
    let nodes = [node(&first.rpc(), 1_000), node(&second.rpc(), 1_000)];
    let source = RpcSource::new(program(), &nodes).unwrap();
    source.head(Slot::ZERO).await.unwrap();
    (first, second, source)
}

fn ahead() -> Faults {
    Faults {
        slots_ahead: 1_000_000,
        ..Faults::default()
    }
}

fn away() -> Faults {
    Faults {
        away: true,
        ..Faults::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_that_names_a_slot_beyond_the_chain_does_not_move_the_checkpoint() {
    let mut net = Net::start().await;
    net.create_registry().await;
    let (liar, other, source) = two_nodes(&net).await;
    let database = TestDatabase::create().await.unwrap();
    let settings = Settings::new(program());
    let mut follower = Follower::new(Arc::new(source), database.store.clone(), settings);
    follower.step().await.unwrap();
    // it may begin to lie at any time, and the preferred one is asked first
    liar.set(ahead());
    for leaves in 1..5 {
        net.append(leaves).await;
        follower.step().await.unwrap();
        let slot = Slot::new(net.rpc.slot(Commitment::Confirmed).await.unwrap());
        let at = database.store.checkpoint().await.unwrap().unwrap();
        assert!(at.slot <= slot, "{at} is beyond {slot}");
    }
    // the other one goes too: one alone moves nothing, and why is said
    other.set(away());
    let before = database.store.checkpoint().await.unwrap();
    let stopped = follower.step().await.unwrap_err();
    assert!(
        matches!(stopped, IndexerError::Source(SourceError::Disputed { .. })),
        "{stopped}"
    );
    assert_eq!(database.store.checkpoint().await.unwrap(), before);
    // with the truth it goes on by itself
    other.set(Faults::default());
    liar.set(Faults::default());
    net.append(1).await;
    follower.step().await.unwrap();
    let registry = database.store.registry(net.registry()).await;
    assert_eq!(registry.unwrap().sequence, Sequence::new(5));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_stuck_or_away_does_not_hold_the_others_back() {
    let net = Net::start().await;
    let (first, second, source) = two_nodes(&net).await;
    let stuck = Faults {
        old: 1.0,
        slots_behind: 100,
        ..Faults::default()
    };
    for (one, other) in [(&first, &second), (&second, &first)] {
        for faults in [away(), stuck.clone()] {
            one.set(faults);
            other.set(Faults::default());
            let slot = Slot::new(net.rpc.slot(Commitment::Confirmed).await.unwrap());
            let head = source.head(slot).await.unwrap();
            assert!(head.confirmed >= slot, "{} before {slot}", head.confirmed);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_is_asked_no_more_often_than_its_limit() {
    let net = Net::start().await;
    let source = RpcSource::new(program(), &[node(net.chain.rpc_url(), 10)]).unwrap();
    let begun = Instant::now();
    // two requests each: after a burst of ten, ten a second
    for _ in 0..10 {
        source.head(Slot::ZERO).await.unwrap();
    }
    assert!(
        begun.elapsed() >= Duration::from_millis(900),
        "{:?}",
        begun.elapsed()
    );
}
