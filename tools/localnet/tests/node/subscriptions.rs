//! Tests of the websocket's notifications.
//!
//! They use the asynchronous client. A subscription of the blocking client cannot be dropped before
//! another notification arrives.

use std::time::Duration;

use futures_util::{Stream, StreamExt};
use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_keypair::Keypair;
use solana_pubsub_client::nonblocking::pubsub_client::PubsubClient;
use solana_rpc_client_api::config::{RpcTransactionLogsConfig, RpcTransactionLogsFilter};
use solana_signer::Signer;
use tokio::{task::spawn_blocking, time::timeout};

use crate::support::{Node, funded, send, transfer};

/// The time limit of a notification, far longer than usual.
const TIMEOUT: Duration = Duration::from_secs(30);

async fn next<T>(notifications: &mut (impl Stream<Item = T> + Unpin)) -> T {
    let notification = timeout(TIMEOUT, notifications.next())
        .await
        .expect("no notification in time");
    notification.expect("the subscription has ended")
}

/// Transfers lamports. The blocking client has its own runtime, so it needs its own thread.
async fn pay(node: &Node, payer: &Keypair, to: Address, lamports: u64) -> String {
    let (client, payer) = (node.client(), payer.insecure_clone());
    let signature = spawn_blocking(move || send(&client, &payer, &[transfer(&payer, &to, lamports)]));
    signature.await.expect("the payment failed").to_string()
}

async fn start(arguments: &'static [&str]) -> (Node, Keypair) {
    let started = spawn_blocking(move || {
        let node = Node::start(arguments);
        let payer = funded(&node.client());
        (node, payer)
    });
    started.await.expect("the node did not start")
}

#[tokio::test]
async fn logs_name_the_transaction_that_wrote_them() {
    let (node, payer) = start(&[]).await;
    let client = PubsubClient::new(node.websocket()).await.unwrap();
    let filter = RpcTransactionLogsFilter::Mentions(vec![payer.pubkey().to_string()]);
    let config = RpcTransactionLogsConfig {
        commitment: Some(CommitmentConfig::confirmed()),
    };
    let (mut notifications, _) = client.logs_subscribe(filter, config).await.unwrap();
    let signature = pay(&node, &payer, Address::new_unique(), 1_000_000).await;
    let notification = next(&mut notifications).await.value;
    assert_eq!(notification.signature, signature);
    assert_eq!(notification.err, None);
    assert!(!notification.logs.is_empty());
}

#[tokio::test]
async fn a_change_of_an_account_causes_a_notification() {
    let (node, payer) = start(&[]).await;
    let client = PubsubClient::new(node.websocket()).await.unwrap();
    let receiver = Keypair::new().pubkey();
    let (mut notifications, _) = client.account_subscribe(&receiver, None).await.unwrap();
    pay(&node, &payer, receiver, 7_000_000).await;
    assert_eq!(next(&mut notifications).await.value.lamports, 7_000_000);
}

#[tokio::test]
async fn slot_notifications_are_consecutive() {
    let (node, _) = start(&["--slot-time", "50"]).await;
    let client = PubsubClient::new(node.websocket()).await.unwrap();
    let (mut notifications, _) = client.slot_subscribe().await.unwrap();
    let first = next(&mut notifications).await;
    let second = next(&mut notifications).await;
    assert_eq!(second.parent, first.slot);
    assert_eq!(second.slot, first.slot + 1);
}
