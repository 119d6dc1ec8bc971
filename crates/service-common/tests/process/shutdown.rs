//! The end of a service.

use std::io::{Read, Write};

use serde_json::Value;

use crate::common::Running;

#[tokio::test]
async fn sigterm_lets_a_running_request_end_and_takes_no_more() {
    let running = Running::start(&[]);
    let client = reqwest::Client::new();
    let slow = tokio::spawn(client.get(running.url("/slow")).send());
    // The second is the one that asks.
    running.until_metrics_have("http_requests_active 2").await;
    running.signal();
    let response = slow.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "done");
    let (success, log) = running.end();
    assert!(success, "{log}");
    assert!(log.contains(r#""event":"ended""#), "{log}");
}

#[tokio::test]
async fn while_it_ends_operators_still_see_that_it_is_not_ready_and_its_figures() {
    let running = Running::start(&[]);
    let slow = tokio::spawn(reqwest::get(running.url("/slow")));
    running.until_metrics_have("http_requests_active 2").await;
    running.signal();
    // Told on another thread, a moment later.
    let ready = loop {
        let ready = reqwest::get(format!("http://{}/ready", running.metrics))
            .await
            .unwrap();
        if ready.status() == 503 {
            break ready.json::<Value>().await.unwrap();
        }
    };
    assert_eq!(ready["checks"]["shutdown"]["status"], "failed", "{ready}");
    assert!(
        reqwest::get(running.url("/slow")).await.is_err(),
        "it takes new connections"
    );
    assert!(running.metrics().await.contains("http_requests_active"));
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    let (success, log) = running.end();
    assert!(success, "{log}");
}

#[test]
fn a_body_that_was_half_sent_doesnt_keep_it_from_ending_well() {
    let running = Running::start(&[("CLIENT_TIMEOUT_MS", "500"), ("SHUTDOWN_TIMEOUT_MS", "8000")]);
    let mut halves = running.connect();
    let headers =
        "POST /greet HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    halves.write_all(headers.as_bytes()).unwrap();
    // An idle connection, too, and one in the middle of its headers.
    let idle = running.connect();
    let mut begun = running.connect();
    begun.write_all(b"GET /slow HTTP/1.1\r\n").unwrap();
    running.signal();
    let mut answer = String::new();
    halves.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let (success, log) = running.end();
    assert!(success, "{log}");
    drop((idle, begun));
}

#[tokio::test]
async fn work_that_doesnt_end_in_time_is_cut_off_and_said() {
    let running = Running::start(&[("SHUTDOWN_TIMEOUT_MS", "50")]);
    let slow = tokio::spawn(reqwest::get(running.url("/slow")));
    running.until_metrics_have("http_requests_active 2").await;
    running.signal();
    assert!(slow.await.unwrap().is_err());
    let (success, log) = running.end();
    assert!(!success && log.contains("were cut off"), "{log}");
}
