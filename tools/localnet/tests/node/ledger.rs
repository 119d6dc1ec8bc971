//! A chain that outlives its node.

use std::fs;

use solana_address::Address;
use solana_commitment_config::CommitmentConfig;
use solana_rpc_client::rpc_client::RpcClient;
use solana_rpc_client_api::config::RpcBlockConfig;
use solana_signature::Signature;
use solana_signer::Signer;
use solana_transaction_status_client_types::{TransactionDetails, UiTransactionEncoding};
use tempfile::TempDir;

use crate::support::{Node, funded, output, send, transfer};

/// The slot that a transaction is in.
fn slot_of(client: &RpcClient, signature: &Signature) -> u64 {
    let found = client.get_transaction(signature, UiTransactionEncoding::Json);
    found.unwrap().slot
}

/// The transactions of a slot's block.
fn signatures(client: &RpcClient, slot: u64) -> Vec<String> {
    let config = RpcBlockConfig {
        transaction_details: Some(TransactionDetails::Signatures),
        commitment: Some(CommitmentConfig::confirmed()),
        rewards: Some(false),
        ..RpcBlockConfig::default()
    };
    client
        .get_block_with_config(slot, config)
        .unwrap()
        .signatures
        .unwrap()
}

/// Accounts, history and slot must all be there again, however the first node ended.
fn goes_on_after(end: &str) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let arguments = ["--ledger", file.to_str().unwrap(), "--slot-time", "50"];

    let node = Node::start(&arguments);
    let client = node.client();
    let payer = funded(&client);
    let receiver = Address::new_unique();
    let first = send(&client, &payer, &[transfer(&payer, &receiver, 5_000_000)]);
    let first_slot = slot_of(&client, &first);
    let newest = client
        .get_slot_with_commitment(CommitmentConfig::processed())
        .unwrap();
    node.signal(end);

    let node = Node::start(&arguments);
    let client = node.client();
    assert_eq!(client.get_balance(&receiver).unwrap(), 5_000_000);
    assert_eq!(slot_of(&client, &first), first_slot);
    // And it goes on: what the first left can be spent, in a slot that has never been.
    let second = send(&client, &payer, &[transfer(&payer, &receiver, 1_000_000)]);
    assert_eq!(client.get_balance(&receiver).unwrap(), 6_000_000);
    assert!(slot_of(&client, &second) > newest, "no slot comes twice");
    assert_eq!(signatures(&client, first_slot), [first.to_string()]);
    let listed = client.get_signatures_for_address(&receiver).unwrap();
    let listed: Vec<&str> = listed.iter().map(|entry| entry.signature.as_str()).collect();
    assert_eq!(listed, [second.to_string(), first.to_string()]);
}

/// How a fork is made for a drill.
#[test]
fn an_older_copy_takes_back_what_came_after_it() {
    let folder = TempDir::new().unwrap();
    let (file, copy) = (
        folder.path().join("ledger.sqlite"),
        folder.path().join("copy.sqlite"),
    );
    let arguments = ["--ledger", file.to_str().unwrap(), "--slot-time", "50"];

    let node = Node::start(&arguments);
    let payer = funded(&node.client());
    assert!(node.signal("TERM").success());
    fs::copy(&file, &copy).unwrap();

    let node = Node::start(&arguments);
    let client = node.client();
    let lost = Address::new_unique();
    let taken_back = send(&client, &payer, &[transfer(&payer, &lost, 5_000_000)]);
    assert!(node.signal("TERM").success());

    fs::copy(&copy, &file).unwrap();
    let node = Node::start(&arguments);
    let client = node.client();
    assert_eq!(client.get_balance(&lost).unwrap(), 0);
    let statuses = client.get_signature_statuses_with_history(&[taken_back]).unwrap();
    assert_eq!(statuses.value, [None]);
    // The slots after the copy come again, with other transactions in them.
    let kept = Address::new_unique();
    send(&client, &payer, &[transfer(&payer, &kept, 6_000_000)]);
    assert_eq!(client.get_balance(&kept).unwrap(), 6_000_000);
    let listed = client.get_signatures_for_address(&payer.pubkey()).unwrap();
    assert!(
        listed
            .iter()
            .all(|entry| entry.signature != taken_back.to_string())
    );
}

#[test]
fn it_goes_on_after_a_stop() {
    goes_on_after("TERM");
}

#[test]
fn it_goes_on_after_a_crash() {
    goes_on_after("KILL");
}

#[test]
fn two_nodes_never_share_a_ledger() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let file = file.to_str().unwrap();
    let _node = Node::start(&["--ledger", file]);
    let second = output(&["--port", "0", "--ledger", file]);
    assert!(!second.status.success());
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("in use by another node"), "{error}");
}
