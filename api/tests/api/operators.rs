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
use bauta_store::{
    Enqueued, Execution, JobRates, JobResult, LedgerEntry, NewJob, SessionLimits, Store, Workload,
    testing::TestDatabase,
};
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
async fn of_two_changes_of_one_version_of_the_flags_the_second_is_refused() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let operator = with_role(&service, &url, "operator").await;
    let version = service.read(FLAGS).await["version"].clone();
    let half = json!({"zkp_enabled": true, "rollout_percentage": 50, "version": version});
    let (status, set) = set_flags(&service, &operator, &half).await;
    assert_eq!((status, &set["rollout_percentage"]), (200, &json!(50)), "{set}");
    let full = json!({"zkp_enabled": true, "rollout_percentage": 100, "version": version});
    let (status, problem) = set_flags(&service, &operator, &full).await;
    assert_eq!((status, &problem["code"]), (409, &json!("flags_changed")));
    let (status, problem) = put(&service, &operator, &json!({"paused": true, "version": version})).await;
    assert_eq!((status, &problem["code"]), (409, &json!("flags_changed")));
    let flags = service.read(FLAGS).await;
    assert_eq!(
        (&flags["rollout_percentage"], &flags["version"]),
        (&json!(50), &set["version"])
    );
    let next = json!({"paused": true, "version": set["version"]});
    assert_eq!(put(&service, &operator, &next).await.0, 200);
}

const SPONSORSHIP: &str = "/v1/operator/sponsorship";
const METRICS: &str = "/v1/operator/metrics";

async fn put(service: &Running, token: &str, body: &Value) -> (u16, Value) {
    let request = service.request(Method::PUT, SPONSORSHIP);
    send(request.bearer_auth(token), body).await
}

