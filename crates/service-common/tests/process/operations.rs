//! Tests of the operations port.

use std::io::{Read as _, Write};

use serde_json::Value;

use crate::common::Running;

#[tokio::test]
async fn metrics_and_checks_are_on_the_operations_port() {
    let running = Running::start(&[("PASSWORD", "short")]);
    let client = reqwest::Client::new();
    client.get(running.url("/nowhere/4711")).send().await.unwrap();
    let ready = client.get(format!("http://{}/ready", running.metrics)).send();
    let ready = ready.await.unwrap();
    assert_eq!(ready.status(), 503);
    let body: Value = ready.json().await.unwrap();
    assert_eq!(body["checks"]["password"]["status"], "failed", "{body}");
    assert_eq!(
        body["checks"]["password"]["reason"], "shorter than 8 characters",
        "{body}"
    );
    let metrics = running.metrics().await;
    for line in [
        r#"http_requests_total{method="GET",route="unmatched",status="404"} 1"#,
        r#"check_up{check="password"} 0"#,
        "process_resident_memory_bytes",
        r#"http_request_duration_seconds_bucket{method="GET",route="unmatched",le="2"} 1"#,
    ] {
        assert!(metrics.contains(line), "{line} isn't in: {metrics}");
    }
    assert!(!metrics.contains("4711"), "a path became a label");
    let health: Value = client
        .get(format!("http://{}/health", running.metrics))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(health["status"], "healthy");
}

#[tokio::test]
async fn the_service_port_has_no_checks_and_has_metrics_only_with_the_setting() {
    for (setting, status) in [("false", 404), ("true", 200)] {
        let running = Running::start(&[("METRICS_ON_SERVICE_PORT", setting)]);
        let ready = reqwest::get(running.url("/ready")).await.unwrap();
        assert_eq!(ready.status(), 404);
        let metrics = reqwest::get(running.url("/metrics")).await.unwrap();
        assert_eq!(metrics.status(), status, "{setting}");
    }
}

#[tokio::test]
async fn a_request_is_counted_and_cancelled_when_its_client_disconnects() {
    let running = Running::start(&[]);
    let mut stream = running.connect();
    stream
        .write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    // The second active request is the scrape itself.
    running.until_metrics_have("http_requests_active 2").await;
    drop(stream);
    running.until_metrics_have("http_requests_active 1").await;
    running
        .until_metrics_have(r#"http_requests_total{method="GET",route="/slow",status="499"} 1"#)
        .await;
}

/// The text until then is JSON, so the end of the connection must not be taken for that of the body.
#[tokio::test]
async fn a_request_whose_body_breaks_off_is_refused_and_counted_as_one_of_a_lost_client() {
    let body = r#"{"name": "x", "times": 1}"#;
    let (announced, chunked) = (
        format!("Content-Length: 100\r\n\r\n{body}"),
        format!("Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n", body.len()),
    );
    let running = Running::start(&[]);
    for text in [announced, chunked] {
        let mut stream = running.connect();
        let head = "POST /greet HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
        stream.write_all(format!("{head}{text}").as_bytes()).unwrap();
        // The client still reads.
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        assert!(!response.contains("hello"), "{response}");
    }
    let counted = |status: &str, number: u8| {
        format!(r#"http_requests_total{{method="POST",route="/greet",status="{status}"}} {number}"#)
    };
    running.until_metrics_have(&counted("499", 2)).await;
    let metrics = running.metrics().await;
    for status in ["200", "400", "500"] {
        let other = format!(r#"route="/greet",status="{status}""#);
        assert!(!metrics.contains(&other), "{metrics}");
    }
}

#[tokio::test]
async fn responses_forbid_caching_and_type_sniffing() {
    let running = Running::start(&[]);
    for path in ["/slow", "/nowhere"] {
        let response = reqwest::get(running.url(path)).await.unwrap();
        assert_eq!(response.headers()["cache-control"], "no-store", "{path}");
        assert_eq!(response.headers()["x-content-type-options"], "nosniff", "{path}");
    }
}
