//! Who may do what.

use bauta_store::testing::TestDatabase;
use serde_json::json;

use crate::common::{Running, command, request, text, with_jobs};

/// Key and line, as the command prints them.
pub fn api_key(scopes: &str) -> (String, String) {
    let output = command(&[])
        .args(["api-key", "--scopes", scopes])
        .output()
        .unwrap();
    let printed = text(&output);
    let mut last = printed
        .lines()
        .map(|line| line.rsplit(' ').next().unwrap().to_owned());
    (last.next().unwrap(), last.next().unwrap())
}

#[tokio::test]
async fn with_api_keys_nobody_proves_without_one_and_nobody_sees_anothers_job() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let ((alice, alices), (bob, bobs)) = (api_key("prove"), api_key("prove,admin"));
    let lines = format!("{alices},{bobs}");
    let mut service = Running::start(&with_jobs(&url, &[("API_KEYS", &lines)]));
    let (status, headers, problem) = service.post_with("/prove", ("accept", "*/*"), &request(3)).await;
    assert_eq!((status, &problem["code"]), (401, &json!("missing_api_key")));
    assert_eq!(headers["www-authenticate"], "Bearer");

    service.identify(&alice);
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    let job = service.enqueue(&request(3), Some("key")).await;
    assert_eq!(service.result(&job).await["state"], "succeeded");
    let (status, problem) = service.get("/api/queue/stats").await;
    assert_eq!((status, &problem["scope"]), (403, &json!("admin")));

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
        "idempotency keys are their owner's"
    );
    let log = service.log();
    for key in [alice, bob] {
        assert!(
            !log.contains(key.rsplit('_').next().unwrap()),
            "the log has an API key"
        );
    }
}

#[test]
fn a_key_ends_after_a_year_unless_another_time_is_said_and_never_without_one() {
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let (_, line) = api_key("prove");
    let end: u64 = line.rsplit(':').next().unwrap().parse().unwrap();
    let year = 365 * 86_400;
    assert!((now + year..now + year + 600).contains(&end), "{line}");
    for days in ["0", "3651", "never"] {
        let output = command(&[]).args(["api-key", "--days", days]).output().unwrap();
        assert!(!output.status.success(), "{days}: {}", text(&output));
    }
}

#[tokio::test]
async fn an_api_key_that_fills_its_half_of_the_queue_leaves_room_for_others() {
    let database = TestDatabase::create().await.unwrap();
    let url = database.url().unwrap();
    let ((alice, alices), (bob, bobs)) = (api_key("prove"), api_key("prove"));
    let lines = format!("{alices},{bobs}");
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
    // What it has it is told again.
    assert_eq!(service.enqueue(&request(1), Some("a")).await, first);
    service.identify(&bob);
    service.enqueue(&request(4), None).await;
}

#[tokio::test]
async fn an_api_key_that_asks_too_often_is_told_when_to_come_again_and_no_other_is() {
    let ((alice, alices), (bob, bobs)) = (api_key("prove"), api_key("prove"));
    let lines = format!("{alices},{bobs}");
    let mut service = Running::start(&[("API_KEYS", &lines), ("PROOFS_PER_MINUTE", "3")]);
    service.identify(&alice);
    let batch = json!({"requests": [request(3), request(4)]});
    assert_eq!(service.post("/prove/batch", &batch).await.0, 200);
    assert_eq!(service.post("/prove", &request(3)).await.0, 200);
    service.is_told_to_come_again().await;
    // Whoever knows a prefix and no secret uses nobody's limit up.
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
async fn without_a_key_an_address_has_a_limit_and_health_has_none() {
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
async fn where_there_are_keys_a_stranger_has_a_limit_by_default_and_a_key_none() {
    let (alice, line) = api_key("prove");
    let mut service = Running::start(&[("API_KEYS", &line)]);
    let mut asked = 0;
    while service.get("/circuits").await.0 == 200 {
        asked += 1;
        assert!(asked < 1000, "nobody is refused");
    }
    assert!(asked >= 100, "{asked}");
    service.identify(&alice);
    for _ in 0..asked {
        assert_eq!(service.get("/circuits").await.0, 200);
    }
}

#[tokio::test]
async fn who_subscribes_too_often_is_refused_and_keeps_what_is_followed() {
    let service = Running::start(&[("REQUESTS_PER_MINUTE", "3")]);
    let mut subscriber = service.websocket().await;
    for id in ["mine.1", "mine.2"] {
        subscriber.follow(id).await;
        assert_eq!(subscriber.next().await["data"]["stage"], "awaited");
    }
    subscriber.follow("mine.3").await;
    let refused = subscriber.next().await;
    assert_eq!(
        (&refused["type"], &refused["data"]["code"]),
        (&json!("error"), &json!("rate_limited")),
        "{refused}"
    );
}
