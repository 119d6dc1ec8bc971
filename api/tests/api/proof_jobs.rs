//! Requests for proofs that become jobs. The prover service is a stand-in here; `delegated` has the
//! real one.

use std::time::Duration;

use bauta_primitives::PublicInputs;
use bauta_service_common::{NewApiKey, Quota};
use reqwest::Method;
use serde_json::{Value, json};

use crate::zkp::{Setup, ToProofs, proved, public, request};

/// The prover service's id of a job.
const JOB: &str = "0198a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";

/// Lets the prover service accept jobs.
fn accept_jobs(setup: &Setup, to_proofs: ToProofs) {
    let mut prover = setup.prover.lock().unwrap();
    (prover.status, prover.answer, prover.to_proofs) = (202, json!({"job_id": JOB}), to_proofs);
}

fn with(field: &str, value: Value) -> Value {
    let mut body = request();
    body[field] = value;
    body
}

/// A service that waits for proofs as long as a slow machine needs.
const PATIENT: [(&str, &str); 2] = [("PROOF_WAIT_MS", "90000"), ("REQUEST_TIMEOUT_MS", "180000")];

#[tokio::test]
async fn a_proof_that_takes_long_becomes_a_job() {
    let setup = Setup::new(&[("PROOF_WAIT_MS", "50")]).await;
    accept_jobs(&setup, ToProofs::Never);
    let (status, accepted) = setup.generate(&request()).await;
    assert_eq!(
        (status, &accepted["state"]),
        (202, &json!("queued")),
        "{accepted}"
    );
    let prover = setup.prover.lock().unwrap();
    assert_eq!(
        (&prover.body["wait"], prover.path.as_str()),
        (&json!(false), "/base/v1/prove")
    );
    assert_eq!(prover.body["sealed"], request()["private"]);
}

#[tokio::test]
async fn a_proof_without_room_becomes_a_job_unless_the_client_waits_for_it() {
    let setup = Setup::new(&PATIENT).await;
    let failed = |status, code: &str| ToProofs::Other(status, json!({"code": code, "detail": "later"}));
    // 504 would be an error of this service.
    for (status, seen, code) in [(429, 429, "queue_full"), (504, 503, "proof_timeout")] {
        accept_jobs(&setup, failed(status, code));
        assert_eq!(setup.generate(&request()).await.0, 202, "{code}");
        assert_eq!(setup.prover.lock().unwrap().body["wait"], false);
        let (found, problem) = setup.generate(&with("wait", json!(true))).await;
        assert_eq!((found, &problem["code"]), (seen, &json!(code)), "{problem}");
    }
    // Another error does not become a job.
    accept_jobs(&setup, failed(409, "unknown_sealing_key"));
    let (status, problem) = setup.generate(&request()).await;
    assert_eq!((status, &problem["code"]), (409, &json!("unknown_sealing_key")));
    // The client requests a job, although the proof would be quick.
    accept_jobs(&setup, ToProofs::Other(200, proved(&public(1))));
    assert_eq!(setup.generate(&request()).await.0, 200);
    assert_eq!(setup.generate(&with("wait", json!(false))).await.0, 202);
}

#[tokio::test]
async fn a_request_for_a_proof_ends_after_the_time_limit_of_the_setting() {
    let settings = [&PATIENT[..], &[("PROVER_TIMEOUT_MS", "100")]].concat();
    let setup = Setup::new(&settings).await;
    accept_jobs(&setup, ToProofs::Never);
    let (status, problem) = setup.generate(&with("wait", json!(true))).await;
    assert_eq!(
        (status, &problem["code"]),
        (503, &json!("prover_unavailable")),
        "{problem}"
    );
}

#[tokio::test]
async fn a_key_with_many_slow_proofs_leaves_room_for_other_keys_and_for_the_sealing_key() {
    const OF_KEY: usize = 64;
    let other = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
    let slow = NewApiKey::random(&["prove"], u64::MAX, Quota::default());
    let keys = format!("{},{}", slow.line, other.line);
    let settings = [&PATIENT[..], &[("API_KEYS", keys.as_str())]].concat();
    let setup = Setup::new(&settings).await;
    accept_jobs(&setup, ToProofs::Never);
    let generate = |key: &NewApiKey, wait: bool| {
        let request = setup.service.request(Method::POST, "/v1/zkp/generate");
        let request = request.bearer_auth(&*key.key);
        request.json(&with("wait", json!(wait))).send()
    };
    let wait_for_requests = async |count: usize| {
        let arrived = async {
            while setup.prover.lock().unwrap().requests < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), arrived)
            .await
            .unwrap();
    };
    let mut open: Vec<_> = (0..OF_KEY).map(|_| tokio::spawn(generate(&slow, true))).collect();
    wait_for_requests(OF_KEY).await;
    let refused = generate(&slow, true).await.unwrap();
    assert_eq!(refused.status(), 503);
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["code"], "busy", "{problem}");
    open.push(tokio::spawn(generate(&other, true)));
    wait_for_requests(OF_KEY + 1).await;
    // It becomes a job, because there is no room.
    let (_, accepted) = {
        let response = setup.service.request(Method::POST, "/v1/zkp/generate");
        let response = response.bearer_auth(&*slow.key).json(&request()).send();
        let response = response.await.unwrap();
        (response.status(), response.json::<Value>().await.unwrap())
    };
    assert_eq!(accepted["state"], "queued", "{accepted}");
    for request in open {
        request.abort();
    }
}

