//! The example service as a process: its configuration, its responses, its end.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::PathBuf,
    process::{Child, ChildStdout, Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

const PASSWORD: &str = "correct-horse-battery";

fn command() -> Command {
    let tests = std::env::current_exe().unwrap();
    let program = tests.ancestors().nth(2).unwrap().join("examples/minimal");
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PASSWORD", PASSWORD)
        .env("PORT", "0")
        .env("METRICS_PORT", "0");
    command.env("METRICS_HOST", "127.0.0.1").env("HOST", "127.0.0.1");
    command
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("service.toml");
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn refusal(file_text: &str, environment: &[(&str, &str)]) -> String {
    let (_folder, path) = file(file_text);
    let output = command()
        .arg("--config")
        .arg(path)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    assert!(!output.status.success(), "accepted: {file_text} {environment:?}");
    text(&output)
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr]
        .map(|bytes| String::from_utf8_lossy(bytes))
        .concat()
}

/// A running example.
struct Running {
    process: Child,
    lines: BufReader<ChildStdout>,
    log: String,
    service: SocketAddr,
    metrics: SocketAddr,
}

impl Running {
    fn start(environment: &[(&str, &str)]) -> Self {
        let mut process = command()
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap());
        let (mut log, mut addresses) = (String::new(), Vec::<SocketAddr>::new());
        while addresses.len() < 2 {
            let mut line = String::new();
            assert_ne!(lines.read_line(&mut line).unwrap(), 0, "ended early: {log}");
            if let Ok(entry) = serde_json::from_str::<Value>(&line) {
                let address = entry.get("metrics").or_else(|| entry.get("address"));
                addresses
                    .extend(address.map(|address| address.as_str().unwrap().parse::<SocketAddr>().unwrap()));
            }
            log.push_str(&line);
        }
        Self {
            process,
            lines,
            log,
            metrics: addresses[0],
            service: addresses[1],
        }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.service)
    }

    fn signal(&self) {
        let id = self.process.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &id])
                .status()
                .unwrap()
                .success()
        );
    }

    fn end(mut self) -> (bool, String) {
        self.lines.read_to_string(&mut self.log).unwrap();
        let status = self.process.wait().unwrap();
        (status.success(), std::mem::take(&mut self.log))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn environment_wins_over_the_file_and_the_file_over_defaults() {
    let (_folder, path) = file("port = 1\n[http]\nmax_body_bytes = 2048\nmax_connections = 7\n");
    let output = command()
        .arg("--config")
        .arg(path)
        // The last one is refused, so that the process ends after it has printed its settings.
        .envs([("MAX_BODY_BYTES", "4096"), ("RUST_LOG", "a=b=c")])
        .output()
        .unwrap();
    let text = text(&output);
    assert!(text.contains("max_body_bytes: 4096"), "{text}");
    assert!(text.contains("max_connections: 7"), "{text}");
    assert!(text.contains("request_timeout_ms: 60000"), "{text}");
    assert!(text.contains("log (RUST_LOG) isn't a filter"), "{text}");
}

#[test]
fn secrets_are_never_printed() {
    let (_folder, path) = file("password = \"from-the-file\"\nport = [");
    let output = command().arg("--config").arg(path).output().unwrap();
    assert!(text(&output).contains("line 2"), "{}", text(&output));
    for wrong in [
        "password = [\"from-the-file\"]",
        "password = \"from-the-file\"\nport = \"x\"",
    ] {
        let text = refusal(wrong, &[]);
        assert!(!text.contains("from-the-file"), "{text}");
    }
    let text = refusal("password = 4711", &[]);
    assert!(text.contains("password") && !text.contains("4711"), "{text}");
    let (_, log) = {
        let running = Running::start(&[]);
        running.signal();
        running.end()
    };
    assert!(log.contains("[secret]"), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
}

#[test]
fn a_wrong_setting_is_refused_by_its_key_and_rule() {
    for (file, environment, expected) in [
        ("prot = 3001", vec![], vec!["unknown field `prot`", "port"]),
        (
            "[http]\nmax_body = 1",
            vec![],
            vec!["http", "unknown field `max_body`"],
        ),
        (
            "[http]\nmax_body_bytes = 10",
            vec![],
            vec!["http.max_body_bytes", "must be at least 1024"],
        ),
        ("port = 70000", vec![], vec!["port", "u16"]),
        (
            "",
            vec![("PORT", "seventy")],
            vec!["port`", "`PORT`", "invalid digit"],
        ),
        (
            "",
            vec![("MAX_BODY_BYTES", "10")],
            vec!["MAX_BODY_BYTES", "must be at least 1024"],
        ),
        (
            "[operations]\nlog_format = \"xml\"",
            vec![],
            vec!["operations.log_format", "`json`"],
        ),
    ] {
        let text = refusal(file, &environment);
        for part in expected {
            assert!(
                text.contains(part),
                "{file} {environment:?}: {part} isn't in: {text}"
            );
        }
    }
    let output = command().env_remove("PASSWORD").output().unwrap();
    assert!(text(&output).contains("missing: 'password'"), "{}", text(&output));
}

#[test]
fn print_config_documents_every_key_and_is_itself_a_configuration() {
    let output = command().arg("--print-config").output().unwrap();
    let printed = text(&output);
    for part in [
        "PORT",
        "http.max_body_bytes".rsplit('.').next().unwrap(),
        "RUST_LOG",
        "PASSWORD",
        "Largest body",
    ] {
        assert!(printed.contains(part), "{part} isn't in: {printed}");
    }
    // Every key is a comment; with the comments' marks gone it must be accepted but for the port that is in use.
    let (_folder, path) = file(&printed.replace("#password =", "password = \"12345678\""));
    let output = command()
        .arg("--config")
        .arg(path)
        .env("RUST_LOG", "a=b=c")
        .output()
        .unwrap();
    assert!(text(&output).contains("RUST_LOG"), "{}", text(&output));
}

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

#[tokio::test]
async fn metrics_and_health_are_on_both_ports() {
    let running = Running::start(&[("PASSWORD", "short")]);
    let client = reqwest::Client::new();
    client.get(running.url("/nowhere/4711")).send().await.unwrap();
    for base in [running.service, running.metrics] {
        let ready = client.get(format!("http://{base}/ready")).send().await.unwrap();
        assert_eq!(ready.status(), 503);
        let body: Value = ready.json().await.unwrap();
        assert_eq!(body["checks"]["password"]["status"], "failed", "{body}");
        assert_eq!(
            body["checks"]["password"]["reason"], "shorter than 8 characters",
            "{body}"
        );
        let metrics = client
            .get(format!("http://{base}/metrics"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        for line in [
            r#"http_requests_total{method="GET",route="unmatched",status="404"} 1"#,
            r#"check_up{check="password"} 0"#,
            "process_resident_memory_bytes",
            r#"http_request_duration_seconds_bucket{method="GET",route="unmatched",le="2"} 1"#,
        ] {
            assert!(metrics.contains(line), "{line} isn't in: {metrics}");
        }
        assert!(!metrics.contains("4711"), "a path became a label");
    }
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
async fn sigterm_lets_a_running_request_end_and_takes_no_more() {
    let running = Running::start(&[]);
    let client = reqwest::Client::new();
    let slow = tokio::spawn(client.get(running.url("/slow")).send());
    // The request is being worked on once the gauge says so.
    let metrics = format!("http://{}/metrics", running.metrics);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !client
        .get(&metrics)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap()
        .contains("http_requests_active 2")
    {
        assert!(Instant::now() < deadline, "the request never arrived");
    }
    running.signal();
    let response = slow.await.unwrap().unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.text().await.unwrap(), "done");
    let (success, log) = running.end();
    assert!(success, "{log}");
    assert!(log.contains(r#""event":"ended""#), "{log}");
}

#[test]
fn a_slow_client_loses_its_connection() {
    let running = Running::start(&[("HEADER_TIMEOUT_MS", "200")]);
    let mut stream = TcpStream::connect(running.service).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    stream.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(!String::from_utf8_lossy(&answer).contains("200 OK"));
}

#[test]
fn too_many_headers_are_refused() {
    let running = Running::start(&[]);
    let mut stream = TcpStream::connect(running.service).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
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
fn a_line_of_the_log_is_json_with_the_request_id_beside_the_event() {
    let running = Running::start(&[("RUST_LOG", "debug")]);
    let mut stream = TcpStream::connect(running.service).unwrap();
    stream
        .write_all(
            b"GET /panic HTTP/1.1\r\nHost: x\r\nx-request-id: of-the-client\r\nConnection: close\r\n\r\n",
        )
        .unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    running.signal();
    let (_, log) = running.end();
    let entry: Value = log
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .find(|entry: &Value| entry["event"] == "request_failed")
        .expect("the failed request is logged");
    assert_eq!(entry["request_id"], "of-the-client");
    assert_eq!(entry["service"], "minimal");
    assert_eq!(entry["level"], "ERROR");
    assert!(entry["timestamp"].is_string());
}
