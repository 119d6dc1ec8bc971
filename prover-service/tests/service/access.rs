//! API keys, permissions and rate limits.

use std::time::Duration;

use bauta_store::testing::TestDatabase;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::common::{Running, command, request, text, with_jobs};

/// Generates an API key with the command. Returns the key and its line for `API_KEYS`.
pub fn api_key(permissions: &str) -> (String, String) {
    let output = command(&[])
        .args(["api-key", "--permissions", permissions])
        .output()
        .unwrap();
    let printed = text(&output);
    let mut last_words = printed
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap().to_owned());
    (last_words.next().unwrap(), last_words.next().unwrap())
}

#[tokio::test]
async fn with_api_keys_proving_requires_one_and_jobs_of_other_keys_are_unknown() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let ((alice, line_of_alice), (bob, line_of_bob)) = (api_key("prove"), api_key("prove,admin"));
    let lines = format!("{line_of_alice},{line_of_bob}");
    let settings = [("API_KEYS", lines.as_str()), ("ALLOW_ANONYMOUS", "")];
    let mut service = Running::start(&with_jobs(&url, &settings));
    let (status, headers, problem) = service.post_with("/prove", ("accept", "*/*"), &request(3)).await;
    assert_eq!((status, &problem["code"]), (401, &json!("missing_api_key")));
    assert_eq!(headers["www-authenticate"], "Bearer");

    service.identify(&alice);
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    let job = service.enqueue(&request(3), Some("key")).await;
    assert_eq!(service.result(&job).await["state"], "succeeded");
    let (status, problem) = service.get("/api/queue/stats").await;
    assert_eq!(
        (status, &problem["code"], &problem["permission"]),
        (403, &json!("missing_permission"), &json!("admin"))
    );

    service.identify(&bob);
    assert_eq!(service.get("/api/queue/stats").await.0, 200);
    for (status, problem) in [
        service.get(&format!("/jobs/{job}")).await,
        service.delete(&format!("/jobs/{job}")).await,
        service.get(&format!("/jobs/{job}/events")).await,
    ] {
        assert_eq!((status, &problem["code"]), (404, &json!("unknown_job")));
    }
    assert_ne!(
        service.enqueue(&request(3), Some("key")).await,
        job,
        "idempotency keys are separate for each owner"
    );
    let log = service.log();
    for key in [alice, bob] {
        assert!(
            !log.contains(key.rsplit('_').next().unwrap()),
            "the log contains an API key"
        );
    }
}

/// Runs a command on a database. Returns whether it succeeded, and its output.
pub fn run(url: &str, arguments: &[&str]) -> (bool, String) {
    let output = command(&with_jobs(url, &[])).args(arguments).output().unwrap();
    (output.status.success(), text(&output))
}

/// Saves an API key in a database. Returns the key and its prefix.
pub fn save_api_key(url: &str, more: &[&str]) -> (String, String) {
    let (succeeded, printed) = run(url, &[&["api-key", "--save"], more].concat());
    assert!(succeeded, "{printed}");
    let mut last_words = printed
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap().to_owned());
    (last_words.next().unwrap(), last_words.next().unwrap())
}

/// Waits until the response for the service's key has this status. The service compares its copy of
/// the keys with the database once per second.
pub async fn wait_for_key(service: &Running, status: u16) {
    let reached = async {
        while service.get("/jobs").await.0 != status {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), reached)
        .await
        .unwrap();
}

