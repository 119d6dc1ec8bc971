//! The routes for operators.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, routing};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use bauta_dev_servers::Postgres;
use bauta_primitives::sha256;
use bauta_store::{Execution, LedgerEntry, SessionLimits, Store, testing::TestDatabase};
use reqwest::Method;
use serde_json::{Value, json};
use solana_keypair::Keypair;
use solana_signature::Signature;

use crate::common::{
    Chain, Running, address,
    wallets::{access_token, grant, send, with_accounts},
};

const STATUS: &str = "/api/cluster/status";

/// Starts a node whose newest slot is that of the returned number.
async fn node_at(slot: u64) -> (String, Arc<AtomicU64>) {
    let newest = Arc::new(AtomicU64::new(slot));
    let head = newest.clone();
    let answer = move |Json(request): Json<Value>| async move {
        let slot = head.load(Ordering::Relaxed);
        Json(json!({"jsonrpc": "2.0", "id": request["id"], "result": slot}))
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", routing::post(answer))).await });
    (url, newest)
}

/// Waits until the state fulfils a condition, and returns it.
async fn status_with(service: &Running, condition: impl Fn(&Value) -> bool) -> Value {
    status_for(service, None, condition).await
}

/// Waits until the state that a wallet sees fulfils a condition, and returns it.
async fn status_for(service: &Running, token: Option<&str>, condition: impl Fn(&Value) -> bool) -> Value {
    let read = async || {
        let mut request = service.request(Method::GET, STATUS);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let (code, status) = send(request, &json!({})).await;
        assert_eq!(code, 200, "{status}");
        status
    };
    let found = async {
        loop {
            let status = read().await;
            if condition(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_mins(1), found).await;
    let Ok(status) = found else {
        panic!("{}", read().await);
    };
    status
}

async fn connect(url: &str, name: &str) -> Store {
    Store::connect_as(name, url, 2, SessionLimits::default())
        .await
        .unwrap()
}

#[tokio::test]
async fn the_state_counts_all_services_and_only_an_operator_sees_their_names() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    let slot = chain.slot - 1;
    let (node, head) = node_at(slot + 2).await;
    let settings = with_accounts(&[("SOLANA_RPC_URL", &node), ("DATABASE_READ_URLS", &url)]);
    let service = Running::start(&chain.database, &settings);
    let is_known = |status: &Value| status["replicas"][0]["lag_slots"] == 0 && status["nodes"] == 1;
    let status = status_with(&service, is_known).await;
    assert_eq!(status["status"], "degraded", "without a leader: {status}");
    assert_eq!(status["indexer"]["has_leader"], false);
    assert_eq!(status["indexer"]["slot"], slot.to_string());
    assert_eq!(status["indexer"]["finalized_slot"], Value::Null);

    let indexer = connect(&url, "bauta-indexer/host-7").await;
    let _standby = connect(&url, "bauta-indexer/host-8").await;
    let _worker = connect(&url, "prover-worker/host-9").await;
    let leadership = indexer.candidate().try_lead().await.unwrap().unwrap();
    let expected = json!({
        "status": "healthy", "leader": null, "nodes": 1, "instances": null,
        "indexer": {
            "has_leader": true, "instances": 2, "lag_slots": 2, "slot": slot.to_string(), "finalized_slot": null
        },
        "replicas": [{"lag_ms": null, "lag_slots": 0}],
        "prover": {"workers": 1},
    });
    status_with(&service, |status| *status == expected).await;

    let token = async |role: Option<&str>| {
        let wallet = Keypair::new();
        if let Some(role) = role {
            grant(&url, &wallet, role);
        }
        access_token(&service, &wallet).await
    };
    for (role, has_names) in [(None, false), (Some("auditor"), false), (Some("operator"), true)] {
        let token = token(role).await;
        // A machine with other work does not always read it within a second.
        let status = status_for(&service, Some(&token), |status| status["nodes"] == 1).await;
        assert_eq!(status["leader"] == "host-7", has_names, "{role:?}: {status}");
        assert_eq!(status["instances"].is_array(), has_names, "{role:?}: {status}");
        if has_names {
            let instances = status["instances"].as_array().unwrap();
            assert_eq!(
                instances[0],
                json!({"service": "bauta-indexer", "name": "host-7"})
            );
            assert_eq!(instances.len(), 4);
        }
    }
    let request = service.request(Method::GET, STATUS).bearer_auth("a.b.c");
    let (code, problem) = send(request, &json!({})).await;
    assert_eq!((code, &problem["code"]), (401, &json!("invalid_token")));

    // The indexer is far behind the node, and then ends.
    head.store(slot + 151, Ordering::Relaxed);
    // The lag and the processes are read at the same time, and each read can fail.
    let is_behind = |status: &Value| status["indexer"]["lag_slots"] == 151 && status["nodes"] == 1;
    let status = status_with(&service, is_behind).await;
    assert_eq!(status["status"], "degraded", "{status}");
    head.store(slot, Ordering::Relaxed);
    status_with(&service, |status| status["status"] == "healthy").await;
    leadership.resign().await.unwrap();
    indexer.close().await;
    let is_without_leader =
        |status: &Value| status["indexer"]["has_leader"] == false && status["indexer"]["instances"] == 1;
    let status = status_with(&service, is_without_leader).await;
    assert_eq!(status["status"], "degraded");
}

#[tokio::test]
async fn without_the_database_the_state_is_unavailable_and_has_no_numbers() {
    let server = Postgres::start().unwrap();
    let database = TestDatabase::on(server.url()).await.unwrap();
    database.store.migrate().await.unwrap();
    let service = Running::start(&database, &[]);
    status_with(&service, |status| status["nodes"] == 1).await;
    drop(server);
    let status = status_with(&service, |status| status["status"] == "unavailable").await;
    assert_eq!(
        (&status["nodes"], &status["indexer"]["has_leader"]),
        (&Value::Null, &Value::Null)
    );
}

const FLAGS: &str = "/feature-flags";

/// Logs a wallet with a role in.
async fn with_role(service: &Running, url: &str, role: &str) -> String {
    let wallet = Keypair::new();
    grant(url, &wallet, role);
    access_token(service, &wallet).await
}

async fn set_flags(service: &Running, token: &str, flags: &Value) -> (u16, Value) {
    send(service.request(Method::POST, FLAGS).bearer_auth(token), flags).await
}

/// Waits until an instance has these flags.
async fn wait_for_flags(service: &Running, zkp_enabled: bool, percentage: u32) {
    let expected = (json!(zkp_enabled), json!(percentage));
    let known = async {
        loop {
            let flags = service.read(FLAGS).await;
            if (&flags["zkp_enabled"], &flags["rollout_percentage"]) == (&expected.0, &expected.1) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), known).await.unwrap();
}

/// Sends a request without a valid body. Returns the status, the code and the field.
async fn post(service: &Running, path: &str, percentile: Option<&str>) -> (u16, String, Value) {
    let mut request = service.request(Method::POST, path);
    if let Some(percentile) = percentile {
        request = request.header("bauta-rollout", percentile);
    }
    let (status, problem) = send(request, &json!({})).await;
    let code = problem["code"].as_str().unwrap_or_default().to_owned();
    (status, code, problem["field"].clone())
}

#[tokio::test]
async fn flags_of_an_operator_count_for_every_instance_and_are_in_the_audit_log() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    let (first, second) = (
        Running::start(&chain.database, &with_accounts(&[])),
        Running::start(&chain.database, &with_accounts(&[])),
    );
    let verify = "/v1/zkp/verify";
    let flags = first.read(FLAGS).await;
    assert_eq!(
        (&flags["zkp_enabled"], &flags["rollout_percentage"]),
        (&json!(true), &json!(100))
    );
    assert_eq!(flags["salt"].as_str().unwrap().len(), 32);
    // At 100 no client needs to send its percentile.
    assert_eq!(post(&second, verify, None).await.0, 400);

    let operator = with_role(&first, &url, "operator").await;
    for (flags, field) in [
        (
            json!({"zkp_enabled": true, "rollout_percentage": 101}),
            "rollout_percentage",
        ),
        (json!({"zkp_enabled": 1, "rollout_percentage": 1}), "zkp_enabled"),
        (json!({"zkp_enabled": true}), "body"),
    ] {
        let (status, problem) = set_flags(&first, &operator, &flags).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
    let unknown = json!({"zkp_enabled": true, "rollout_percentage": 1, "x": 1});
    assert_eq!(set_flags(&first, &operator, &unknown).await.0, 400);
    let quarter = json!({"zkp_enabled": true, "rollout_percentage": 25});
    let (status, set) = set_flags(&first, &operator, &quarter).await;
    assert_eq!((status, &set["rollout_percentage"]), (200, &json!(25)));
    assert_eq!(set["salt"], flags["salt"]);
    wait_for_flags(&second, true, 25).await;
    for service in [&first, &second] {
        for path in ["/v1/relay", "/v1/zkp/generate", verify] {
            let refused = (403, "not_in_rollout".to_owned(), Value::Null);
            assert_eq!(post(service, path, None).await, refused, "{path}");
            assert_eq!(post(service, path, Some("25")).await, refused, "{path}");
            assert_ne!(post(service, path, Some("24")).await, refused, "{path}");
        }
        assert_eq!(post(service, verify, Some("24")).await.1, "invalid_input");
        for wrong in ["100", "-1", "x", ""] {
            let (status, _, field) = post(service, verify, Some(wrong)).await;
            assert_eq!((status, field), (400, json!("Bauta-Rollout")), "{wrong}");
        }
        // What has begun can be read.
        let (status, problem) = service.get(&format!("/v1/relay/{}", "0a".repeat(16))).await;
        assert_ne!(
            (status, &problem["code"]),
            (403, &json!("not_in_rollout")),
            "{problem}"
        );
    }
    let off = json!({"zkp_enabled": false, "rollout_percentage": 100});
    assert_eq!(set_flags(&second, &operator, &off).await.0, 200);
    wait_for_flags(&first, false, 100).await;
    for service in [&first, &second] {
        for path in ["/v1/zkp/generate", verify] {
            let (status, code, _) = post(service, path, Some("0")).await;
            assert_eq!((status, &*code), (503, "feature_disabled"), "{path}");
        }
        assert_eq!(service.get("/v1/registries").await.0, 200);
    }
    let auditor = with_role(&first, &url, "auditor").await;
    let (_, page) = send(
        first.request(Method::GET, "/v1/audit").bearer_auth(auditor),
        &json!({}),
    )
    .await;
    let records = page["data"].as_array().unwrap().iter();
    let subjects: Vec<&str> = records
        .filter(|record| record["event"] == "flags_set" && record["actor"].is_string())
        .map(|record| record["subject"].as_str().unwrap())
        .collect();
    assert_eq!(
        subjects,
        [
            "zkp_enabled=true rollout_percentage=25",
            "zkp_enabled=false rollout_percentage=100"
        ]
    );
}

#[tokio::test]
async fn operators_and_auditors_read_the_ledger_without_the_ids_of_relays() {
    let chain = Chain::new().await;
    let (store, url) = (&chain.database.store, chain.database.url().unwrap());
    let wallet = address("payer");
    store.open_relay_wallet(wallet, 1_000, None).await.unwrap();
    for number in 1..=3 {
        let entry = LedgerEntry {
            wallet,
            signature: Signature::from([number; 64]),
            slot: number.into(),
            before: 1_100 - 100 * u64::from(number),
            after: 1_000 - 100 * u64::from(number),
            fee: 5,
        };
        store.book(&entry, Execution::Succeeded).await.unwrap();
    }
    let service = Running::start(&chain.database, &with_accounts(&[]));
    for role in ["operator", "auditor"] {
        let token = with_role(&service, &url, role).await;
        let read = async |path: &str| {
            let request = service.request(Method::GET, path).bearer_auth(&token);
            send(request, &json!({})).await
        };
        let (status, ledger) = read("/v1/ledger").await;
        assert_eq!((status, ledger["wallets"].as_array().unwrap().len()), (200, 1));
        let found = &ledger["wallets"][0];
        assert_eq!(
            (
                &found["wallet"],
                &found["balance"],
                &found["reserved"],
                &found["entries"]
            ),
            (
                &json!(wallet.to_string()),
                &json!("700"),
                &json!("0"),
                &json!("3")
            )
        );
        let (status, page) = read(&format!("/v1/ledger/{wallet}?limit=2")).await;
        assert_eq!(
            (status, page["data"].as_array().unwrap().len()),
            (200, 2),
            "{page}"
        );
        let first = json!({
            "number": "1", "signature": Signature::from([1; 64]).to_string(), "slot": "1", "kind": "other",
            "before": "1000", "after": "900", "fee": "5",
        });
        assert_eq!(page["data"][0], first);
        let next = page["next"].as_str().unwrap();
        let (_, page) = read(&format!("/v1/ledger/{wallet}?limit=2&cursor={next}")).await;
        let numbers: Vec<_> = page["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| &entry["number"])
            .collect();
        assert_eq!((numbers, &page["next"]), (vec![&json!("3")], &Value::Null));
        // A cursor that a client has made up, after every number that the database can have.
        let filters = [&b"ledger"[..], wallet.to_string().as_bytes()]
            .map(|filter| [&(filter.len() as u64).to_be_bytes(), filter].concat());
        let key = u64::MAX.to_be_bytes();
        let tag = sha256(&[filters.concat(), key.to_vec()].concat());
        let made_up = URL_SAFE_NO_PAD.encode([&tag[..8], &key].concat());
        let (status, page) = read(&format!("/v1/ledger/{wallet}?cursor={made_up}")).await;
        assert_eq!((status, &page["data"]), (200, &json!([])), "{page}");
        let (status, problem) = read(&format!("/v1/ledger/{}", address("other"))).await;
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_wallet")));
    }
}
