//! What a proxy does to a websocket's notices.

use std::sync::atomic::Ordering;

use bauta_chaos::{Faults, Proxy};
use bauta_rpc::{Commitment, Pubsub};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use solana_address::Address;
use solana_signature::Signature;
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

const COUNT: u8 = 200;

/// A websocket that tells whoever subscribes of so many transactions, then ends.
async fn talkative() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = accept_async(stream).await.unwrap();
            socket.next().await.unwrap().unwrap();
            let answer = json!({ "jsonrpc": "2.0", "id": 1, "result": 5 });
            socket.send(Message::text(answer.to_string())).await.unwrap();
            for number in 0..COUNT {
                let signature = Signature::from([number; 64]).to_string();
                let value = json!({ "signature": signature, "err": null, "logs": [] });
                let result = json!({ "context": { "slot": 7 }, "value": value });
                let params = json!({ "result": result, "subscription": 5 });
                let notice = json!({ "jsonrpc": "2.0", "method": "logsNotification", "params": params });
                socket.send(Message::text(notice.to_string())).await.unwrap();
            }
            socket.close(None).await.unwrap();
        }
    });
    format!("ws://{address}")
}

/// The numbers of the transactions that come through.
async fn heard(faults: Faults) -> (Vec<u8>, Proxy) {
    let node = talkative().await;
    let proxy = Proxy::start("http://127.0.0.1:1", &node, 3).await.unwrap();
    proxy.set(faults);
    let pubsub = Pubsub::new(&proxy.websocket()).unwrap();
    let mut subscription = pubsub
        .logs(&Address::new_from_array([9; 32]), Commitment::Confirmed)
        .await
        .unwrap();
    let mut heard = Vec::new();
    // until it ends
    while let Ok(logs) = subscription.next().await {
        heard.push(logs.signature.as_ref()[0]);
    }
    (heard, proxy)
}

#[tokio::test]
async fn without_faults_every_notice_comes_once_and_in_order() {
    let (heard, _) = heard(Faults::default()).await;
    assert_eq!(heard, (0..COUNT).collect::<Vec<_>>());
}

#[tokio::test]
async fn dropped_and_hidden_notices_do_not_come() {
    for faults in [
        Faults {
            dropped: 0.3,
            ..Faults::default()
        },
        Faults {
            hidden: 0.3,
            ..Faults::default()
        },
    ] {
        let (heard, proxy) = heard(faults).await;
        let told = proxy.told();
        let missing = told.dropped.load(Ordering::Relaxed) + told.hidden.load(Ordering::Relaxed);
        assert!(missing > 20);
        assert_eq!(heard.len() as u64 + missing, u64::from(COUNT));
        assert!(heard.is_sorted());
    }
}

#[tokio::test]
async fn repeated_notices_come_twice() {
    let faults = Faults {
        repeated: 0.3,
        ..Faults::default()
    };
    let (mut heard, proxy) = heard(faults).await;
    let repeated = proxy.told().repeated.load(Ordering::Relaxed);
    assert!(repeated > 20);
    assert_eq!(heard.len() as u64, u64::from(COUNT) + repeated);
    heard.dedup();
    assert_eq!(heard, (0..COUNT).collect::<Vec<_>>());
}

#[tokio::test]
async fn reordered_notices_come_after_their_successors() {
    let faults = Faults {
        reordered: 0.3,
        ..Faults::default()
    };
    let (mut heard, proxy) = heard(faults).await;
    assert!(proxy.told().reordered.load(Ordering::Relaxed) > 20);
    assert!(!heard.is_sorted());
    heard.sort_unstable();
    // one that nothing comes after is not told of
    assert!(heard.len() >= usize::from(COUNT) - 1);
    assert!(heard.windows(2).all(|pair| pair[0] != pair[1]));
}
