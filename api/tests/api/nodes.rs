//! Nodes that refuse, hang, or repeat the request.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, extract::State, http::StatusCode, response::IntoResponse, routing::post};
use bauta_store::RegistryKind;
use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;

use crate::{
    common::{Chain, Running, address},
    relay::TrapdoorKey,
};

/// What a node answers.
#[derive(Clone, Copy)]
enum Answer {
    /// A JSON-RPC error whose message is the request.
    Error,
    /// Status 500 with the request as body.
    Status,
}

/// A node that answers only as often as it is allowed to.
struct Node {
    answer: Answer,
    calls: AtomicUsize,
    allowed: Semaphore,
}

impl Node {
    async fn start(answer: Answer, allowed: usize) -> (Arc<Self>, String) {
        let node = Arc::new(Self {
            answer,
            calls: AtomicUsize::new(0),
            allowed: Semaphore::new(allowed),
        });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let respond = |State(node): State<Arc<Self>>, body: String| async move {
            node.calls.fetch_add(1, Ordering::SeqCst);
            node.allowed.acquire().await.unwrap().forget();
            match node.answer {
                Answer::Error => {
                    let error = json!({"code": -32_010, "message": body});
                    axum::Json(json!({"jsonrpc": "2.0", "id": 1, "error": error})).into_response()
                }
                Answer::Status => (StatusCode::INTERNAL_SERVER_ERROR, body).into_response(),
            }
        };
        let router = Router::new().route("/", post(respond)).with_state(node.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (node, url)
    }

    async fn wait_for_calls(&self, calls: usize) {
        wait_until(|| async { self.calls.load(Ordering::SeqCst) >= calls }).await;
    }
}

async fn wait_until<F: Future<Output = bool>>(condition: impl Fn() -> F) {
    let met = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), met).await.unwrap();
}

async fn holders() -> Chain {
    let mut chain = Chain::new().await;
    chain.create(address("registry"), RegistryKind::Holders);
    chain.apply().await;
    chain
}

fn eligibility(service: &Running, client: &str) -> reqwest::RequestBuilder {
    let path = format!("/v1/registries/{}/eligibility", address("registry"));
    let request = service.request(Method::POST, &path);
    let body = json!({"owner": address("wallet").to_string()});
    request.header("x-forwarded-for", client).json(&body)
}

fn verification(service: &Running, key: &TrapdoorKey) -> reqwest::RequestBuilder {
    let zero = format!("0x{}", "00".repeat(32));
    let vk_hash = hex::encode(Sha256::digest(key.verifying_key()));
    let body = json!({
        "proof": format!("0x{}", "00".repeat(256)), "circuitId": format!("0x{vk_hash}"),
        "public": {"root": zero, "nullifier": zero, "scope": zero, "claim": zero, "context": zero},
    });
    service.request(Method::POST, "/v1/zkp/verify").json(&body)
}

#[tokio::test]
async fn the_log_has_nothing_that_a_node_has_written() {
    let chain = holders().await;
    let path = format!("/v1/registries/{}/registrations", address("registry"));
    let body = json!({
        "owner": address("wallet").to_string(), "asset": address("asset").to_string(),
        "commitment": format!("0x{}", "0b1e".repeat(16)),
    });
    for answer in [Answer::Error, Answer::Status] {
        let (_, url) = Node::start(answer, Semaphore::MAX_PERMITS).await;
        let service = Running::start(&chain.database, &[("SOLANA_RPC_URL", &url)]);
        let registration = service.request(Method::POST, &path).json(&body);
        for request in [eligibility(&service, "192.0.2.1"), registration] {
            let response = request.send().await.unwrap();
            assert_eq!(response.status(), 503);
            let problem: Value = response.json().await.unwrap();
            assert_eq!(problem["code"], "node_unavailable", "{problem}");
        }
        wait_until(|| async { service.log().matches("request_failed").count() >= 2 }).await;
        let log = service.log();
        for name in ["wallet", "asset", "registry"] {
            let text = address(name).to_string();
            assert!(!log.contains(&text), "{name}: {log}");
        }
    }
}

#[tokio::test]
async fn a_client_whose_lookup_hangs_does_not_block_the_lookups_of_others() {
    let chain = holders().await;
    let (node, url) = Node::start(Answer::Status, 0).await;
    let settings = [
        ("SOLANA_RPC_URL", url.as_str()),
        ("TRUSTED_PROXIES", "127.0.0.0/8"),
    ];
    let service = Running::start(&chain.database, &settings);
    let first = tokio::spawn(eligibility(&service, "192.0.2.1").send());
    node.wait_for_calls(1).await;
    let other = tokio::spawn(eligibility(&service, "192.0.2.2").send());
    node.wait_for_calls(2).await;
    first.abort();
    other.abort();
}

#[tokio::test]
async fn many_requests_for_one_verifying_key_are_one_call_of_the_node() {
    const CLIENTS: usize = 20;
    let (key, mut chain) = (TrapdoorKey::new(1), Chain::new().await);
    chain.circuit(address("key"), Sha256::digest(key.verifying_key()).into());
    chain.apply().await;
    let (node, url) = Node::start(Answer::Status, Semaphore::MAX_PERMITS).await;
    let service = Running::start(&chain.database, &[("SOLANA_RPC_URL", &url)]);
    let start = Instant::now();
    let requests: Vec<_> = (0..CLIENTS)
        .map(|_| tokio::spawn(verification(&service, &key).send()))
        .collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), 503);
    }
    // A failure is remembered for a second.
    let limit = 1 + start.elapsed().as_secs();
    let calls = node.calls.load(Ordering::SeqCst) as u64;
    assert!((1..=limit).contains(&calls), "{calls} calls, limit {limit}");
}
