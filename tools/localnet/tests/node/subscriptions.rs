//! What the websocket tells.

use std::time::Duration;

use crossbeam_channel::Receiver;
use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_keypair::Keypair;
use solana_pubsub_client::pubsub_client::PubsubClient;
use solana_rpc_client_api::config::{RpcTransactionLogsConfig, RpcTransactionLogsFilter};
use solana_signer::Signer;

use crate::support::{Node, funded, send, transfer};

/// Far longer than any notice takes.
const PATIENCE: Duration = Duration::from_secs(30);

fn next<T>(notices: &Receiver<T>) -> T {
    notices.recv_timeout(PATIENCE).expect("a notice")
}

#[test]
fn logs_name_the_transaction_that_wrote_them() {
    let node = Node::start(&[]);
    let client = node.client();
    let payer = funded(&client);
    let (_subscription, notices) = PubsubClient::logs_subscribe(
        node.websocket(),
        RpcTransactionLogsFilter::Mentions(vec![payer.pubkey().to_string()]),
        RpcTransactionLogsConfig {
            commitment: Some(CommitmentConfig::confirmed()),
        },
    )
    .unwrap();
    let signature = send(
        &client,
        &payer,
        &[transfer(&payer, &Address::new_unique(), 1_000_000)],
    );
    let notice = next(&notices).value;
    assert_eq!(notice.signature, signature.to_string());
    assert_eq!(notice.err, None);
    assert!(!notice.logs.is_empty());
}

#[test]
fn an_account_s_change_is_told() {
    let node = Node::start(&[]);
    let client = node.client();
    let payer = funded(&client);
    let receiver = Keypair::new().pubkey();
    let (_subscription, notices) =
        PubsubClient::account_subscribe(node.websocket(), &receiver, None).unwrap();
    send(&client, &payer, &[transfer(&payer, &receiver, 7_000_000)]);
    assert_eq!(next(&notices).value.lamports, 7_000_000);
}

#[test]
fn slots_follow_one_another() {
    let node = Node::start(&["--slot-time", "50"]);
    let (_subscription, notices) = PubsubClient::slot_subscribe(node.websocket()).unwrap();
    let first = next(&notices);
    let second = next(&notices);
    assert_eq!(second.parent, first.slot);
    assert_eq!(second.slot, first.slot + 1);
}
