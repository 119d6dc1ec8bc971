//! API keys, permissions and rate limits.

use bauta_store::testing::TestDatabase;
use serde_json::json;

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
    let mut service = Running::start(&with_jobs(&url, &[("API_KEYS", &lines)]));
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
async fn without_api_keys_the_limit_is_for_each_address_and_health_has_none() {
    let service = Running::start(&[("REQUESTS_PER_MINUTE", "5")]);
    for _ in 0..5 {
        assert_eq!(service.get("/circuits").await.0, 200);
    }
    for path in ["/circuits", "/models", "/openapi.json"] {
        let (status, problem) = service.get(path).await;
        assert_eq!(
            (status, &problem["code"]),
            (429, &json!("rate_limited")),
            "{path}"
        );
    }
    for path in ["/health", "/ready"] {
        assert_eq!(service.get(path).await.0, 200, "{path}");
    }
    assert!(service.metrics().await.contains("status=\"429\""));
}

#[tokio::test]
async fn with_api_keys_anonymous_requests_have_a_limit_by_default_and_keys_have_none() {
    let (alice, line) = api_key("prove");
    let mut service = Running::start(&[("API_KEYS", &line)]);
    let mut accepted = 0;
    while service.get("/circuits").await.0 == 200 {
        accepted += 1;
        assert!(accepted < 1000, "there is no limit");
    }
    assert!(accepted >= 100, "{accepted}");
    service.identify(&alice);
    for _ in 0..accepted {
        assert_eq!(service.get("/circuits").await.0, 200);
    }
}

#[tokio::test]
async fn subscriptions_count_as_requests_and_a_refused_one_does_not_close_the_websocket() {
    let service = Running::start(&[("REQUESTS_PER_MINUTE", "3")]);
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
