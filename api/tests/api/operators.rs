//! The routes for operators.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{Json, Router, routing::post};
use bauta_dev_servers::Postgres;
use bauta_store::{SessionLimits, Store, testing::TestDatabase};
use reqwest::Method;
use serde_json::{Value, json};
use solana_keypair::Keypair;

use crate::common::{
    Chain, Running,
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
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(answer))).await });
    (url, newest)
}

/// Waits until the state fulfils a condition, and returns it.
async fn status_with(service: &Running, condition: impl Fn(&Value) -> bool) -> Value {
    let found = async {
        loop {
            let status = service.read(STATUS).await;
            if condition(&status) {
                return status;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_mins(1), found).await;
    let Ok(status) = found else {
        panic!("{}", service.read(STATUS).await);
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
        let status = loop {
            let request = service.request(Method::GET, STATUS).bearer_auth(&token);
            let (code, status) = send(request, &json!({})).await;
            assert_eq!(code, 200, "{status}");
            // A machine with other work does not always read it within a second.
            if status["nodes"] == 1 {
                break status;
            }
        };
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
    status_with(&service, |status| status["indexer"]["lag_slots"] == 151).await;
    assert_eq!(service.read(STATUS).await["status"], "degraded");
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
