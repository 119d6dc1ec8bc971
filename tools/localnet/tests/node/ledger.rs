//! A chain that outlives its node.

use solana_address::Address;
use solana_signer::Signer;
use solana_transaction_status_client_types::UiTransactionEncoding;
use tempfile::TempDir;

use crate::support::{Node, funded, output, send, transfer};

/// Accounts, history and slot must all be there again, however the first node ended.
fn goes_on_after(end: &str) {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("ledger.sqlite");
    let arguments = ["--ledger", file.to_str().unwrap(), "--slot-time", "50"];

    let node = Node::start(&arguments);
    let client = node.client();
    let payer = funded(&client);
    let receiver = Address::new_unique();
    let signature = send(&client, &payer, &[transfer(&payer, &receiver, 5_000_000)]);
    let before = client
        .get_transaction(&signature, UiTransactionEncoding::Json)
        .unwrap();
    let slot = client.get_slot().unwrap();
    node.signal(end);

    let node = Node::start(&arguments);
    let client = node.client();
    assert!(client.get_slot().unwrap() >= slot, "no slot comes twice");
    assert_eq!(client.get_balance(&receiver).unwrap(), 5_000_000);
    let after = client
        .get_transaction(&signature, UiTransactionEncoding::Json)
        .unwrap();
    assert_eq!(after.slot, before.slot);
    // And it goes on: what the first left can be spent.
    send(&client, &payer, &[transfer(&payer, &receiver, 1_000_000)]);
    assert_eq!(client.get_balance(&receiver).unwrap(), 6_000_000);
    let listed = client.get_signatures_for_address(&payer.pubkey()).unwrap();
    assert!(listed.len() >= 2, "both transfers are listed: {listed:?}");
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
