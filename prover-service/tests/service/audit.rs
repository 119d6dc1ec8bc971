//! The audit trail in the log.

use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};

use crate::{
    access::api_key,
    common::{Running, request, with_jobs},
};

#[tokio::test]
async fn every_request_for_a_proof_is_in_the_audit_trail_with_every_log_filter() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let (alice, line) = api_key("prove");
    let quiet = "warn,bauta_service_common::service=info";
    let mut service = Running::start(&with_jobs(
        &url,
        &[("RUST_LOG", quiet), ("API_KEYS", &line), ("ALLOW_ANONYMOUS", "")],
    ));
    service.post("/prove", &request(3)).await;
    service.identify(&alice);
    let (_, headers, _) = service
        .post_with("/prove", ("x-request-id", "mine-1"), &request(3))
        .await;
    assert_eq!(headers["x-request-id"], "mine-1");
    let mut bad = request(3);
    bad["private"]["index"] = json!(9);
    service.post("/prove", &bad).await;
    service.post("/prove", &json!("nonsense")).await;
    service
        .post("/prove/batch", &json!({"requests": [request(1), request(2)]}))
        .await;
    service.post("/api/proof/generate", &json!({})).await;
    let job = service.enqueue(&request(4), None).await;
    service.result(&job).await;
    let lines = service.lines("audit", "proof_requested", 7).await;
    let prefix = &line[..8];
    let circuit = "ownership-v1-depth10";
    let expected = [
        ("/prove", "", "", 0, "refused", json!("missing_api_key")),
        ("/prove", prefix, circuit, 1, "succeeded", Value::Null),
        ("/prove", prefix, "", 0, "refused", json!("invalid_input")),
        ("/prove", prefix, "", 0, "refused", json!("invalid_input")),
        ("/prove/batch", prefix, circuit, 2, "succeeded", Value::Null),
        (
            "/api/proof/generate",
            prefix,
            "",
            0,
            "failed",
            json!("statement_not_built"),
        ),
        ("/prove", prefix, circuit, 1, "queued", Value::Null),
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
    for (line, (route, owner, circuit_id, proofs, outcome, code)) in lines.iter().zip(expected) {
        assert_eq!(line["route"], route, "{line}");
        assert_eq!(line["owner"], owner, "{line}");
        assert_eq!(line["circuit_id"], circuit_id, "{line}");
        assert_eq!(line["proofs"], proofs, "{line}");
        assert_eq!(line["outcome"], outcome, "{line}");
        assert_eq!(line.get("code").cloned().unwrap_or_default(), code, "{line}");
        assert!(
            line["request_id"].is_string() && line["timestamp"].is_string(),
            "{line}"
        );
        // No other fields: no input, no person, no address.
        let known = [
            "timestamp",
            "level",
            "name",
            "target",
            "service",
            "event",
            "route",
            "method",
            "owner",
            "circuit_id",
            "proofs",
            "job_id",
            "outcome",
            "code",
            "duration_ms",
            "request_id",
        ];
        for field in line.as_object().unwrap().keys() {
            assert!(known.contains(&field.as_str()), "{field} in {line}");
        }
    }
    assert_eq!(lines[1]["request_id"], "mine-1");
    assert_eq!(lines[6]["job_id"], job.as_str());
    let ends = service.lines("audit", "job_ended", 1).await;
    assert_eq!(ends.len(), 1);
    assert_eq!(
        (&ends[0]["job_id"], &ends[0]["outcome"]),
        (&json!(job), &json!("succeeded"))
    );
    assert_eq!(ends[0]["owner"], prefix);
}

#[tokio::test]
async fn the_log_filter_cannot_disable_the_audit_trail() {
    let service = Running::start(&[("RUST_LOG", "bauta_service_common::service=info,audit=off")]);
    let (_, headers, _) = service
        .post_with("/prove", ("x-request-id", "mine-2"), &request(3))
        .await;
    assert_eq!(headers["x-request-id"], "mine-2");
    let lines = service.lines("audit", "proof_requested", 1).await;
    assert_eq!(lines[0]["request_id"], "mine-2", "{lines:?}");
    assert!(
        !service.log().contains("proof_generated"),
        "other events follow RUST_LOG"
    );
}