#[tokio::test]
async fn a_job_has_a_location_and_the_idempotency_key_of_its_client() {
    let setup = Setup::new(&[]).await;
    accept_jobs(&setup, ToProofs::Same);
    let post = |key: &str| {
        let request = setup.service.request(Method::POST, "/v1/zkp/generate");
        let request = request.bearer_auth(&setup.key).header("idempotency-key", key);
        request.json(&with("wait", json!(false))).send()
    };
    let response = post("of-the-client").await.unwrap();
    assert_eq!(response.status(), 202);
    assert_eq!(response.headers()["retry-after"], "1");
    let location = response.headers()["location"].to_str().unwrap().to_owned();
    let accepted: Value = response.json().await.unwrap();
    assert_eq!(
        location,
        format!("/v1/zkp/jobs/{}", accepted["id"].as_str().unwrap())
    );
    let passed_on = setup.prover.lock().unwrap().idempotency_key.clone();
    // Two clients with the same key must not get the same job.
    assert!(
        passed_on.len() == 64 && !passed_on.contains("of-the-client"),
        "{passed_on}"
    );
    post("of-the-client").await.unwrap();
    assert_eq!(setup.prover.lock().unwrap().idempotency_key, passed_on);
    post("another").await.unwrap();
    assert_ne!(setup.prover.lock().unwrap().idempotency_key, passed_on);
    // It is reported with the other invalid fields.
    let request = setup.service.request(Method::POST, "/v1/zkp/generate");
    let request = request.bearer_auth(&setup.key).header("idempotency-key", "a b");
    let response = request.json(&with("scope", json!("0x"))).send().await.unwrap();
    let problem: Value = response.json().await.unwrap();
    let fields = problem["errors"].as_array().unwrap().iter();
    let fields: Vec<&Value> = fields.map(|error| &error["field"]).collect();
    assert_eq!(fields, ["Idempotency-Key", "scope"], "{problem}");
}

#[tokio::test]
async fn the_states_of_a_job_are_passed_on_without_the_errors_of_the_operator() {
    let setup = Setup::new(&[]).await;
    accept_jobs(&setup, ToProofs::Same);
    let (_, accepted) = setup.generate(&with("wait", json!(false))).await;
    let id = accepted["id"].as_str().unwrap();
    let read = async |status: u16, answer: Value| {
        {
            let mut prover = setup.prover.lock().unwrap();
            (prover.status, prover.answer) = (status, answer);
        }
        let request = setup.service.request(Method::GET, &format!("/v1/zkp/jobs/{id}"));
        let response = request.bearer_auth(&setup.key).send().await.unwrap();
        let retry = response.headers().contains_key("retry-after");
        let status = response.status().as_u16();
        (status, response.json::<Value>().await.unwrap(), retry)
    };
    let job = |state: &str| json!({"job_id": JOB, "state": state, "created_at": 5_999, "circuit_id": "c"});
    for state in ["queued", "running"] {
        let found = read(200, job(state)).await;
        assert_eq!(
            found,
            (200, json!({"id": id, "state": state, "created_at": 5}), true)
        );
    }
    assert_eq!(
        setup.prover.lock().unwrap().path,
        format!("/base/v1/jobs/{}", JOB.replace('-', ""))
    );
    let inputs: PublicInputs = public(1);
    let mut succeeded = job("succeeded");
    (succeeded["ended_at"], succeeded["answer"]) = (json!(7_000), proved(&inputs));
    let expected = json!({
        "id": id, "state": "succeeded", "created_at": 5, "ended_at": 7,
        "result": {
            "success": true, "proof": format!("0x{}", "0a".repeat(256)), "public": inputs,
            "circuitId": "ownership-v1-depth10", "vk_hash": format!("0x{}", "0b".repeat(32)),
        },
    });
    assert_eq!(read(200, succeeded).await, (200, expected, false));
    for (code, seen) in [
        ("deadline_exceeded", "deadline_exceeded"),
        ("witness_unreadable", "proof_failed"),
    ] {
        let mut failed = job("failed");
        (failed["ended_at"], failed["error"]) = (json!(7_000), json!({"code": code, "detail": code}));
        let (status, found, _) = read(200, failed).await;
        assert_eq!((status, &found["error"]["code"]), (200, &json!(seen)), "{found}");
    }
    for (status, answer, expected, code) in [
        (
            404,
            json!({"code": "unknown_job", "detail": "deleted"}),
            404,
            "unknown_job",
        ),
        (
            401,
            json!({"code": "unknown_api_key", "detail": "x"}),
            503,
            "prover_unavailable",
        ),
        (200, job("succeeded"), 503, "prover_unavailable"),
        (200, job("another"), 503, "prover_unavailable"),
    ] {
        let (found, problem, _) = read(status, answer).await;
        assert_eq!((found, &problem["code"]), (expected, &json!(code)), "{problem}");
    }
}
