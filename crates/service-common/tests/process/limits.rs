//! Limits of requests and connections.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

use crate::common::{Running, command_with_open_files, text};

#[tokio::test]
async fn requests_beyond_the_concurrency_limit_are_refused_immediately() {
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
fn a_connection_is_closed_if_its_client_sends_headers_too_slowly() {
    let running = Running::start(&[("CLIENT_TIMEOUT_MS", "200")]);
    let mut stream = running.connect();
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n").unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    assert!(!String::from_utf8_lossy(&response).contains("200 OK"));
}

#[test]
fn too_many_headers_are_refused() {
    let running = Running::start(&[]);
    let mut stream = running.connect();
    let headers = "x-more: y\r\n".repeat(100);
    stream
        .write_all(format!("GET /slow HTTP/1.1\r\nHost: x\r\n{headers}\r\n").as_bytes())
        .unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    assert!(
        String::from_utf8_lossy(&response).starts_with("HTTP/1.1 431"),
        "{}",
        String::from_utf8_lossy(&response)
    );
}

#[test]
fn headers_larger_than_16_kib_are_refused() {
    let running = Running::start(&[]);
    let mut stream = running.connect();
    let head = format!(
        "GET /slow HTTP/1.1\r\nHost: x\r\nx-more: {}",
        "y".repeat(17 << 10)
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    let response = String::from_utf8_lossy(&response);
    assert!(response.starts_with("HTTP/1.1 431"), "{response}");
}

#[test]
fn a_body_without_a_length_is_refused_as_soon_as_it_is_too_large() {
    let running = Running::start(&[("MAX_BODY_BYTES", "1024")]);
    let mut stream = running.connect();
    let chunk = format!("400\r\n{}\r\n", "x".repeat(1024));
    let head = "POST /greet HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    // The body never ends.
    stream
        .write_all(format!("{head}{chunk}{chunk}").as_bytes())
        .unwrap();
    let mut response = [0; 512];
    let read = stream.read(&mut response).unwrap();
    let response = String::from_utf8_lossy(&response[..read]);
    assert!(response.starts_with("HTTP/1.1 413"), "{response}");
}

#[test]
fn a_body_that_does_not_arrive_times_out_after_client_timeout_ms() {
    let running = Running::start(&[("CLIENT_TIMEOUT_MS", "200")]);
    let mut stream = running.connect();
    let headers =
        "POST /greet HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n";
    stream.write_all(headers.as_bytes()).unwrap();
    stream.write_all(b"{\"name\": ").unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 408"), "{response}");
    assert!(response.contains("\"code\":\"body_timeout\""), "{response}");
}

#[tokio::test]
async fn a_connection_is_closed_if_its_client_does_not_read_the_response() {
    let running = Running::start(&[("CLIENT_TIMEOUT_MS", "300"), ("MAX_CONNECTIONS", "1")]);
    let mut idle = running.connect();
    idle.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    running
        .until_metrics_have(r#"http_requests_total{method="GET",route="/large",status="200"} 1"#)
        .await;
    // Only one connection may be open. Another is accepted after the idle one is closed.
    let other = reqwest::get(running.url("/nowhere"));
    let response = tokio::time::timeout(Duration::from_mins(1), other).await;
    assert_eq!(
        response.expect("the idle connection is closed").unwrap().status(),
        404
    );
    drop(idle);
}

/// Returns whether the service keeps a connection open and answers a request on it.
fn answers(stream: &mut TcpStream) -> bool {
    let request = "GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n";
    let mut response = [0; 12];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut response).is_ok()
        && response == *b"HTTP/1.1 404"
}

#[test]
fn one_address_has_a_limited_number_of_connections_unless_it_is_a_trusted_proxy() {
    let running = Running::start(&[("MAX_CONNECTIONS_PER_ADDRESS", "2")]);
    let mut open = [running.connect(), running.connect()];
    assert!(open.iter_mut().all(answers));
    assert!(!answers(&mut running.connect()), "a third connection was served");
    drop(open);
    let reopened = (0..1_000).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        answers(&mut running.connect())
    });
    assert!(reopened, "closed connections still count");
    let proxied = Running::start(&[
        ("MAX_CONNECTIONS_PER_ADDRESS", "2"),
        ("TRUSTED_PROXIES", "127.0.0.1"),
    ]);
    let mut open = [(); 4].map(|()| proxied.connect());
    assert!(open.iter_mut().all(answers));
}

#[tokio::test]
async fn only_pages_of_allowed_origins_can_read_responses_and_errors() {
    const ORIGIN: &str = "https://app.example.org";
    let running = Running::start(&[("ALLOWED_ORIGINS", "https://other.example,https://app.example.org")]);
    let client = reqwest::Client::new();
    let preflight = |origin: &'static str| {
        client
            .request(reqwest::Method::OPTIONS, running.url("/greet"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header(
                "access-control-request-headers",
                "authorization,content-type,idempotency-key",
            )
            .send()
    };
    let allowed = preflight(ORIGIN).await.unwrap();
    assert!(allowed.status().is_success());
    assert_eq!(allowed.headers()["access-control-allow-origin"], ORIGIN);
    let headers = allowed.headers()["access-control-allow-headers"]
        .to_str()
        .unwrap();
    assert!(
        headers.contains("authorization") && headers.contains("idempotency-key"),
        "{headers}"
    );
    assert!(!allowed.headers().contains_key("access-control-allow-credentials"));
    let refused = preflight("https://evil.example").await.unwrap();
    assert!(!refused.headers().contains_key("access-control-allow-origin"));
    for (path, status) in [("/greet", 405), ("/nothing", 404), ("/panic", 500)] {
        let request = client.get(running.url(path)).header("origin", ORIGIN);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(
            response.headers()["access-control-allow-origin"],
            ORIGIN,
            "{path}"
        );
        let exposed = response.headers()["access-control-expose-headers"]
            .to_str()
            .unwrap();
        assert!(exposed.contains("retry-after"), "{exposed}");
    }
    let running = Running::start(&[]);
    let request = client.get(running.url("/nothing")).header("origin", ORIGIN);
    let response = request.send().await.unwrap();
    assert!(!response.headers().contains_key("access-control-allow-origin"));
}

#[test]
fn the_soft_limit_of_open_files_is_raised_and_connections_are_lowered_to_the_hard_limit() {
    let running = Running::start_with_open_files(300, 600);
    assert_eq!(running.open_files(), "600");
    let lines = running
        .log()
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lowered: Vec<Value> = lines
        .filter(|line| line["event"] == "connections_lowered")
        .collect();
    assert_eq!(lowered.len(), 1, "{}", running.log());
    assert_eq!(
        (&lowered[0]["connections"], &lowered[0]["open_files"]),
        (&json!(344), &json!(600))
    );
}

#[test]
fn a_service_that_may_have_too_few_open_files_does_not_start() {
    let output = command_with_open_files(200, 200).output().unwrap();
    let text = text(&output);
    assert!(!output.status.success(), "{text}");
    assert!(
        text.contains("may have only 200 open files, and needs 256"),
        "{text}"
    );
}
