//! Verifying keys, which the service reads from a node that may answer wrongly.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anchor_lang::Discriminator as _;
use axum::{Json, Router, routing::post};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bauta::state::Circuit;
use bytemuck::{Zeroable as _, bytes_of};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::common::{Chain, PROGRAM, Running, address};

/// Starts a node that returns the same circuit account for every request of an account, and has
/// nothing else. Returns its URL and the number of requests.
pub async fn node(key: [u8; 576]) -> (String, Arc<AtomicUsize>) {
    let mut circuit = Circuit::zeroed();
    circuit.verifying_key = key;
    let data = STANDARD.encode([Circuit::DISCRIMINATOR, bytes_of(&circuit)].concat());
    let circuit = json!({"lamports": 1, "owner": PROGRAM, "data": [data, "base64"], "executable": false});
    let requests = Arc::new(AtomicUsize::new(0));
    let counter = requests.clone();
    let answer = move |Json(request): Json<Value>| {
        counter.fetch_add(1, Ordering::Relaxed);
        let value = match request["method"].as_str().unwrap_or_default() {
            "getAccountInfo" => Some(circuit),
            "getMultipleAccounts" => {
                let count = request["params"][0].as_array().map_or(0, Vec::len);
                Some(json!(vec![Value::Null; count]))
            }
            "getTokenAccountsByOwner" => Some(json!([])),
            _ => None,
        };
        let response = match value {
            Some(value) => {
                json!({"jsonrpc": "2.0", "id": request["id"], "result": {"context": {"slot": 1}, "value": value}})
            }
            None => {
                json!({"jsonrpc": "2.0", "id": request["id"], "error": {"code": -32601, "message": "no method"}})
            }
        };
        async move { Json(response) }
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    (url, requests)
}

#[tokio::test]
async fn a_verifying_key_is_read_once_and_only_if_it_has_the_hash() {
    let key: [u8; 576] = std::array::from_fn(|index| u8::try_from(index % 251).unwrap());
    let hash: [u8; 32] = Sha256::digest(key).into();
    let mut chain = Chain::new().await;
    chain.circuit(address("other circuit"), hash);
    chain.apply().await;
    let (url, requests) = node(key).await;
    let service = Running::start(&chain.database, &[("SOLANA_RPC_URL", &url)]);
    let path = |hash: [u8; 32]| format!("/v1/verifying-keys/0x{}", hex::encode(hash));
    for _ in 0..3 {
        assert_eq!(service.bytes(&path(hash)).await, key);
    }
    assert_eq!(requests.load(Ordering::Relaxed), 1);
    // The node gives a key that is not the circuit's.
    let (status, problem) = service.get(&path([1; 32])).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("node_unavailable")),
        "{problem}"
    );
    // A key that no circuit has is not requested.
    let requested = requests.load(Ordering::Relaxed);
    let (status, problem) = service.get(&path([9; 32])).await;
    assert_eq!(
        (status, &problem["code"]),
        (404, &json!("unknown_verifying_key")),
        "{problem}"
    );
    let (status, problem) = service.get("/v1/verifying-keys/0x00").await;
    assert_eq!((status, &problem["field"]), (400, &json!("vk_hash")), "{problem}");
    assert_eq!(requests.load(Ordering::Relaxed), requested);
    let without_node = Running::start(&chain.database, &[]);
    let (status, problem) = without_node.get(&path(hash)).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("feature_disabled")),
        "{problem}"
    );
}
