//! What a client may take.

use std::{
    io::{Read, Write},
    time::Duration,
};

use crate::common::Running;

#[tokio::test]
async fn more_requests_than_allowed_are_refused_at_once() {
    let running = Running::start(&[("MAX_CONCURRENT_REQUESTS", "1")]);
    let client = reqwest::Client::new();
    let (first, second) = tokio::join!(
        client.get(running.url("/slow")).send(),
        client.get(running.url("/slow")).send()
    );
    let mut statuses = [first.unwrap(), second.unwrap()].map(|response| {
        (
            response.status().as_u16(),
            response.headers().get("retry-after").cloned(),
        )
    });
    statuses.sort();
    assert_eq!(statuses[0], (200, None));
    assert_eq!(statuses[1].0, 503);
    assert_eq!(statuses[1].1.as_ref().unwrap(), "1");
}

#[test]
fn a_slow_client_loses_its_connection() {
    let running = Running::start(&[("CLIENT_TIMEOUT_MS", "200")]);
    let mut stream = running.connect();
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
}

#[test]
fn too_many_headers_are_refused() {
    let running = Running::start(&[]);
    let mut stream = running.connect();
    let headers = "x-more: y\r\n".repeat(100);
    stream
        .write_all(format!("GET /slow HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes())
        .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(
        String::from_utf8_lossy(&answer).starts_with("HTTP/1.1 431"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[test]
fn a_body_that_doesnt_come_is_waited_for_no_longer_than_its_headers() {
    let running = Running::start(&[("CLIENT_TIMEOUT_MS", "200")]);
    let mut stream = running.connect();
    let headers =
        "POST /greet HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
    stream.write_all(headers.as_bytes()).unwrap();
    stream.write_all(b"{\"name\": ").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    assert!(answer.contains("\"code\":\"body_timeout\""), "{answer}");
}

#[tokio::test]
async fn a_client_that_takes_nothing_of_its_answer_loses_its_connection() {
    let running = Running::start(&[("CLIENT_TIMEOUT_MS", "300"), ("MAX_CONNECTIONS", "1")]);
    let mut idle = running.connect();
    idle.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    running
        .until_metrics_have(r#"http_requests_total{method="GET",route="/large",status="200"} 1"#)
        .await;
    // There is room for one connection: another one's turn comes when the idle one's is over.
    let other = reqwest::get(running.url("/nowhere"));
    let answer = tokio::time::timeout(Duration::from_secs(10), other).await;
    assert_eq!(
        answer.expect("the connection is held for ever").unwrap().status(),
        404
    );
    drop(idle);
}
