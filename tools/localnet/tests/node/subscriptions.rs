//! What the websocket tells.
//!
//! With the asynchronous client: the other one's subscriptions wait for a further notice before they can be dropped.

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

/// Far longer than any notice takes.
const PATIENCE: Duration = Duration::from_secs(30);

async fn next<T>(notices: &mut (impl Stream<Item = T> + Unpin)) -> T {
    let notice = timeout(PATIENCE, notices.next()).await.expect("a notice in time");
    notice.expect("a notice")
}

/// Sends a payment; the blocking client has a runtime of its own.
async fn pay(node: &Node, payer: &Keypair, to: Address, lamports: u64) -> String {
    let (client, payer) = (node.client(), payer.insecure_clone());
    let signature = spawn_blocking(move || send(&client, &payer, &[transfer(&payer, &to, lamports)]));
    signature.await.expect("it is sent").to_string()
}

async fn start(arguments: &'static [&str]) -> (Node, Keypair) {
    let started = spawn_blocking(move || {
        let node = Node::start(arguments);
        let payer = funded(&node.client());
        (node, payer)
    });
    started.await.expect("it starts")
}

#[tokio::test]
async fn logs_name_the_transaction_that_wrote_them() {
    let (node, payer) = start(&[]).await;
    let client = PubsubClient::new(node.websocket()).await.unwrap();
    let filter = RpcTransactionLogsFilter::Mentions(vec![payer.pubkey().to_string()]);
    let config = RpcTransactionLogsConfig {
        commitment: Some(CommitmentConfig::confirmed()),
    };
    let (mut notices, _) = client.logs_subscribe(filter, config).await.unwrap();
    let signature = pay(&node, &payer, Address::new_unique(), 1_000_000).await;
    let notice = next(&mut notices).await.value;
    assert_eq!(notice.signature, signature);
    assert_eq!(notice.err, None);
    assert!(!notice.logs.is_empty());
}

#[tokio::test]
async fn an_account_s_change_is_told() {
    let (node, payer) = start(&[]).await;
    let client = PubsubClient::new(node.websocket()).await.unwrap();
    let receiver = Keypair::new().pubkey();
    let (mut notices, _) = client.account_subscribe(&receiver, None).await.unwrap();
    pay(&node, &payer, receiver, 7_000_000).await;
    assert_eq!(next(&mut notices).await.value.lamports, 7_000_000);
}

#[tokio::test]
async fn slots_follow_one_another() {
    let (node, _) = start(&["--slot-time", "50"]).await;
    let client = PubsubClient::new(node.websocket()).await.unwrap();
    let (mut notices, _) = client.slot_subscribe().await.unwrap();
    let first = next(&mut notices).await;
    let second = next(&mut notices).await;
    assert_eq!(second.parent, first.slot);
    assert_eq!(second.slot, first.slot + 1);
}
