//! Tests of the faults that the proxy injects into notifications.

use std::sync::atomic::Ordering;

use bauta_chaos::{FaultProxy, Faults};
use bauta_rpc::{CommitmentLevel, Pubsub};
use futures_util::{SinkExt, StreamExt};
use serde_json::json;
use solana_address::Address;
use solana_signature::Signature;
use tokio::net::TcpListener;
use tokio_tungstenite::accept_async;
use tokio_tungstenite::tungstenite::Message;

const COUNT: u8 = 200;

/// Starts a websocket that sends `COUNT` notifications to each subscriber and then closes the
/// connection. Returns its URL.
async fn notifying_node() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut socket = accept_async(stream).await.unwrap();
            socket.next().await.unwrap().unwrap();
            let response = json!({ "jsonrpc": "2.0", "id": 1, "result": 5 });
            socket.send(Message::text(response.to_string())).await.unwrap();
            for number in 0..COUNT {
                let signature = Signature::from([number; 64]).to_string();
                let value = json!({ "signature": signature, "err": null, "logs": [] });
                let result = json!({ "context": { "slot": 7 }, "value": value });
                let params = json!({ "result": result, "subscription": 5 });
                let notification =
                    json!({ "jsonrpc": "2.0", "method": "logsNotification", "params": params });
                socket
                    .send(Message::text(notification.to_string()))
                    .await
                    .unwrap();
            }
            socket.close(None).await.unwrap();
        }
    });
    format!("ws://{address}")
}

/// Returns the numbers of the transactions whose notifications arrive through the proxy.
async fn received(faults: Faults) -> (Vec<u8>, FaultProxy) {
    let node = notifying_node().await;
    let proxy = FaultProxy::start("http://127.0.0.1:1", &node, 3).await.unwrap();
    proxy.set(faults);
    let pubsub = Pubsub::new(&proxy.websocket()).unwrap();
    let mut subscription = pubsub
        .logs(&Address::new_from_array([9; 32]), CommitmentLevel::Confirmed)
        .await
        .unwrap();
    let mut received = Vec::new();
    // The node closes the connection after the last notification.
    while let Ok(logs) = subscription.next().await {
        received.push(logs.signature.as_ref()[0]);
    }
    (received, proxy)
}

#[tokio::test]
async fn without_faults_every_notification_arrives_once_and_in_order() {
    let (received, _) = received(Faults::default()).await;
    assert_eq!(received, (0..COUNT).collect::<Vec<_>>());
}

#[tokio::test]
async fn dropped_and_omitted_notifications_do_not_arrive() {
    for faults in [
        Faults {
            dropped: 0.3,
            ..Faults::default()
        },
        Faults {
            omitted: 0.3,
            ..Faults::default()
        },
    ] {
        let (received, proxy) = received(faults).await;
        let counts = proxy.counts();
        let missing = counts.dropped.load(Ordering::Relaxed) + counts.omitted.load(Ordering::Relaxed);
        assert!(missing > 20);
        assert_eq!(received.len() as u64 + missing, u64::from(COUNT));
        assert!(received.is_sorted());
    }
}

#[tokio::test]
async fn duplicated_notifications_arrive_twice() {
    let faults = Faults {
        duplicated: 0.3,
        ..Faults::default()
    };
    let (mut received, proxy) = received(faults).await;
    let duplicated = proxy.counts().duplicated.load(Ordering::Relaxed);
    assert!(duplicated > 20);
    assert_eq!(received.len() as u64, u64::from(COUNT) + duplicated);
    received.dedup();
    assert_eq!(received, (0..COUNT).collect::<Vec<_>>());
}

#[tokio::test]
async fn reordered_notifications_arrive_after_their_successors() {
    let faults = Faults {
        reordered: 0.3,
        ..Faults::default()
    };
    let (mut received, proxy) = received(faults).await;
    assert!(proxy.counts().reordered.load(Ordering::Relaxed) > 20);
    assert!(!received.is_sorted());
    received.sort_unstable();
    // A notification that is held back when the connection closes is lost.
    assert!(received.len() >= usize::from(COUNT) - 1);
    assert!(received.windows(2).all(|pair| pair[0] != pair[1]));
}