#[tokio::test]
async fn keys_in_the_database_change_without_a_restart_and_a_key_that_replaces_one_keeps_its_jobs() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let mut service = Running::start(&with_jobs(&url, &[("API_KEYS", ""), ("ALLOW_ANONYMOUS", "")]));
    service.log_with("no_access").await;
    let (old, prefix) = save_api_key(&url, &["--proofs-per-minute", "3"]);
    service.identify(&old);
    wait_for_key(&service, 200).await;
    let job = service.enqueue(&request(3), Some("key")).await;
    assert_eq!(service.result(&job).await["state"], "succeeded");

    // It also has the limits of the key that it replaces.
    let (new, _) = save_api_key(&url, &["--replaces", &prefix]);
    let (other, _) = save_api_key(&url, &["--permissions", "prove,admin"]);
    service.identify(&new);
    wait_for_key(&service, 200).await;
    assert_eq!(service.get(&format!("/jobs/{job}")).await.0, 200);
    assert_eq!(service.enqueue(&request(3), Some("key")).await, job);
    // Both keys share one limit.
    for _ in 0..2 {
        assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    }
    service.assert_rate_limited().await;

    let (succeeded, printed) = run(&url, &["revoke-key", &prefix]);
    assert!(succeeded, "{printed}");
    let record = printed.lines().find(|line| line.starts_with('{'));
    let record: Value = serde_json::from_str(record.unwrap_or_default()).expect("an audit record");
    assert_eq!(
        (&record["event"], &record["command"], &record["subjects"]),
        (&json!("admin_command"), &json!("revoke-key"), &json!(prefix))
    );
    service.identify(&old);
    wait_for_key(&service, 401).await;
    let (_, problem) = service.get("/jobs").await;
    assert_eq!(problem["code"], "expired_api_key", "{problem}");
    service.identify(&new);
    assert_eq!(service.get(&format!("/jobs/{job}")).await.0, 200);
    service.identify(&other);
    assert_eq!(service.get(&format!("/jobs/{job}")).await.0, 404);
    assert_eq!(service.get("/api/queue/stats").await.0, 200);
    for arguments in [
        ["revoke-key", &prefix],
        ["revoke-key", "bauta_00"],
        ["revoke-key", "ffffffff"],
    ] {
        let (succeeded, printed) = run(&url, &arguments);
        assert!(!succeeded, "{arguments:?}: {printed}");
    }
}

#[tokio::test]
async fn a_client_lists_its_jobs_page_by_page_and_no_others() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let ((alice, line_of_alice), (bob, line_of_bob)) = (api_key("prove"), api_key("prove"));
    let lines = format!("{line_of_alice},{line_of_bob}");
    let settings = [("RUN_JOBS", "false"), ("API_KEYS", lines.as_str())];
    let mut service = Running::start(&with_jobs(&url, &settings));
    // Without a key, nothing is listed.
    service.enqueue(&request(1), None).await;
    assert_eq!(service.get("/jobs").await.0, 401);
    service.identify(&bob);
    service.enqueue(&request(1), None).await;
    service.identify(&alice);
    let mut created = Vec::new();
    for member in 0..5 {
        created.push(service.enqueue(&request(member), None).await);
    }
    assert_eq!(service.delete(&format!("/jobs/{}", created[1])).await.0, 200);
    created.reverse();
    let (mut listed, mut path) = (Vec::new(), "/v1/jobs?limit=2".to_owned());
    loop {
        let (status, page) = service.get(&path).await;
        assert_eq!(status, 200, "{page}");
        let jobs = page["jobs"].as_array().unwrap();
        assert!(jobs.len() <= 2);
        listed.extend(jobs.iter().map(|job| job["job_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/v1/jobs?limit=2&cursor={cursor}");
    }
    assert_eq!(listed, created);
    let (_, cancelled) = service.get("/jobs?state=cancelled").await;
    assert_eq!(cancelled["jobs"].as_array().unwrap().len(), 1, "{cancelled}");
    assert_eq!(cancelled["next_cursor"], json!(null));
    for query in ["limit=0", "limit=101", "cursor=x", "state=x", "more=1"] {
        let (status, problem) = service.get(&format!("/jobs?{query}")).await;
        assert_eq!(
            (status, &problem["code"]),
            (400, &json!("invalid_input")),
            "{query}"
        );
    }
}

#[test]
fn a_key_expires_after_a_year_by_default_and_always_has_an_expiry() {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (_, line) = api_key("prove");
    let expiry: u64 = line.rsplit(':').next().unwrap().parse().unwrap();
    let year = 365 * 86_400;
    assert!((now + year..now + year + 600).contains(&expiry), "{line}");
    for days in ["0", "3651", "never"] {
        let output = command(&[]).args(["api-key", "--days", days]).output().unwrap();
        assert!(!output.status.success(), "{days}: {}", text(&output));
    }
}

#[tokio::test]
async fn an_api_key_can_fill_only_half_of_the_job_queue() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let ((alice, line_of_alice), (bob, line_of_bob)) = (api_key("prove"), api_key("prove"));
    let lines = format!("{line_of_alice},{line_of_bob}");
    let settings = [
        ("RUN_JOBS", "false"),
        ("API_KEYS", lines.as_str()),
        ("MAX_QUEUED_JOBS", "4"),
    ];
    let mut service = Running::start(&with_jobs(&url, &settings));
    service.identify(&alice);
    let first = service.enqueue(&request(1), Some("a")).await;
    service.enqueue(&request(2), Some("b")).await;
    let mut third = request(3);
    third["wait"] = json!(false);
    let (status, headers, problem) = service.post_with("/prove", ("accept", "*/*"), &third).await;
    assert_eq!(
        (status, &problem["code"]),
        (429, &json!("queue_full")),
        "{problem}"
    );
    assert!(headers.contains_key("retry-after"));
    // An existing job is returned, although there is no room for another.
    assert_eq!(service.enqueue(&request(1), Some("a")).await, first);
    service.identify(&bob);
    service.enqueue(&request(4), None).await;
}

