//! Errors, repetitions and limits.

use std::time::{Duration, Instant};

use bauta_http::{Api, HttpError, Retries, Settings, relay_body, wire::api::FEE_SPONSORED};
use bauta_primitives::FieldElement;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    calls::verification,
    server::{Reply, Server},
};

fn health() -> Value {
    json!({"status": "healthy", "circuits": "loaded", "database": "connected"})
}

fn problem(status: u16, code: &str) -> Reply {
    let document = json!({
        "type": format!("urn:bauta:problem:{code}"), "title": "A title", "status": status, "code": code,
        "detail": "a detail\u{1b}[0m", "field": "limit", "rule": "must be from 1 to 100",
        "errors": [{"field": "limit", "rule": "must be from 1 to 100"}], "request_id": "r-1",
    });
    Reply::json(status, &document)
}

#[tokio::test]
async fn a_problem_document_becomes_a_typed_error() {
    let server = Server::start([problem(400, "invalid_input")]).await;
    let error = Api::new(&server.url).unwrap().health().await.unwrap_err();
    assert_eq!(error.code(), Some("invalid_input"));
    let problem = error.problem().unwrap();
    assert_eq!((problem.status, problem.field()), (400, Some("limit")));
    assert_eq!(problem.fields()[0].rule, "must be from 1 to 100");
    let text = error.to_string();
    assert!(
        text.contains("400 invalid_input: a detail") && !text.contains('\u{1b}'),
        "{text}"
    );
}

#[tokio::test]
async fn an_error_of_another_party_has_no_code() {
    let page = Reply {
        status: 404,
        headers: Vec::new(),
        body: b"<html>not found</html>".to_vec(),
    };
    let server = Server::start([page]).await;
    let error = Api::new(&server.url).unwrap().health().await.unwrap_err();
    assert_eq!((error.code(), error.problem().unwrap().status), (None, 404));
}

#[tokio::test]
async fn a_request_is_repeated_after_retry_after() {
    let busy = problem(503, "behind").with("retry-after", "1");
    let server = Server::start([busy, Reply::json(200, &health())]).await;
    let started = Instant::now();
    let health = Api::new(&server.url).unwrap().health().await.unwrap();
    assert_eq!(health.status, "healthy");
    assert!(started.elapsed() >= Duration::from_secs(1));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_long_retry_after_ends_the_repetitions_and_is_in_the_error() {
    let server = Server::start([problem(429, "rate_limited").with("retry-after", "3600")]).await;
    let error = Api::new(&server.url).unwrap().health().await.unwrap_err();
    assert_eq!(
        error.problem().unwrap().retry_after,
        Some(Duration::from_hours(1))
    );
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_repeated_relay_has_the_same_idempotency_key() {
    let accepted = json!({"id": "0a".repeat(16), "state": "queued"});
    let relayed = |state| json!({"state": state, "signature": null, "attempts": 1, "reason": null});
    let server = Server::start([
        problem(503, "node_unavailable").with("retry-after", "0"),
        Reply::json(202, &accepted),
        Reply::json(200, &relayed("queued")),
        problem(503, "overloaded").with("retry-after", "0"),
        Reply::json(200, &relayed("confirmed")),
    ])
    .await;
    let api = Api::new(&server.url).unwrap();
    let body = relay_body(&verification(), FEE_SPONSORED, Duration::ZERO).unwrap();
    let end = api.relay_and_wait(&body, Duration::from_mins(1)).await.unwrap();
    assert_eq!(end.state, "confirmed");
    let requests = server.requests();
    assert_eq!(requests.len(), 5);
    let key = |number: usize| requests[number].headers["idempotency-key"].to_str().unwrap();
    assert_eq!(key(0), key(1));
    assert_eq!(key(0).len(), 64);
    assert_eq!(requests[0].body, requests[1].body);
}

#[tokio::test]
async fn a_relay_that_fails_has_the_reason_of_the_service() {
    let accepted = json!({"id": "0a".repeat(16), "state": "queued"});
    let failed = json!({"state": "refused", "signature": null, "attempts": 0, "reason": "nullifier_used"});
    let server = Server::start([Reply::json(202, &accepted), Reply::json(200, &failed)]).await;
    let body = relay_body(&verification(), FEE_SPONSORED, Duration::ZERO).unwrap();
    let api = Api::new(&server.url).unwrap();
    let error = api
        .relay_and_wait(&body, Duration::from_mins(1))
        .await
        .unwrap_err();
    let HttpError::RelayEnded { state, reason } = error else {
        panic!("{error}")
    };
    assert_eq!(
        (state.as_str(), reason.as_deref()),
        ("refused", Some("nullifier_used"))
    );
}

#[tokio::test]
async fn a_response_above_its_limit_is_not_read() {
    let long = Reply {
        status: 200,
        headers: Vec::new(),
        body: vec![0; 8_194],
    };
    let server = Server::start([long]).await;
    let tile = Api::new(&server.url).unwrap().tile(FieldElement::ZERO).await;
    assert!(matches!(tile, Err(HttpError::TooLong { limit: 8_193, .. })));
}

#[tokio::test]
async fn a_tile_with_another_hash_and_a_broken_list_are_refused() {
    let octets = |body: &[u8]| Reply {
        status: 200,
        headers: Vec::new(),
        body: body.to_vec(),
    };
    let server = Server::start([octets(&[4; 33]), octets(&[0, 9, 4]), octets(&[0, 0, 0])]).await;
    let api = Api::new(&server.url).unwrap();
    assert!(matches!(
        api.tile(FieldElement::ZERO).await,
        Err(HttpError::Malformed { .. })
    ));
    for _ in 0..2 {
        let tiles = api.tiles(&[FieldElement::ZERO]).await;
        assert!(matches!(tiles, Err(HttpError::Malformed { .. })));
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let other = Server::start([Reply::json(200, &health())]).await;
    let moved = Reply::json(307, &Value::Null).with("location", &other.url);
    let server = Server::start([moved]).await;
    let error = Api::new(&server.url).unwrap().health().await.unwrap_err();
    assert_eq!(error.problem().unwrap().status, 307);
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_service_that_does_not_respond_is_unreachable_after_the_time_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = Settings {
        timeout: Duration::from_millis(50),
        retries: Retries::NONE,
        ..Settings::default()
    };
    let url = format!("http://{}", listener.local_addr().unwrap());
    let error = Api::with(&url, settings).unwrap().health().await.unwrap_err();
    assert!(matches!(error, HttpError::Unreachable { .. }), "{error}");
}
