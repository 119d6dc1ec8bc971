//! Errors in responses and in the log.

use std::io::{Read, Write};

use serde_json::Value;

use crate::common::Running;

#[tokio::test]
async fn errors_are_problems_with_code_field_rule_and_request_id() {
    let running = Running::start(&[("MAX_BODY_BYTES", "1024"), ("REQUEST_TIMEOUT_MS", "100")]);
    let client = reqwest::Client::new();
    let post = |body: String| {
        client
            .post(running.url("/greet"))
            .header("content-type", "application/json")
            .body(body)
    };
    let cases = [
        (client.get(running.url("/nowhere")), 404, "no_such_route", None),
        (client.get(running.url("/greet")), 405, "method_not_allowed", None),
        (
            client.post(running.url("/greet")).body("{}"),
            415,
            "unsupported_media_type",
            None,
        ),
        (post("{".to_owned()), 400, "malformed_json", None),
        (
            post(r#"{"name": "x", "times": 300}"#.to_owned()),
            400,
            "invalid_input",
            Some("times"),
        ),
        (
            post(r#"{"name": "x", "times": 1, "more": 1}"#.to_owned()),
            400,
            "invalid_input",
            Some("more"),
        ),
        (
            post(format!(r#"{{"name": "{}", "times": 1}}"#, "x".repeat(1024))),
            413,
            "body_too_large",
            None,
        ),
        (client.get(running.url("/slow")), 504, "timeout", None),
        (client.get(running.url("/panic")), 500, "internal", None),
    ];
    for (request, status, code, field) in cases {
        let response = request
            .header("x-request-id", "of-the-client")
            .send()
            .await
            .unwrap();
        assert_eq!(response.status(), status, "{code}");
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json",
            "{code}"
        );
        assert_eq!(response.headers()["x-request-id"], "of-the-client", "{code}");
        let body: Value = response.json().await.unwrap();
        assert_eq!(body["code"], code, "{body}");
        assert_eq!(body["status"], status, "{body}");
        assert_eq!(body["request_id"], "of-the-client", "{body}");
        assert!(!body.to_string().contains("4711"), "{body}");
        if let Some(field) = field {
            assert_eq!(body["field"], field, "{body}");
            assert!(
                body["rule"].as_str().is_some_and(|rule| !rule.is_empty()),
                "{body}"
            );
        }
    }
    let response = client
        .get(running.url("/nowhere"))
        .header("x-request-id", "a\tb")
        .send()
        .await
        .unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(id.len(), 36, "a new id instead of {id}");
}

/// Sends a request that panics. Returns the whole log, and the line of this event.
fn log_of_a_panic(environment: &[(&str, &str)], event: &str) -> (String, Value) {
    let running = Running::start(environment);
    let mut stream = running.connect();
    stream
        .write_all(
            b"GET /panic HTTP/1.1\r\nHost: x\r\nx-request-id: of-the-client\r\nConnection: close\r\n\r\n",
        )
        .unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    running.terminate();
    let (_, log) = running.wait();
    let entry = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find(|entry: &Value| entry["event"] == event);
    let entry = entry.unwrap_or_else(|| panic!("no {event} in: {log}"));
    (log, entry)
}

#[test]
fn a_log_line_is_json_with_the_request_id_and_the_event() {
    let (_, entry) = log_of_a_panic(&[("RUST_LOG", "debug")], "request_failed");
    assert_eq!(entry["request_id"], "of-the-client");
    assert_eq!(entry["service"], "minimal");
    assert_eq!(entry["level"], "ERROR");
    assert!(entry["timestamp"].is_string());
}

#[test]
fn a_panic_is_logged_with_its_location_and_without_its_message() {
    let (log, entry) = log_of_a_panic(&[], "panicked");
    assert_eq!(entry["request_id"], "of-the-client", "{entry}");
    assert!(
        entry["location"].as_str().unwrap().contains("minimal.rs:"),
        "{entry}"
    );
    assert!(!log.contains("4711"), "the message may contain a secret: {log}");
}