#[tokio::test]
async fn a_rate_limit_refuses_only_the_api_key_that_exceeds_it_and_says_when_to_retry() {
    let ((alice, line_of_alice), (bob, line_of_bob)) = (api_key("prove"), api_key("prove"));
    let lines = format!("{line_of_alice},{line_of_bob}");
    let mut service = Running::start(&[("API_KEYS", &lines), ("PROOFS_PER_MINUTE", "3")]);
    service.identify(&alice);
    let batch = json!({"requests": [request(3), request(4)]});
    assert_eq!(service.post("/prove/batch", &batch).await.0, 200);
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    service.assert_rate_limited().await;
    // A key with a known prefix and a wrong secret doesn't count against the prefix's limit.
    let forged = format!("{}_{}", &bob[..14], "0".repeat(64));
    for _ in 0..5 {
        service.identify(&forged);
        assert_eq!(service.post("/prove", &request(3)).await.0, 401);
    }
    service.identify(&bob);
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    let four = json!({"requests": [request(1), request(2), request(3), request(4)]});
    let (status, problem) = service.post("/prove/batch", &four).await;
    assert_eq!(
        (status, &problem["code"]),
        (429, &json!("rate_limited")),
        "{problem}"
    );
    assert!(
        problem["detail"].as_str().unwrap().contains("4 at once"),
        "{problem}"
    );
}

#[tokio::test]
async fn without_an_api_key_the_limit_is_for_each_address_and_health_has_none() {
    let service = Running::start(&[("ANONYMOUS_REQUESTS_PER_MINUTE", "5")]);
    for _ in 0..5 {
        assert_eq!(service.get("/circuits").await.0, 200);
    }
    for path in ["/circuits", "/models", "/openapi.json", "/nowhere", "/v1/nowhere"] {
        let (status, problem) = service.get(path).await;
        assert_eq!(
            (status, &problem["code"]),
            (429, &json!("rate_limited")),
            "{path}"
        );
    }
    let wrong_method = service.post("/circuits", &json!({})).await;
    assert_eq!(wrong_method.0, 429, "{}", wrong_method.1);
    assert_eq!(service.get("/health").await.0, 200);
    assert!(service.metrics().await.contains("status=\"429\""));
}

#[tokio::test]
async fn an_address_has_100_requests_and_10_proofs_a_minute_by_default_and_a_key_has_no_limit() {
    let (alice, line) = api_key("prove");
    let mut service = Running::start(&[
        ("API_KEYS", &line),
        ("ANONYMOUS_REQUESTS_PER_MINUTE", ""),
        ("ANONYMOUS_PROOFS_PER_MINUTE", ""),
    ]);
    for number in 0..11 {
        let (status, answer) = service.post("/prove", &request(3)).await;
        assert_eq!(status, if number < 10 { 200 } else { 429 }, "{number}: {answer}");
    }
    for number in 11..101 {
        let (status, answer) = service.get("/circuits").await;
        assert_eq!(status, if number < 100 { 200 } else { 429 }, "{number}: {answer}");
    }
    service.identify(&alice);
    for _ in 0..101 {
        assert_eq!(service.get("/circuits").await.0, 200);
    }
    for _ in 0..11 {
        assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    }
}

#[tokio::test]
async fn by_default_no_client_may_prove_or_administrate_and_the_log_says_so() {
    let mut service = Running::start(&[("API_KEYS", ""), ("ALLOW_ANONYMOUS", "")]);
    for (status, problem) in [
        service.post("/prove", &request(3)).await,
        service
            .post("/prove/batch", &json!({"requests": [request(3)]}))
            .await,
        service.get("/requests/mine/events").await,
    ] {
        assert_eq!((status, &problem["code"]), (401, &json!("missing_api_key")));
    }
    // This request has a key, which the service doesn't know.
    let (status, problem) = service.get("/api/workers/stats").await;
    assert_eq!((status, &problem["code"]), (401, &json!("unknown_api_key")));
    assert_eq!(service.get("/circuits").await.0, 200);
    service.log_with("no_access").await;
    service.crash();
}

