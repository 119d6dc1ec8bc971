//! A list of transactions that are not booked, which has more pages than one round reads. A node
//! that returns short pages stands for a wallet with more than 100,000 such transactions.

use axum::{Json, Router, extract::State, routing::post};
use bauta_service_common::Secret;
use bauta_store::testing::TestDatabase;
use confique::Config as _;
use serde_json::{Value, json};

use super::{
    super::{
        consumers::Consumers, nodes::Nodes, policy::Policy, sealer::Sealer, transaction::Fees,
        wallets::Wallets,
    },
    *,
};
use crate::settings::RelaySettings;

/// Transactions on a page.
const PER_PAGE: u64 = 3;
/// Transactions that one round reads.
const PER_TURN: u64 = PER_PAGE * MAX_PAGES as u64;
/// Transactions of the wallet.
const ALL: u64 = PER_TURN + 100;

/// Returns the signature of a transaction. The numbers begin with 1.
fn signature(number: u64) -> Signature {
    let mut bytes = [7; 64];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    bytes.into()
}

fn number(signature: &Signature) -> u64 {
    let bytes: [u8; 64] = (*signature).into();
    u64::from_be_bytes(*bytes.first_chunk().unwrap())
}

/// Answers as a node whose pages are short. Two transactions are in each slot.
async fn answer(State(newest): State<u64>, Json(request): Json<Value>) -> Json<Value> {
    let result = if request["method"] == "getSlot" {
        json!(1_000_000)
    } else {
        let options = &request["params"][1];
        let parameter = |name: &str| options[name].as_str().map(|text| number(&text.parse().unwrap()));
        let end = parameter("before").unwrap_or(newest + 1);
        let begin = parameter("until").map_or(1, |until| until + 1);
        let first = begin.max(end.saturating_sub(PER_PAGE));
        let entry = |number: u64| json!({"signature": signature(number).to_string(), "slot": number / 2, "err": null});
        (first..end).rev().map(entry).collect()
    };
    Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": result}))
}

#[tokio::test]
async fn a_list_that_is_longer_than_a_turn_is_read_in_parts_and_nothing_is_left_out() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let node = Router::new().route("/", post(answer)).with_state(ALL);
    tokio::spawn(async move { axum::serve(listener, node).await });
    let database = TestDatabase::create().await.unwrap();
    let settings = RelaySettings::builder().load().unwrap();
    let shared = Shared {
        store: database.store.clone(),
        wallets: Wallets::of_addresses(&[]),
        nodes: Nodes::new(&[], Some(&url)).unwrap(),
        sealer: Sealer::new(&Secret::new("a".repeat(64))).unwrap(),
        policy: Policy::new(&settings).unwrap(),
        consumers: Consumers::new(&[]).unwrap(),
        fees: Fees::new(0),
        instance: [1; 16],
    };
    let mut wallet = RelayWallet {
        wallet: Address::new_from_array([2; 32]),
        balance: 0,
        reserved: 0,
        entries: 0,
        last_signature: None,
        unread_before: None,
        incomplete_seconds: 0,
    };
    let (mut booked, mut turns) = (Vec::new(), 0);
    while booked.last() != Some(&ALL) {
        turns += 1;
        assert!(turns < 10, "{booked:?}");
        match unread(&shared, &wallet).await.unwrap() {
            Unread::Further(before) => wallet.unread_before = Some(before),
            Unread::Oldest(new) => {
                assert!(!new.is_empty());
                booked.extend(new.iter().map(|entry| number(&entry.signature)));
                // The round has booked these.
                wallet.last_signature = new.last().map(|entry| entry.signature);
                wallet.unread_before = None;
            }
        }
    }
    assert!(turns > 2, "one turn was enough");
    assert_eq!(booked, (1..=ALL).collect::<Vec<u64>>());
}
