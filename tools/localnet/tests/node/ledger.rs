//! Tests of the ledger, which stores the chain between two runs of a node.

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

/// Returns the slot that contains a transaction.
fn slot_of(client: &RpcClient, signature: &Signature) -> u64 {
    let transaction = client.get_transaction(signature, UiTransactionEncoding::Json);
    transaction.unwrap().slot
}

/// Returns the signatures in the block of a slot.
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

/// Ends a node with a signal, starts it again with the same ledger, and checks that accounts,
/// history and slot are restored.
fn check_restart_after(signal: &str) {
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
    node.signal(signal);

    let node = Node::start(&arguments);
    let client = node.client();
    assert_eq!(client.get_balance(&receiver).unwrap(), 5_000_000);
    assert_eq!(slot_of(&client, &first), first_slot);
    // The chain continues: the balance can be spent, in a slot that was never used.
    let second = send(&client, &payer, &[transfer(&payer, &receiver, 1_000_000)]);
    assert_eq!(client.get_balance(&receiver).unwrap(), 6_000_000);
    assert!(slot_of(&client, &second) > newest, "a slot is used twice");
    assert_eq!(signatures(&client, first_slot), [first.to_string()]);
    let listed = client.get_signatures_for_address(&receiver).unwrap();
    let listed: Vec<&str> = listed.iter().map(|entry| entry.signature.as_str()).collect();
    assert_eq!(listed, [second.to_string(), first.to_string()]);
}

/// The drills create a fork in this way.
#[test]
fn an_older_copy_of_the_ledger_removes_later_transactions() {
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
    let first_receiver = Address::new_unique();
    let removed = send(&client, &payer, &[transfer(&payer, &first_receiver, 5_000_000)]);
    assert!(node.signal("TERM").success());

    fs::copy(&copy, &file).unwrap();
    let node = Node::start(&arguments);
    let client = node.client();
    assert_eq!(client.get_balance(&first_receiver).unwrap(), 0);
    let statuses = client.get_signature_statuses_with_history(&[removed]).unwrap();
    assert_eq!(statuses.value, [None]);
    // The slots after the copy are used again, with other transactions.
    let second_receiver = Address::new_unique();
    send(&client, &payer, &[transfer(&payer, &second_receiver, 6_000_000)]);
    assert_eq!(client.get_balance(&second_receiver).unwrap(), 6_000_000);
    let listed = client.get_signatures_for_address(&payer.pubkey()).unwrap();
    assert!(listed.iter().all(|entry| entry.signature != removed.to_string()));
}

#[test]
fn the_chain_continues_after_a_stop() {
    check_restart_after("TERM");
}

#[test]
fn the_chain_continues_after_a_crash() {
    check_restart_after("KILL");
}

#[test]
fn a_second_node_cannot_use_the_same_ledger() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let file = file.to_str().unwrap();
    let _node = Node::start(&["--ledger", file]);
    let second = output(&["--port", "0", "--ledger", file]);
    assert!(!second.status.success());
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("in use by another node"), "{error}");
}