#[tokio::test]
async fn a_proof_is_logged_with_the_fields_that_operators_rely_on() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let service = Running::start(&with_jobs(&url, &[]));
    service
        .post_with("/prove", ("x-request-id", "mine-3"), &request(3))
        .await;
    let job = service.enqueue(&request(4), None).await;
    service.result(&job).await;
    let lines = service
        .lines("prover_service::prover", "proof_generated", 2)
        .await;
    for (line, request_id) in lines.iter().zip(["mine-3", &job]) {
        assert_eq!(line["request_id"], request_id, "{line}");
        assert_eq!(line["service"], "prover-service", "{line}");
        assert_eq!(line["level"], "INFO", "{line}");
        assert_eq!(line["circuit_id"], "ownership-v1-depth10", "{line}");
        assert!(
            line["timestamp"].is_string() && line["duration_ms"].is_u64(),
            "{line}"
        );
    }
}

#[tokio::test]
async fn a_request_that_timed_out_is_in_the_audit_trail_as_abandoned() {
    let service = Running::start(&[("REQUEST_TIMEOUT_MS", "100"), ("MAX_CONCURRENT_PROOFS", "1")]);
    let body = request(3);
    let answers = (0..64).map(|_| service.post("/prove", &body));
    let answers = futures_util::future::join_all(answers).await;
    let timed_out = answers.iter().filter(|(status, _)| *status == 504).count();
    assert!(timed_out > 0, "no request timed out");
    let lines = service.lines("audit", "proof_requested", 64).await;
    let abandoned = lines.iter().filter(|line| line["outcome"] == "abandoned").count();
    assert_eq!((lines.len(), abandoned), (64, timed_out));
}

#[tokio::test]
async fn requests_beyond_the_rate_limit_have_one_record_and_one_with_their_number() {
    let mut service = Running::start(&[
        ("RUST_LOG", "warn,bauta_service_common::service=info"),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", "1"),
    ]);
    assert_eq!(service.get("/circuits").await.0, 200);
    for _ in 0..200 {
        assert_eq!(service.get("/circuits").await.0, 429);
    }
    let first = service.lines("audit", "rate_limited", 1).await;
    assert_eq!((first.len(), &first[0]["requests"]), (1, &json!(1)), "{first:?}");
    assert_eq!(first[0]["route"], "/circuits");
    // The numbers of the current minute are written at the end.
    service.terminate();
    assert!(service.exits_with_success());
    let lines = service.lines("audit", "rate_limited", 2).await;
    let numbers = lines.iter().map(|line| line["requests"].as_u64().unwrap());
    assert_eq!(numbers.sum::<u64>(), 200, "{lines:?}");
    // A minute has two records, and the requests take a few seconds.
    assert!(lines.len() < 20, "{} records", lines.len());
}

#[tokio::test]
async fn refused_keys_and_requests_of_operators_are_in_the_audit_trail() {
    let (alice, line) = api_key("prove,admin");
    let (unknown, _) = api_key("prove");
    let mut service = Running::start(&[
        ("RUST_LOG", "warn,bauta_service_common::service=info"),
        ("API_KEYS", &line),
    ]);
    service.identify(&unknown);
    assert_eq!(service.post("/prove", &request(3)).await.0, 401);
    assert_eq!(service.get("/api/metrics/snapshot").await.0, 401);
    let refused = service.lines("audit", "key_refused", 2).await;
    for (line, (route, permission)) in refused
        .iter()
        .zip([("/prove", "prove"), ("/api/metrics/snapshot", "admin")])
    {
        assert_eq!(
            (&line["code"], &line["route"], &line["permission"]),
            (&json!("unknown_api_key"), &json!(route), &json!(permission)),
            "{line}"
        );
        assert!(line["request_id"].is_string(), "{line}");
    }
    let unknown = format!("/requests/mine/events?ticket=bauta_ticket_{}", "0".repeat(64));
    assert_eq!(service.get(&unknown).await.0, 401);
    let lines = service.lines("audit", "ticket_refused", 1).await;
    assert_eq!((lines.len(), &lines[0]["code"]), (1, &json!("invalid_ticket")));
    service.identify(&alice);
    assert_eq!(service.get("/api/metrics/snapshot").await.0, 200);
    let lines = service.lines("audit", "admin_request", 1).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert_eq!(lines[0]["prefix"], line[..8], "{}", lines[0]);
    assert_eq!(lines[0]["route"], "/api/metrics/snapshot", "{}", lines[0]);
}