#[tokio::test]
async fn an_anonymous_client_is_never_an_administrator() {
    let (_, line) = api_key("prove");
    for keys in ["", &line] {
        let service = Running::start(&[("API_KEYS", keys), ("ALLOW_ANONYMOUS", "true")]);
        assert_eq!(service.post("/prove", &request(3)).await.0, 200);
        service.log_with("anonymous_allowed").await;
        for (method, path) in [
            ("GET", "/api/queue/stats"),
            ("GET", "/api/queue/failed"),
            ("GET", "/api/metrics/snapshot"),
            ("GET", "/api/metrics/export"),
            ("GET", "/api/workers/stats"),
            ("POST", "/api/workers/register"),
            ("POST", "/api/profiling/comprehensive"),
        ] {
            let url = format!("http://{}{path}", service.address);
            let request = reqwest::Client::new().request(method.parse().unwrap(), url);
            let response = request.json(&json!({})).send().await.unwrap();
            assert_eq!(response.status(), 401, "{path}");
        }
    }
}

#[tokio::test]
async fn a_key_may_have_its_own_limits() {
    let output = command(&[])
        .args([
            "api-key",
            "--proofs-per-minute",
            "2",
            "--requests-per-minute",
            "0",
        ])
        .output()
        .unwrap();
    let printed = text(&output);
    let mut words = printed.lines().map(|line| line.rsplit(' ').next().unwrap());
    let (key, line) = (words.next().unwrap(), words.next().unwrap());
    let mut service = Running::start(&[
        ("API_KEYS", line),
        ("PROOFS_PER_MINUTE", "100"),
        ("REQUESTS_PER_MINUTE", "1"),
    ]);
    service.identify(key);
    for _ in 0..2 {
        assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    }
    service.assert_rate_limited().await;
    assert_eq!(service.get("/circuits").await.0, 200);
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_forwarded_address_has_its_own_limit() {
    for (proxies, statuses) in [("127.0.0.0/8", [200, 200, 429]), ("", [200, 429, 429])] {
        let service = Running::start(&[
            ("ANONYMOUS_REQUESTS_PER_MINUTE", "1"),
            ("TRUSTED_PROXIES", proxies),
        ]);
        for (client, status) in ["192.0.2.1", "192.0.2.2", "203.0.113.9, 192.0.2.1"]
            .into_iter()
            .zip(statuses)
        {
            let request = service.request(reqwest::Method::GET, "/circuits");
            let response = request.header("x-forwarded-for", client).send().await.unwrap();
            assert_eq!(response.status(), status, "{client} through {proxies}");
        }
    }
}

#[tokio::test]
async fn subscriptions_count_as_requests_and_a_refused_one_does_not_close_the_websocket() {
    let service = Running::start(&[("ANONYMOUS_REQUESTS_PER_MINUTE", "3")]);
    let mut subscriber = service.websocket().await;
    for id in ["mine.1", "mine.2"] {
        subscriber.subscribe_to(id).await;
        assert_eq!(subscriber.next().await["data"]["stage"], "awaited");
    }
    subscriber.subscribe_to("mine.3").await;
    let refused = subscriber.next().await;
    assert_eq!(
        (&refused["type"], &refused["data"]["code"]),
        (&json!("error"), &json!("rate_limited")),
        "{refused}"
    );
}

/// Sends the headers of a request with a body that never arrives, and returns the response.
async fn without_the_body(service: &Running, path: &str) -> String {
    let mut stream = tokio::net::TcpStream::connect(service.address).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut response = vec![0; 4096];
    let read = tokio::time::timeout(Duration::from_mins(1), stream.read(&mut response)).await;
    let length = read.expect("a response without the body").unwrap();
    String::from_utf8_lossy(&response[..length]).into_owned()
}

#[tokio::test]
async fn a_request_without_a_key_is_refused_before_its_body_is_read() {
    // With this limit, a service that reads the body first responds with 408 after ten minutes.
    let settings = [
        ("ALLOW_ANONYMOUS", ""),
        ("CLIENT_TIMEOUT_MS", "600000"),
        ("REQUEST_TIMEOUT_MS", "600000"),
    ];
    let service = Running::start(&settings);
    for path in [
        "/prove",
        "/prove/batch",
        "/tickets",
        "/api/profiling/comprehensive",
        "/api/workers/register",
    ] {
        let response = without_the_body(&service, path).await;
        assert!(response.starts_with("HTTP/1.1 401"), "{path}: {response}");
    }
}
