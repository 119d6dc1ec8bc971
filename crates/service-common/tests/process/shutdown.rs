//! Shutdown of a service.

use std::io::{Read, Write};

use serde_json::Value;

use crate::common::Running;

#[tokio::test]
async fn after_sigterm_running_requests_complete_and_new_connections_are_refused() {
    let running = Running::start(&[]);
    let client = reqwest::Client::new();
    let slow = tokio::spawn(client.get(running.url("/slow")).send());
    // The second active request is the scrape itself.
    running.until_metrics_have("http_requests_active 2").await;
    running.terminate();
    let response = slow.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "done");
    let (success, log) = running.wait();
    assert!(success, "{log}");
    assert!(log.contains(r#""event":"ended""#), "{log}");
}

#[tokio::test]
async fn during_shutdown_the_operations_port_reports_not_ready_and_metrics() {
    let running = Running::start(&[]);
    let slow = tokio::spawn(reqwest::get(running.url("/slow")));
    running.until_metrics_have("http_requests_active 2").await;
    running.terminate();
    // Another thread handles the signal a moment later.
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
        "the service still accepts connections"
    );
    assert!(running.metrics().await.contains("http_requests_active"));
    assert_eq!(slow.await.unwrap().unwrap().status(), 200);
    let (success, log) = running.wait();
    assert!(success, "{log}");
}

#[tokio::test]
async fn a_half_sent_body_does_not_prevent_a_clean_shutdown() {
    let running = Running::start(&[("CLIENT_TIMEOUT_MS", "500"), ("SHUTDOWN_TIMEOUT_MS", "8000")]);
    let mut half_sent = running.connect();
    let headers =
        "POST /greet HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    half_sent.write_all(headers.as_bytes()).unwrap();
    // Also an idle connection, and one that has sent a part of its headers.
    let idle = running.connect();
    let mut partial_headers = running.connect();
    partial_headers.write_all(b"GET /slow HTTP/1.1\r\n").unwrap();
    // A connection that the service has not accepted yet would be reset. The request is active, or
    // has had its response already.
    let refused = r#"http_requests_total{method="POST",route="/greet",status="408"} 1"#;
    running
        .until_metrics_have_one_of(&["http_requests_active 2", refused])
        .await;
    running.terminate();
    let mut response = String::new();
    half_sent.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    let (success, log) = running.wait();
    assert!(success, "{log}");
    drop((idle, partial_headers));
}

#[tokio::test]
async fn work_that_exceeds_the_shutdown_timeout_is_aborted_and_reported() {
    let running = Running::start(&[("SHUTDOWN_TIMEOUT_MS", "50")]);
    let slow = tokio::spawn(reqwest::get(running.url("/slow")));
    running.until_metrics_have("http_requests_active 2").await;
    running.terminate();
    assert!(slow.await.unwrap().is_err());
    let (success, log) = running.wait();
    assert!(!success && log.contains("were aborted"), "{log}");
}