/// Reads a route for operators until its answer fulfils a condition.
async fn read_until(service: &Running, token: &str, path: &str, condition: impl Fn(&Value) -> bool) -> Value {
    let mut last = Value::Null;
    let found = async {
        loop {
            let request = service.request(Method::GET, path).bearer_auth(token);
            let (status, answer) = send(request, &json!({})).await;
            assert_eq!(status, 200, "{answer}");
            if condition(&answer) {
                return answer;
            }
            last = answer;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let found = tokio::time::timeout(Duration::from_mins(1), found).await;
    found.unwrap_or_else(|_| panic!("{last}"))
}

#[tokio::test]
async fn an_operator_pauses_the_sponsorship_for_every_instance_with_a_record() {
    let chain = Chain::new().await;
    let url = chain.database.url().unwrap();
    let start = || Running::start(&chain.database, &with_accounts(&[]));
    let (first, second) = (start(), start());
    let operator = with_role(&first, &url, "operator").await;
    let auditor = with_role(&first, &url, "auditor").await;
    let is_paused = |paused: bool| move |metrics: &Value| metrics["relays"]["sponsorship_paused"] == paused;
    read_until(&second, &auditor, METRICS, is_paused(false)).await;
    let (status, set) = put(&first, &operator, &json!({"paused": true})).await;
    assert_eq!((status, &set["paused"]), (200, &json!(true)), "{set}");
    read_until(&second, &auditor, METRICS, is_paused(true)).await;
    let read = read_until(&second, &auditor, SPONSORSHIP, |_| true).await;
    assert_eq!(read, set);
    for (body, field) in [
        (json!({"paused": 1}), "paused"),
        (json!({}), "body"),
        (json!({"paused": true, "version": -1}), "version"),
    ] {
        let (status, problem) = put(&first, &operator, &body).await;
        assert_eq!((status, &problem["field"]), (400, &json!(field)), "{problem}");
    }
    assert_eq!(put(&second, &operator, &json!({"paused": false})).await.0, 200);
    read_until(&first, &auditor, METRICS, is_paused(false)).await;
    let page = read_until(&first, &auditor, "/v1/audit", |_| true).await;
    let records = page["data"].as_array().unwrap().iter();
    let subjects: Vec<&Value> = records
        .filter(|record| record["event"] == "sponsorship_set" && record["actor"].is_string())
        .map(|record| &record["subject"])
        .collect();
    assert_eq!(subjects, [&json!("paused=true"), &json!("paused=false")]);
}

/// Adds a job.
async fn add_job(store: &Store, id: &str, priority: u8) {
    let job = NewJob {
        id,
        owner: "0a1b2c3d",
        idempotency_key: None,
        request_hash: [0; 32],
        circuit: "ownership-v1-depth10",
        priority,
        witness: &[7; 64],
        deadline_ms: 600_000,
        max_queued: 100,
        max_queued_by_owner: 100,
    };
    let mut connection = store.pool().acquire().await.unwrap();
    let added = Store::enqueue_job(&mut connection, &job).await.unwrap();
    assert!(matches!(added, Enqueued::New { .. }));
}

fn job_id(number: u8) -> String {
    format!("00000000-0000-7000-8000-0000000000{number:02}")
}

/// Adds a queued job of priority 1, and of priority 5 a running one, a failed one and one that
/// succeeded.
async fn add_jobs(store: &Store) {
    for (number, priority) in [(1, 1), (2, 5), (3, 5), (4, 5)] {
        add_job(store, &job_id(number), priority).await;
    }
    for number in [2, 3, 4] {
        store.start_job(&job_id(number)).await.unwrap().unwrap();
    }
    let failed = JobResult::Failed {
        code: "too_many_attempts",
        detail: "a detail of the job",
    };
    store.finish_job(&job_id(3), &failed).await.unwrap();
    store
        .finish_job(&job_id(4), &JobResult::Succeeded("{}"))
        .await
        .unwrap();
}

/// Announces what the prover service announces every few seconds, and with each step of the running
/// proof.
async fn announce(store: Store) {
    let rates = JobRates {
        arrivals_per_second: 7.0,
        service_seconds: 0.25,
    };
    loop {
        let workload = Workload::new(1, 2, 1, rates);
        store.announce_workload(workload).await.unwrap();
        store
            .announce_progress(&job_id(2), "proving", 0.75, Some(20))
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Checks that an answer has neither the id of a job, nor its owner, nor the detail of its error.
fn check_nothing_shown(answer: &Value) {
    let text = answer.to_string();
    for secret in ["00000000-0000", "0a1b2c3d", "a detail of the job"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn operators_and_auditors_see_jobs_and_workers_with_progress_but_without_ids() {
    let chain = Chain::new().await;
    let (store, url) = (&chain.database.store, chain.database.url().unwrap());
    add_jobs(store).await;
    let _worker = connect(&url, "prover-worker/db-host-7").await;
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let operator = with_role(&service, &url, "operator").await;
    let auditor = with_role(&service, &url, "auditor").await;
    let announced = tokio::spawn(announce(store.clone()));
    let known = |workers: &Value| workers["active"] == 1;
    let workers = read_until(&service, &auditor, "/v1/operator/workers", known).await;
    assert_eq!(
        (&workers["advised"], &workers["parallel_jobs"]),
        (&json!(2), &json!(2))
    );
    assert_eq!(workers["service_time_ms"], json!(250.0));
    assert_eq!(workers["names"], json!(["db-host-7"]));
    let is_proving = |jobs: &Value| jobs["data"][0]["stage"] == "proving";
    let open = read_until(&service, &operator, "/v1/operator/jobs", is_proving).await;
    announced.abort();
    let (first, second) = (&open["data"][0], &open["data"][1]);
    assert_eq!(open["data"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&first["state"], &first["progress"], &first["eta_ms"]),
        (&json!("running"), &json!(0.75), &json!(20))
    );
    // One round of the two parallel jobs, and its own.
    assert_eq!(
        (&second["state"], &second["priority"], &second["eta_ms"]),
        (&json!("queued"), &json!(1), &json!(500))
    );
    let dead = read_until(&service, &auditor, "/v1/operator/jobs?state=failed", |_| true).await;
    assert_eq!(dead["data"][0]["error"], "too_many_attempts", "{dead}");
    for answer in [&workers, &open, &dead] {
        check_nothing_shown(answer);
    }
    let refused = service
        .request(Method::GET, "/v1/operator/jobs?state=all")
        .bearer_auth(&operator);
    let (status, problem) = send(refused, &json!({})).await;
    assert_eq!(
        (status, &problem["code"]),
        (400, &json!("invalid_input")),
        "{problem}"
    );
}

#[tokio::test]
async fn operators_and_auditors_see_the_numbers_of_the_queue_and_of_the_deployment() {
    let chain = Chain::new().await;
    let (store, url) = (&chain.database.store, chain.database.url().unwrap());
    add_jobs(store).await;
    let service = Running::start(&chain.database, &with_accounts(&[]));
    let operator = with_role(&service, &url, "operator").await;
    let auditor = with_role(&service, &url, "auditor").await;
    let queue = read_until(&service, &auditor, "/v1/operator/queue", |_| true).await;
    let number = |field: &str| queue[field].as_u64().unwrap();
    assert_eq!(
        ["queued", "running", "succeeded", "failed", "cancelled"].map(number),
        [1, 1, 1, 1, 0]
    );
    let rows = queue["by_priority"].as_array().unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| ["priority", "queued", "running"].map(|field| row[field].as_u64().unwrap()))
        .collect();
    assert_eq!(rows, [[1, 1, 0], [5, 0, 1]]);
    let announced = tokio::spawn(announce(store.clone()));
    let known = |metrics: &Value| metrics["queue"]["advised"] == 2;
    let metrics = read_until(&service, &operator, METRICS, known).await;
    announced.abort();
    assert_eq!(
        (&metrics["proofs"]["succeeded"], &metrics["proofs"]["success"]),
        (&json!(1), &json!(0.5)),
        "{metrics}"
    );
    assert!(metrics["proofs"]["p99_ms"].is_u64(), "{metrics}");
    assert_eq!(metrics["queue"]["queued"], 1);
    assert_eq!(metrics["uses"]["hours"].as_array().unwrap().len(), 30);
    for answer in [&queue, &metrics] {
        check_nothing_shown(answer);
    }
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

#[tokio::test]
async fn the_dashboard_is_served_with_its_policy_if_it_was_built() {
    let chain = Chain::new().await;
    let without = Running::start(&chain.database, &[]);
    let (status, problem) = without.get("/dashboard/").await;
    assert_eq!((status, &problem["code"]), (404, &json!("dashboard_not_built")));
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<!doctype html>").unwrap();
    let settings = [("DASHBOARD_DIR", folder.path().to_str().unwrap())];
    let service = Running::start(&chain.database, &settings);
    // The client follows the redirection.
    for path in ["/dashboard", "/dashboard/", "/dashboard/relay"] {
        let response = service.response(path).await;
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{policy}"
        );
        let tag = response.headers()["etag"].to_str().unwrap().to_owned();
        assert_eq!(response.text().await.unwrap(), "<!doctype html>");
        let again = service.get_with("/dashboard/", "if-none-match", &tag).await;
        assert_eq!(again.status(), 304, "{path}");
    }
}
